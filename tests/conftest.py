"""Servers, clients and faces for all tests.

PostgreSQL and Valkey are real: the embedded ones, started once for all workers of a run.
"""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
SHARED_DATA = ROOT.parent / "shared" / "data"

os.environ.setdefault("FACEPLATFORM_VAR", str(ROOT / "var" / "test"))
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "faceplatform.settings.test")


def _start_servers() -> None:
    """Start the servers in the process that starts the others, before settings are read."""
    if "DATABASE_URL" not in os.environ:
        from faceplatform.stack import testing

        os.environ.update(testing.start(ROOT / "var" / "test"))


_start_servers()


def pytest_unconfigure(config: pytest.Config) -> None:
    """Stop what this process started."""
    from faceplatform.stack import testing

    testing.stop()


@pytest.fixture
def files(settings: object, tmp_path: Path) -> Iterator[Path]:
    """A storage of this test alone; yields its folder."""
    from django.core.files.storage import storages

    location = tmp_path / "files"
    settings.STORAGES = settings.STORAGES | {  # type: ignore[attr-defined]
        "default": {
            "BACKEND": "faceplatform.core.storage.AtomicFileSystemStorage",
            "OPTIONS": {"location": str(location)},
        }
    }
    storages._storages.clear()  # noqa: SLF001
    yield location
    storages._storages.clear()  # noqa: SLF001


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real faces; tests that need it are skipped where it is missing."""
    if not SHARED_DATA.is_dir():
        pytest.skip("the folder of real faces (../shared/data) is not on this machine")
    return SHARED_DATA
