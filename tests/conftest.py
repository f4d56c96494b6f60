"""Servers, clients and faces for all tests.

PostgreSQL and Valkey are real: `tests/servers.py` starts the embedded ones once for a run.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.places import new_machine, place

if TYPE_CHECKING:
    from tests.fakes import FakePipeline

__all__ = ["new_machine", "place"]  # fixtures from their own file

ROOT = Path(__file__).resolve().parent.parent
SHARED_DATA = ROOT.parent / "shared" / "data"


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
    vars(storages)["_storages"].clear()
    yield location
    vars(storages)["_storages"].clear()


@pytest.fixture
def fake_pipeline(monkeypatch: pytest.MonkeyPatch, db: None) -> "FakePipeline":
    """Put a stand-in for the networks under all services; see `tests/fakes.py`."""
    from recognition.services.model_versions import default_version
    from recognition.services.pipelines import pipelines
    from tests.fakes import FakePipeline

    version = default_version()
    pipeline = FakePipeline(digest=version.digest)
    monkeypatch.setattr(pipelines, "ready", {version.backbone: pipeline})
    return pipeline


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real faces; tests that need it are skipped where it is missing."""
    if not SHARED_DATA.is_dir():
        pytest.skip("the folder of real faces (../shared/data) is not on this machine")
    return SHARED_DATA
