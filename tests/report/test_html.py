"""The page: complete, self-contained, safe whatever the data hold, and small."""

import re
from html.parser import HTMLParser

import pytest

from luthier.report import html
from luthier.report.opening import opening

VOID = {"meta", "br", "wbr", "hr"}


class Page(HTMLParser):
    """Checks that tags are balanced, and keeps what a test asks about."""

    def __init__(self, text):
        super().__init__()
        self.open, self.tags, self.attributes, self.texts = [], [], [], []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += [(tag, name, value) for name, value in attrs]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.texts.append(data)

    @property
    def text(self):
        return " ".join(" ".join(self.texts).split())


@pytest.fixture(params=["tune", "train", "hostile", "default delivered", "many labels", "multilabel", "regression", "entities",
                        "pairs", "hostile entities", "hostile multilabel"])
def page(request, make_results, make_trials, hostile):
    trials, curves = make_trials(1, 0) if request.param == "train" else make_trials()
    results = make_results(command="train" if request.param == "train" else "tune")
    if request.param in ("multilabel", "regression", "entities"):
        results = make_results(task=request.param)
    elif request.param == "pairs":
        results = make_results(task="regression", pairs=True)
    elif request.param.startswith("hostile"):
        task = request.param.removeprefix("hostile").strip() or "classification"
        results = make_results(
            hostile, task=task, name=hostile[5], metric_title=hostile[0], split=hostile[0], data_hash=hostile[5], model=hostile[2],
            findings=[{"code": text, "severity": "warning", "message": text, "advice": text, "rows": [[text, 1]]}
                      for text in hostile],
            control_titles={"probe": hostile[0]},
            columns={"text": list(hostile), "label": [hostile[0]], "pair": hostile[5]}, created=hostile[0], interrupted=True,
            examples=[{"text": text, "pair": text, "label": text, "predicted": text, "score": 1.0} for text in hostile])
        results["best"] |= {"reason": hostile[0], "recipe": {**results["best"]["recipe"], hostile[0]: hostile[5]}}
        results["base"] |= {"origin": hostile[0], "revision": hostile[5], "hash": hostile[0]}
        results["machine"]["versions"][hostile[0]] = hostile[5]
        for trial in trials:
            trial |= {"reason": hostile[0], "role": hostile[5], "averaging": hostile[trial["trial"] % len(hostile)]}
    elif request.param == "default delivered":
        results["best"] |= {"trial": 12, "parent": 0}
        results |= {"gain": None, "controls": results["controls"] | {"default": results["test"]}}
    elif request.param == "many labels":
        results = make_results(tuple(f"label {index}" for index in range(151)))
    return html.render(results, trials, curves)


def test_page_is_balanced_and_its_links_lead_somewhere(page):
    parsed = Page(page)
    anchors = {value for _, name, value in parsed.attributes if name == "id"}
    links = [value for tag, name, value in parsed.attributes if tag == "a" and name == "href"]
    assert links and {link.removeprefix("#") for link in links} <= anchors


def test_page_loads_and_runs_nothing(page):
    parsed = Page(page)
    assert not {"script", "img", "link", "iframe", "object", "embed", "base", "form"} & set(parsed.tags)
    assert not [entry for entry in parsed.attributes
                if entry[1].startswith("on") or entry[1] in ("src", "srcset", "action")]
    assert all(value.startswith("#") for _, name, value in parsed.attributes if name in ("href", "xlink:href"))
    assert "url(" not in page and "@import" not in page
    assert "default-src 'none'" in page


def test_page_can_be_written(page):
    page.encode("utf-8")
    assert "\x00" not in page


def test_page_begins_with_the_opening(make_results, make_trials):
    results = make_results()
    text = Page(html.render(results, *make_trials())).text.replace("\N{NO-BREAK SPACE}", " ")
    places = [text.index(sentence) for sentence in opening(results)]
    assert places == sorted(places)
    assert places[0] < text.index("Macro-F1 on the test rows")


def test_page_shows_every_control_with_its_figures(make_results, make_trials):
    text = Page(html.render(make_results(), *make_trials())).text
    for words in ("Delivered model", "Default recipe", "Frozen probe", "TF-IDF + logistic regression",
                  "Most frequent label", "0.780 [0.730, 0.830]", "0.610 [0.560, 0.660]", "+0.030 [+0.008, +0.055]"):
        assert words in text


def test_page_does_not_compare_the_default_with_itself(make_results, make_trials):
    results = make_results(gain=None)
    results["best"] |= {"trial": 12, "parent": 0}
    results["controls"]["default"] = results["test"]
    page = html.render(results, *make_trials())
    assert "<b>Default recipe</b>" not in page
    assert "default recipe (delivered)" in page


def test_page_shows_the_recipe_beside_the_default_with_help(make_results, make_trials):
    page = html.render(make_results(), *make_trials())
    assert len(re.findall('<tr class="changed">', page)) == 4
    assert "Step size of the encoder" in page
    assert "before selection among 4 finals" in page
    assert "The embedded model all-MiniLM-L6-v2" in page


def test_page_tells_how_to_use_and_repeat(make_results, make_trials):
    text = Page(html.render(make_results(), *make_trials())).text
    assert 'classify = pipeline("text-classification", model="model")' in text
    assert "luthier tune --config run.toml" in text
    trained = html.render(make_results(command="train"), *make_trials(1, 0))
    assert "luthier train --config run.toml" in Page(trained).text
    assert "3 min 51 s of a budget of 4 min" in text and "torch 2.13.0" in text


@pytest.mark.parametrize("trials, labels, most", [(12, 3, 90_000), (200, 151, 400_000)])
def test_page_stays_small(make_results, make_trials, trials, labels, most):
    results = make_results(tuple(f"label {index}" for index in range(labels)))
    assert len(html.render(results, *make_trials(trials)).encode()) < most
