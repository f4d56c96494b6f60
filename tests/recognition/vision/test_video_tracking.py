"""Following faces: who is who from frame to frame, which frames are kept, what is linked."""

from collections.abc import Sequence

import numpy as np
import pytest

from recognition.vision.types import AnalysedFace, Box, DetectedFace, Pixels, Quality
from recognition.vision.video import cuts
from recognition.vision.video.frames import APART, HELD, KEPT, choose, factors, worth
from recognition.vision.video.linking import Linkable, link
from recognition.vision.video.state import freeze, thaw
from recognition.vision.video.tracking import Track, Tracker
from tests.fakes import embedding_of

FRAME: Pixels = np.full((360, 640, 3), 90, np.uint8)


def quality(**parts: float) -> Quality:
    """Return a good face's quality with some parts changed."""
    known = {
        "score": 0.8, "detection": 0.99, "eye_distance": 40.0, "sharpness": 0.3,
        "brightness": 0.5, "contrast": 0.2, "yaw": 0.0, "roll": 0.0,
    }  # fmt: skip
    return Quality(**(known | parts))


def face(
    person: int, x: float, y: float = 100.0, *, variant: int = 0, **parts: float
) -> AnalysedFace:
    """Return a face of 80 x 80 pixels at this place."""
    box = Box(x, y, x + 80, y + 80)
    points = np.array(
        [(x + 25, y + 30), (x + 55, y + 30), (x + 40, y + 45), (x + 28, y + 60), (x + 52, y + 60)],
        np.float32,
    )
    found = DetectedFace(box, 0.99, points, quality(**parts))
    return AnalysedFace(found, embedding_of(person, variant))


def followed(
    frames: Sequence[tuple[float, Sequence[AnalysedFace]]], cut_at: Sequence[float] = ()
) -> list[Track]:
    """Run a tracker over frames; return all its tracks by number."""
    tracker = Tracker()
    tracks: list[Track] = []
    for time, faces in frames:
        tracks += tracker.update(time, faces, FRAME, cut=time in cut_at)
    return sorted(tracks + tracker.finish(), key=lambda track: track.number)


def likeness(track: Track, person: int) -> float:
    """Return the cosine of a track's template with a person's own vector."""
    own = np.random.default_rng(person).standard_normal(512)
    return float(np.dot(track.template, own / np.linalg.norm(own)))


def test_two_people_who_cross_keep_their_tracks() -> None:
    frames = [
        (n / 5, [face(1, 20 + 40 * n, variant=n), face(2, 420 - 40 * n, variant=n)])
        for n in range(11)
    ]
    tracks = followed(frames)
    assert [len(track.path) for track in tracks] == [11, 11]
    assert likeness(tracks[0], 1) > 0.95
    assert likeness(tracks[1], 2) > 0.95


def test_a_short_gap_is_bridged_and_a_long_one_ends_the_track() -> None:
    def appearing(times: Sequence[float]) -> list[Track]:
        every = [(n / 5, [face(1, 100, variant=n)] if n / 5 in times else []) for n in range(30)]
        return followed(every)

    short = appearing([n / 5 for n in range(30) if not 10 <= n < 14])
    long = appearing([n / 5 for n in range(30) if not 10 <= n < 20])
    assert [(track.first, track.last) for track in short] == [(0.0, 5.8)]
    assert [(track.first, track.last) for track in long] == [(0.0, 1.8), (4.0, 5.8)]


def test_after_a_cut_somebody_else_in_the_same_place_is_a_new_track() -> None:
    frames = [(n / 5, [face(1 if n < 10 else 2, 100, variant=n)]) for n in range(20)]
    tracks = followed(frames, cut_at=[2.0])
    assert [(track.first, track.last) for track in tracks] == [(0.0, 1.8), (2.0, 3.8)]


def test_a_cut_ends_the_track_of_a_person_who_is_elsewhere_after_it() -> None:
    frames = [(n / 5, [face(1, 100 if n < 10 else 400, variant=n)]) for n in range(20)]
    assert len(followed(frames, cut_at=[2.0])) == 2
    assert len(followed(frames[:10] + frames[10:], cut_at=[])) == 1


def test_a_flash_that_looks_like_a_cut_does_not_end_a_track() -> None:
    frames = [(n / 5, [face(1, 100, variant=n)]) for n in range(20)]
    assert len(followed(frames, cut_at=[2.0])) == 1


def test_another_person_does_not_continue_a_track_without_a_cut() -> None:
    frames = [(n / 5, [face(1 if n < 10 else 2, 100, variant=n)]) for n in range(20)]
    assert len(followed(frames)) == 2


def test_what_is_seen_once_is_noise() -> None:
    frames = [(n / 5, [face(1, 100)] if n == 5 else []) for n in range(20)]
    assert followed(frames) == []


def test_the_template_leaves_out_what_is_too_poor() -> None:
    """Poor sightings count only as long as there are no others."""
    poor = [(n / 5, [face(1, 100, variant=n, detection=0.8)]) for n in range(5)]
    good = [(1 + n / 5, [face(1, 100, variant=50 + n)]) for n in range(5)]
    tracks = followed(poor + good)
    mean = np.mean([embedding_of(1, 50 + n) for n in range(5)], axis=0)
    assert np.dot(tracks[0].template, mean / np.linalg.norm(mean)) == pytest.approx(1.0, abs=1e-5)
    assert tracks[0].usable == 5


