"""Videos as jobs: who appears when, interruption, what is kept, and what is refused."""

import csv
import datetime as dt
import json
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.core.management import call_command
from django.utils import timezone

from faceplatform.core import jobs
from faceplatform.core.actors import SYSTEM
from faceplatform.core.errors import DomainError
from faceplatform.core.jobs import barriers
from faceplatform.core.models import AuditEvent, Job, JobState
from recognition.models import Gallery, Identity, Photo, Track, TrackFrame, TrackMatch, Video
from recognition.selectors.videos import people_seen
from recognition.services import video_run
from recognition.services.galleries import delete_gallery
from recognition.services.video_exports import video_csv, video_record, video_vtt
from recognition.services.video_files import ranged
from recognition.services.video_run import stretches_of
from recognition.services.videos import (
    VideoOptions,
    delete_video,
    purge_expired_videos,
    start_video,
)
from tests.factories import FaceTemplateFactory, GalleryFactory, IdentityFactory
from tests.fakes import FakePipeline
from tests.videos import grey_levels, people_video, sound_file

pytestmark = pytest.mark.django_db

KNOWN, OTHER, STRANGER = 1, 2, 77
SCENES = [(2.0, [KNOWN, STRANGER]), (2.0, []), (2.0, [STRANGER]), (2.0, [OTHER]), (1.0, [])]


@pytest.fixture(autouse=True)
def _one_transaction(settings: Any) -> None:
    """A thread that renews the lease would not see the rows of a test's transaction."""
    settings.JOB_HEARTBEAT_SECONDS = 3600


@pytest.fixture
def gallery(fake_pipeline: FakePipeline, files: Path) -> Gallery:
    """A gallery with two people."""
    made = GalleryFactory.create()
    for person, name in ((KNOWN, "Ada"), (OTHER, "Grace")):
        identity = IdentityFactory.create(gallery=made, name=name)
        FaceTemplateFactory.create(face__identity=identity, person=person)
    return made


@pytest.fixture(scope="module")
def film() -> bytes:
    """The two people and a stranger come and go."""
    return people_video(SCENES)


def begin(gallery: Gallery, data: bytes, name: str = "film.mkv") -> Video:
    """Store a video with its job, which waits."""
    return start_video(
        gallery=gallery, name=name, content=ContentFile(data, name), actor=SYSTEM, ring=False
    )


def run(video: Video) -> Job:
    """Run the video's job here."""
    assert video.job_id is not None
    jobs.run_here(video.job_id)
    video.refresh_from_db()
    return Job.objects.get(video=video)


def looked(gallery: Gallery, data: bytes) -> Video:
    """Ask about a video and wait for the answer."""
    video = begin(gallery, data)
    job = run(video)
    assert job.state == JobState.SUCCEEDED, job.error_detail
    return video


def answer(video: Video) -> list[tuple[str, str, tuple[tuple[float, float], ...]]]:
    """Return who was seen and when."""
    return [(one.label, one.decision, one.intervals) for one in people_seen(video)]


def test_people_are_named_and_strangers_are_not(gallery: Gallery, film: bytes) -> None:
    video = looked(gallery, film)
    assert answer(video) == [
        ("Ada", "identified", ((0.0, 1.8),)),
        ("Grace", "identified", ((6.0, 7.8),)),
        ("Stranger 1", "unknown", ((0.0, 1.8), (4.0, 5.8))),
    ]
    ada, _, stranger = people_seen(video)
    assert ada.track.votes == ada.track.voters == len(ada.frames) > 1
    assert len(stranger.tracks) == 2
    assert stranger.score is not None
    assert stranger.score < video.threshold["value"] <= (ada.score or 0.0)
    assert not Track.objects.exclude(template=None).exists()
    assert video.partial == ""
    assert video.checkpoint is None
    job = video.job
    assert job is not None
    assert job.result["counts"] == {"tracks": 4, "people": 3, "identified": 2}
    assert "Ada" not in json.dumps(job.result)


def test_kept_frames_have_pictures_and_the_copy_is_there(gallery: Gallery, film: bytes) -> None:
    video = looked(gallery, film)
    frames = TrackFrame.objects.filter(track__video=video)
    assert frames.exists()
    assert all(frame.photo is not None for frame in frames.select_related("photo"))
    assert TrackMatch.objects.filter(track__video=video, above_threshold=True).exists()
    part = ranged(video.proxy, "bytes=4-7")
    assert part is not None
    assert (part.status, part.length, b"".join(part.chunks)) == (206, 4, b"ftyp")
    whole, behind = ranged(video.proxy, ""), ranged(video.proxy, "bytes=99999999-")
    assert whole is not None
    assert len(b"".join(whole.chunks)) == whole.length
    assert behind is not None
    assert behind.status == 416


class Killed(BaseException):
    """Ends a worker without any of its clean-up in the job's row."""


