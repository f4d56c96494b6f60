"""Shared base: jobs, audit, storage, errors."""

from django.apps import AppConfig


class CoreConfig(AppConfig):
    """The app that knows no other."""

    name = "faceplatform.core"
    label = "core"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Make the Celery application the one that jobs are published with, in every process."""
        from faceplatform import celery  # noqa: F401
