"""Galleries, enrollment, identification."""

from django.apps import AppConfig


class RecognitionConfig(AppConfig):
    """The app that knows people by their faces."""

    name = "recognition"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Register the kinds of jobs; the modules behind them load no network."""
        from recognition import checks, tasks  # noqa: F401
