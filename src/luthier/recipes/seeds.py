"""`Seeds`: the three sources of randomness of one training, which can be varied one at a time (Dodge et al. 2020)."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Seeds:
    """The seeds of the new weights (the head, re-initialised blocks, adapters), of the order of the rows, and of dropout."""

    init: int
    order: int
    dropout: int

    @classmethod
    def all(cls, seed: int) -> Seeds:
        """One seed for everything."""
        return cls(seed, seed, seed)


@dataclass(frozen=True)
class HeldSeeds:
    """The sources that stay at one seed in every trial of a study; those that are None follow the trial's own."""

    init: int | None = None
    order: int | None = None
    dropout: int | None = None

    def seeds(self, seed: int) -> Seeds:
        """What a trial of this seed draws from."""
        init, order, dropout = (seed if held is None else held for held in (self.init, self.order, self.dropout))
        return Seeds(init, order, dropout)
