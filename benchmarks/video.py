"""A long 720p video with two faces in view: speed by step, and memory while it goes on.

    python -m benchmarks.video                    one minute
    python -m benchmarks.video --minutes 60       an hour, for memory
    python -m benchmarks.video --json             one JSON record

A minute at 25 frames per second is drawn from two photographs that move over a background, written
once as H.264 with a key frame every two seconds, and repeated for a longer video. It is read in the
confined child; five frames per second are searched, embedded and followed, as a job does it, but
without database. `times_real_time` is seconds of video per second, and `copy_times_real_time` the
same for the copy for players. Memory is the proportional set size of this process and its children,
read every second.
"""

import argparse
import json
import os
import tempfile
import threading
import time
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import psutil
from PIL import Image

from benchmarks import environment
from recognition.vision.pipeline import FacePipeline
from recognition.vision.types import Pixels
from recognition.vision.video import cuts
from recognition.vision.video.reader import VideoReader
from recognition.vision.video.tracking import Tracker
from recognition.vision.video.types import VideoLimits

WIDTH, HEIGHT, RATE, SAMPLES = 1280, 720, 25, 5.0
_MINUTE = 60 * RATE
_MEGA = 1024 * 1024


class Memory:
    """Reads this process's and its children's memory every second, in a thread."""

    def __init__(self) -> None:
        self.megabytes: list[float] = []
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._read, daemon=True)

    def __enter__(self) -> "Memory":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _read(self) -> None:
        own = psutil.Process()
        while not self._stop.wait(1.0):
            total = 0
            for process in (own, *own.children(recursive=True)):
                try:
                    total += process.memory_full_info().pss
                except psutil.NoSuchProcess:
                    continue
            self.megabytes.append(total / _MEGA)


def write_film(path: Path, faces: list[Pixels], minutes: int) -> None:
    """Write the video: one minute encoded, its packets repeated."""
    with tempfile.TemporaryDirectory() as folder:
        minute = Path(folder) / "minute.mp4"
        _encode(minute, faces)
        with av.open(str(path), "w") as out:
            stream: Any = None
            for number in range(minutes):
                with av.open(str(minute)) as source:
                    own: Any = source.streams.video[0]
                    stream = stream or out.add_stream_from_template(own)
                    shift = round(60 * number / own.time_base)
                    for packet in source.demux(own):
                        if packet.dts is None:
                            continue
                        packet.pts, packet.dts = (packet.pts or 0) + shift, packet.dts + shift
                        packet.stream = stream
                        out.mux(packet)


def _encode(path: Path, faces: list[Pixels]) -> None:
    rng = np.random.default_rng(1)
    cells = Image.fromarray(rng.integers(0, 255, (9, 16, 3), np.uint8))
    ground = np.asarray(cells.resize((WIDTH, HEIGHT), Image.Resampling.BICUBIC))
    with av.open(str(path), "w") as out:
        stream: Any = out.add_stream("libx264", rate=RATE)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        stream.codec_context.gop_size = 2 * RATE
        stream.options = {"preset": "veryfast", "crf": "23", "bf": "0"}
        for number in range(_MINUTE):
            picture = ground.copy()
            for place, face in enumerate(faces):
                turn = 2 * np.pi * (number / _MINUTE * (3 + place))
                top = 200 + round(100 * np.sin(turn))
                left = 100 + 600 * place + round(100 * np.cos(turn))
                picture[top : top + face.shape[0], left : left + face.shape[1]] = face
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            frame.pts, frame.time_base = number, Fraction(1, RATE)
            out.mux(stream.encode(frame))
        out.mux(stream.encode())


def look_through(pipeline: FacePipeline, reader: VideoReader) -> dict[str, float]:
    """Do what a job does with a video; return seconds per step, and counts."""
    spent = dict.fromkeys(("read", "find", "follow"), 0.0)
    tracker, scene, frames, faces, tracks = Tracker(), None, 0, 0, 0
    began = mark = time.perf_counter()
    for some in reader.samples(SAMPLES):
        spent["read"] += time.perf_counter() - mark
        mark = time.perf_counter()
        if isinstance(some, list):
            found = pipeline.analyse([frame.pixels for frame in some])
            spent["find"] += time.perf_counter() - mark
            mark = time.perf_counter()
            for frame, seen in zip(some, found, strict=True):
                now = cuts.signature(frame.pixels)
                cut, scene = cuts.is_cut(scene, now), now
                tracks += len(tracker.update(frame.time, seen, frame.pixels, cut=cut))
                frames, faces = frames + 1, faces + len(seen)
            spent["follow"] += time.perf_counter() - mark
            mark = time.perf_counter()
    tracks += len(tracker.finish())
    spent["all"] = time.perf_counter() - began
    return spent | {"frames": frames, "faces": faces, "tracks": tracks}


def measure(options: argparse.Namespace) -> dict[str, Any]:
    """Run the benchmark; return what goes into the record."""
    names = ("Colin_Powell", "Serena_Williams")
    photos = [options.data / "lfw-deepfunneled" / name / f"{name}_0001.jpg" for name in names]
    faces = [np.asarray(Image.open(path).convert("RGB")) for path in photos]
    FacePipeline.prepare(options.models_dir)
    pipeline = FacePipeline.build(options.models_dir)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "film.mp4"
        write_film(path, faces, options.minutes)
        descriptor = os.open(path, os.O_RDONLY)
        cpu = time.process_time()
        with Memory() as memory, VideoReader(descriptor, VideoLimits()) as reader:
            spent = look_through(pipeline, reader)
            cpu = time.process_time() - cpu
            target = os.open(Path(folder) / "copy.mp4", os.O_RDWR | os.O_CREAT)
            began = time.perf_counter()
            for _ in reader.copy_to(target):
                pass
            copied = time.perf_counter() - began
            os.close(target)
        os.close(descriptor)
    seconds, half = 60.0 * options.minutes, len(memory.megabytes) // 2
    return {
        "video_seconds": seconds,
        "times_real_time": round(seconds / spent["all"], 2),
        "copy_times_real_time": round(seconds / copied, 2),
        "seconds": {name: round(value, 2) for name, value in spent.items()},
        "processor_seconds": round(cpu, 1),
        "memory_mb": {
            "most": round(max(memory.megabytes, default=0.0)),
            "most_of_first_half": round(max(memory.megabytes[:half], default=0.0)),
            "most_of_second_half": round(max(memory.megabytes[half:], default=0.0)),
        },
    }


def main() -> None:
    """Measure and print."""
    environment.run_without_blas_overrides("benchmarks.video")
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    environment.add_arguments(parser, data=environment.DATA / "lfw")
    parser.add_argument("--minutes", type=int, default=1)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    found = measure(options)
    if options.json:
        print(json.dumps(environment.record("video", **found)))
        return
    for name, value in found.items():
        print(f"{name:<24} {value}")


if __name__ == "__main__":
    main()
