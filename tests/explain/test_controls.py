"""Controls on the examples that come with Luthier: what simple methods reach."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from importlib import resources

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from luthier.explain.controls import STRENGTHS, Control, majority, probe, tfidf
from luthier.tasks.classification import Classification

TRAIN, VALIDATION, TEST = slice(0, 500), slice(500, 700), slice(700, None)


@dataclass(frozen=True)
class Example:
    """An example's rows, cut in three."""

    task: Classification
    texts: list[str]
    targets: np.ndarray

    def score(self, control: Control, rows: object) -> float:
        """Macro-F1 on the test rows, given in the form that the control takes."""
        return self.task.metrics(control.predict(rows), self.targets[TEST])["macro_f1"]


@pytest.fixture(scope="module", params=["reviews", "support"])
def example(request: pytest.FixtureRequest) -> Example:
    with resources.files("luthier").joinpath(f"examples/{request.param}.csv").open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    order = np.random.default_rng(0).permutation(len(rows))
    task = Classification(tuple(sorted({row["label"] for row in rows})))
    return Example(task, [rows[i]["text"] for i in order], task.indices([rows[i]["label"] for i in order]))


@pytest.fixture(scope="module")
def words(example: Example) -> Control:
    return tfidf((example.texts[TRAIN], None), example.targets[TRAIN], (example.texts[VALIDATION], None),
                 example.targets[VALIDATION], example.task)


def _is_distribution(scores: np.ndarray, rows: int, labels: int) -> bool:
    return scores.shape == (rows, labels) and bool((scores >= 0).all()) and np.allclose(scores.sum(1), 1)


def test_majority_always_says_the_most_frequent_label(example: Example) -> None:
    targets = example.targets[TRAIN]
    control = majority(example.task, targets, "most frequent label")
    scores = control.predict(len(example.texts[TEST]))
    assert _is_distribution(scores, len(example.texts[TEST]), len(example.task.labels))
    assert set(scores.argmax(1)) == {np.bincount(targets).argmax()}
    assert scores[0] == pytest.approx(np.bincount(targets, minlength=scores.shape[1]) / len(targets))


def test_majority_knows_labels_that_do_not_occur_in_training() -> None:
    control = majority(Classification(("a", "b", "c", "d")), np.array([1, 1, 0]), "most frequent label")
    assert control.predict(2) == pytest.approx(np.array([[1 / 3, 2 / 3, 0, 0]] * 2))
    assert control.predict(0).shape == (0, 4)


def test_tfidf_learns_far_more_than_the_frequencies(example: Example, words: Control) -> None:
    texts = example.texts[TEST]
    assert _is_distribution(words.predict((texts, None)), len(texts), len(example.task.labels))
    floor = example.score(majority(example.task, example.targets[TRAIN], "most frequent label"), len(texts))
    assert example.score(words, (texts, None)) > floor + 0.2


def test_tfidf_says_the_same_of_a_row_whatever_stands_beside_it(example: Example, words: Control) -> None:
    texts = example.texts[TEST][:10]
    assert np.allclose(words.predict((texts, None))[3:4], words.predict((texts[3:4], None)))


def test_tfidf_takes_its_words_from_the_training_rows_alone() -> None:
    task = Classification(("no", "yes"))
    texts, targets = ["red one", "blue two"] * 6, np.array([0, 1] * 6)
    control = tfidf((texts, None), targets, (["green one", "green two"], None), np.array([1, 1]), task)
    red, green, unheard = control.predict((["red", "green", "unheard"], None))
    assert np.allclose(green, unheard) and not np.allclose(red, unheard)


def test_tfidf_knows_single_characters_as_words() -> None:
    """scikit-learn's own pattern leaves them out, and with them whole texts of some languages."""
    task = Classification(("no", "yes"))
    texts, targets = ["a", "b"] * 10, np.array([0, 1] * 10)
    control = tfidf((texts, None), targets, (texts, None), targets, task)
    assert control.predict((["a", "b"], None)).argmax(1).tolist() == [0, 1]


