"""Following faces from frame to frame.

A face belongs to the track whose predicted box it overlaps and whose template it resembles;
assignment is by the Hungarian method. At a few frames per second overlap alone says little, so
resemblance decides, and overlap helps where a frame is too poor to compare.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from recognition.vision.types import AnalysedFace, Box, Floats, Pixels, QualityLimits
from recognition.vision.video.frames import Candidate, candidate, hold, is_wanted, worth

_LEAST_WEIGHT = 1e-3
_SMOOTH = 0.5
_PREDICT_SECONDS = 0.6
_NEVER = 1e6


@dataclass(frozen=True, slots=True)
class TrackSettings:
    """When a face continues a track.

    Within one scene: where the boxes overlap by `overlap` and the cosine with the track's template
    is at least `cosine`; where they overlap by `much_overlap`, whatever the cosine unless it is
    below `unlike`; and where the cosine is at least `alike`, anywhere at a similar size. After a
    cut only where both `much_overlap` and `alike` hold, for then it was none.
    `gap` seconds without a sighting end a track. Tracks of fewer than `least` sightings are noise.
    """

    overlap: float = 0.2
    much_overlap: float = 0.5
    cosine: float = 0.25
    unlike: float = 0.10
    alike: float = 0.5
    gap: float = 1.0
    least: int = 2
    size_ratio: float = 2.5


@dataclass(slots=True, eq=False)
class Track:
    """One face in one scene, as long as it is in view.

    `path` holds time and box (x1, y1, x2, y2) of every sighting, in pixels of the frame. `sums` are
    the weighted sums of its embeddings, one per component. `usable` counts the sightings that meet
    the limits of quality; once there is one, only such enter the sums.
    """

    number: int
    path: list[tuple[float, float, float, float, float]] = field(default_factory=list)
    sums: list[Floats] = field(default_factory=list)
    weight: float = 0.0
    usable: int = 0
    yaw: float = 0.0
    velocity: tuple[float, float] = (0.0, 0.0)
    held: list[Candidate] = field(default_factory=list)

    @property
    def first(self) -> float:
        """Seconds of the first sighting."""
        return self.path[0][0]

    @property
    def last(self) -> float:
        """Seconds of the last sighting."""
        return self.path[-1][0]

    @property
    def box(self) -> Box:
        """Where it was last."""
        return Box(*self.path[-1][1:])

    @property
    def template(self) -> Floats:
        """Quality-weighted mean of the first component's embeddings, unit norm: float32 (d,)."""
        return self.templates()[0]

    def templates(self) -> tuple[Floats, ...]:
        """The same for every component."""
        return tuple(
            np.asarray(one / max(float(np.linalg.norm(one)), 1e-9), np.float32) for one in self.sums
        )

    def predicted(self, time: float) -> Box:
        """Where it should be now, moving on as it did."""
        box, passed = self.box, min(time - self.last, _PREDICT_SECONDS)
        x, y = self.velocity[0] * passed, self.velocity[1] * passed
        return Box(box.x1 + x, box.y1 + y, box.x2 + x, box.y2 + y)

    def add(self, time: float, face: AnalysedFace, pixels: Pixels, limits: QualityLimits) -> None:
        """Take a sighting in."""
        box = face.face.box
        if self.path:
            self._move(time, box)
        self.path.append((time, box.x1, box.y1, box.x2, box.y2))
        value = worth(face.face.quality)
        self._weigh(face, value, usable=not face.face.quality.reasons(limits))
        if is_wanted(self.held, time, value):
            self.held = hold(self.held, candidate(time, pixels, face, value))

    def _move(self, time: float, box: Box) -> None:
        passed = max(time - self.last, 1e-3)
        (old_x, old_y), (x, y) = self.box.center, box.center
        now = ((x - old_x) / passed, (y - old_y) / passed)
        self.velocity = (
            _SMOOTH * self.velocity[0] + (1 - _SMOOTH) * now[0],
            _SMOOTH * self.velocity[1] + (1 - _SMOOTH) * now[1],
        )

    def _weigh(self, face: AnalysedFace, value: float, *, usable: bool) -> None:
        if face.embedding is None:
            raise ValueError("every sighting has an embedding")
        rows = (face.embedding, *face.more)
        first_usable = usable and not self.usable
        if not self.sums or first_usable:
            self.sums = [np.zeros_like(row) for row in rows]
            self.weight = self.yaw = 0.0
        if not usable and self.usable:
            return
        self.usable += usable
        value = max(value, _LEAST_WEIGHT)
        self.sums = [
            one + np.float32(value) * row for one, row in zip(self.sums, rows, strict=True)
        ]
        self.weight += value
        self.yaw += value * abs(face.face.quality.yaw)

    @property
    def mean_yaw(self) -> float:
        """Weighted mean of how far the face is turned, in degrees."""
        return self.yaw / self.weight if self.weight else 0.0


