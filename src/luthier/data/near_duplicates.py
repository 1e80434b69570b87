"""Texts that are nearly the same, among very many, in time that hardly grows faster than their number.

Long texts are compared by the runs of four characters that they hold. A signature keeps, for each of 48 hash functions, the
smallest hash of a text's runs; two texts agree in one place with the probability of their Jaccard similarity (Broder 1997).
Texts that agree in all four places of any of twelve bands are candidates (Leskovec, Rajaraman and Ullman 2014, chapter 3),
which finds 99.8 % of the pairs with a similarity of 0.8; each is verified by the similarity itself.

A short text with another word says something else ("turn on the light", "turn off the light"), so two short texts must
besides have the same words, in any order, but for one slip of the pen. Nothing is drawn at random: the answer is always the
same.
"""

from __future__ import annotations

import re
from array import array
from collections.abc import Iterator, Sequence
from itertools import islice

import numpy as np
import numpy.typing as npt

from luthier.data.row import text_key

SIMILAR = 0.8
"""Jaccard similarity of the runs of characters from which two texts are nearly the same."""
LONG_WORDS = 15
"""Texts of at least this many words may differ in words."""
SLIP_LETTERS = 4
"""A word of fewer letters, or with a digit, is another word when a letter differs."""
RUN = 4
"""Characters in a run."""
READ_CHARACTERS = 4000
"""Longer texts are compared by their beginning."""
BANDS, BAND_ROWS = 12, 4
FULL_BUCKET, NEIGHBOURS = 8, 3
"""Where more texts than FULL_BUCKET agree in a band, each is compared with its next NEIGHBOURS only."""
LIKELY = 0.625
"""Share of a signature in which candidates agree: three standard errors below SIMILAR."""
CHUNK_CHARACTERS = 4_000_000

_UNSPACED = r"\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff"
_LETTER = rf"[^\W{_UNSPACED}]"
_WORDS = re.compile(rf"[{_UNSPACED}]|{_LETTER}(?:['’]?{_LETTER})*|[^\w\s]")
"""Words, signs, and every character of scripts that put no spaces between words."""
_EDGE_SIGNS = re.compile(r"[.,;!?…\"'“”‘’]+(?=\s|$)|(?<!\S)[\"'“”‘’]+")

Indices = npt.NDArray[np.int64]
Hashes = npt.NDArray[np.uint32]


def near_duplicates(texts: Sequence[str]) -> list[tuple[int, ...]]:
    """Groups of two or more texts that are the same or nearly so, as increasing indices, ordered by their first.

    Texts are the same when they differ in case, spaces, Unicode form and punctuation at the ends of words alone. A group
    hangs together by pairs that are alike; any two of its texts may be less so.
    """
    number: dict[str, int] = {}
    owner = np.fromiter((number.setdefault(_core(text), len(number)) for text in texts), np.int64, len(texts))
    cores = list(number)
    del number
    words = [_words(core) for core in cores]
    short = np.asarray([found is not None for found in words], dtype=bool)
    slips = _slips(words, np.flatnonzero(short))
    del words
    pairs = np.concatenate([slips[_jaccard(cores, slips) >= SIMILAR], _similar(cores, np.flatnonzero(~short))])
    component = _components(pairs, len(cores))[owner]
    order = np.argsort(component, kind="stable")
    bounds = np.flatnonzero(np.diff(component[order])) + 1
    return sorted(tuple(group.tolist()) for group in np.split(order, bounds) if len(group) > 1)


def _core(text: str) -> str:
    """The text without what makes no difference; a text of punctuation only stays as it is."""
    key = text_key(text)
    return " ".join(_EDGE_SIGNS.sub("", key).split()) or key


def _components(pairs: Indices, texts: int) -> Indices:
    """The number of the connected component of each text."""
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    ones = np.ones(len(pairs), dtype=np.int8)
    graph = coo_matrix((ones, (pairs[:, 0], pairs[:, 1])), shape=(texts, texts))
    return np.asarray(connected_components(graph, directed=False)[1], dtype=np.int64)


