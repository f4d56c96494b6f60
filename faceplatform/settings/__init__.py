"""Settings of the platform; everything that differs between machines comes from the environment."""

from faceplatform.settings.admin import *  # noqa: F403
from faceplatform.settings.api import *  # noqa: F403
from faceplatform.settings.base import *  # noqa: F403
from faceplatform.settings.celery import *  # noqa: F403
from faceplatform.settings.logging import *  # noqa: F403
