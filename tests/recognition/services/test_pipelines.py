"""One pipeline per process and backbone, prepared beside the requests."""

import threading
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from faceplatform.api import health
from faceplatform.core.errors import DomainError
from recognition.services import pipelines as module
from recognition.services.pipelines import Pipelines, serve_requests
from tests.fakes import FakePipeline, face_photo

NAME = "facenet-casia"


class Workshop:
    """Builds a stand-in as soon as `finish` is set; counts how often."""

    def __init__(self) -> None:
        self.finish = threading.Event()
        self.built = 0
        self.error: Exception | None = None

    def __call__(self, backbone: str) -> FakePipeline:
        self.built += 1
        assert self.finish.wait(20)
        if self.error is not None:
            raise self.error
        return FakePipeline()


@pytest.fixture
def workshop(monkeypatch: pytest.MonkeyPatch) -> Workshop:
    made = Workshop()
    monkeypatch.setattr(module, "build", made)
    return made


def test_a_request_is_told_to_come_back_until_the_network_is_there(workshop: Workshop) -> None:
    own = Pipelines()
    own.patience = 0.05
    assert own.preparing == frozenset()
    for _ in range(3):
        with pytest.raises(DomainError) as error:
            own.get(NAME)
        assert (error.value.code, error.value.status) == ("model_preparing", 503)
    assert own.preparing == {NAME}
    workshop.finish.set()
    own.patience = 20
    assert own.get(NAME) is own.get(NAME) is own.ready[NAME]
    assert (workshop.built, own.preparing) == (1, frozenset())


def test_a_job_waits_as_long_as_it_takes(workshop: Workshop) -> None:
    own = Pipelines()
    got: list[Any] = []
    waiting = [threading.Thread(target=lambda: got.append(own.get(NAME))) for _ in range(4)]
    for thread in waiting:
        thread.start()
    time.sleep(0.1)
    assert got == []
    workshop.finish.set()
    for thread in waiting:
        thread.join()
    assert (len(got), len(set(map(id, got))), workshop.built) == (4, 1, 1)


def test_what_failed_is_tried_again_by_the_next_who_asks(workshop: Workshop) -> None:
    own = Pipelines()
    workshop.finish.set()
    workshop.error = DomainError("model_damaged", "no checksum", status=503)
    with pytest.raises(DomainError, match="model_damaged"):
        own.get(NAME)
    workshop.error = None
    assert own.get(NAME) is not None
    assert workshop.built == 2


@pytest.mark.parametrize("wanted", [True, False])
def test_a_web_process_begins_when_it_starts(
    workshop: Workshop, monkeypatch: pytest.MonkeyPatch, settings: Any, wanted: bool
) -> None:
    own = Pipelines()
    monkeypatch.setattr(module, "pipelines", own)
    settings.PREPARE_MODELS = wanted
    serve_requests()
    assert own.patience == module.REQUEST_PATIENCE
    assert own.preparing == ({NAME} if wanted else frozenset())
    workshop.finish.set()


def test_readyz_says_that_a_network_is_being_prepared(
    workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = Pipelines()
    states = [
        SimpleNamespace(name=name, ready=ready, detail="4 files")
        for name, ready in (("mtcnn", False), (NAME, True), ("other", True))
    ]
    monkeypatch.setattr(health, "pipelines", own)
    monkeypatch.setattr(health, "model_states", lambda: states)
    building = own.begin(NAME)
    assert [(part.ok, part.detail) for part in health._models()] == [
        (False, "preparing"), (False, "preparing"), (True, "4 files"),
    ]  # fmt: skip
    workshop.finish.set()
    building.result(20)
    while own.preparing:
        time.sleep(0.01)
    assert [part.ok for part in health._models()] == [False, True, True]


def test_a_changed_byte_is_noticed_without_loading(tmp_path: Path, settings: Any, db: None) -> None:
    from recognition.selectors.models import model_states
    from recognition.vision import store

    settings.MODELS_DIR = tmp_path
    for name in ("mtcnn", settings.DEFAULT_BACKBONE):
        folder = tmp_path / name
        folder.mkdir()
        (folder / "network.bin").write_bytes(face_photo(1))
        store.write_manifest(
            folder, recipe="r", weights_sha256="0" * 64, names=["network.bin"], made_with={}
        )
    assert [state.ready for state in model_states()] == [True, True]
    damaged = tmp_path / "mtcnn" / "network.bin"
    content = bytearray(damaged.read_bytes())
    content[40] ^= 1
    damaged.write_bytes(content)
    assert [state.ready for state in model_states()] == [False, True]
    damaged.unlink()
    assert "network.bin" in model_states()[0].detail
