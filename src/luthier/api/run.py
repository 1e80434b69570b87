"""`Run`: what a finished `train` or `tune` left behind, read from its folder."""

from __future__ import annotations

import dataclasses
import json
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from luthier.api.export import export
from luthier.api.folder import RunFolder, read_rows
from luthier.api.frames import read_table
from luthier.api.model import Model
from luthier.data.row import Kind
from luthier.errors import ConfigError, RunError, nearest
from luthier.recipes.recipe import Recipe
from luthier.tasks.metrics import Score
from luthier.tasks.registry import TASKS

if TYPE_CHECKING:
    import pandas

    from luthier.explain.overview import Explanation

NEEDED = ("command", "metric", "best", "trials")
"""What results.json has, whole, of what a run cannot be opened without."""
TRIAL_COLUMNS = ("trial", "state", "score")
CURVE_COLUMNS = ("trial", "split", "step", "metric", "value")


class Run:
    """A finished run.

    Args:
        path: its folder.

    Raises:
        ConfigError: there is no finished run there.
        RunError: a file of the run is damaged or missing.
    """

    def __init__(self, path: str | Path) -> None:
        self.folder = RunFolder(Path(path))
        if not self.folder.results.exists():
            raise ConfigError(f"{path}: no finished run (no results.json) there")
        try:
            self.results: dict[str, Any] = json.loads(self.folder.results.read_text(encoding="utf-8"))
        except ValueError as error:
            raise RunError(f"{self.folder.results}: the file is damaged ({error}); a run cannot be opened without it") from None
        lost = [name for name in NEEDED if not isinstance(self.results, dict) or name not in self.results]
        if lost:
            raise RunError(f"{self.folder.results}: the file is damaged (it lacks {', '.join(lost)}); a run cannot be opened "
                           "without it")

    @property
    def path(self) -> Path:
        """The run's folder."""
        return self.folder.path

    @property
    def best(self) -> int:
        """The number of the trial that was chosen.

        Where its recipe was trained once more on more rows, `results["best"]["refit"]` is the number of that training, whose model
        is delivered.
        """
        return int(self.results["best"]["trial"])

    @property
    def recipe(self) -> Recipe:
        """The recipe of the delivered model."""
        return Recipe.from_table(self.results["best"]["recipe"])

    @property
    def metrics(self) -> dict[str, Score]:
        """The headline metric of the delivered model on the "test" and "validation" rows.

        Where it was trained once more on the validation rows, the second is that of the model before.
        """
        return {split: Score.from_table(self.results[split]) for split in ("test", "validation")}

    @property
    def recipe_score(self) -> Score | None:
        """The headline metric of the delivered recipe, trained anew on fresh seeds and judged by rows held out.

        Its interval is over both. None where no recipe was trained anew: in short runs, those of few trials, and `train`; the
        delivered model's own figure, `metrics`, is then all that there is.
        """
        fresh = self.results.get("fresh")
        return Score.from_table(fresh["recipe"]) if fresh else None

    @property
    def controls(self) -> dict[str, Score]:
        """The headline metric on the test rows without fine-tuning, and of the default recipe."""
        return {name: Score.from_table(table) for name, table in self.results["controls"].items()}

    @cached_property
    def model(self) -> Model:
        """The delivered model."""
        return Model(self.folder.model)

    @property
    def trials(self) -> pandas.DataFrame:
        """One row a trial, every hyperparameter a column of its type (words where any value of a column is one)."""
        return read_table(self.folder.trials)

    @property
    def curves(self) -> pandas.DataFrame:
        """One row for each trial, point and metric."""
        return read_table(self.folder.curves)

    def predictions(self, split: str) -> pandas.DataFrame:
        """The rows of "validation" or "test" with their labels, predictions and the scores of these.

        `label` and `predicted` are texts (lists and entities as JSON), or numbers where the task is about numbers.
        """
        task = TASKS.get(self.results.get("task", ""))
        numeric = task is not None and task.kind is Kind.NUMBER
        return read_table(self.folder.predictions(split), ("label", "predicted") if numeric else ())

    @cached_property
    def explanation(self) -> Explanation:
        """Verdicts, importances and responses, with sentences that say what they show."""
        from luthier.explain.overview import explain

        trials, curves = read_rows(self.folder.trials, TRIAL_COLUMNS), read_rows(self.folder.curves, CURVE_COLUMNS)
        if len(trials) < self.results["trials"] or str(self.best) not in {row.get("trial") for row in trials}:
            raise RunError(f"{self.folder.trials}: the file is damaged: it has {len(trials)} rows, and trial {self.best} or others "
                           f"of the run's {self.results['trials']} are missing")
        missing = {row["trial"] for row in trials if row["score"]} - {row["trial"] for row in curves}
        if missing:
            raise RunError(f"{self.folder.curves}: the file is damaged: it has no point of trial {', '.join(sorted(missing))}")
        return explain(self.results, trials, curves)

    @property
    def verdicts(self) -> pandas.DataFrame:
        """What became of each trial, with the evidence: `trial`, `verdict`, `evidence`."""
        return self._frame(self.explanation.to_table()["verdicts"], ["trial", "verdict", "evidence"])

    def importance(self) -> pandas.DataFrame:
        """The searched hyperparameters, the most important first, each held against noise.

        Empty where nothing can be told; `attrs["reason"]` then says why.
        """
        from luthier.explain.importance import Importance

        frame = self._frame(self.explanation.to_table()["importance"], [field.name for field in dataclasses.fields(Importance)])
        frame.attrs["reason"] = self.explanation.ranking.reason
        return frame

    def response(self, name: str) -> pandas.DataFrame:
        """What happened at each value of one searched hyperparameter: one row for each stretch of values.

        Raises:
            ConfigError: it was not searched.
        """
        responses = {response.name: response for response in self.explanation.responses}
        if name not in responses:
            raise ConfigError(f"{name}: not among the searched hyperparameters ({', '.join(responses) or 'there are none'})."
                              f"{nearest(name, responses)}")
        from luthier.explain.effects import Bin

        return self._frame([dataclasses.asdict(each) for each in responses[name].bins],
                           [field.name for field in dataclasses.fields(Bin)])

    def report(self) -> Path:
        """The run's page, report.html."""
        return self.folder.report

    def export(self, form: str) -> str:
        """The run as text for other programs: "decisions", what was asked, run, scored, decided and chosen, as JSON lines.

        Raises:
            ConfigError: there is no such format.
        """
        return export(self.folder, form)

    @staticmethod
    def _frame(rows: list[dict[str, Any]], columns: list[str]) -> pandas.DataFrame:
        import pandas

        return pandas.DataFrame(rows, columns=columns)

    def __repr__(self) -> str:
        recipe = self.recipe_score
        anew = "; its recipe was not trained anew" if recipe is None else f"; its recipe, trained anew: {recipe}"
        where = "rows held out in turn" if self.results.get("folds") else "test rows"
        return f"Run({str(self.path)!r}: {self.results['metric_title']} {self.metrics['test']} on the {where}{anew})"
