"""What every worker needs, loaded once in the process that workers are forked from: it takes seconds.

Signals that are sent to the whole group are not for that process: the coordinator decides what they mean.
"""

# ruff: noqa: E402
from __future__ import annotations

import signal

for _number in (signal.SIGINT, signal.SIGTERM):
    signal.signal(_number, signal.SIG_IGN)

import sklearn.linear_model
import torch
import transformers.modeling_utils
from transformers import AutoModelForSequenceClassification, AutoModelForTokenClassification

import luthier.engines.execute
import luthier.models.attention

__all__ = ["AutoModelForSequenceClassification", "AutoModelForTokenClassification", "luthier", "sklearn", "torch", "transformers"]
