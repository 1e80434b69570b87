"""Tag schemes: detection, lenient and strict readings against seqeval, and what is reported."""

from __future__ import annotations

import itertools
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from seqeval.metrics.sequence_labeling import get_entities
from seqeval.scheme import BILOU, IOB1, IOB2, IOBES, Tokens

from luthier.data.tags import Scheme, TokenSpan, detect_scheme, repairs, spans_of

LABELS = ("a", "b", "a-b")
REFERENCES = {Scheme.IOB1: IOB1, Scheme.IOB2: IOB2, Scheme.IOBES: IOBES, Scheme.BILOU: BILOU}


def _tags(letters: str, most: int = 12) -> st.SearchStrategy[list[str]]:
    """Any tags of such letters, whether or not they make sense."""
    return st.lists(st.sampled_from(["O", *(f"{letter}-{label}" for letter in letters for label in LABELS)]), max_size=most)


@st.composite
def _spans(draw: st.DrawFn, length: int = 15) -> list[TokenSpan]:
    """Spans in order, none overlapping another."""
    cuts = sorted(draw(st.sets(st.integers(0, length), max_size=10)))
    kept = [(start, end, draw(st.sampled_from(LABELS))) for start, end in itertools.pairwise(cuts)]
    return [span for span in kept if draw(st.booleans())]


def _write(spans: list[TokenSpan], length: int, scheme: Scheme) -> list[str]:
    """Tags of spans in any scheme, written from the definitions of the schemes."""
    tags = ["O"] * length
    last, single = {Scheme.IOBES: "ES", Scheme.BILOU: "LU"}.get(scheme, "IB")
    for start, end, label in spans:
        follows = any(other[1] == start and other[2] == label for other in spans)
        inside = scheme is Scheme.IO or (scheme is Scheme.IOB1 and not follows)
        letters = [*("I" if inside else "B"), *"I" * (end - start - 2), last] if end - start > 1 else ["I" if inside else single]
        tags[start:end] = [f"{letter}-{label}" for letter in letters]
    return tags


@given(tags=_tags("BIES"))
def test_a_lenient_reading_is_seqevals(tags: list[str]) -> None:
    assert spans_of(tags, Scheme.IOBES) == [(start, end + 1, label) for label, start, end in get_entities(tags)]


@given(tags=_tags("BI"))
def test_readings_part_only_where_something_is_reported(tags: list[str]) -> None:
    lenient = spans_of(tags, Scheme.IOB2)
    strict = [(entity.start, entity.end, entity.tag) for entity in Tokens(tags, IOB2).entities]
    assert lenient == spans_of(tags, Scheme.IOB1)
    assert set(strict) <= set(lenient)
    assert (strict == lenient) == (not repairs(tags, Scheme.IOB2))


@settings(deadline=None)
@given(scheme=st.sampled_from(list(REFERENCES)), spans=_spans())
def test_every_scheme_gives_the_spans_back_with_nothing_to_report(scheme: Scheme, spans: list[TokenSpan]) -> None:
    tags = _write(spans, 15, scheme)
    assert spans_of(tags, scheme) == spans
    assert repairs(tags, scheme) == []


@settings(deadline=None)
@given(scheme=st.sampled_from([Scheme.IOBES, Scheme.BILOU, Scheme.IOB2]), data=st.data())
def test_spans_that_nothing_is_reported_of_are_those_of_the_strict_reading(scheme: Scheme, data: st.DataObject) -> None:
    letters = {Scheme.IOBES: "BIES", Scheme.BILOU: "BILU", Scheme.IOB2: "BI"}[scheme]
    tags = data.draw(_tags(letters, 6))
    if not repairs(tags, scheme):
        strict = [(entity.start, entity.end, entity.tag) for entity in Tokens(tags, REFERENCES[scheme]).entities]
        assert spans_of(tags, scheme) == strict


@settings(deadline=None)
@given(scheme=st.sampled_from(Scheme), seed=st.integers(0, 10**6))
def test_a_corpus_tells_its_scheme(scheme: Scheme, seed: int) -> None:
    generator = random.Random(seed)
    corpus = [[(0, 1, "a"), (1, 3, "a"), (4, 7, "b")]]
    for _ in range(20):
        cuts = sorted(generator.sample(range(12), generator.randrange(2, 8)))
        corpus.append([(start, end, generator.choice(LABELS)) for start, end in itertools.pairwise(cuts)])
    rows = [_write(spans, 12, scheme) for spans in corpus]
    assert detect_scheme(rows) is scheme
    assert detect_scheme(iter(rows[::-1])) is scheme


