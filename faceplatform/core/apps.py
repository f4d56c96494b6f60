"""Shared base: jobs, audit, storage, errors."""

from django.apps import AppConfig


class CoreConfig(AppConfig):
    """The app that knows no other."""

    name = "faceplatform.core"
    label = "core"
    default_auto_field = "django.db.models.BigAutoField"
