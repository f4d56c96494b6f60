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
if "DATABASE_URL" not in os.environ:
    os.environ.update(testing.start(VAR))


def pytest_unconfigure(config: pytest.Config) -> None:
    """Stop what this process started."""
    testing.stop()
