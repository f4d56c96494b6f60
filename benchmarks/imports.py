"""A whole data set through the ordinary import: speed, memory, and what an interruption changes.

    python -m benchmarks.imports                       all of LFW, once, then once more
    python -m benchmarks.imports --kills 2             and again with the worker killed in between
    python -m benchmarks.imports --images 2000 --json  the first 2,000 images, one JSON record

A worker and a dispatcher run as processes of their own, as under `manage.py up`, with a database
and a broker that are thrown away. Memory is the proportional set size of the worker with all its
children, read every second. `rows` is a checksum over path, person, status, bytes, box and
embedding of every image; a second import and an interrupted one must leave it as it is.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

from benchmarks import environment, lfw
from faceplatform.stack.commands import PROCESSES, runnable

if TYPE_CHECKING:
    from recognition.models import Gallery, ImportRun

_SHORT_LEASE = {"JOB_LEASE_SECONDS": "10", "JOB_HEARTBEAT_SECONDS": "2"}
_ROWS = """
    SELECT md5(string_agg(line, E'\\n' ORDER BY line)) FROM (
      SELECT concat_ws('|', f.path, i.name, f.state, p.sha256, f.x1, f.y1, f.x2, f.y2,
                       md5(t.embedding::text)) AS line
      FROM recognition_faceimage f
      JOIN recognition_photo p ON p.id = f.photo_id
      JOIN recognition_facetemplate t ON t.face_id = f.id
      LEFT JOIN recognition_identity i ON i.id = f.identity_id
      WHERE f.gallery_id = %s) lines
"""


class Workers:
    """The processes that do the import."""

    def __init__(self) -> None:
        self.dispatcher = self._start("dispatcher")
        self.worker = self._start("inference-worker")

    def _start(self, name: str) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            runnable(PROCESSES[name]),
            cwd=environment.ROOT,
            env=os.environ | _SHORT_LEASE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def megabytes(self) -> float:
        """Proportional set size of the worker and its children."""
        if self.worker.poll() is not None:
            raise SystemExit(f"the worker ended with {self.worker.returncode}")
        top = psutil.Process(self.worker.pid)
        total = 0
        for process in (top, *top.children(recursive=True)):
            try:
                total += process.memory_full_info().pss
            except (psutil.NoSuchProcess, psutil.ZombieProcess, FileNotFoundError):
                continue  # it ended while we looked
        return total / 2**20

    def kill_child(self) -> None:
        """SIGKILL the process that works on the job."""
        for child in psutil.Process(self.worker.pid).children():
            child.kill()

    def stop(self) -> None:
        """End both."""
        for process in (self.worker, self.dispatcher):
            process.terminate()
        for process in (self.worker, self.dispatcher):
            try:
                process.wait(timeout=15)
            except subprocess.TimeoutExpired:
                process.kill()


@contextmanager
def installation(models: Path) -> Iterator[None]:
    """Servers, a database with tables, and Django, all of it in a temporary folder."""
    from faceplatform.stack.session import services

    with tempfile.TemporaryDirectory() as temporary:
        var = Path(temporary) / "var"
        var.mkdir()
        models.mkdir(parents=True, exist_ok=True)
        (var / "models").symlink_to(models.resolve())
        os.environ["FACEPLATFORM_VAR"] = str(var)
        os.environ["DJANGO_SETTINGS_MODULE"] = "faceplatform.settings"
        with services(broker=True):
            import django
            from django.core.management import call_command

            django.setup()
            call_command("migrate", verbosity=0)
            yield


def photos(data: Path, images: int | None, target: Path) -> Path:
    """Return a folder of one folder per person: the data set, or copies of its first images."""
    if images is None:
        return data / "lfw-deepfunneled"
    for name in lfw.image_names(data)[:images]:
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(data / "lfw-deepfunneled" / name, target / name)
    return target


def import_once(
    workers: Workers, gallery: "Gallery", folder: Path, *, kills: int = 0
) -> dict[str, object]:
    """Import a folder by job and wait for its end, killing the worker's child on the way."""
    from faceplatform.core.actors import SYSTEM
    from recognition.services.imports import counts_of, start_import

    started = time.monotonic()
    run = start_import(gallery=gallery, name="photos", folder=folder, actor=SYSTEM)
    memory = _watch(workers, run, kills)
    seconds = time.monotonic() - started
    counts = counts_of(run)
    total = sum(counts.values())
    tenth = max(len(memory) // 10, 1)
    result: dict[str, object] = {
        "images": total,
        "counts": counts,
        "seconds": round(seconds, 1),
        "images_per_second": round(total / seconds, 1),
        "worker_mb_first_tenth": round(max(memory[: 2 * tenth])),
        "worker_mb_last_tenth": round(max(memory[-tenth:])),
        "worker_mb_peak": round(max(memory)),
        "kills": kills,
        "rows": rows_of(gallery),
    }
    print(gallery.name, *(f"{key}={value}" for key, value in result.items()), file=sys.stderr)
    return result


def _watch(workers: Workers, run: "ImportRun", kills: int) -> list[float]:
    from faceplatform.core.models import JobState

    job = run.job
    if job is None:
        raise SystemExit("the import has no job")
    memory: list[float] = []
    killed = 0
    while True:
        time.sleep(1)
        job.refresh_from_db()
        if job.state == JobState.SUCCEEDED:
            return memory or [workers.megabytes()]
        if job.state in {JobState.FAILED, JobState.CANCELLED}:
            raise SystemExit(f"the import ended: {job.error_code} {job.error_detail}")
        memory.append(workers.megabytes())
        done = job.done / job.total if job.total else 0.0
        if killed < kills and done > (killed + 1) / (kills + 1):
            workers.kill_child()
            killed += 1


def rows_of(gallery: "Gallery") -> str:
    """Checksum over everything that the import wrote into a gallery, in no order."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(_ROWS, [gallery.pk])
        return str(cursor.fetchone()[0])


def measure(folder: Path, kills: int) -> dict[str, object]:
    """Import, import again, and import into a second gallery with the worker killed."""
    from faceplatform.accounts.models import Organization
    from faceplatform.core.actors import SYSTEM
    from recognition.services.galleries import create_gallery

    organization = Organization.objects.create(name="Benchmark")
    workers = Workers()
    try:
        first = create_gallery(organization_id=organization.pk, name="First", actor=SYSTEM)
        result: dict[str, object] = {
            "once": import_once(workers, first, folder),
            "again": import_once(workers, first, folder),
        }
        if kills:
            second = create_gallery(organization_id=organization.pk, name="Second", actor=SYSTEM)
            result["interrupted"] = import_once(workers, second, folder, kills=kills)
    finally:
        workers.stop()
    return result


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(description="A data set through the ordinary import.")
    parser.add_argument("--data", type=Path, default=environment.DATA / "lfw")
    parser.add_argument("--models-dir", type=Path, default=environment.ROOT / "var" / "models")
    parser.add_argument("--images", type=int, help="only the first so many")
    parser.add_argument("--kills", type=int, default=0, help="times the worker's child is killed")
    parser.add_argument("--json", action="store_true", help="one JSON record and nothing else")
    options = parser.parse_args()
    environment.run_without_blas_overrides("benchmarks.imports")
    with tempfile.TemporaryDirectory() as copies, installation(options.models_dir):
        folder = photos(options.data, options.images, Path(copies))
        result = measure(folder, options.kills)
    if options.json:
        print(json.dumps(environment.record("imports", **result), indent=1))
        return
    for name, values in result.items():
        print(name, json.dumps(values))


if __name__ == "__main__":
    main()