@pytest.mark.parametrize("writes", [1, 3])
def test_a_killed_worker_is_continued_with_the_same_result(
    gallery: Gallery, film: bytes, monkeypatch: pytest.MonkeyPatch, writes: int
) -> None:
    monkeypatch.setattr(video_run, "CHECKPOINT_SECONDS", 0.0)
    whole = looked(gallery, film)
    video, reached = begin(gallery, film), 0

    def kill(name: str) -> None:
        nonlocal reached
        reached += name == "before_commit"
        if reached > writes:
            raise Killed

    barriers.add_hook(kill)
    try:
        with pytest.raises(Killed):
            run(video)
    finally:
        barriers.clear_hooks()
    Job.objects.filter(video=video).update(lease_until=timezone.now() - dt.timedelta(1))
    video.refresh_from_db()
    stood_at = video.position
    job = run(video)
    assert job.state == JobState.SUCCEEDED
    assert stood_at > 0 or writes == 1
    assert _compared(video) == _compared(whole)


def _compared(video: Video) -> list[tuple[object, ...]]:
    rows: list[tuple[object, ...]] = []
    for track in video.tracks.order_by("number"):
        frames = [
            (frame.number, frame.time, round(frame.worth, 6), frame.photo_id)
            for frame in track.frames.all()
        ]
        fixed = (track.number, track.first, track.last, track.decision, track.score, track.person)
        rows.append((*fixed, bytes(track.path), frames))
    return rows


