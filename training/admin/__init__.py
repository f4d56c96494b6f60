"""Datasets and evaluations in the admin."""

from training.admin.datasets import DatasetAdmin
from training.admin.evaluations import EvaluationAdmin

__all__ = ["DatasetAdmin", "EvaluationAdmin"]
