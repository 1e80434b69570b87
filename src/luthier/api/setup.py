"""What workers need of a study, written where they find it: the rows as tokens, and the start of the default's head."""

from __future__ import annotations

from luthier.api.bases import write_bases
from luthier.api.folder import RunFolder
from luthier.api.ready import Ready
from luthier.engines.execute import Setup, head_file
from luthier.recipes.recipe import HeadInit
from luthier.sharing.features import fit_head


def make_setup(ready: Ready, folder: RunFolder) -> Setup:
    """Write the tokens and the head's start; what workers of a killed command have left unfinished goes."""
    prepared, asked = ready.prepared, ready.prepared.asked
    setup = Setup(bases=write_bases(prepared, folder.cache), task=asked.task, rung_rows=prepared.rung_rows, cache=folder.cache,
                  device=ready.device, record_test=asked.settings.record_test, precision=ready.measured.precision,
                  quota=ready.quota, workers=ready.force.workers)
    setup.trunks.forget_unfinished()
    for head in folder.cache.glob("head-*"):  # fitted to other folds, where the run has been given more time
        head.unlink()
    default = prepared.default
    if default.head_init is HeadInit.PROBE and not default.reinit_layers:
        init = asked.settings.held_seeds.seeds(asked.settings.seed).init
        fit_head(ready.measured.features["train"], asked.task, prepared.splits["train"], head_file(setup, default, init))
    return setup
