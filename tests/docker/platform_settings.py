"""The platform's own settings, and kinds of jobs for tests."""

from faceplatform.settings import *  # noqa: F403

CELERY_IMPORTS = ("tests.core.worker_kinds",)
