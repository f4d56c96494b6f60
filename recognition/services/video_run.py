"""The job that looks through a video.

First the key frames, to find the stretches in which there are faces; then these, a few frames per
second, following every face. What has ended is answered and written with the point from which a
further attempt goes on: one transaction under the job's token. Then tracks of one person are
linked, and a copy is made that browsers play.
"""

import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from itertools import pairwise
from typing import Any, cast

import numpy as np
from django.core.files.base import File
from django.db import transaction
from django.urls import reverse

from faceplatform.core import jobs, storage
from recognition.models import Decision, Track, Video
from recognition.refusals import refusals
from recognition.selectors.score_kinds import components_of
from recognition.selectors.thresholds import calibration_of
from recognition.services.asking import Options, threshold_for_call
from recognition.services.read_ahead import read_ahead
from recognition.services.scores import current_scoring
from recognition.services.video_answers import Asked, answer_track, store_track
from recognition.services.video_files import opened
from recognition.services.videos import limits
from recognition.services.vision import analyse_images, detect_faces, get_pipeline
from recognition.vision.errors import DecoderCrashed
from recognition.vision.types import DecodedImage
from recognition.vision.video import cuts, state, tracking
from recognition.vision.video.linking import Linkable, link
from recognition.vision.video.reader import VideoReader
from recognition.vision.video.types import Ending, Frame, Passed

KEYS_APART = 1.0
LONGEST_GAP = 2.0
CHECKPOINT_SECONDS = 10.0
COPY_SHARE = 0.15
_TENTHS = 10
_AFTER = 1e-3
_FOR_EVER = 1e9
Stretches = list[tuple[float, float]]


def run_video(context: jobs.JobContext) -> dict[str, Any]:
    """Look through a video, from where the last attempt stood; safe to run again."""
    video = Video.objects.select_related("gallery__model_version", "gallery__ensemble").get(
        pk=context.payload["video"]
    )
    context.at_end(lambda: _forget(video))
    get_pipeline(video.gallery.model_version)
    with refusals(), opened(video.file) as descriptor, VideoReader(descriptor, limits()) as reader:
        work = _Work(context, video, reader)
        if not video.looked_through:
            work.find_stretches()
            work.look_through()
        if video.gallery.probe_days and not video.proxy:
            work.make_proxy()
    return _result(video)


class _Work:
    """One attempt at one video."""

    def __init__(self, context: jobs.JobContext, video: Video, reader: VideoReader) -> None:
        self._context = context
        self._video = video
        self._reader = reader
        first, *further = components_of(video.gallery)
        self._first, self._further = first, further
        chosen = Options(**video.settings["chosen"])
        self._asked = Asked(
            video=video,
            gallery=video.gallery,
            threshold=threshold_for_call(video.gallery, chosen),
            scoring=current_scoring(video.gallery),
            options=chosen,
            detector=get_pipeline(first).version.detector,
        )
        self._tracker = tracking.Tracker(limits=self._asked.limits)
        self._scene: Any = None
        self._ended: list[tracking.Track] = []
        self._written_at = time.monotonic()
        self._seconds = reader.info.seconds

    def find_stretches(self) -> None:
        """Look at key frames alone, once, and note the stretches that are worth more."""
        if self._video.thorough or self._video.stretches is not None:
            return
        seen: list[tuple[float, bool]] = []
        with closing(read_ahead(self._reader.key_frames(apart=KEYS_APART))) as found:
            for some in found:
                if isinstance(some, list):
                    faces = detect_faces([frame.pixels for frame in some], version=self._first)
                    seen += [
                        (frame.time, bool(one)) for frame, one in zip(some, faces, strict=True)
                    ]
                self._context.progress(0, self._total(), "Looking at key frames")
        stretches = stretches_of(seen, self._seconds)
        with self._context.writing():
            self._video.stretches = stretches
            self._video.threshold = self._asked.threshold.as_json()
            self._video.save(update_fields=["stretches", "threshold"])

    def look_through(self) -> None:
        """Follow faces from the checkpoint to the end."""
        video = self._video
        if video.checkpoint is not None:
            self._scene = state.thaw(bytes(video.checkpoint), self._tracker)
        stretches = None if video.thorough else cast("Stretches | None", video.stretches)
        samples = self._reader.samples(video.rate, since=video.position, stretches=stretches)
        ending = Ending(video.position, "ended_early")
        with closing(read_ahead(_to_the_end(samples))) as found:
            for some in found:
                if isinstance(some, Ending):
                    ending = some
                elif isinstance(some, Passed):
                    self._say(some.time)
                else:
                    self._look_at(some)
        self._ended += self._tracker.finish()
        self._write(ending=ending)

    def make_proxy(self) -> None:
        """Make the copy that browsers play."""
        with tempfile.TemporaryFile() as target:
            for step in self._reader.copy_to(target.fileno()):
                share = step.time / (self._seconds or step.time or 1.0)
                more = int(min(1.0, share) * self._copy_tenths())
                self._context.progress(
                    self._tenths() + more, self._total(), "Making the copy for the player"
                )
            target.seek(0)
            key = storage.put_video(self._video.organization_id, File(target))
        with self._context.writing():
            updated = Video.objects.filter(pk=self._video.pk).update(proxy=key)
        if not updated:
            storage.delete_video(key)
        self._video.proxy = key

    def _look_at(self, frames: list[Frame]) -> None:
        images = [DecodedImage(frame.pixels, "JPEG") for frame in frames]
        found = analyse_images(images, version=self._first, further=self._further)
        for frame, faces in zip(frames, found, strict=True):
            scene = cuts.signature(frame.pixels)
            cut = cuts.is_cut(self._scene, scene)
            self._scene = scene
            self._ended += self._tracker.update(frame.time, faces, frame.pixels, cut=cut)
            self._video.position = frame.time + _AFTER
        self._say(frames[-1].time)
        if self._ended or time.monotonic() - self._written_at > CHECKPOINT_SECONDS:
            self._write()

    def _write(self, ending: Ending | None = None) -> None:
        """Write what has ended, with the point from which a further attempt goes on."""
        video = self._video
        answers = [answer_track(self._asked, track) for track in self._ended]
        video.checkpoint = state.freeze(self._tracker, self._scene)
        if ending is not None:
            video.looked_through, video.checkpoint = True, None
            video.partial, video.seconds = ending.problem, ending.time
        with self._context.writing():
            for answer in answers:
                store_track(self._asked, answer)
            if ending is not None:
                self._link()
            video.threshold = self._asked.threshold.as_json()
            video.save(
                update_fields=[
                    "position", "checkpoint", "looked_through", "partial", "seconds", "threshold",
                ]
            )  # fmt: skip
        self._ended = []
        self._written_at = time.monotonic()

    def _link(self) -> None:
        """Number the people of the video; call it in the last transaction of looking."""
        tracks = list(Track.objects.filter(video=self._video).order_by("number"))
        calibration = calibration_of(self._video.gallery, "raw")
        threshold = calibration.threshold_for(max(1, len(tracks)), fpir=0.01).score
        numbers = link([_linkable(track) for track in tracks], threshold=threshold)
        for track, number in zip(tracks, numbers, strict=True):
            track.person, track.template = number, None
        Track.objects.bulk_update(tracks, ["person", "template"])

    def _say(self, at: float) -> None:
        done = min(int(at * _TENTHS), self._tenths()) if self._seconds else int(at * _TENTHS)
        self._context.progress(done, self._total(), f"At {at // 60:.0f}:{at % 60:04.1f}")

    def _tenths(self) -> int:
        return max(1, int((self._seconds or 0.0) * _TENTHS))

    def _total(self) -> int | None:
        """Tenths of seconds of the video, and a share for the copy; None for an unknown length."""
        if self._seconds is None:
            return None
        return self._tenths() + self._copy_tenths()

    def _copy_tenths(self) -> int:
        return int(self._tenths() * COPY_SHARE)