def test_results_are_there_while_the_job_still_runs(
    gallery: Gallery, film: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(video_run, "CHECKPOINT_SECONDS", 0.0)
    seen: list[set[str]] = []
    video = begin(gallery, film)
    barriers.add_hook(
        lambda name: (
            seen.append({label for label, _, _ in answer(video)})
            if name == "after_commit"
            else None
        )
    )
    try:
        run(video)
    finally:
        barriers.clear_hooks()
    assert {"Ada", "Stranger 1"} in seen
    assert seen[-1] == {"Ada", "Grace", "Stranger 1"}


def test_a_cancelled_job_keeps_what_was_found(
    gallery: Gallery, film: bytes, monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    monkeypatch.setattr(video_run, "CHECKPOINT_SECONDS", 0.0)
    settings.JOB_PROGRESS_SECONDS = 0.0
    video = begin(gallery, film)
    barriers.add_hook(
        lambda name: (
            jobs.cancel(Job.objects.get(video=video), actor=SYSTEM)
            if name == "after_commit" and Track.objects.filter(video=video).exists()
            else None
        )
    )
    try:
        job = run(video)
    finally:
        barriers.clear_hooks()
    assert job.state == JobState.CANCELLED
    assert {label for label, _, _ in answer(video)} == {"Ada", "Stranger 1"}
    assert not video.looked_through


@pytest.mark.parametrize(
    ("data", "code", "status"),
    [
        (sound_file(), "video_no_video_stream", 422),
        (b"words " * 100, "video_corrupt", 422),
        (b"#EXTM3U\nhttp://127.0.0.1:1/a.ts\n", "unsupported_media", 415),
    ],
    ids=["sound", "text", "playlist"],
)
def test_what_is_no_video_leaves_nothing(
    gallery: Gallery, files: Path, data: bytes, code: str, status: int
) -> None:
    with pytest.raises(DomainError) as refused:
        begin(gallery, data)
    assert (refused.value.code, refused.value.status) == (code, status)
    assert not Video.objects.exists()
    assert not Job.objects.exists()
    assert not [path for path in files.rglob("*") if path.is_file()]


def test_options_and_galleries_are_checked(gallery: Gallery) -> None:
    with pytest.raises(DomainError, match="rate_invalid"):
        start_video(
            gallery=gallery,
            name="v",
            content=ContentFile(b"x", "v"),
            actor=SYSTEM,
            looking=VideoOptions(rate=100.0),
        )
    Gallery.objects.update(searchable=False)
    gallery.refresh_from_db()
    with pytest.raises(DomainError, match="gallery_not_searchable"):
        begin(gallery, b"x")


def test_a_gallery_that_keeps_answers_only_keeps_no_picture(
    gallery: Gallery, files: Path, film: bytes
) -> None:
    Gallery.objects.update(probe_days=0)
    gallery.refresh_from_db()
    video = looked(gallery, film)
    assert [label for label, _, _ in answer(video)] == ["Ada", "Grace", "Stranger 1"]
    assert (video.file, video.proxy) == ("", "")
    assert not TrackFrame.objects.exclude(photo=None).exists()


def test_deleting_takes_files_and_pictures_along(
    gallery: Gallery, film: bytes, django_capture_on_commit_callbacks: Any
) -> None:
    video = looked(gallery, film)
    keys = [video.file, video.proxy]
    assert all(default_storage.exists(key) for key in keys)
    pictures = set(TrackFrame.objects.values_list("photo_id", flat=True))
    with django_capture_on_commit_callbacks(execute=True):
        delete_video(video=video, actor=SYSTEM)
    assert not any(default_storage.exists(key) for key in keys)
    assert not Photo.objects.filter(pk__in=pictures).exists()
    event = AuditEvent.objects.get(action="video.delete")
    assert len(event.data["photos_sha256"]) == len(pictures)


def test_nothing_is_kept_beyond_its_time(
    gallery: Gallery, film: bytes, django_capture_on_commit_callbacks: Any
) -> None:
    video = looked(gallery, film)
    with django_capture_on_commit_callbacks(execute=True):
        assert purge_expired_videos() == 0
        Video.objects.update(expires_at=timezone.now())
        assert purge_expired_videos() == 1
        assert purge_expired_videos() == 0
    assert not Track.objects.exists()
    assert not default_storage.exists(video.file)


def test_a_gallery_goes_with_its_videos(
    gallery: Gallery, film: bytes, django_capture_on_commit_callbacks: Any
) -> None:
    video = looked(gallery, film)
    with django_capture_on_commit_callbacks(execute=True):
        delete_gallery(gallery=gallery, actor=SYSTEM)
    assert not Video.objects.exists()
    assert not default_storage.exists(video.proxy)
    assert not Photo.objects.exists()


def test_who_was_erased_is_in_no_answer(gallery: Gallery, film: bytes) -> None:
    video = looked(gallery, film)
    Identity.objects.get(name="Ada").delete()
    assert "Ada" not in json.dumps(video_record(video))
    assert "Ada" not in "".join(video_csv(video))


def test_exports_say_the_same(gallery: Gallery, film: bytes) -> None:
    video = looked(gallery, film)
    Identity.objects.filter(name="Ada").update(name="=Ada <b>")
    rows = list(csv.DictReader(StringIO("".join(video_csv(video)))))
    assert [(row["name"], row["from_seconds"], row["to_seconds"]) for row in rows] == [
        ("'=Ada <b>", "0.000", "1.800"),
        ("Grace", "6.000", "7.800"),
        ("", "0.000", "1.800"),
        ("", "4.000", "5.800"),
    ]
    cues = "".join(video_vtt(video))
    assert cues.startswith("WEBVTT\n\n1\n00:00:00.000 --> 00:00:01.800\n=Ada &lt;b&gt;\n")
    record = video_record(video)
    assert [person["intervals"] for person in record["people"]] == [
        [[0.0, 1.8]], [[6.0, 7.8]], [[0.0, 1.8], [4.0, 5.8]],
    ]  # fmt: skip
    assert all(person["tracks"][0]["frames"] for person in record["people"])


def test_the_command_prints_the_answer(gallery: Gallery, film: bytes, tmp_path: Path) -> None:
    path = tmp_path / "film.mkv"
    path.write_bytes(film)
    out = StringIO()
    organization = gallery.organization.name
    call_command(
        "identify_video", str(path), gallery=gallery.name, organization=organization, json=True,
        stdout=out,
    )  # fmt: skip
    assert [person["label"] for person in json.loads(out.getvalue())["people"]] == [
        "Ada", "Grace", "Stranger 1",
    ]  # fmt: skip


def test_a_video_without_faces_has_an_answer(gallery: Gallery) -> None:
    video = looked(gallery, grey_levels([0] * 10))
    assert answer(video) == []
    assert video.seconds == pytest.approx(1.8)


@pytest.mark.parametrize(
    ("seen", "seconds", "expected"),
    [
        ([], 10.0, [(0.0, 1e9)]),
        ([(0.0, False), (1.0, False), (2.0, False)], 3.0, []),
        ([(0.0, False), (1.0, True), (2.0, False), (3.0, False)], 3.5, [(0.0, 2.0)]),
        ([(0.0, False), (5.0, False), (6.0, False)], 7.0, [(0.0, 5.0)]),
        ([(0.0, False), (1.0, False), (2.0, True)], 3.0, [(1.0, 1e9)]),
        ([(0.0, False), (1.0, False)], None, [(1.0, 1e9)]),
    ],
)
def test_stretches_without_faces_are_left_out(
    seen: list[tuple[float, bool]], seconds: float | None, expected: list[tuple[float, float]]
) -> None:
    assert stretches_of(seen, seconds) == expected


def test_boxes_are_kept_as_shares_of_the_frame(gallery: Gallery, film: bytes) -> None:
    video = looked(gallery, film)
    row = np.frombuffer(bytes(video.tracks.order_by("number")[0].path), np.float32).reshape(-1, 5)
    assert row[0] == pytest.approx([0.0, 20 / 640, 40 / 240, 79 / 640, 99 / 240], abs=1e-5)
