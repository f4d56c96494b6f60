"""Galleries, enrollment, identification."""

from typing import Any

from django.apps import AppConfig
from django.db.models.signals import post_migrate


class RecognitionConfig(AppConfig):
    """The app that knows people by their faces."""

    name = "recognition"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Register the kinds of jobs; the modules behind them load no network."""
        from recognition import checks, tasks  # noqa: F401

        post_migrate.connect(adopt_calibrations, sender=self)


def adopt_calibrations(apps: Any = None, **_: Any) -> None:
    """After an upgrade: put calibrations that came with it in force.

    `apps` are the models as the migrations left them, which may be older than the code; None after
    a flush, when there is nothing left.
    """
    if apps is None:
        return
    fields = {field.name for field in apps.get_model("recognition", "ModelVersion")._meta.fields}
    if "calibration_sha256" in fields:
        from recognition.services import model_versions

        model_versions.adopt_calibrations()
