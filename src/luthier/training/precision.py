"""In which numbers a model is computed: fp32, or bf16 where this machine multiplies such matrices faster.

In bf16 the trained weights, their gradients' sum, Adam's moments and the average stay fp32: the model that computes holds a
rounded copy of them. What is delivered are the fp32 weights, and what is reported of it is made with them.
"""

from __future__ import annotations

import enum
import time
from typing import TYPE_CHECKING

from luthier.models.packing import probe

if TYPE_CHECKING:
    import torch
    from torch import nn

FASTER = 1.5
"""How many times faster bf16 matrices must be multiplied to be worth their rounding."""
ROWS, WIDTH, REPEATS = 384, 768, 15
ROUGH = 0.25
"""How far outputs in bf16 may be from those in fp32, over the largest of these; more than rounding means that a model fails."""


class Precision(enum.StrEnum):
    """What a model computes in."""

    FP32 = "fp32"
    BF16 = "bf16"


def fastest(device: str) -> Precision:
    """The faster precision of a device: of a CPU by a multiplication of matrices, timed now; bf16 of a GPU that has it."""
    import torch

    if device.startswith("cuda"):
        return Precision.BF16 if torch.cuda.is_bf16_supported(including_emulation=False) else Precision.FP32
    if device != "cpu":
        return Precision.FP32
    fp32, bf16 = _seconds(torch.float32, torch.bfloat16)
    return Precision.BF16 if fp32 > FASTER * bf16 else Precision.FP32


def _seconds(*dtypes: torch.dtype) -> list[float]:
    """The shortest time of a multiplication in each; they take turns, so that other work on the machine slows all alike."""
    import torch

    matrices = [(torch.ones(ROWS, WIDTH, dtype=dtype), torch.ones(WIDTH, WIDTH, dtype=dtype)) for dtype in dtypes]
    found: list[list[float]] = [[] for _ in dtypes]
    for _ in range(REPEATS + 1):
        for own, (left, right) in zip(found, matrices, strict=True):
            started = time.perf_counter()
            left @ right
            own.append(time.perf_counter() - started)
    return [min(own[1:]) for own in found]


def lower(model: nn.Module, precision: Precision) -> nn.Module:
    """The model with its parameters in `precision`; buffers, such as rotary frequencies, stay as they are.

    So do the trained rows of a compact embedding, for only a few are looked up; these are rounded then.
    """
    import torch

    from luthier.models.layers import CompactEmbedding

    if precision is Precision.FP32:
        return model
    for module in model.modules():
        if isinstance(module, CompactEmbedding):
            module.dtype, module.others = torch.bfloat16, module.others.to(torch.bfloat16)
            continue
        for parameter in module.parameters(recurse=False):
            parameter.data = parameter.data.to(torch.bfloat16)
    return model


def bears(model: nn.Module, precision: Precision, pad_token_id: int) -> bool:
    """Whether the model, which is lowered by this, computes in `precision` about what it does in fp32."""
    import torch

    if precision is Precision.FP32:
        return True
    try:
        plain = probe(model, pad_token_id)
        rounded = probe(lower(model, precision), pad_token_id)
    except (ArithmeticError, LookupError, NotImplementedError, RuntimeError, TypeError, ValueError):
        return False
    return bool(torch.isfinite(rounded).all() and (rounded - plain).abs().max() <= ROUGH * plain.abs().max())
