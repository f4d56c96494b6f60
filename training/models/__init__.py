"""Datasets and evaluations."""

from training.models.dataset import Dataset, DatasetItem, InputKind, SplitKind
from training.models.evaluation import Evaluation, ProtocolKind

__all__ = ["Dataset", "DatasetItem", "Evaluation", "InputKind", "ProtocolKind", "SplitKind"]