def _words(core: str) -> list[str] | None:
    """The words of a short text, without apostrophes; None for a long one."""
    found = [match.group().replace("'", "").replace("’", "") or "'" for match in islice(_WORDS.finditer(core), LONG_WORDS)]
    return found if len(found) < LONG_WORDS else None


def _slips(words: Sequence[list[str] | None], short: Indices) -> Indices:
    """Pairs of texts, of those in `short`, with the same words in any order but for at most one slip. Shape [pairs, 2].

    Equal texts but for one changed letter share the text with a hole in its place; a letter too many, or two exchanged,
    lead straight to the other text. Where many share one, each is paired with the next.
    """
    bags: array[int] = array("q")
    known: dict[int, int] = {}
    for index in short:
        bags.append(sum(map(hash, words[index] or [])) & 0x7FFFFFFFFFFFFFFF)
        known.setdefault(bags[-1], int(index))
    keys, owners, pairs = bags[:], array("q", short.tolist()), array("q")
    for index, bag in zip(short.tolist(), bags, strict=True):
        for word in words[index] or []:
            if len(word) < SLIP_LETTERS or not word.isalpha():
                continue
            rest = bag - hash(word)
            for place in range(len(word)):
                keys.append((rest + hash(f"{word[:place]}\0{word[place + 1:]}")) & 0x7FFFFFFFFFFFFFFF)
                owners.append(index)
                shorter = word[:place] + word[place + 1:] if len(word) > SLIP_LETTERS else word
                swapped = word[:place] + word[place:place + 2][::-1] + word[place + 2:]
                for other in (shorter, swapped):
                    found = known.get((rest + hash(other)) & 0x7FFFFFFFFFFFFFFF, index)
                    if found != index:
                        pairs.extend((min(index, found), max(index, found)))
    key, owner = np.asarray(keys, dtype=np.int64), np.asarray(owners, dtype=np.int64)
    order = np.lexsort((owner, key))
    same = key[order[1:]] == key[order[:-1]]
    shared = np.stack([owner[order[:-1]][same], owner[order[1:]][same]], axis=1)
    every = np.concatenate([np.asarray(pairs, dtype=np.int64).reshape(-1, 2), shared])
    return np.unique(every[every[:, 0] != every[:, 1]], axis=0)


