"""Offsets: characters or UTF-16 units, by evidence."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from luthier.data.formats.offsets import Marked, Stored, nearest_span, same, settle
from luthier.data.row import Span
from luthier.errors import DataError

EMOJI = "\U0001f4a9"
TEXT = st.text(st.sampled_from(["a", "b", " ", EMOJI, "é"]), min_size=1, max_size=12)


def units(text: str, place: int) -> int:
    return len(text[:place].encode("utf-16-le")) // 2


def one(text: str, *spans: Stored) -> list[tuple[Span, ...]]:
    return settle("a.json", [Marked(1, text, spans)])[0]


def test_settle_converts_where_the_stored_text_fits_only_as_utf16() -> None:
    spans, findings = settle("a.json", [Marked(7, f"{EMOJI}This is an annotation.", (Stored(13, 23, "A", "annotation"),))])
    assert spans == [(Span(12, 22, "A"),)]
    assert str(findings[0]).startswith("a.json: 1 row with spans counted in UTF-16 units") and "(row 7)" in str(findings[0])


def test_settle_leaves_characters_alone() -> None:
    assert settle("a.json", [Marked(1, f"{EMOJI}This is it.", (Stored(9, 11, "A", "it"),))]) == ([(Span(9, 11, "A"),)], [])


def test_settle_without_stored_text_goes_by_offsets_beyond_the_end() -> None:
    rows = [Marked(1, f"{EMOJI} EU", (Stored(3, 5, "A"),)), Marked(2, f"{EMOJI} in EU now", (Stored(6, 8, "A"),))]
    assert settle("a.json", rows)[0] == [(Span(2, 4, "A"),), (Span(5, 7, "A"),)]


def test_settle_without_stored_text_goes_by_words_where_both_ways_fit() -> None:
    row = Marked(1, f"{EMOJI} I live in Paris now", (Stored(13, 18, "LOC"),))
    assert settle("a.json", [row])[0] == [(Span(12, 17, "LOC"),)]
    assert settle("a.json", [row], least=2)[0] == [(Span(13, 18, "LOC"),)]
    assert one(row.text, Stored(12, 17, "LOC")) == [(Span(12, 17, "LOC"),)]


def test_settle_does_not_shift_a_file_of_characters_for_one_wrong_span() -> None:
    rows = [Marked(1, f"{EMOJI} I live in Paris now", (Stored(12, 17, "A"),)), Marked(2, f"{EMOJI} EU", (Stored(2, 5, "A"),))]
    with pytest.raises(DataError, match=r"row 2: the span \[2, 5\] 'A' reaches beyond its text.*Nearest valid span: \[2, 4\] 'EU'"):
        settle("a.json", rows)


def test_settle_of_a_mixed_file_goes_by_each_row() -> None:
    rows = [Marked(1, f"{EMOJI} EU", (Stored(3, 5, "A", "EU"),)), Marked(2, f"{EMOJI} UN", (Stored(2, 4, "A", "UN"),))]
    spans, findings = settle("a.json", rows)
    assert spans == [(Span(2, 4, "A"),)] * 2 and [place.line for place in findings[0].rows] == [1]


def test_settle_of_a_mixed_row_is_refused() -> None:
    with pytest.raises(DataError, match=r"row 1: some of its spans fit .* only as characters, others only as UTF-16"):
        one(f"{EMOJI} EU UN", Stored(3, 5, "A", "EU"), Stored(5, 7, "A", "UN"))


@pytest.mark.parametrize(("span", "message"), [
    (Stored(0, 2, "X", "rejects"), r"holds 'EU', not 'rejects' as stored.*Nearest valid span: \[3, 10\] 'rejects'"),
    (Stored(3, 99, "X"), r"reaches beyond its text of 10 characters.*Nearest valid span: \[3, 10\] 'rejects'"),
    (Stored(-3, 1, "X"), r"Nearest valid span: \[0, 2\] 'EU'"), (Stored(4, 4, "X"), r"Nearest valid span: \[3, 10\] 'rejects'"),
])
def test_settle_of_a_span_that_fits_neither_way_shows_the_nearest(span: Stored, message: str) -> None:
    with pytest.raises(DataError, match=message):
        one("EU rejects", span)


@given(text=TEXT, data=st.data())
def test_settle_undoes_utf16_where_texts_are_stored(text: str, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(text) - 1))
    end = data.draw(st.integers(start + 1, len(text)))
    proof = Stored(units(f"{EMOJI}z", 1), units(f"{EMOJI}z", 2), "Z", "z")
    span = Stored(units(text, start), units(text, end), "A", text[start:end])
    rows = [Marked(1, text, (span,)), Marked(2, f"{EMOJI}z", (proof,))]
    found = settle("a.json", rows)[0]
    assert found == [(Span(start, end, "A"),), (Span(1, 2, "Z"),)]


@given(text=TEXT, start=st.integers(-3, 15), end=st.integers(-3, 15), part=st.none() | TEXT)
def test_nearest_span_is_a_span_of_the_text(text: str, start: int, end: int, part: str | None) -> None:
    near = nearest_span(text, Stored(start, end, "A", part))
    assert near is None or (0 <= near.start < near.end <= len(text))


def test_same_ignores_spaces_and_line_ends_alone() -> None:
    assert same("a\nb", "a\\nb") and same("a  b", "a b") and not same("a b", "ab")
