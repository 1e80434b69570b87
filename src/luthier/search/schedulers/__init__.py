"""Schedulers decide what to do next: a pure function of the study."""

from luthier.search.schedulers.asha import AshaScheduler
from luthier.search.schedulers.base import Action, Ask, Branch, Done, Replicate, Run, Scheduler, Stop, Wait
from luthier.search.schedulers.median import MedianScheduler
from luthier.search.schedulers.none import FullRuns
from luthier.search.schedulers.top_k import TopKScheduler

__all__ = ["Action", "AshaScheduler", "Ask", "Branch", "Done", "FullRuns", "MedianScheduler", "Replicate", "Run", "Scheduler",
           "Stop", "TopKScheduler", "Wait"]
