"""A video with the real networks: a clip of a stage show."""

from pathlib import Path
from typing import Any

import pytest
from django.core.files.base import ContentFile

from faceplatform.core import jobs
from faceplatform.core.actors import SYSTEM
from faceplatform.core.models import Job, JobState
from recognition.models import Gallery, Video
from recognition.selectors.videos import PersonSeen, people_seen
from recognition.services.enrollment import enroll_photo
from recognition.services.identities import create_identity
from recognition.services.pipelines import pipelines
from recognition.services.videos import start_video
from tests.factories import GalleryFactory

pytestmark = pytest.mark.django_db
ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(autouse=True)
def _real_networks(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The project's own models folder, and pipelines that no other test sees.

    A thread that renews the lease would not see the rows of a test's transaction.
    """
    settings.JOB_HEARTBEAT_SECONDS = 3600
    settings.MODELS_DIR = ROOT / "var" / "models"
    monkeypatch.setattr(pipelines, "ready", {})


@pytest.fixture
def gallery(shared_data: Path, files: Path) -> Gallery:
    """An empty gallery of the default network."""
    return GalleryFactory.create()


def enroll(gallery: Gallery, name: str, path: Path) -> None:
    """Enroll one photo of a person."""
    person = create_identity(gallery=gallery, name=name, actor=SYSTEM)
    enroll_photo(
        gallery=gallery, identity=person, data=path.read_bytes(), path=path.name, actor=SYSTEM
    )


def looked(gallery: Gallery, data: bytes) -> tuple[Video, list[PersonSeen]]:
    """Ask about a video and wait for the answer."""
    video = start_video(
        gallery=gallery, name="v.mp4", content=ContentFile(data, "v"), actor=SYSTEM, ring=False
    )
    assert video.job_id is not None
    jobs.run_here(video.job_id)
    assert Job.objects.get(pk=video.job_id).state == JobState.SUCCEEDED
    video.refresh_from_db()
    return video, people_seen(video)


def test_two_of_a_stage_show_are_named_and_nobody_else(gallery: Gallery, shared_data: Path) -> None:
    folder = shared_data / "people"
    enroll(gallery, "Lin-Manuel Miranda", folder / "lin-manuel-miranda.png")
    enroll(gallery, "Alex Lacamoire", folder / "alex-lacamoire.png")
    _, people = looked(gallery, (folder / "short_hamilton_clip.mp4").read_bytes())
    named = [one for one in people if one.decision == "identified"]
    assert [one.label for one in named] == ["Lin-Manuel Miranda", "Alex Lacamoire"]
    assert any(one.decision == "unknown" for one in people)
    # The camera shows one of them close up from 2.8 s on, the other from 0.8 to 1.4 s.
    assert [round(start, 1) for start, _ in named[0].intervals] == [0.0, 2.8]
    assert named[1].intervals == (pytest.approx((0.8, 1.4), abs=0.2),)
