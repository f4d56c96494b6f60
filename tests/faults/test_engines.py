"""Decoding processes that crash, and files of a network that are damaged."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.conftest import ROOT
from tests.fakes import face_photo
from tests.faults import orders, people
from tests.faults.http import BROKEN, Client
from tests.faults.platform import PATIENCE, Platform, free_port, until
from tests.faults.trials import REPEATS, Outcome, Trials

pytestmark = [pytest.mark.stack, pytest.mark.slow, pytest.mark.timeout(3600)]

MakeTrials = Callable[[str, str, int], Trials]
_LAST = "person 9/zz.png"
_FAILED = """
    SELECT m.path, m.code FROM recognition_importitem m
      JOIN recognition_importrun r ON r.id = m.run_id
     WHERE r.gallery_id = %s AND m.status = 'failed'
"""


def decoder_of(worker: int) -> psutil.Process:
    """The decoding process of a worker's child."""
    children = psutil.Process(worker).children()
    return next(one for one in children if "sandbox_child" in " ".join(one.cmdline()))


def crash(platform: Platform, decoder: psutil.Process) -> None:
    """SIGSEGV in the middle of the large photo, which is when there is room for its pixels."""
    before = decoder.memory_info().rss
    platform.orders.release("after_decode")
    deadline = time.monotonic() + PATIENCE
    while decoder.memory_info().rss < before + 30 * 1024**2:
        assert time.monotonic() < deadline
        time.sleep(0.001)
    decoder.send_signal(signal.SIGSEGV)


def starve(platform: Platform, decoder: psutil.Process, job: str) -> None:
    """Leave too little memory for the one large photo, as the system does at the limit."""
    usual = decoder.rlimit(psutil.RLIMIT_AS)
    limit = decoder.memory_info().vms + 8 * 1024**2
    decoder.rlimit(psutil.RLIMIT_AS, (limit, usual[1]))
    platform.orders.release("after_decode")
    people.wait_for(platform, job)
    if decoder.is_running():
        decoder.rlimit(psutil.RLIMIT_AS, usual)


def test_f17_a_decoding_process_crashes(platform: Platform, trials: MakeTrials) -> None:
    files = people.photos(people.IMAGES)
    files[_LAST] = face_photo(9, variant=7, width=6000, height=5000)
    archive = people.zipped(files)
    peace = people.start_import(platform, archive)
    people.wait_for(platform, peace.job)
    calm = people.content_hash(platform, peace.gallery, items=False)
    run = trials("F17", "the decoding process crashes (SIGSEGV) or runs out of memory", 10)
    for number in run:
        platform.orders.clear()
        platform.orders.give("after_decode", "hold")
        imported = people.start_import(platform, archive)
        until(lambda: platform.orders.taken, "the first batch is read")
        worker = platform.orders.taken[0].pid
        begun = time.time()
        if number % 2:
            starve(platform, decoder_of(worker), imported.job)
        else:
            crash(platform, decoder_of(worker))
        people.wait_for(platform, imported.job)
        seconds = people.finished_at(platform, imported.job) - begun
        ((path, code),) = platform.sql(_FAILED, imported.gallery)
        # Where the decoder itself notices that there is no room, it says so and lives on.
        assert path == _LAST
        assert code in ("decoder_crashed", "image_too_many_pixels")[: 1 + number % 2]
        assert psutil.pid_exists(worker), "the worker lives"
        again = people.start_import(platform, archive, imported.gallery)
        people.wait_for(platform, again.job)
        found = "SELECT count(*) FROM recognition_faceimage WHERE gallery_id = %s"
        run.passed(
            Outcome(
                seconds,
                lost=len(files) - platform.one(found, imported.gallery)
                + people.damaged_files(platform),
                duplicates=people.duplicates(platform, imported.gallery),
                equal=people.content_hash(platform, imported.gallery, items=False) == calm,
            )
        )  # fmt: skip


