"""Datasets, training runs and evaluations."""

from training.models.dataset import Dataset, DatasetItem, InputKind, SplitKind
from training.models.evaluation import Evaluation, ProtocolKind
from training.models.runs import TrainingRun

__all__ = [
    "Dataset",
    "DatasetItem",
    "Evaluation",
    "InputKind",
    "ProtocolKind",
    "SplitKind",
    "TrainingRun",
]