def _similar(cores: Sequence[str], long: Indices) -> Indices:
    """Pairs of texts, of those in `long`, with similar runs; none between texts that earlier pairs connect.

    Shape [pairs, 2].
    """
    chosen = [cores[index] for index in long]
    texts, signatures = len(chosen), _signatures(chosen)
    found, failed = np.zeros((0, 2), dtype=np.int64), np.zeros(0, dtype=np.int64)
    component = np.arange(texts)
    for ones, others in _candidates(signatures):
        apart = component[ones] != component[others]
        ones, others = ones[apart], others[apart]
        keys = np.minimum(ones, others) * texts + np.maximum(ones, others)
        keys = keys[~np.isin(keys, failed)]
        likely = [(signatures[part // texts] == signatures[part % texts]).mean(axis=1) >= LIKELY
                  for part in np.array_split(keys, len(keys) // 100_000 + 1)]
        keys = keys[np.concatenate(likely)]
        pairs = np.stack([keys // texts, keys % texts], axis=1) if len(keys) else found[:0]
        alike = _jaccard(chosen, pairs) >= SIMILAR
        failed = np.concatenate([failed, keys[~alike]])
        if alike.any():
            found = np.concatenate([found, pairs[alike]])
            component = _components(found, texts)
    return long[found]


def _signatures(cores: Sequence[str]) -> Hashes:
    """MinHash signatures; texts too short to have a run get one of their own. Shape [texts, BANDS * BAND_ROWS]."""
    count = BANDS * BAND_ROWS
    factors = np.random.default_rng(2021).integers(0, 2**31, size=(2, count), dtype=np.uint32) * 2 + 1
    found = np.empty((len(cores), count), dtype=np.uint32)
    for first, last in _chunks([len(core) for core in cores]):
        runs, starts = _runs(cores[first:last])
        for column in range(count):
            mixed = (runs ^ (runs >> np.uint32(15))) * factors[0, column] + factors[1, column]
            mixed ^= mixed >> np.uint32(16)
            found[first:last, column] = np.minimum.reduceat(mixed * factors[1, column], starts)
    return found


def _chunks(lengths: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Ranges of texts of some million characters together."""
    first = total = 0
    for index, length in enumerate(lengths):
        if total and total + min(length, READ_CHARACTERS) > CHUNK_CHARACTERS:
            yield first, index
            first, total = index, 0
        total += min(length, READ_CHARACTERS) + RUN
    if first < len(lengths):
        yield first, len(lengths)


def _runs(cores: Sequence[str]) -> tuple[Hashes, Indices]:
    """Hashes of the runs of all texts, and where each text's begin; a text shorter than a run is filled up with spaces."""
    cut = [core[:READ_CHARACTERS].ljust(RUN) for core in cores]
    codes = np.frombuffer("".join(cut).encode("utf-32-le", "surrogatepass"), dtype=np.uint32)
    hashes = np.zeros(len(codes) - RUN + 1, dtype=np.uint32)
    for place in range(RUN):
        hashes = (hashes ^ codes[place:len(codes) - RUN + 1 + place]) * np.uint32(0x9E3779B1)
        hashes ^= hashes >> np.uint32(15)
    lengths = np.fromiter(map(len, cut), np.int64, len(cut))
    ends = np.cumsum(lengths)
    inside = np.ones(len(codes), dtype=bool)
    for back in range(1, RUN):
        inside[ends - back] = False
    starts = np.concatenate([[0], np.cumsum(lengths - RUN + 1)[:-1]])
    return hashes[inside[:len(hashes)]], starts


def _candidates(signatures: Hashes) -> Iterator[tuple[Indices, Indices]]:
    """Pairs of texts that agree in a band, in rounds: the next in each bucket, then the one after it, and so on."""
    for band in range(BANDS):
        part = np.ascontiguousarray(signatures[:, band * BAND_ROWS:(band + 1) * BAND_ROWS])
        keys = part.view(np.dtype((np.void, part.dtype.itemsize * BAND_ROWS))).ravel()
        buckets = np.unique(keys, return_inverse=True)[1].ravel()
        order = np.argsort(buckets, kind="stable")
        ranked = buckets[order]
        sizes = np.bincount(buckets)[ranked] if len(ranked) else ranked
        for step in range(1, min(FULL_BUCKET, len(ranked))):
            same = ranked[step:] == ranked[:-step]
            if step > NEIGHBOURS:
                same &= sizes[step:] <= FULL_BUCKET
            if not same.any():
                break
            yield order[:-step][same], order[step:][same]


def _jaccard(cores: Sequence[str], pairs: Indices) -> npt.NDArray[np.float64]:
    """The share of runs that two texts have in common among all that either has. Shape [pairs]."""
    lengths = [len(cores[one]) + len(cores[other]) for one, other in pairs]
    return np.concatenate([np.zeros(0), *(_jaccard_of(cores, pairs[first:last]) for first, last in _chunks(lengths))])


def _jaccard_of(cores: Sequence[str], pairs: Indices) -> npt.NDArray[np.float64]:
    sides = [_keyed_runs([cores[index] for index in pairs[:, side]]) for side in (0, 1)]
    sizes = sum(np.bincount((side >> np.uint64(32)).astype(np.int64), minlength=len(pairs)) for side in sides)
    both = np.sort(np.concatenate(sides))
    shared = both[1:][both[1:] == both[:-1]] >> np.uint64(32)
    common = np.bincount(shared.astype(np.int64), minlength=len(pairs))
    return np.asarray(common / (sizes - common), dtype=np.float64)


def _keyed_runs(texts: Sequence[str]) -> npt.NDArray[np.uint64]:
    """The different runs of each text, as (number of the text, hash) in one integer."""
    runs, starts = _runs(texts)
    numbers = np.repeat(np.arange(len(texts), dtype=np.uint64), np.diff([*starts, len(runs)]))
    keys = np.sort((numbers << np.uint64(32)) | runs.astype(np.uint64))  # np.unique hashes, which such keys make slow
    return np.asarray(keys[np.concatenate([[True], keys[1:] != keys[:-1]])])
