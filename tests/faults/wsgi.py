"""The platform's own entry point of gunicorn, with `tests.faults.plant` in the process."""

from faceplatform.wsgi import application
from tests.faults import plant

__all__ = ["application", "plant"]
