"""What people read about a task, wherever a page, a card or a verdict speaks of it: one `Wording` for each kind of label.

A task whose words are others has a `wording` of its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from luthier.data.row import Kind
from luthier.tasks.registry import TASKS

_F1 = "harmonic mean of precision and recall"


@dataclass(frozen=True)
class Wording:
    """The words of a task; as they stand here they fit any.

    Attributes:
        guess: title of the control that knows no text.
        guess_meaning: what that control says, in a phrase.
        same: what one does who says the same of every text, as the verdict on a collapsed training names it.
        guessing: what has the loss of chance, as verdicts name it.
        probe: the linear model of the frozen probe.
        counted: what labels are counted in.
        resampled: what intervals are bootstraps over.
        limit: what an answer cannot say, for the card.
        unclaimed: why no calibration is reported, where none is.
        scored: what the calibration error is about.
        scores: what the bins of the calibration plot hold.
        sure: what the confidence of a text is, and what right means.
        mistakes: heading, introduction, and the columns after the text, of the examples; "#" begins a column of figures.
        metrics: title ("": the headline's) and meaning of each metric, in the order in which they are shown.
        idle: hyperparameters that mean nothing.
    """

    guess: str = "what is most frequent in training"
    guess_meaning: str = "always what is most frequent in training"
    same: str = "saying the same of every text"
    guessing: str = "guessing by the training rows' labels alone"
    probe: str = "a linear model"
    counted: str = "rows"
    resampled: str = "rows"
    limit: str = "It gives every text an answer of the kind that the training rows have, also a text that none fits."
    unclaimed: str = "No calibration is claimed: a score of 0.9 need not mean right nine times in ten."
    scored: str = "the score of the answer given"
    scores: str = "rows"
    sure: str = "A text's confidence is the score of the answer given."
    mistakes: tuple[str, str, tuple[str, str, str]] = (
        "Confident mistakes", "Rows that it got wrong, the surest first.", ("true", "predicted", "#score"))
    metrics: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    idle: tuple[str, ...] = ()


ANY = Wording()

BY_KIND: Mapping[Kind, Wording] = {
    Kind.CLASS: Wording(
        guess="most frequent label", guess_meaning="always the label that is most frequent in training",
        same="always giving the most frequent label", guessing="guessing by the labels' frequencies", probe="logistic regression",
        limit="It gives every text one of its labels, also a text that none of them fits.",
        scored="the score of the label given", sure="A text's confidence is the score of the label given.",
        mistakes=("Confident mistakes", "Rows that it got wrong with the highest scores.",
                  ("true label", "predicted", "#score")),
        metrics={
            "macro_f1": ("", f"mean over the labels of F1, the {_F1}; every label counts alike"),
            "accuracy": ("", "share of the rows with the right label"),
            "weighted_f1": ("", "mean of the labels' F1, each by its rows"),
            "mcc": ("", "correlation of true and given labels; 0 is chance"),
            "f1": ("F1", f"{_F1} of this one label"),
            "roc_auc": ("ROC-AUC", "how often a row of this label scores above one of the other; 0.5 is chance"),
            "pr_auc": ("PR-AUC", "average precision of this label over all thresholds"),
            "loss": ("log loss", "in nats; less is better")}),
    Kind.LABELS: Wording(
        guess="the most frequent labels",
        guess_meaning="for every text, the share of the training rows that have each label as its probability",
        same="always giving the most frequent labels", guessing="guessing by the labels' frequencies",
        probe="a logistic regression for each label",
        limit="It knows these labels alone; a text that is about something else may get none, or wrong ones. The thresholds are "
              "those that were best on the validation rows.",
        scored="every score of every label", scores="scores of single labels",
        sure="A text's confidence is the probability that it has the labels given and no others, as if labels were independent; "
             "right means just that.",
        mistakes=("Confident mistakes", "Rows with a wrong or a missing label, those first where the score of one was "
                  "furthest on the wrong side.", ("true labels", "predicted", "#score of being wrong")),
        metrics={
            "micro_f1": ("", f"{_F1} over all labels of all rows; every label given counts alike"),
            "macro_f1": ("", "mean of the labels' F1; every label counts alike"),
            "subset_accuracy": ("", "share of the rows whose labels are all right"),
            "mean_average_precision": ("", "mean over the labels of average precision; needs no threshold"),
            "loss": ("log loss", "mean over rows and labels, in nats; less is better")}),
    Kind.NUMBER: Wording(
        guess="the mean of the training rows", guess_meaning="always the mean of the training rows' numbers",
        same="always saying the mean of the training rows", guessing="always saying the mean", probe="ridge regression",
        limit="It gives a number for every text, also for one that no number fits, and its numbers may lie outside those of the "
              "training rows.",
        unclaimed="The model gives a number for every text, and no measure of how sure it is of it.",
        mistakes=("Greatest errors", "Rows whose number it missed by most.", ("true number", "predicted", "#off by")),
        metrics={
            "pearson": ("", "how far predicted and true numbers lie on a line; 0 is chance"),
            "spearman": ("", "how far they rank the rows alike; 0 is chance"),
            "r2": ("", "share of the variance that is explained; 0 is what the mean explains"),
            "rmse": ("RMSE", "root of the mean squared error, in the unit of the rows; less is better"),
            "mae": ("MAE", "mean absolute error, in the unit of the rows; less is better"),
            "loss": ("mean squared error", "less is better")},
        idle=("label_smoothing", "class_weighting")),
    Kind.SPANS: Wording(
        same="finding no entity at all", guessing="guessing by the tags' frequencies", probe="softmax regression",
        counted="entities", resampled="texts, or whole documents where they are marked",
        limit="It finds entities of these labels alone, each a run of whole words, none within another.",
        unclaimed="No calibration is claimed for entities: the score of one is the mean over its words of the probability of their "
                  "tags, and 0.9 need not mean right nine times in ten.",
        mistakes=("Confident mistakes", "Rows with a wrong or a missed entity, the surest wrong one first.",
                  ("true entities", "found", "#score of the wrong one")),
        metrics={
            "f1": ("entity F1, conventional", "as served by the pipeline (seqeval's default): an I- that follows no entity of its "
                   "label begins one; bounds and label must both be right"),
            "f1_strict": ("entity F1, strict IOB2", "an entity must begin with its B-; others do not count"),
            "f1_partial": ("partial F1", "as conventional, and a wrong bound is worth half, whatever the label (nervaluate)"),
            "f1_type": ("type F1", "as conventional, and any overlap with the right label counts (nervaluate)"),
            "precision": ("precision, conventional", "share of the entities found that are right"),
            "recall": ("recall, conventional", "share of the true entities that are found"),
            "macro_f1": ("entity macro-F1, conventional", "mean of the labels' F1; every label counts alike"),
            "loss": ("log loss of a token", "in nats; less is better")}),
}


def wording_of(task: str) -> Wording:
    """The words of the task of this name: its own, or else those of its kind of label, or else such as fit any."""
    found = TASKS.get(task)
    if found is None:
        return ANY
    return found.wording or BY_KIND.get(found.kind, ANY)
