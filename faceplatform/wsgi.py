"""Entry point of gunicorn."""

import os

from django.core.wsgi import get_wsgi_application

from faceplatform.core.metrics import start_reporting

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "faceplatform.settings")

application = get_wsgi_application()
start_reporting("web")
