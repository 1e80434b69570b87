"""Which column is which."""

from __future__ import annotations

import pytest

from luthier.data.columns import Columns, describe, resolve
from luthier.data.formats import Record, Table
from luthier.data.options import DataOptions
from luthier.data.row import Kind
from luthier.errors import DataError


def table(*columns: str) -> Table:
    return Table("rows.csv", columns, [])


@pytest.mark.parametrize(("names", "expected"), [
    (("text", "label"), Columns(("text",), ("label",))),
    (("Label", "TEXT"), Columns(("TEXT",), ("Label",))),
    (("y", "title", "body"), Columns(("body",), ("y",))),
    (("target", "sentiment", "tweet"), Columns(("tweet",), ("sentiment",))),
])
def test_resolve_finds_usual_names_in_the_order_of_the_list(names: tuple[str, ...], expected: Columns) -> None:
    assert resolve(table(*names), DataOptions()) == expected


def test_resolve_takes_given_columns_as_they_are() -> None:
    columns = resolve(table("text", "a", "b", "c", "d"),
                      DataOptions(text_columns=("b", "a"), label_columns=("c",), group_column="d"))
    assert columns == Columns(("b", "a"), ("c",), group="d")


def test_resolve_leaves_a_given_column_to_its_purpose() -> None:
    assert resolve(table("text", "tag", "topic"), DataOptions(group_column="tag")) == Columns(("text",), ("topic",), group="tag")
    assert resolve(table("topic", "tag"), DataOptions(text_columns=("topic",))) == Columns(("topic",), ("tag",))
    assert resolve(table("text", "title"), DataOptions(label_columns=("text",))) == Columns(("title",), ("text",))


def test_resolve_without_labels_asks_for_none() -> None:
    assert resolve(table("text"), DataOptions(), labelled=False) == Columns(("text",), ())


@pytest.mark.parametrize(("names", "options", "message"), [
    (("text", "target"), {"label_columns": ("label",)},
     r"No column 'label'\. Found: text, target\. Use --label-column target\?"),
    (("text", "category", "Other"), {"label_columns": ("categroy",)}, r"Use --label-column category\?"),
    (("text", "a", "b"), {"label_columns": ("zzz",)}, r"Use --label-column NAME with one of these\."),
    (("review text", "label", "n"), {"text_columns": ("Review Text",)}, r"Use --text-column review text\?"),
    (("text", "label", "user_id"), {"group_column": "user"}, r"No column 'user'.*Use --group-column user_id\?"),
    (("a", "b"), {}, "Found: a, b. Use --text-column a --label-column b .or the other way round"),
    (("a", "my col"), {"text_columns": ("a",)}, "Found: a, my col. Use --label-column 'my col'"),
    (("a", "b", "c"), {}, "Use --text-column NAME --label-column NAME"),
    (("text",), {}, "needs a column of texts and one of labels"),
    (("text", "label"), {"text_columns": ("label",), "label_columns": ("label",)}, "both as text and as label"),
    (("text", "label"), {"group_column": "label", "label_columns": ("label",)}, "both as label and as group"),
    (("text", "label"), {"group_column": "label"}, "both as label and as group"),
    ((), {}, "rows.csv: it has no rows. Give rows with a text and a label."),
    (("text", "label"), {"text_columns": ("text", "text")}, "given twice"),
])
def test_resolve_says_what_is_there_and_what_to_use(names: tuple[str, ...], options: dict[str, object],
                                                    message: str) -> None:
    with pytest.raises(DataError, match=message):
        resolve(table(*names), DataOptions(**options))  # type: ignore[arg-type]


@pytest.mark.parametrize(("names", "options", "expected"), [
    (("text", "text_pair", "label"), {}, Columns(("text",), ("label",), "text_pair")),
    (("idx", "sentence1", "sentence2", "score"), {}, Columns(("sentence1",), ("score",), "sentence2")),
    (("Premise", "Hypothesis", "label"), {}, Columns(("Premise",), ("label",), "Hypothesis")),
    (("question1", "question2", "label"), {"pair_column": "question2"}, Columns(("question1",), ("label",), "question2")),
    (("text", "label", "other"), {"pair_column": "other"}, Columns(("text",), ("label",), "other")),
    (("text", "spans", "label"), {}, Columns(("text",), ("label",))),
    (("text", "entities"), {}, Columns(("text",), ("entities",))),
    (("id", "tokens", "ner_tags"), {}, Columns(("tokens",), ("ner_tags",))),
    (("document", "tokens", "tags"), {}, Columns(("tokens",), ("tags",), group="document")),
    (("text", "joy", "anger"), {"label_columns": ("joy", "anger")}, Columns(("text",), ("joy", "anger"))),
    (("text", "label", "key"), {"id_column": "key"}, Columns(("text",), ("label",), id="key")),
])
def test_resolve_finds_pairs_tokens_and_documents(names: tuple[str, ...], options: dict[str, object], expected: Columns) -> None:
    assert resolve(table(*names), DataOptions(**options)) == expected  # type: ignore[arg-type]


def test_resolve_of_entities_prefers_columns_of_spans() -> None:
    found = resolve(table("text", "label", "spans"), DataOptions(), kind=Kind.SPANS)
    assert found == Columns(("text",), ("spans",))


def test_describe_names_the_pair_and_the_documents() -> None:
    for names, part in ((("text", "text_pair", "label"), "its pair from 'text_pair'"),
                        (("document", "tokens", "tags"), "Sentences of one document stay together (column 'document')")):
        source = table(*names)
        assert part in " ".join(describe(source, resolve(source, DataOptions()), DataOptions()))


def test_resolve_names_all_missing_columns_at_once() -> None:
    with pytest.raises(DataError) as error:
        resolve(table("a", "b", "c"), DataOptions(text_columns=("x", "y"), label_columns=("z",)))
    assert [line.split(".")[1].split("'")[1] for line in str(error.value).splitlines()] == ["x", "y", "z"]


def test_describe_names_the_columns_that_could_have_been_meant() -> None:
    source = table("text", "title", "label", "topic")
    options = DataOptions()
    found = describe(source, resolve(source, options), options)
    assert found[0] == "Text from column 'text', labels from column 'label'."
    assert "'title' stands there too" in found[1] and "--text-column" in found[1]
    assert "'topic' stands there too" in found[2] and "--label-column" in found[2]
    given = DataOptions(text_columns=("text",), label_columns=("label",))
    assert len(describe(source, resolve(source, given), given)) == 1


@pytest.mark.parametrize(("values", "text"), [
    ({"tokens": ["A", "b"], "tags": ["O", "O"], "document": "7"}, "tokens"),
    ({"tokens": ["A", "b"], "title": "Seven"}, "tokens"),
    ({"document": "A text.", "tokens": "['A', 'text']", "ner_tags": "['O', 'O']"}, "tokens"),
    ({"text": "A b", "tokens": ["A", "b"]}, "text"),
    ({"document": "A text.", "tokens": 2}, "document"),
])
def test_texts_to_predict_on_are_tokens_rather_than_names_of_documents(values: dict[str, object], text: str) -> None:
    source = Table("pool.jsonl", tuple(values), [Record(1, values)])
    assert resolve(source, DataOptions(), labelled=False).text == (text,)


def test_the_text_column_given_as_pair_is_told_so() -> None:
    with pytest.raises(DataError, match=r"--pair-column text names the second text, and no other column"):
        resolve(table("text", "label"), DataOptions(pair_column="text"))