@pytest.mark.parametrize(("rows", "scheme"), [
    ([], Scheme.IOB2), ([[]], Scheme.IOB2), ([["O", "O"]], Scheme.IOB2),
    ([["B-PER", "O", "B-LOC"]], Scheme.IOB2),
    ([["I-PER", "I-PER", "O", "I-LOC"]], Scheme.IO),
    ([["I-PER", "B-PER", "O"]], Scheme.IOB1),
    ([["B-PER", "I-PER"]] * 9 + [["O", "I-PER"]], Scheme.IOB2),
    ([["I-PER", "O", "I-PER"]] * 9 + [["B-PER", "O"]], Scheme.IOB1),
    ([["I-PER"], ["B-PER"]], Scheme.IOB2),
    ([["B-PER", "L-PER"]], Scheme.BILOU), ([["U-PER", "O"]], Scheme.BILOU),
    ([["B-PER", "E-PER"]], Scheme.IOBES), ([["O", "S-PER"]], Scheme.IOBES),
    ([["B-PER", "M-PER", "E-PER", "W-PER", "O"]], Scheme.IOBES),
    ([["B", "I", "O"]], Scheme.IOB2),
    ([["O", "person-actor", "person-actor"]], Scheme.IO),
])
def test_schemes_of_small_data(rows: list[list[str]], scheme: Scheme) -> None:
    assert detect_scheme(rows) is scheme


@pytest.mark.parametrize(("rows", "named"), [
    ([["O", "O"], ["B-LOC", "O", "PER"]], "'PER' (sequence 2, token 3)"),
    ([["B-LOC", "X"]], "'X' (sequence 1, token 2)"), ([["X", "O"]], "'X'"),
    ([["B-"]], "'B-'"), ([["O-PER"]], "'O-PER'"), ([[""]], "''"), ([["X-PER", "O"]], "'X-PER'"),
    ([["b-per", "O"]], "'b-per'"), ([["B_PER", "O"]], "'B_PER'"),
    ([["NN", "VB"]], "'NN'"),
    ([["B-PER", "E-PER"], ["U-PER"]], "'E-PER' (of IOBES) and 'U-PER' (of BILOU)"),
])
def test_tags_of_no_scheme_are_refused_by_name(rows: list[list[str]], named: str) -> None:
    with pytest.raises(ValueError) as error:
        detect_scheme(rows)
    assert named in str(error.value)


@pytest.mark.parametrize(("tags", "scheme", "positions"), [
    (["I-a", "I-a", "O"], Scheme.IOB2, [0]), (["B-a", "I-b", "I-b"], Scheme.IOB2, [1]), (["B-a", "I-a"], Scheme.IOB2, []),
    (["B-a", "I-a", "B-a"], Scheme.IOB1, [0]), (["I-b", "B-a"], Scheme.IOB1, [1]),
    (["B-a", "O"], Scheme.IOBES, [0]), (["E-a"], Scheme.IOBES, [0]), (["B-a", "E-a", "S-a"], Scheme.IOBES, []),
    (["B-a", "M-a", "E-a", "W-a"], Scheme.IOBES, []), (["I-a"], Scheme.BILOU, [0]),
    (["B-a", "L-b", "U-a"], Scheme.BILOU, [0, 1]), (["I-a", "I-b", "x y"], Scheme.IO, []),
])
def test_what_breaks_a_scheme_is_reported(tags: list[str], scheme: Scheme, positions: list[int]) -> None:
    assert repairs(tags, scheme) == positions


def test_lenient_readings_lose_nothing() -> None:
    assert spans_of(["O", "I-a", "I-a", "I-b", "O"], Scheme.IOB2) == [(1, 3, "a"), (3, 4, "b")]
    assert spans_of(["B-a", "O", "L-a", "B-a", "U-a"], Scheme.BILOU) == [(0, 1, "a"), (2, 3, "a"), (3, 4, "a"), (4, 5, "a")]
    assert spans_of(["person", "person", "O", "place"], Scheme.IO) == [(0, 2, "person"), (3, 4, "place")]
    assert spans_of(["B", "I", "O"], Scheme.IOB2) == [(0, 2, "_")]


@pytest.mark.parametrize(("tags", "scheme", "named"), [
    (["O", "E-PER"], Scheme.IOB2, "'E-PER' (token 2)"), (["PER"], Scheme.IOB2, "'PER'"), (["B-PER"], Scheme.IO, "'B-PER'"),
    (["S-PER"], Scheme.BILOU, "'S-PER'"), (["X"], Scheme.IO, "'X'")])
def test_readings_refuse_tags_of_another_scheme(tags: list[str], scheme: Scheme, named: str) -> None:
    for read in (spans_of, repairs):
        with pytest.raises(ValueError) as error:
            read(tags, scheme)
        assert named in str(error.value)
        assert scheme.value in str(error.value)
