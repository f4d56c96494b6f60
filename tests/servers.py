"""Pytest plugin that starts PostgreSQL and Valkey before Django reads its settings.

Workers of pytest-xdist inherit the addresses from the process that started the servers.
"""

import os
from pathlib import Path

import pytest

from faceplatform.stack import testing

ROOT = Path(__file__).resolve().parent.parent
VAR = ROOT / "var" / "test"

os.environ["FACEPLATFORM_VAR"] = str(VAR)
os.environ.setdefault("PREPARE_MODELS", "no")  # minutes that only the tests about it need
if "DATABASE_URL" not in os.environ:
    os.environ.update(testing.start(VAR))
if "PYTEST_XDIST_WORKER" in os.environ:
    # A broker database each: a Celery worker of one test must not take the messages of another.
    number = int(os.environ["PYTEST_XDIST_WORKER"].removeprefix("gw")) + 1
    os.environ["REDIS_URL"] = os.environ["REDIS_URL"].replace("?db=0", f"?db={number}")


def pytest_unconfigure(config: pytest.Config) -> None:
    """Stop what this process started."""
    testing.stop()
