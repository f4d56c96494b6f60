"""Datasets, training runs and evaluations."""

from django.apps import AppConfig


class TrainingConfig(AppConfig):
    """The app that measures, and makes, what recognition uses."""

    name = "training"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Register the kinds of jobs; the modules behind them load nothing heavy."""
        from training import tasks  # noqa: F401
