"""Entry point of an ASGI server."""

import os

from django.core.asgi import get_asgi_application

from faceplatform.core.metrics import start_reporting

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "faceplatform.settings")

application = get_asgi_application()
start_reporting("web")
