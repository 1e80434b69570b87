"""What the search's own figure of the recipe that is delivered is worth: it is the best of many, and some of that is luck."""

from __future__ import annotations

import math
from collections.abc import Collection
from dataclasses import replace
from statistics import fmean

from luthier.search.honest import Optimism, optimism
from luthier.search.study import SHORTENED, Study
from luthier.tasks.metrics import Score, bounds


def search_optimism(study: Study, chosen: int, figure: Score, gains: Collection[Score], rows: int, rung_rows: int, *,
                    seed_error: float = 0.0, decay: bool = True) -> Optimism:
    """What the search's figure of the chosen recipe is worth, beside those of the recipes that have come as far.

    What errors over rows the search's figures have is told by those of finals on more rows.

    Args:
        chosen: the trial of the search that stands for the recipe.
        figure: of the final, on `rows` rows.
        gains: of finals over the default on these.
        rung_rows: by how many rows the search has compared.
        seed_error: the standard deviation from one training of a recipe to another; 0 where it is not known.
        decay: whether the recipe is delivered from where it was best, or as it stands.
    """
    record = study.records[chosen]
    candidates = [lead for lead in study.candidates() if lead is record or lead.trial.role != SHORTENED]  # else the default twice
    found = {lead.trial.number: study.peak(lead, decay)[0] for lead in candidates if study.rung(lead) == study.rung(record)}
    apart = fmean([gain.error**2 for gain in gains]) / 2 if gains else figure.error**2
    error = math.sqrt(apart * rows / rung_rows + seed_error**2 / study.repeats)
    common = math.sqrt(max(0.0, figure.error**2 - apart) * rows / rung_rows)
    seen = optimism(list(found.values()), list(found).index(chosen), error, common, len(study.ranked()))
    low, high = bounds(study.metric)
    return replace(seen, raw=seen.raw.within(low, high), shrunk=seen.shrunk.within(low, high))