class Tracker:
    """Open tracks, and the rule that continues them. Equal input gives equal tracks."""

    def __init__(
        self, settings: TrackSettings | None = None, limits: QualityLimits | None = None
    ) -> None:
        self.settings = settings or TrackSettings()
        self.limits = limits or QualityLimits()
        self.open: list[Track] = []
        self.made = 0
        self.frames = 0

    def update(
        self, time: float, faces: Sequence[AnalysedFace], pixels: Pixels, *, cut: bool
    ) -> list[Track]:
        """Take the faces of one frame in; return the tracks that have ended by it.

        Every face has its embedding. `pixels` is the frame; pictures of good faces are cut out.
        """
        self.frames += 1
        ended = self._out_of_time(time)
        pairs = self._assigned(time, faces, cut=cut)
        if cut:
            kept = {id(track) for track, _ in pairs}
            ended += [track for track in self.open if id(track) not in kept]
            self.open = [track for track in self.open if id(track) in kept]
        taken = {id(face) for _, face in pairs}
        for track, face in pairs:
            track.add(time, face, pixels, self.limits)
        for face in faces:
            if id(face) not in taken:
                self.made += 1
                self.open.append(Track(number=self.made))
                self.open[-1].add(time, face, pixels, self.limits)
        return self._worth_keeping(ended)

    def finish(self) -> list[Track]:
        """End all tracks; return them."""
        ended, self.open = self.open, []
        return self._worth_keeping(ended)

    def _out_of_time(self, time: float) -> list[Track]:
        over = [track for track in self.open if time - track.last > self.settings.gap]
        self.open = [track for track in self.open if time - track.last <= self.settings.gap]
        return over

    def _worth_keeping(self, ended: list[Track]) -> list[Track]:
        least = self.settings.least if self.frames > self.settings.least else 1
        return [track for track in ended if len(track.path) >= least]

    def _assigned(
        self, time: float, faces: Sequence[AnalysedFace], *, cut: bool
    ) -> list[tuple[Track, AnalysedFace]]:
        if not self.open or not faces:
            return []
        cost = np.full((len(self.open), len(faces)), _NEVER)
        for row, track in enumerate(self.open):
            expected, template = track.predicted(time), track.template
            for column, face in enumerate(faces):
                close = self._likeness(track, expected, template, face, cut=cut)
                if close is not None:
                    cost[row, column] = 1.0 - close
        from scipy.optimize import linear_sum_assignment  # heavy: only who follows faces loads it

        rows, columns = linear_sum_assignment(cost)
        return [
            (self.open[row], faces[column])
            for row, column in zip(rows, columns, strict=True)
            if cost[row, column] < _NEVER
        ]

    def _likeness(
        self, track: Track, expected: Box, template: Floats, face: AnalysedFace, *, cut: bool
    ) -> float | None:
        """How well a face continues a track, 0..1; None where it does not."""
        if face.embedding is None:
            return None
        settings = self.settings
        box = face.face.box
        overlap = max(expected.iou(box), track.box.iou(box))
        cosine = float(np.dot(template, face.embedding))
        alike, much = cosine >= settings.alike, overlap >= settings.much_overlap
        if cut:
            allowed = alike and much
        else:
            ratio = (box.area + 1.0) / (track.box.area + 1.0)
            sized = 1 / settings.size_ratio**2 <= ratio <= settings.size_ratio**2
            near = overlap >= settings.overlap and cosine >= settings.cosine
            allowed = (alike and sized) or near or (much and cosine >= settings.unlike)
        return 0.5 * overlap + 0.5 * max(0.0, cosine) if allowed else None
