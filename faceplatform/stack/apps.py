"""The Django app: it has commands and no models."""

from django.apps import AppConfig


class StackConfig(AppConfig):
    name = "faceplatform.stack"
    label = "stack"
    verbose_name = "Embedded stack"
