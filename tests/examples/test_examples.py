"""The examples that the wheel ships: their size, that no two rows are alike, and that words alone do not solve them.

How `places` is annotated, in spans that never overlap:

- city: cities, towns and villages. country: sovereign states and the countries of the United Kingdom, also when they stand
  for their team or government. Not regions, islands, states of a federation, continents, quarters, or nicknames.
- landmark: named buildings, bridges, squares, streets, parks, stations, airports, mountains and archaeological sites.
  water: named rivers, lakes, seas, bays, straits, canals and waterfalls.
- date: what a calendar has: days, months, years, days of the week (also in the plural) and named holidays, as one span when
  they stand together ("Saturday 14 September") or share a part ("3 to 17 August"). Not times of day, spans of time, seasons, or
  words that need today to be read (tomorrow).
- A span has no article or possessive ('s), but for "The Hague" and foreign names ("La Rambla"). A class word is part of the
  name when it is spelt as one ("Lake Como", not "Atlanta airport"). The widest name counts: "Tower of London" is one landmark.
- The sense counts, not the spelling: Nice, Reading, Turkey and May are annotated where they are places or dates, whatever
  their case. Names before a noun are ("a London bus"), but not in adjectives (Dutch, March-like), nor in names of people,
  companies, institutions, dishes, animals and goods (Brussels sprouts).
"""

from __future__ import annotations

import csv
import json
import re
import unicodedata
from collections import Counter
from importlib import resources
from itertools import combinations, pairwise
from typing import Any

import numpy as np
import pytest

from luthier.explain.controls import tfidf
from luthier.tasks.classification import Classification

EXAMPLES = {"reviews": 3, "support": 12}
PLACES = {"city", "country", "landmark", "water", "date"}
SEVERAL_SENSES = {
    "jordan": {"country", "water"},
    "march": {"city", "date"},
    "niagara falls": {"city", "water"},
    "niger": {"country", "water"},
    "orange": {"city", "water"},
}


def read(name: str) -> list[dict[str, str]]:
    with resources.files("luthier").joinpath(f"examples/{name}.csv").open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def read_places() -> list[dict[str, Any]]:
    with resources.files("luthier").joinpath("examples/places.jsonl").open(encoding="utf-8", newline="\n") as stream:
        return [json.loads(line) for line in stream]


def mentions() -> list[tuple[str, str]]:
    return [(row["text"][span["start"]:span["end"]], span["label"]) for row in read_places() for span in row["spans"]]


def texts(name: str) -> list[str]:
    return [row["text"] for row in (read_places() if name == "places" else read(name))]


def words(text: str) -> list[str]:
    return re.sub(r"[^\w\s]", "", text.lower()).split()


@pytest.mark.parametrize(("name", "labels"), EXAMPLES.items())
def test_example_has_enough_rows_of_every_label(name: str, labels: int) -> None:
    counts = Counter(row["label"] for row in read(name))
    assert sum(counts.values()) >= 600 and len(counts) == labels and min(counts.values()) >= 40


@pytest.mark.parametrize("name", [*EXAMPLES, "places"])
def test_example_rows_differ_after_normalisation(name: str) -> None:
    counts = Counter(" ".join(words(text)) for text in texts(name))
    assert [text for text, count in counts.items() if count > 1] == []


@pytest.mark.parametrize("name", [*EXAMPLES, "places"])
def test_example_rows_do_not_share_a_frame(name: str) -> None:
    """No more than two rows begin with the same four words, or end with them, or share seven words in a row."""
    starts, ends, runs = Counter[str](), Counter[str](), Counter[str]()
    for text in texts(name):
        found = words(text)
        if len(found) >= 6:
            starts[" ".join(found[:4])] += 1
            ends[" ".join(found[-4:])] += 1
        runs.update({" ".join(found[i:i + 7]) for i in range(len(found) - 6)})
    for shared in (starts, ends, runs):
        assert {part: count for part, count in shared.items() if count > 2} == {}


@pytest.mark.parametrize("name", EXAMPLES)
def test_example_is_beyond_words_alone(name: str) -> None:
    rows = read(name)
    task = Classification(tuple(sorted({row["label"] for row in rows})))
    targets = task.indices([row["label"] for row in rows])
    held = np.arange(len(rows)) % 5 == 0
    train = [row["text"] for row, h in zip(rows, held, strict=True) if not h]
    test = [row["text"] for row, h in zip(rows, held, strict=True) if h]
    control = tfidf((train, None), targets[~held], (test, None), targets[held], task)
    scores = control.predict((test, None))
    assert task.metrics(scores, targets[held])["macro_f1"] < 0.85


