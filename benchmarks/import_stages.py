"""Where the time of an import goes: processor time of each step, per image.

    python -m benchmarks.import_stages                    200 images of LFW
    python -m benchmarks.import_stages --images 500 --json

One import in this process, with the real services and a database that is thrown away. Processor
time is told apart because steps run side by side: `processor_ms` is what all threads of this
process used meanwhile, `elapsed_ms` what a step took while the others ran too. Decoding happens in
child processes, and PostgreSQL's work in its own: neither is in `processor_ms`.
"""

import argparse
import json
import tempfile
import threading
import time
from collections import defaultdict
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any

from benchmarks import environment
from benchmarks.imports import installation, photos

_STEPS = ("read_photo", "faces_of_bytes", "store_photos", "judge_face", "store_face")


class Clock:
    """Adds up what wrapped functions take, by name."""

    def __init__(self) -> None:
        self.elapsed: dict[str, float] = defaultdict(float)
        self.own: dict[str, float] = defaultdict(float)
        self._lock = threading.Lock()

    def around(self, name: str, work: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(work)
        def timed(*args: Any, **kwargs: Any) -> Any:
            began, cpu = time.perf_counter(), time.thread_time()
            try:
                return work(*args, **kwargs)
            finally:
                with self._lock:
                    self.elapsed[name] += time.perf_counter() - began
                    self.own[name] += time.thread_time() - cpu

        return timed


def measure(folder: Path) -> dict[str, Any]:
    """Import a folder in this process with the clock around each step."""
    from faceplatform.accounts.models import Organization
    from faceplatform.core.actors import SYSTEM
    from faceplatform.core.jobs import run_here
    from recognition.services import import_batches
    from recognition.services.galleries import create_gallery
    from recognition.services.imports import counts_of, start_import
    from recognition.services.vision import get_pipeline

    organization = Organization.objects.create(name="Benchmark")
    gallery = create_gallery(organization_id=organization.pk, name="First", actor=SYSTEM)
    pipeline = get_pipeline(gallery.model_version)
    clock = Clock()
    for name in _STEPS:
        setattr(import_batches, name, clock.around(name, getattr(import_batches, name)))
    pipeline.detector.detect = clock.around(  # type: ignore[method-assign]
        "detect", pipeline.detector.detect
    )
    pipeline.embedder.embed = clock.around(  # type: ignore[method-assign]
        "embed", pipeline.embedder.embed
    )
    run = start_import(gallery=gallery, name="photos", folder=folder, actor=SYSTEM, ring=False)
    if run.job_id is None:
        raise SystemExit("the import has no job")
    began, cpu = time.perf_counter(), time.process_time()
    run_here(run.job_id)
    seconds, processor = time.perf_counter() - began, time.process_time() - cpu
    images = sum(counts_of(run).values())
    return {
        "images": images,
        "images_per_second": round(images / seconds, 1),
        "processor_ms": round(processor / images * 1000, 1),
        "steps": {
            name: {
                "elapsed_ms": round(clock.elapsed[name] / images * 1000, 1),
                "calling_thread_ms": round(clock.own[name] / images * 1000, 1),
            }
            for name in clock.elapsed
        },
    }


def main() -> None:
    """Run and print."""
    environment.run_without_blas_overrides("benchmarks.import_stages")
    parser = argparse.ArgumentParser(description="Where the time of an import goes.")
    parser.add_argument("--data", type=Path, default=environment.DATA / "lfw")
    parser.add_argument("--models-dir", type=Path, default=environment.ROOT / "var" / "models")
    parser.add_argument("--images", type=int, default=200)
    parser.add_argument("--json", action="store_true", help="one JSON record and nothing else")
    options = parser.parse_args()
    before = environment.hardware()
    with tempfile.TemporaryDirectory() as copies, installation(options.models_dir):
        result = measure(photos(options.data, options.images, Path(copies)))
    record = environment.record("import_stages", **result) | {"hardware": before}
    if options.json:
        print(json.dumps(record, indent=1))
        return
    print(f"{result['images_per_second']} images/s, {result['processor_ms']} ms of processor each")
    for name, row in result["steps"].items():
        print(f"{name:<18}{row['elapsed_ms']:>8} ms, {row['calling_thread_ms']} in its thread")


if __name__ == "__main__":
    main()
