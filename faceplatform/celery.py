"""The Celery application. Queues: default, inference, training, evaluation, video."""

import os
from typing import Any

from celery import Celery
from celery.signals import celeryd_init, worker_process_init, worker_process_shutdown

from faceplatform.core.metrics import report, start_reporting

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "faceplatform.settings")

app = Celery("faceplatform")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@celeryd_init.connect
def count_in_children(sender: str, **_: Any) -> None:
    """Let the processes that work report what they count, under the worker's name."""
    name = sender.partition("@")[0]
    worker_process_init.connect(lambda **_: start_reporting(name), weak=False)
    # They leave without the interpreter's own clean-up.
    worker_process_shutdown.connect(lambda **_: report(), weak=False)
