"""What every worker needs, loaded once in the process that workers are forked from: it takes seconds."""

from __future__ import annotations

import sklearn.linear_model
import torch
import transformers.modeling_utils
from transformers import AutoModelForSequenceClassification, AutoModelForTokenClassification

import luthier.engines.execute
import luthier.models.attention

__all__ = ["AutoModelForSequenceClassification", "AutoModelForTokenClassification", "luthier", "sklearn", "torch", "transformers"]
