"""Kinds of jobs. The services behind them are imported when they run."""

from typing import Any

from faceplatform.core.jobs import JobContext, job_kind


@job_kind("training.check_dataset", queue="evaluation")
def check_dataset(context: JobContext) -> dict[str, Any]:
    """Look for leaks between the parts of a dataset; a second run finds the same."""
    from training.services.leaks import run_check

    return run_check(context)


@job_kind("training.evaluate", queue="evaluation")
def evaluate(context: JobContext) -> dict[str, Any]:
    """Run an evaluation; the report is written once at its end, so a second run replaces it."""
    from training.services.runs import run_evaluation

    return run_evaluation(context)


@job_kind("training.train", queue="training")
def train(context: JobContext) -> dict[str, Any]:
    """Train; run again after an interruption, it goes on from the last checkpoint."""
    from training.services.training_job import run_training

    return run_training(context)
