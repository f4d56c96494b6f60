"""`manage.py dispatch`: the outbox of jobs."""

import logging
import signal
import threading
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand
from django.db import DatabaseError, connection

from faceplatform.core.jobs.lease import reap
from faceplatform.core.jobs.outbox import publish_waiting

logger = logging.getLogger(__name__)


class Command(BaseCommand):
    """Rings for jobs that nobody claimed and takes back jobs of silent workers."""

    help = "Re-publish waiting jobs and take back jobs of silent workers, until stopped."

    def handle(self, *args: Any, **options: Any) -> None:
        """Loop until SIGTERM or SIGINT; a database or broker that is away is tried again."""
        stop = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stop.set())
        logger.info("dispatcher ready")
        while not stop.wait(settings.JOB_DISPATCH_SECONDS):
            try:
                reap()
                publish_waiting()
            except DatabaseError as error:
                logger.warning("database unreachable, trying again: %s", error)
                connection.close()
