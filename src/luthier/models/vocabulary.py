"""An embedding that trains only the rows which the training texts use.

Half of a small model's parameters are embeddings, of which a data set uses a fifth; the optimiser would step through all
of them. The others would not move: they get no gradient, and no penalty touches embeddings. Ids stay as they are and are
mapped inside, because models read more from them than rows (RoBERTa its positions, Llama a row's last token).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    import torch
    from torch import nn

Ids = npt.NDArray[np.int64]


def compact(model: nn.Module, used: Ids) -> bool:
    """Train only the embeddings of the ids in `used`, in their order; whether the model allowed it.

    Embeddings that do more than look rows up, or are too few for it to matter, stay as they are.
    """
    import torch
    from torch import nn

    from luthier.models.layers import CompactEmbedding

    stock: Any = model
    try:
        full = stock.get_input_embeddings()
        if type(full) is not nn.Embedding or full.max_norm is not None or len(used) >= full.num_embeddings:
            return False
        stock.set_input_embeddings(CompactEmbedding(full, torch.from_numpy(used).to(full.weight.device)))
    except (NotImplementedError, AttributeError):  # a model that transformers cannot say it of
        return False
    return True


def put_back(full: torch.Tensor, rows: torch.Tensor, used: Ids) -> None:
    """Write the rows of a compact embedding into the full one, in place."""
    import torch

    full[torch.from_numpy(used).to(full.device)] = rows.to(full)
