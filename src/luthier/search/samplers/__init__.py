"""Samplers suggest recipes: pure functions of the observations, the study's seed and the trial's number."""

from luthier.search.samplers.auto import AutoSampler
from luthier.search.samplers.base import Sampler, Suggestion
from luthier.search.samplers.default_first import DefaultFirst
from luthier.search.samplers.equal_work import EqualWork
from luthier.search.samplers.grid import GridSampler
from luthier.search.samplers.quasi_random import QuasiRandomSampler
from luthier.search.samplers.random import RandomSampler
from luthier.search.samplers.tpe import TpeSampler

__all__ = ["AutoSampler", "DefaultFirst", "EqualWork", "GridSampler", "QuasiRandomSampler", "RandomSampler", "Sampler",
           "Suggestion", "TpeSampler"]
