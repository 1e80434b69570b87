"""Which recipes are worth trying before anything is known? A portfolio picked greedily from recorded runs, against the presets.

`record_curves.py` ran the same recipes, relative to the default recipe, on every set. Of these, one after another is picked that
lowers most the regret: the best recorded value of a set minus the best of the default and what has been picked, the mean over the
sets and over all looks at a full run but the first, for how much of one is afforded is not known. So that this is no praise
of itself, each set is also left out once: picked on the others, looked at on that one. There stand beside it the presets, and as
many recipes drawn at random (the mean over draws).

    python benchmarks/portfolio.py
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

HERE = Path(__file__).parent
CURVES = HERE / "curves" / "curves.jsonl"
DRAWS, LOOKS = 2000, tuple(range(1, 9))
"""The second: of nine looks at a full run, all but the first."""
PRESETS = {"top-third": "point 10", "half-frozen": "point 9", "top-half": "preset top-half", "top-block": "point 10, 5 frozen"}
"""What each of the presets was recorded as: they are what was picked, rounded."""

Values = Mapping[str, Mapping[str, npt.NDArray[np.float64]]]
"""{set: {what: values at those looks}}."""


def read_values(file: Path) -> tuple[Values, dict[str, dict[str, Any]]]:
    """The values of the recipes that were recorded on every set, and their changes of the default on the first of these."""
    values: dict[str, dict[str, npt.NDArray[np.float64]]] = defaultdict(dict)
    changes: dict[str, dict[str, Any]] = {}
    for text in file.read_text(encoding="utf-8").splitlines():
        line = json.loads(text)
        if "what" in line and line["seed"] == 0:
            values[line["set"]][line["what"]] = np.array([0.0 if "failure" in line else line["values"][look] for look in LOOKS])
            changes.setdefault(line["what"], line["changes"])
    shared = set.intersection(*(set(found) for found in values.values()))
    return {name: {what: value for what, value in found.items() if what in shared} for name, found in values.items()}, changes


def regret(values: Values, sets: Collection[str], picked: Collection[str]) -> float:
    """The mean over sets and looks of the best there minus the best of the default and what was picked."""
    found = [np.max([*values[name].values()], 0)
             - np.max([values[name][what] for what in ("default", *picked)], 0) for name in sets]
    return float(np.mean(found))


def greedy(values: Values, sets: Collection[str], candidates: Sequence[str], size: int) -> list[str]:
    """The portfolio: each time the candidate that lowers the mean regret most; the first among equals."""
    picked: list[str] = []
    for _ in range(size):
        left = [what for what in candidates if what not in picked]
        picked.append(min(left, key=lambda what: regret(values, sets, [*picked, what])))
    return picked


def main() -> None:
    """Pick, and print what it comes to where it was not picked, with a last line of JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--curves", type=Path, default=CURVES)
    parser.add_argument("--size", type=int, help="of the portfolios; as many as there are presets unless given")
    asked = parser.parse_args()
    if not asked.curves.exists():
        sys.exit(f"There are no recorded curves ({asked.curves}); record_curves.py makes them.")
    values, changes = read_values(asked.curves)
    sets, random = sorted(values), np.random.default_rng(0)
    shared = sorted(set.intersection(*(set(found) for found in values.values())) - {"default"})
    presets = [what for what in PRESETS.values() if what in shared]
    size = asked.size or len(presets)
    rows: dict[str, dict[str, float]] = {}
    for name in sets:
        others = [other for other in sets if other != name]
        draws = [regret(values, [name], random.choice(shared, size, replace=False).tolist()) for _ in range(DRAWS)]
        rows[name] = {"default alone": regret(values, [name], []), "presets": regret(values, [name], presets),
                      "picked elsewhere": regret(values, [name], greedy(values, others, shared, size)),
                      "random": float(np.mean(draws)), "picked here too": regret(values, [name], greedy(
                          values, sets, shared, size))}
    print(f"{len(shared)} recipes recorded on each of {len(sets)} sets; regret × 100")
    print(f"{'set':<16}" + "".join(f"{title:>18}" for title in rows[sets[0]]))
    means = {title: float(np.mean([found[title] for found in rows.values()])) for title in rows[sets[0]]}
    for name, found in {**rows, "mean": means}.items():
        print(f"{name:<16}" + "".join(f"{100 * value:>18.2f}" for value in found.values()))
    picked = greedy(values, sets, shared, size)
    for what in picked:
        print(f"{what}: {changes[what]}")
    print(json.dumps({"picked": picked, "regret": means, "sets": rows}))


if __name__ == "__main__":
    main()