def test_places_has_enough_sentences_and_mentions_of_every_label() -> None:
    rows, counts = read_places(), Counter(label for _, label in mentions())
    assert len(rows) >= 440 and set(counts) == PLACES and min(counts.values()) >= 100
    assert all(set(row) == {"text", "spans"} for row in rows)


def test_places_rows_hold_none_one_or_several_entities() -> None:
    found = Counter(min(len(row["spans"]), 2) for row in read_places())
    assert 0.06 < found[0] / found.total() < 0.12 and found[2] / found.total() > 0.2


def test_places_spans_are_ordered_and_do_not_overlap() -> None:
    for row in read_places():
        assert all(set(span) == {"start", "end", "label"} for span in row["spans"])
        assert all(0 <= span["start"] < span["end"] <= len(row["text"]) for span in row["spans"]), row
        assert all(left["end"] <= right["start"] for left, right in pairwise(row["spans"])), row


def test_places_spans_are_whole_words_without_what_surrounds_them() -> None:
    for row in read_places():
        text = row["text"]
        for span in row["spans"]:
            start, end = span["start"], span["end"]
            assert text[start].isalnum() and text[end - 1].isalnum(), (text[start:end], text)
            assert not text[max(start - 1, 0):start].isalnum() and not text[end:end + 1].isalnum(), (text[start:end], text)
            assert not text[start:end].lower().startswith("the ") or text[start:end] == "The Hague"


def test_places_texts_are_one_clean_line() -> None:
    for text in texts("places"):
        assert text == " ".join(text.split()) and text == unicodedata.normalize("NFC", text)


def test_places_rows_are_no_near_duplicates() -> None:
    """No two rows share half of their runs of three words (Jaccard)."""
    grams = {text: {" ".join(found[i:i + 3]) for i in range(max(len(found) - 2, 1))}
             for text in texts("places") for found in [words(text)]}
    near = [(one, two) for one, two in combinations(grams, 2)
            if 2 * len(shared := grams[one] & grams[two]) >= len(grams[one]) + len(grams[two]) - len(shared)]
    assert near == []


def test_places_names_have_one_label_but_for_those_of_several_senses() -> None:
    labels: dict[str, set[str]] = {}
    for name, label in mentions():
        labels.setdefault(name.lower(), set()).add(label)
    assert {name: found for name, found in labels.items() if len(found) > 1} == SEVERAL_SENSES


def test_places_calendar_words_are_annotated() -> None:
    """Outside spans stand no month (but for the words may and march, and people), day of the week or year."""
    calendar = re.compile(r"\b((?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)days?|January|February|June|July|September|October"
                          r"|November|December|(?:19|20)\d\d)\b(?!-)", re.IGNORECASE)
    for row in read_places():
        covered = {i for span in row["spans"] for i in range(span["start"], span["end"])}
        assert [found[0] for found in calendar.finditer(row["text"]) if found.start() not in covered] == [], row["text"]


def test_places_spelling_does_not_tell_the_sense() -> None:
    """Each of these words stands both inside and outside of spans."""
    inside = {name.lower() for name, _ in mentions()}
    outside: set[str] = set()
    for row in read_places():
        text = row["text"]
        for span in reversed(row["spans"]):
            text = text[:span["start"]] + " # " + text[span["end"]:]
        outside.update(words(text))
    assert {"nice", "reading", "turkey", "bath", "cork", "split", "chad", "jordan", "march", "may", "orange"} <= inside & outside


def test_places_has_entities_off_the_start_in_lower_case_and_after_characters_of_two_utf_16_units() -> None:
    rows = [row for row in read_places() if row["spans"]]
    assert sum(row["spans"][0]["start"] == 0 for row in rows) < len(rows) / 2.5
    assert sum(name.islower() and label != "date" for name, label in mentions()) >= 10
    assert sum(any(ord(char) > 0xFFFF for char in row["text"][:row["spans"][-1]["start"]]) for row in rows) >= 5


def test_places_is_beyond_a_list_of_names() -> None:
    """Marking every name of four fifths of the rows wherever it stands in the rest, the longest first, scores little."""
    rows = read_places()
    held, train = rows[::5], [row for i, row in enumerate(rows) if i % 5]
    known = {row["text"][span["start"]:span["end"]]: span["label"] for row in train for span in row["spans"]}
    listed = re.compile(r"(?<!\w)(?:" + "|".join(map(re.escape, sorted(known, key=len, reverse=True))) + r")(?!\w)")
    right = found = there = 0
    for row in held:
        gold = {(span["start"], span["end"], span["label"]) for span in row["spans"]}
        marked = {(name.start(), name.end(), known[name[0]]) for name in listed.finditer(row["text"])}
        right, found, there = right + len(gold & marked), found + len(marked), there + len(gold)
    assert 2 * right / (found + there) < 0.5
