"""The Celery application. Queues: default, inference, training, evaluation, video."""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "faceplatform.settings")

app = Celery("faceplatform")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