def test_tfidf_without_any_word_falls_back_to_the_frequencies() -> None:
    task = Classification(("no", "yes"))
    control = tfidf((["!!!", "??", "…"], None), np.array([1, 1, 0]), (["!"], None), np.array([1]), task)
    assert control.name == "tfidf"
    assert control.predict((["!", "word"], None)) == pytest.approx(np.array([[1 / 3, 2 / 3]] * 2))


def test_tfidf_gives_a_label_that_training_lacks_hardly_a_probability() -> None:
    task = Classification(("a", "b", "c"))
    texts, targets = ["red one", "blue two"] * 6, np.array([0, 2] * 6)
    scores = tfidf((texts, None), targets, (texts, None), targets, task).predict((["red", "blue"], None))
    assert scores.argmax(1).tolist() == [0, 2]
    assert (scores[:, 1] < 1 / len(texts)).all(), "it counts for less than one row"


def _features(targets: np.ndarray, seed: int) -> np.ndarray:
    """Made-up features in which labels can be told apart, most of the time."""
    random = np.random.default_rng(seed)
    centres = np.random.default_rng(99).normal(size=(targets.max() + 1, 24))
    return (centres[targets] + 1.5 * random.normal(size=(len(targets), 24))).astype(np.float32)


def _probe(example: Example, scale: np.ndarray, shift: np.ndarray) -> np.ndarray:
    parts = [(_features(example.targets[part], seed) * scale + shift).astype(np.float32)
             for seed, part in enumerate((TRAIN, VALIDATION, TEST))]
    control = probe(parts[0], example.targets[TRAIN], parts[1], example.targets[VALIDATION], example.task)
    assert control.name == "probe"
    return control.predict(parts[2])


def test_probe_tells_labels_apart_by_features(example: Example) -> None:
    scores = _probe(example, np.ones(24), np.zeros(24))
    truth = example.targets[TEST]
    assert _is_distribution(scores, len(truth), len(example.task.labels))
    assert example.task.metrics(scores, truth)["macro_f1"] > 0.7


def test_probe_does_not_depend_on_the_scale_of_features(example: Example) -> None:
    scale, shift = np.exp(np.linspace(-4, 4, 24)), np.linspace(-3, 3, 24)
    assert np.allclose(_probe(example, np.ones(24), np.zeros(24)), _probe(example, scale, shift), atol=0.02)


def test_probe_takes_a_feature_that_never_varies() -> None:
    task = Classification(("no", "yes"))
    targets = np.array([0, 1] * 8)
    features = np.stack([targets * 2.0, np.full(16, 7.0)], axis=1).astype(np.float32)
    assert probe(features, targets, features, targets, task).predict(features).argmax(1).tolist() == targets.tolist()


def test_the_strength_is_the_one_that_scores_best_on_the_validation_rows() -> None:
    task = Classification(("no", "yes"))
    random = np.random.default_rng(1)
    features = random.normal(size=(300, 40)).astype(np.float32)
    targets = (features[:, 0] + 2 * random.normal(size=300) > 0).astype(np.int64)
    train, validation = slice(0, 100), slice(100, 300)
    scaled = StandardScaler().fit(features[train]).transform(features) / np.sqrt(40)
    values, said = [], []
    for strength in STRENGTHS:
        regression = LogisticRegression(C=strength, max_iter=300).fit(scaled[train], targets[train])
        said.append(regression.predict_proba(scaled[validation]))
        values.append(task.metrics(said[-1], targets[validation])["macro_f1"])
    assert max(values) > min(values) + 0.01  # or the choice could not be seen
    chosen = probe(features[train], targets[train], features[validation], targets[validation], task)
    assert np.allclose(chosen.predict(features[validation]), said[int(np.argmax(values))], atol=0.01)
