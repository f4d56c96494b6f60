"""What the platform tells about itself: log lines on standard error, figures at `/metrics`."""

from django.core.exceptions import ImproperlyConfigured

from faceplatform.core.logs import logging_config
from faceplatform.settings import env

LOG_LEVEL = env.choice("LOG_LEVEL", ("INFO", "DEBUG", "WARNING", "ERROR"))
LOG_FORMAT = env.choice("LOG_FORMAT", ("text", "json"))
LOGGING = logging_config(as_json=LOG_FORMAT == "json", level=LOG_LEVEL)

_SHORTEST_TOKEN = 20
METRICS_TOKEN = env.text("METRICS_TOKEN")
if METRICS_TOKEN and len(METRICS_TOKEN) < _SHORTEST_TOKEN:
    raise ImproperlyConfigured(
        f"METRICS_TOKEN must have at least {_SHORTEST_TOKEN} characters, or be unset"
    )
