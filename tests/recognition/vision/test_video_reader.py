"""Reading videos: times, turned pictures, parts, and files that are not what they say."""

import io
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from recognition.vision.video.errors import (
    VideoCorrupt,
    VideoDimensions,
    VideoError,
    VideoNoStream,
    VideoTooLong,
    VideoUnsupported,
)
from recognition.vision.video.reader import VideoReader
from recognition.vision.video.types import Ending, Frame, VideoLimits
from tests.videos import grey_video, sound_file, stored, turned, write_video

H264: dict[str, Any] = {"container": "mp4", "codec": "libx264", "pix_fmt": "yuv420p"}


@contextmanager
def reading(path: Path, limits: VideoLimits | None = None) -> Iterator[VideoReader]:
    """Open a file the way jobs do."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        with VideoReader(descriptor, limits) as reader:
            yield reader
    finally:
        os.close(descriptor)


def all_of(reader: VideoReader, rate: float, **options: object) -> tuple[list[Frame], Ending]:
    """Return the frames, and how it ended."""
    frames: list[Frame] = []
    for some in reader.samples(rate, **options):  # type: ignore[arg-type]
        if isinstance(some, list):
            frames += some
        elif isinstance(some, Ending):
            return frames, some
    raise AssertionError("reading has no end")


def levels(frames: list[Frame]) -> list[int]:
    """Return the numbers that the frames of a grey video show."""
    return [round(float(frame.pixels.mean()) / 4) for frame in frames]


def test_frames_are_taken_by_presentation_time(tmp_path: Path) -> None:
    """Twenty frames in the first second, two in the next, then one after a long pause."""
    times = [number / 20 for number in range(20)] + [1.0, 1.5, 4.0]
    with reading(stored(tmp_path, grey_video(times))) as reader:
        frames, ending = all_of(reader, 5.0)
    assert [frame.time for frame in frames] == pytest.approx([0.0, 0.2, 0.4, 0.6, 0.8, 1, 1.5, 4.0])
    assert levels(frames) == [0, 4, 8, 12, 16, 20, 21, 22]
    assert ending == Ending(pytest.approx(4.0), "")  # type: ignore[arg-type]


def test_reading_that_goes_on_later_takes_the_same_frames(tmp_path: Path) -> None:
    path = stored(tmp_path, grey_video([number / 12 for number in range(60)], **H264))
    with reading(path) as reader:
        whole, _ = all_of(reader, 5.0)
        for cut in (1, 7, 15):
            rest, _ = all_of(reader, 5.0, since=whole[cut - 1].time + 1e-3)
            assert [frame.time for frame in rest] == [frame.time for frame in whole[cut:]]
            assert levels(rest) == levels(whole[cut:])


def test_stretches_that_nobody_asks_for_are_left_out(tmp_path: Path) -> None:
    path = stored(tmp_path, grey_video([number / 10 for number in range(60)], key_every=10, **H264))
    with reading(path) as reader:
        keys = [
            f.time for some in reader.key_frames(apart=0.5) if isinstance(some, list) for f in some
        ]
        whole, _ = all_of(reader, 5.0)
        stretches = [(keys[1], keys[2]), (keys[3], keys[4])]
        some, ending = all_of(reader, 5.0, stretches=stretches)
    wanted = [f for f in whole if any(start <= f.time < end for start, end in stretches)]
    assert len(keys) == 6
    assert ending == Ending(pytest.approx(5.9, abs=0.01), "")  # type: ignore[arg-type]
    assert [frame.time for frame in some] == [frame.time for frame in wanted]
    assert levels(some) == levels(wanted)


def test_a_picture_that_is_to_be_turned_comes_upright(tmp_path: Path) -> None:
    pixels = np.zeros((32, 64, 3), np.uint8)
    pixels[:, :32] = 255  # the left half, which a turn to the right brings to the top
    data = turned(write_video([(0.0, pixels), (0.2, pixels)], **H264))
    with reading(stored(tmp_path, data)) as reader:
        frames, _ = all_of(reader, 5.0)
        assert (reader.info.width, reader.info.height) == (32, 64)
    assert frames[0].pixels.shape == (64, 32, 3)
    assert frames[0].pixels[8, 16].min() > 200
    assert frames[0].pixels[56, 16].max() < 50


def test_a_file_that_is_cut_gives_what_there_is_and_says_so(tmp_path: Path) -> None:
    rng = np.random.default_rng(5)
    frames = [(n / 10, rng.integers(0, 255, (64, 64, 3), np.uint8)) for n in range(60)]
    data = write_video(frames, mux={"movflags": "faststart"}, key_every=5, **H264)
    with reading(stored(tmp_path, data[: len(data) * 6 // 10])) as reader:
        found, ending = all_of(reader, 5.0)
    assert 10 <= len(found) < 30
    assert ending.problem in {"ended_early", "damaged"}


def test_the_copy_for_players_shows_the_same_times(tmp_path: Path) -> None:
    times = [0.0, 0.1, 0.2, 0.3, 1.0, 1.5, 2.0]
    target = os.open(tmp_path / "copy.mp4", os.O_RDWR | os.O_CREAT)
    with reading(stored(tmp_path, grey_video(times))) as reader:
        steps = list(reader.copy_to(target))
    os.close(target)
    assert isinstance(steps[-1], Ending)
    with reading(tmp_path / "copy.mp4") as reader:
        assert reader.info.codec == "h264"
        frames, _ = all_of(reader, 100.0)
    assert [frame.time for frame in frames] == pytest.approx(times, abs=0.002)


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    """A place on this machine that notices every connection."""
    with socket.create_server(("127.0.0.1", 0)) as place:
        place.setblocking(False)
        yield place


def test_playlists_are_refused_and_lead_nowhere(tmp_path: Path, listener: socket.socket) -> None:
    address = f"http://127.0.0.1:{listener.getsockname()[1]}/a.ts"
    inside = stored(tmp_path, grey_video([0.0, 0.2]), "inside.mkv")
    lists = (
        f"#EXTM3U\n#EXTINF:1,\n{address}\n#EXT-X-ENDLIST\n",
        f"ffconcat version 1.0\nfile '{address}'\n",
        f"ffconcat version 1.0\nfile '{inside}'\n",
        f'<?xml version="1.0"?><MPD><BaseURL>{address}</BaseURL></MPD>',
    )
    for text in lists:
        with pytest.raises(VideoUnsupported), reading(stored(tmp_path, text.encode(), "v.mp4")):
            pass
    with pytest.raises(BlockingIOError):
        listener.accept()


def _jpeg() -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (64, 64), "red").save(out, "JPEG")
    return out.getvalue()


@pytest.mark.parametrize(
    ("data", "error"),
    [
        (b"", VideoCorrupt),
        (b"This is a text, whatever its name says.\n" * 50, VideoCorrupt),
        (_jpeg(), VideoCorrupt),
        (grey_video([0.0, 0.2, 0.4], **H264)[:200], VideoCorrupt),
        (sound_file(), VideoNoStream),
    ],
    ids=["empty", "text", "JPEG", "without an index", "sound alone"],
)
def test_what_is_no_video_is_refused(tmp_path: Path, data: bytes, error: type[VideoError]) -> None:
    with pytest.raises(error), reading(stored(tmp_path, data, "video.mp4")):
        pass


def test_limits_hold_before_anything_is_looked_at(tmp_path: Path) -> None:
    path = stored(tmp_path, grey_video([0.0, 1.0, 2.0, 3.0], side=128, **H264))
    with pytest.raises(VideoDimensions), reading(path, VideoLimits(max_side=64)):
        pass
    with pytest.raises(VideoTooLong), reading(path, VideoLimits(max_seconds=2.0)):
        pass


def test_an_undeclared_length_is_checked_while_reading(tmp_path: Path) -> None:
    """MPEG program streams say nothing; a video that goes on too long ends where it may."""
    data = grey_video(
        [n / 25 for n in range(100)], container="mpeg", codec="mpeg1video", pix_fmt="yuv420p"
    )
    with reading(stored(tmp_path, data), VideoLimits(max_seconds=30.0)) as reader:
        frames, _ = all_of(reader, 5.0)
    assert len(frames) == pytest.approx(20, abs=1)


def test_large_frames_are_looked_at_smaller(tmp_path: Path) -> None:
    path = stored(tmp_path, grey_video([0.0, 0.2], side=256))
    with reading(path, VideoLimits(looked_at=64)) as reader:
        frames, _ = all_of(reader, 5.0)
    assert frames[0].pixels.shape == (64, 64, 3)


def test_damaged_bytes_never_harm_the_reader(tmp_path: Path) -> None:
    """Every answer is frames or a refusal, whatever the bytes; see the sandbox's own tests."""
    whole = grey_video([n / 10 for n in range(20)], **H264)
    rng = np.random.default_rng(7)
    for number in range(6):
        data = bytearray(whole)
        for place in rng.integers(0, len(data), 40):
            data[place] = int(rng.integers(0, 256))
        path = stored(tmp_path, bytes(data), f"{number}.mp4")
        with suppress(VideoError), reading(path) as reader:
            frames, ending = all_of(reader, 5.0)
            assert all(frame.pixels.shape == (64, 64, 3) for frame in frames)
            assert ending.time >= frames[-1].time if frames else ending.problem