def stretches_of(seen: Sequence[tuple[float, bool]], seconds: float | None) -> Stretches:
    """Return start and end of what is worth looking at, from key frames with and without a face.

    What lies between two key frames is left out only where neither shows a face and they are close
    together. The last stretch has no end, as a length is only a claim.
    """
    found: Stretches = []
    for (start, here), (end, there) in pairwise(seen):
        if here or there or end - start > LONGEST_GAP:
            _extend(found, start, end)
    if not seen:
        return [(0.0, _FOR_EVER)]
    last, here = seen[-1]
    if here or seconds is None or seconds - last > LONGEST_GAP:
        _extend(found, last, _FOR_EVER)
    if found and found[0][0] == seen[0][0]:
        found[0] = (0.0, found[0][1])
    return found


def _extend(found: Stretches, start: float, end: float) -> None:
    if found and found[-1][1] == start:
        found[-1] = (found[-1][0], end)
    else:
        found.append((start, end))


def _to_the_end(
    samples: Iterator[list[Frame] | Passed | Ending],
) -> Iterator[list[Frame] | Passed | Ending]:
    """Take a child that died after giving some frames for the end of what can be read."""
    at = None
    try:
        for some in samples:
            if isinstance(some, list):
                at = some[-1].time
            yield some
    except DecoderCrashed:
        if at is None:
            raise
        yield Ending(at, "decoder_crashed")


def _linkable(track: Track) -> Linkable:
    if track.template is None:
        raise AssertionError("a track has its template until it is linked")
    named = track.decision == Decision.IDENTIFIED and track.identity_id is not None
    return Linkable(
        template=np.frombuffer(bytes(track.template), np.float32),
        first=track.first,
        last=track.last,
        name=str(track.identity_id) if named else "",
    )


def _forget(video: Video) -> None:
    """Let go of the file where the gallery keeps answers only."""
    if video.gallery.probe_days:
        return
    with transaction.atomic():
        if Video.objects.filter(pk=video.pk).update(file=""):
            transaction.on_commit(lambda: storage.delete_video(video.file))


def _result(video: Video) -> dict[str, Any]:
    """Return the job's outcome, without names: people may be erased, job rows stay."""
    tracks = Track.objects.filter(video=video)
    people = tracks.values("person").distinct().count()
    named = tracks.filter(decision=Decision.IDENTIFIED).values("identity_id").distinct().count()
    noun = "person" if people == 1 else "people"
    sentence = f"{people:,} {noun} in view, {named:,} of them identified."
    if video.partial:
        sentence += " The video could not be read to its end."
    return {
        "sentence": sentence,
        "url": reverse("video", args=[video.pk]),
        "counts": {"tracks": tracks.count(), "people": people, "identified": named},
        "partial": video.partial,
    }
