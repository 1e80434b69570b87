"""How much memory a part of a batch takes, estimated before anything is trained.

Counted is what a backward pass needs of the forward pass. Of each token and block, in hidden sizes: what goes into queries, keys
and values, these three gathered by head, what attention takes in, twice a sum, a norm and a mask of dropout, and two for what is
passing; of the wide layer what goes into its activation and what comes out, each as wide as that layer; and for each head a row
of attention weights with its mask, as long as the row of text. To this comes what the busiest backward pass holds besides: as
much again as one block, but at least what the embeddings make. Held against measured peaks in benchmarks/LOG.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from luthier.models.encoder import EMBEDDINGS
from luthier.training.learner import Learner

HIDDEN = 13
"""Vectors of the hidden size that each token of a block keeps."""
SHARE = 0.8
"""Of the memory that is free, what may be taken: other programs need some, and an estimate is none."""
STATE = 12
"""Bytes that training adds for each trained number, in fp32: its gradient and Adam's two moments."""


@dataclass(frozen=True)
class Footprint:
    """What the memory of a part depends on: the model's sizes, the blocks that are trained, the bytes of a number, and how many
    passes a part makes before its backward pass."""

    hidden: int
    wide: int
    heads: int
    blocks: int
    trained: int
    number: int
    passes: int = 1

    @classmethod
    def of(cls, learner: Learner) -> Footprint:
        """What a learner's parts take."""
        config: Any = learner.model.config
        hidden, blocks = int(config.hidden_size), int(config.num_hidden_layers)
        wide = next((int(size) for name in ("intermediate_size", "hidden_dim", "n_inner") if (size := getattr(config, name, None))),
                    4 * hidden)
        lowest = min(learner.parts.place(name) for name in learner.trainable)
        trained = blocks if learner.parts.shared else max(0, learner.parts.count - max(EMBEDDINGS + 1, lowest) + 1)
        number = min(parameter.element_size() for parameter in learner.model.parameters())
        return cls(hidden, wide, int(config.num_attention_heads), blocks, trained, number, 2 if learner.recipe.r_drop else 1)

    def token(self, longest: int) -> int:
        """Bytes of each token of a part whose longest row has so many tokens."""
        block = HIDDEN * self.hidden + 2 * self.wide + 2 * self.heads * longest
        return self.number * (self.passes * self.trained * block + max(block, 4 * self.hidden))

    def part(self, tokens: int, longest: int) -> int:
        """Bytes of a part of so many tokens, padding included."""
        return tokens * self.token(longest)


def most_tokens(learner: Learner, longest: int, free: int) -> int:
    """The most tokens of a part for which there will be memory, in rows of at most `longest` tokens; at least one.

    Args:
        free: bytes that are free now, before the first step.
    """
    state = STATE * sum(weight.numel() for weight in learner.trainable.values())
    room = int(SHARE * free) - (0 if learner.optimizer.state else state)
    return max(1, room // Footprint.of(learner).token(longest))
