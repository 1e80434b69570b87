"""Which recipes are worth trying before anything is known? A portfolio picked greedily from recorded runs, against the presets.

`record_curves.py` ran the same recipes, relative to the default recipe, on every set. Of these, one after another is picked that
lowers most the mean over the sets of the regret: the best recorded value of a set minus the best of the default and what has been
picked. So that this is no praise of itself, each set is also left out once: picked on the others, looked at on that one. There
stand beside it the hand-written presets, and as many recipes drawn at random (the mean over draws).

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

from luthier.recipes.presets import load_presets
from luthier.recipes.recipe import Recipe

HERE = Path(__file__).parent
CURVES = HERE / "curves" / "curves.jsonl"
SIZE, DRAWS = 4, 2000
LAYERS = 6

Values = Mapping[str, Mapping[str, float]]
"""{set: {what: value at the end of a full run}}."""


def read_values(file: Path) -> tuple[Values, dict[str, dict[str, Any]]]:
    """The values of the recipes that were recorded on every set, and their changes of the default on the first of these."""
    values: dict[str, dict[str, float]] = defaultdict(dict)
    changes: dict[str, dict[str, Any]] = {}
    for text in file.read_text(encoding="utf-8").splitlines():
        line = json.loads(text)
        if "what" in line and line["seed"] == 0:
            values[line["set"]][line["what"]] = line["values"][-1] if "failure" not in line else 0.0
            changes.setdefault(line["what"], line["changes"])
    shared = set.intersection(*(set(found) for found in values.values()))
    every = {name for name in changes if name in shared or name.startswith("preset ")}
    return {name: {what: value for what, value in found.items() if what in every} for name, found in values.items()}, changes


def regret(values: Values, sets: Collection[str], picked: Collection[str]) -> float:
    """The mean over sets of the best there minus the best of the default and what was picked."""
    found = [max(values[name].values()) - max(values[name][what] for what in ("default", *picked) if what in values[name])
             for name in sets]
    return float(np.mean(found))


def greedy(values: Values, sets: Collection[str], candidates: Sequence[str], size: int = SIZE) -> list[str]:
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
    parser.add_argument("--size", type=int, default=SIZE)
    asked = parser.parse_args()
    if not asked.curves.exists():
        sys.exit(f"There are no recorded curves ({asked.curves}); record_curves.py makes them.")
    values, changes = read_values(asked.curves)
    sets, random = sorted(values), np.random.default_rng(0)
    shared = sorted(set.intersection(*(set(found) for found in values.values())) - {"default"})
    current = {f"preset {preset.name}" for preset in load_presets(Recipe(), LAYERS)}  # of others there are recordings, too
    presets = sorted({what for found in values.values() for what in found if what in current})
    rows: dict[str, dict[str, float]] = {}
    for name in sets:
        others = [other for other in sets if other != name]
        draws = [regret(values, [name], random.choice(shared, asked.size, replace=False).tolist()) for _ in range(DRAWS)]
        rows[name] = {"default alone": regret(values, [name], []), "presets": regret(values, [name], presets),
                      "picked elsewhere": regret(values, [name], greedy(values, others, shared, asked.size)),
                      "random": float(np.mean(draws)), "picked here too": regret(values, [name], greedy(
                          values, sets, shared, asked.size))}
    print(f"{len(shared)} recipes recorded on each of {len(sets)} sets; regret × 100")
    print(f"{'set':<16}" + "".join(f"{title:>18}" for title in rows[sets[0]]))
    means = {title: float(np.mean([found[title] for found in rows.values()])) for title in rows[sets[0]]}
    for name, found in {**rows, "mean": means}.items():
        print(f"{name:<16}" + "".join(f"{100 * value:>18.2f}" for value in found.values()))
    picked = greedy(values, sets, shared, asked.size)
    for what in picked:
        print(f"{what}: {changes[what]}")
    print(json.dumps({"picked": picked, "regret": means, "sets": rows}))


if __name__ == "__main__":
    main()
