"""Loaded by workers and web server of a platform under test: obeys orders, sees without networks.

Celery loads it with `--include`, gunicorn through `tests.faults.wsgi`; tests themselves never do.
"""

import os
from pathlib import Path

from faceplatform.core.jobs import barriers
from recognition.services.model_versions import digest_of
from recognition.services.pipelines import pipelines
from recognition.vision import registry
from tests.core import worker_kinds  # noqa: F401
from tests.fakes import FakePipeline
from tests.faults import orders


def _fake_pipeline() -> FakePipeline:
    return FakePipeline(digest=digest_of(registry.get("facenet-casia")))


if orders.VARIABLE in os.environ:
    barriers.add_hook(orders.Orders(Path(os.environ[orders.VARIABLE])).obey)
if orders.REAL_NETWORKS not in os.environ:
    pipelines.ready["facenet-casia"] = _fake_pipeline()  # type: ignore[assignment]
