"""One organization with a gallery, and a look at all temporary folders after each test."""

import gc
import io
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from django.core.handlers.wsgi import WSGIHandler
from django.core.signals import request_finished, request_started
from django.db import close_old_connections

from faceplatform.accounts.models import Organization
from faceplatform.accounts.roles import Role, Scope
from faceplatform.core.jobs import run_here
from recognition.models import Gallery, Identity, ImportRun
from recognition.vision.types import AnalysedFace, Pixels
from tests.api.caller import Caller, upload
from tests.bad_inputs.archives import good
from tests.bad_inputs.requests import FORM
from tests.bad_inputs.results import Results
from tests.factories import (
    GalleryFactory,
    IdentityFactory,
    OrganizationFactory,
    make_key,
    make_member,
)
from tests.fakes import FakePipeline

CSRF = "c" * 32


class OneFace(FakePipeline):
    """Finds one good face in every picture. What counts here is everything around it."""

    def analyse(
        self,
        images: Sequence[Pixels],
        max_faces: int = 100,
        *,
        main_only: bool = False,
        timings: dict[str, float] | None = None,
    ) -> list[list[AnalysedFace]]:
        self.images += len(images)
        return [[self._face(1, int(pixels.mean()), 0, 0)] for pixels in images]


@dataclass(slots=True)
class World:
    """Somebody who may upload, a program that may ask, and where they send their files."""

    gallery: Gallery
    identity: Identity
    operator: Caller
    secret: str

    @property
    def identify_at(self) -> str:
        return f"/api/v1/galleries/{self.gallery.pk}/identify"

    @property
    def enroll_at(self) -> str:
        return f"/api/v1/identities/{self.identity.pk}/images"

    def identify(self, data: bytes, filename: str = "photo.jpg") -> Any:
        return self.operator.form(self.identify_at, image=upload(data, filename))

    def enroll(self, data: bytes, filename: str = "photo.jpg") -> Any:
        return self.operator.form(self.enroll_at, images=upload(data, filename))

    def import_zip(self, data: bytes) -> Any:
        path = f"/api/v1/galleries/{self.gallery.pk}/imports"
        return self.operator.form(path, archive=upload(data, "people.zip"))

    def ask_page(self, data: bytes, filename: str = "photo.jpg") -> Any:
        fields = {"gallery": str(self.gallery.pk), "photo": upload(data, filename)}
        return self.operator.form("/identify/", **fields)

    def add_on_page(self, data: bytes, filename: str = "photo.jpg") -> Any:
        path = f"/identities/{self.identity.pk}/images/"
        return self.operator.form(path, photos=upload(data, filename))

    def import_on_page(self, data: bytes) -> Any:
        path = f"/galleries/{self.gallery.pk}/import/"
        return self.operator.form(path, archive=upload(data, "people.zip"))

    def raw(
        self, path: str, body: bytes, *, content_type: str = FORM, length: str | None = None
    ) -> tuple[int, bytes]:
        """Send a body past the test client, which would not lie; return status and content."""
        environ = self.operator.client._base_environ(  # type: ignore[attr-defined]
            PATH_INFO=path,
            REQUEST_METHOD="POST",
            CONTENT_TYPE=content_type,
            CONTENT_LENGTH=str(len(body)) if length is None else length,
            **{"wsgi.input": io.BytesIO(body)},
        )
        if path.startswith("/api/"):
            environ.pop("HTTP_COOKIE", None)
            environ["HTTP_AUTHORIZATION"] = f"Bearer {self.secret}"
        else:
            environ["HTTP_COOKIE"] = f"{environ['HTTP_COOKIE']}; csrftoken={CSRF}"
            environ["HTTP_X_CSRFTOKEN"] = CSRF
        if length == "":
            environ["HTTP_TRANSFER_ENCODING"] = "chunked"
        signals = (request_started, request_finished)
        for signal in signals:  # the test's own transaction must stay open, as in Django's client
            signal.disconnect(close_old_connections)
        try:
            status: list[int] = []
            start: Any = lambda line, headers: status.append(int(line[:3]))  # noqa: E731
            response = WSGIHandler()(environ, start)
            content = b"".join(response)
            response.close()
        finally:
            for signal in signals:
                signal.connect(close_old_connections)
        return status[0], content

    def run_import(self) -> dict[str, tuple[str, str]]:
        """Run the newest import; return status and code of each item by its path."""
        run = ImportRun.objects.select_related("job").latest("created_at")
        assert run.job_id is not None
        assert run_here(run.job_id)
        run.job.refresh_from_db()
        assert run.job.state == "succeeded", run.job.error_detail
        return {item.path: (item.status, item.code) for item in run.items.all()}

    def still_works(self) -> bool:
        """Whether a good photo is answered right after all this."""
        answer = self.identify(good(-1))
        return answer.status_code == 200 and len(answer.json()["faces"]) == 1


@pytest.fixture
def world(fake_pipeline: FakePipeline, monkeypatch: pytest.MonkeyPatch, temp: Path) -> World:
    from recognition.services.pipelines import pipelines

    (backbone,) = pipelines.ready
    pipeline: Any = OneFace(digest=fake_pipeline.version.digest)
    monkeypatch.setattr(pipelines, "ready", {backbone: pipeline})
    organization: Organization = OrganizationFactory.create()
    gallery = GalleryFactory.create(organization=organization)
    return World(
        gallery=gallery,
        identity=IdentityFactory.create(gallery=gallery),
        operator=Caller.person(make_member(organization, Role.OPERATOR)),
        secret=make_key(organization, Scope.IDENTIFY).secret,
    )


@pytest.fixture
def temp(
    files: Path, tmp_path: Path, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Path]:
    """Every upload goes to this folder first; it must be empty again, and no file half stored."""
    folder = tmp_path / "temp"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    settings.FILE_UPLOAD_TEMP_DIR = str(folder)
    settings.FILE_UPLOAD_MAX_MEMORY_SIZE = 0
    yield folder
    gc.collect()
    assert list(folder.iterdir()) == []
    left = [path for path in files.rglob("*") if path.is_file()]
    assert [path for path in left if ".part-" in path.name or "archives" in path.parts] == []


@pytest.fixture(scope="module")
def results() -> Iterator[Results]:
    gathered = Results()
    yield gathered
    gathered.compare()
