"""Asking a gallery about a video, and forgetting what was asked."""

import datetime as dt
from contextlib import suppress
from dataclasses import asdict, dataclass
from typing import Any

from django.conf import settings
from django.core.files.base import File
from django.db import transaction
from django.utils import timezone

from faceplatform.core import audit, jobs, storage
from faceplatform.core.actors import SYSTEM, Actor
from faceplatform.core.errors import Conflict, DomainError
from recognition.models import Gallery, Video
from recognition.refusals import refusals
from recognition.services.asking import DEFAULT, Options, check_options, threshold_for_call
from recognition.services.identification import ANSWER_DAYS
from recognition.services.photos import photos_of_tracks, release_photos
from recognition.services.video_files import opened, release_files
from recognition.vision.video.reader import VideoReader
from recognition.vision.video.types import VideoInfo, VideoLimits

KIND = "recognition.video"
RATE = 5.0
RATES = (1.0, 15.0)
BATCH = 100


@dataclass(frozen=True, slots=True)
class VideoOptions:
    """How a video is looked through: `rate` is how many frames per second are looked at.

    With `thorough` none are left out because the key frames around them show no face.
    """

    rate: float = RATE
    thorough: bool = False


def start_video(
    *,
    gallery: Gallery,
    name: str,
    content: "File[Any]",
    actor: Actor,
    looking: VideoOptions = VideoOptions(),
    options: Options = DEFAULT,
    ring: bool = True,
) -> Video:
    """Store a video with the job that looks through it; the file is opened in a child first.

    With `ring=False` the caller runs the job.

    Raises DomainError with the video's code, an option's, `rate_invalid`, `file_too_large`,
    Conflict `gallery_not_searchable`.
    """
    check_options(options)
    if not RATES[0] <= looking.rate <= RATES[1]:
        raise DomainError("rate_invalid", f"{RATES[0]:g} to {RATES[1]:g} frames per second.")
    if not gallery.searchable:
        raise Conflict("gallery_not_searchable", "This gallery is closed to searches.")
    if (content.size or 0) > settings.MAX_VIDEO_BYTES:
        most = settings.MAX_VIDEO_BYTES // 1024**2
        raise DomainError("file_too_large", f"A video has at most {most:,} MB.", status=413)
    threshold_for_call(gallery, options)
    key = storage.put_video(gallery.organization_id, content)
    try:
        video = Video(
            organization_id=gallery.organization_id,
            gallery=gallery,
            model_version_id=gallery.model_version_id,
            name=name[:255],
            file=key,
            size=content.size or 0,
            info=asdict(read_info(key)),
            rate=looking.rate,
            thorough=looking.thorough,
            settings={"limits": asdict(options.limits()), "chosen": options.chosen()},
            expires_at=timezone.now() + dt.timedelta(days=gallery.probe_days or ANSWER_DAYS),
            created_by_id=actor.user_id,
            created_key_id=actor.api_key_id,
        )
        return _store(video, actor, ring=ring)
    except BaseException:
        storage.delete_video(key)
        raise


def read_info(key: str) -> VideoInfo:
    """Say what a stored video is. Raises DomainError with the video's code."""
    with refusals(), opened(key) as descriptor, VideoReader(descriptor, limits()) as reader:
        return reader.info


def limits() -> VideoLimits:
    """Return what is refused, by the settings."""
    return VideoLimits(max_seconds=settings.MAX_VIDEO_MINUTES * 60.0)


@transaction.atomic
def _store(video: Video, actor: Actor, *, ring: bool) -> Video:
    gallery = video.gallery
    video.job = jobs.enqueue(
        kind=KIND,
        title=f"Looking through {video.name} for people of {gallery.name}",
        organization_id=gallery.organization_id,
        actor=actor,
        payload={"video": str(video.pk)},
        ring=ring,
    )
    video.save(force_insert=True)
    audit.record(
        organization_id=gallery.organization_id,
        actor=actor,
        action="identify.video",
        target_type="gallery",
        target_id=gallery.pk,
        target_label=gallery.name,
        data={"video": str(video.pk), "seconds": video.info["seconds"], "bytes": video.size},
    )
    return video


@transaction.atomic
def delete_video(*, video: Video, actor: Actor) -> None:
    """Delete a video with its files, tracks and pictures. A job that still runs is cancelled."""
    photos = photos_of_tracks(track__video=video)
    if video.job is not None and video.job.is_active:
        with suppress(Conflict):  # it has ended meanwhile
            jobs.cancel(video.job, actor=actor)
    release_files(Video.objects.filter(pk=video.pk))
    pk = video.pk
    video.delete()
    erased = release_photos(photos)
    audit.record(
        organization_id=video.organization_id,
        actor=actor,
        action="video.delete",
        target_type="video",
        target_id=pk,
        data={"photos_sha256": erased},
    )


def purge_expired_videos() -> int:
    """Delete every video whose time is over; return how many. Safe to run twice."""
    purged = 0
    while True:
        with transaction.atomic():
            expired = list(
                Video.objects.select_for_update(skip_locked=True, of=("self",))
                .select_related("job")
                .filter(expires_at__lte=timezone.now())
                .order_by("pk")[:BATCH]
            )
            for video in expired:
                delete_video(video=video, actor=SYSTEM)
        purged += len(expired)
        if len(expired) < BATCH:
            return purged