@dataclass
class Web:
    """One more web server on the platform's data, with the real networks."""

    platform: Platform
    process: subprocess.Popen[bytes]
    port: int

    def client(self, like: Client) -> Client:
        return Client(self.port, like.headers)

    def network(self) -> dict[str, Any]:
        """What /readyz tells an administrator about the network; {} while it cannot."""
        try:
            answer = self.client(self.platform.administrator).get("/readyz")
        except BROKEN:
            return {}
        return dict(answer.body.get("parts", {}).get("model facenet-casia", {}))


@contextmanager
def serving(platform: Platform) -> Iterator[Web]:
    """Run a web server that prepares its network; killed with all its children at the end."""
    port = free_port()
    environment = platform.environment | {
        "PUBLIC_URL": f"http://127.0.0.1:{port}",
        "PREPARE_MODELS": "yes",
        orders.REAL_NETWORKS: "1",
    }
    command = [sys.executable, "-m", "gunicorn", "--config"]
    command += ["python:faceplatform.stack.gunicorn_conf", "tests.faults.wsgi"]
    with (platform.layout.log / "web-2.log").open("a") as log:
        process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=log, stderr=log)
    try:
        yield Web(platform, process, port)
    finally:
        for one in [psutil.Process(process.pid), *psutil.Process(process.pid).children(True)]:
            one.kill()
        process.wait()


def damage(path: Path, how: str) -> None:
    content = bytearray(path.read_bytes())
    if how == "missing":
        path.unlink()
    elif how == "cut short":
        os.truncate(path, len(content) // 2)
    else:
        content[len(content) // 2] ^= 1
        path.write_bytes(content)


def faces_of(folder: Path, count: int) -> list[bytes]:
    paths = sorted((folder / "lfw" / "lfw-deepfunneled").glob("*/*_0001.jpg"))
    return [path.read_bytes() for path in paths[:: len(paths) // count][:count]]


@pytest.mark.faces
def test_f19_the_file_of_a_network_is_damaged(
    platform: Platform, trials: MakeTrials, shared_data: Path
) -> None:
    own = ROOT / "var" / "models"
    if not (own / "facenet-casia" / "manifest.json").exists():
        pytest.skip("the networks are not prepared in var/models")
    whole = int(os.environ.get(REPEATS, "1")) > 1
    photos = faces_of(shared_data, 4)
    run = trials("F19", "a byte of the network's file is flipped, it is cut short, it is gone", 3)
    for number in run:
        models = platform.var / "models"
        shutil.rmtree(models, ignore_errors=True)
        shutil.copytree(own, models)
        path = (
            f"/api/v1/identities/{people.make_person(platform, people.make_gallery(platform), 'a')}"
        )
        with serving(platform) as web:
            until(lambda: web.network().get("ok"), "the network is ready")
            program = web.client(platform.program)
            assert program.upload(f"{path}/images", "images", "1.jpg", photos[0]).status == 201
            how = ("flipped", "cut short", "missing")[number % 3]
            damage(models / "facenet-casia" / "network.bin", how)
            until(lambda: web.network().get("ok") is False, "readyz says so")
            assert program.upload(f"{path}/images", "images", "2.jpg", photos[1]).status == 201
        begun = time.monotonic()
        with serving(platform) as web:
            until(web.network, "it answers")
            program = web.client(platform.program)
            refused = program.upload(f"{path}/images", "images", "3.jpg", photos[2])
            assert refused.status == 201 or (
                refused.code == "model_preparing" and "Retry-After" in refused.headers
            )
            if whole:
                until(lambda: web.network().get("ok"), "it was made again", 600)
                answer = program.upload(f"{path}/images", "images", "4.jpg", photos[3])
                assert answer.status == 201
        seconds = time.monotonic() - begun if whole else None
        shutil.rmtree(models)
        run.passed(Outcome(seconds, lost=people.damaged_files(platform)))