def test_kept_frames_are_the_best_and_lie_apart() -> None:
    frames = [
        (n / 5, [face(1, 100, variant=n, sharpness=0.05 + 0.01 * ((7 * n) % 40))])
        for n in range(60)
    ]
    track = followed(frames)[0]
    best = choose(track.held, track.template)
    times = sorted(one.candidate.time for one in best)
    assert len(best) == KEPT
    assert len(track.held) <= HELD
    assert min(np.diff(times)) >= APART - 1e-9
    assert best[0].candidate.face.quality.sharpness == pytest.approx(0.44)
    assert [one.worth for one in best] == sorted((one.worth for one in best), reverse=True)


def test_a_frame_unlike_the_track_is_not_its_best() -> None:
    frames = [(n / 5, [face(1, 100, variant=n)]) for n in range(10)]
    odd = face(1, 100, eye_distance=60.0)
    mixed = 0.6 * embedding_of(1) + 0.8 * embedding_of(9)
    frames[5] = (1.0, [AnalysedFace(odd.face, np.asarray(mixed / np.linalg.norm(mixed)))])
    track = followed(frames)[0]
    best = choose(track.held, track.template)
    assert max(track.held, key=lambda one: one.worth).time == 1.0
    assert best[0].candidate.time != 1.0


@pytest.mark.parametrize(
    ("better", "worse"),
    [
        ({"eye_distance": 90.0}, {"eye_distance": 60.0}),
        ({"sharpness": 0.6}, {"sharpness": 0.4}),
        ({"yaw": 5.0}, {"yaw": -40.0}),
        ({"roll": 0.0}, {"roll": 40.0}),
        ({"brightness": 0.5}, {"brightness": 0.06}),
        ({"detection": 0.99}, {"detection": 0.8}),
    ],
)
def test_every_part_counts(better: dict[str, float], worse: dict[str, float]) -> None:
    assert worth(quality(**better)) > worth(quality(**worse))
    assert all(0.0 <= value <= 1.0 for value in factors(quality(**worse)).values())


def test_a_picture_holds_its_face_where_the_frame_has_it() -> None:
    pixels = FRAME.copy()
    pixels[100:180, 500:580] = 250
    tracker = Tracker()
    tracker.update(0.0, [face(1, 500)], pixels, cut=False)
    one = tracker.open[0].held[0]
    box = one.face.box
    assert (box.width, box.height) == (80, 80)
    assert one.width <= 640 - (500 - 64)  # cut at the frame's edge
    from recognition.vision.images import decode_image

    shown = decode_image(one.picture).pixels
    inside = shown[int(box.y1) + 4 : int(box.y2) - 4, int(box.x1) + 4 : int(box.x2) - 4]
    assert shown.shape == (one.height, one.width, 3)
    assert inside.mean() > 240


def test_a_tracker_goes_on_after_being_packed_as_if_nothing_had_happened() -> None:
    frames = [
        (n / 5, [face(1, 20 + 30 * n, variant=n), face(2, 420 - 30 * n, variant=n, yaw=n)])
        for n in range(12)
    ]
    whole = followed(frames)
    tracker, scene = Tracker(), cuts.signature(FRAME)
    for time, faces in frames[:6]:
        tracker.update(time, faces, FRAME, cut=False)
    again = Tracker()
    kept = thaw(freeze(tracker, scene), again)
    assert kept is not None
    assert np.array_equal(kept, scene)
    for time, faces in frames[6:]:
        again.update(time, faces, FRAME, cut=False)
    for one, other in zip(whole, again.finish(), strict=True):
        assert one.path == other.path
        assert np.array_equal(one.template, other.template)
        assert [c.time for c in one.held] == [c.time for c in other.held]
        assert [c.picture for c in one.held] == [c.picture for c in other.held]


def test_cuts_are_noticed_and_movement_is_not() -> None:
    rng = np.random.default_rng(3)
    ground = np.repeat(np.repeat(rng.integers(0, 255, (9, 16, 3), np.uint8), 40, 0), 40, 1)
    other = np.repeat(np.repeat(rng.integers(0, 255, (9, 16, 3), np.uint8), 40, 0), 40, 1)
    moved = ground.copy()
    moved[100:220, 200:300] = 30
    first = cuts.signature(ground)
    assert not cuts.is_cut(None, first)
    assert not cuts.is_cut(first, cuts.signature(moved))
    assert cuts.is_cut(first, cuts.signature(other))


def _linkable(person: int, first: float, last: float, variant: int = 0, name: str = "") -> Linkable:
    return Linkable(embedding_of(person, variant), first, last, name)


def test_tracks_of_one_stranger_are_linked_and_others_are_not() -> None:
    tracks = [
        _linkable(1, 0, 2),
        _linkable(2, 0, 5),
        _linkable(1, 3, 5, variant=1),
        _linkable(3, 6, 8),
        _linkable(2, 7, 9, variant=1),
    ]
    assert link(tracks, threshold=0.5) == [0, 1, 0, 2, 1]
    assert link([], threshold=0.5) == []


def test_who_is_in_view_at_the_same_time_is_not_the_same_person() -> None:
    twins = [_linkable(1, 0, 5), _linkable(1, 2, 6, variant=1)]
    assert link(twins, threshold=0.5) == [0, 1]


def test_names_join_and_keep_apart() -> None:
    tracks = [
        _linkable(1, 0, 1, name="a"),
        _linkable(5, 2, 3, name="a"),
        _linkable(1, 4, 5, variant=2, name="b"),
        _linkable(1, 6, 7, variant=3),
    ]
    numbers = link(tracks, threshold=0.5)
    assert numbers[0] == numbers[1] != numbers[2]
    assert numbers[3] in {numbers[0], numbers[2]}
