"""Identification over HTTP by the real web server, in a gallery of 10,000 templates.

    python -m benchmarks.serving                   a table
    python -m benchmarks.serving --json            one JSON record

The server runs as under `manage.py up`, in a process of its own with a real database; photos are
LFW's. First one client asks alone, then eight at once. Every answer is stored with its photo, as a
new gallery does. Milliseconds per step are those that the answers carry.
"""

import argparse
import http.client
import json
import os
import secrets
import socket
import statistics
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import psutil

from benchmarks import environment, lfw
from benchmarks.imports import installation
from benchmarks.search import PER_PERSON, People, fill
from faceplatform.stack.commands import PROCESSES, runnable

Address = tuple[str, int]
_START_SECONDS = 180


class Client:
    """One HTTP client with one connection that is kept."""

    def __init__(self, address: Address, path: str, secret: str) -> None:
        self._address, self._path, self._secret = address, path, secret
        self._connection = http.client.HTTPConnection(*address, timeout=120)

    def identify(self, photo: bytes) -> tuple[float, dict[str, float]]:
        """Ask about one photo; milliseconds until the whole answer is here, and its steps."""
        boundary = secrets.token_hex(12)
        head = (
            f'--{boundary}\r\nContent-Disposition: form-data; name="image"; filename="p.jpg"\r\n'
            "Content-Type: image/jpeg\r\n\r\n"
        )
        body = head.encode() + photo + f"\r\n--{boundary}--\r\n".encode()
        headers = {
            "Authorization": f"Bearer {self._secret}",
            "Content-Type": f"multipart/form-data; boundary={boundary}",
        }
        started = time.perf_counter()
        self._connection.request("POST", self._path, body, headers)
        answer = self._connection.getresponse()
        content = answer.read()
        taken = (time.perf_counter() - started) * 1000
        if answer.status != 200:
            raise SystemExit(f"{answer.status}: {content.decode(errors='replace')[:300]}")
        return taken, dict(json.loads(content).get("timings", {}))


@contextmanager
def web_server() -> Iterator[tuple[Address, subprocess.Popen[bytes]]]:
    """The web server on a free port, ready to answer."""
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        address = probe.getsockname()
    server = subprocess.Popen(
        runnable(PROCESSES["web"]),
        cwd=environment.ROOT,
        env=os.environ | {"WEB_BIND": f"{address[0]}:{address[1]}"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        _wait_for(address, server)
        yield address, server
    finally:
        server.terminate()
        try:
            server.wait(timeout=30)
        except subprocess.TimeoutExpired:
            server.kill()


def _wait_for(address: Address, server: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline and server.poll() is None:
        try:
            with closing(socket.create_connection(address, timeout=1)):
                return
        except OSError:
            time.sleep(0.2)
    raise SystemExit("the web server does not start")


def resident_mb(server: "subprocess.Popen[bytes]") -> int:
    """Resident memory of the process that answers: the largest child of the server."""
    children = psutil.Process(server.pid).children()
    return round(max(child.memory_info().rss for child in children) / 2**20)


def has_torch(server: "subprocess.Popen[bytes]") -> bool:
    """Whether a process of the server has PyTorch's libraries loaded."""
    children = psutil.Process(server.pid).children()
    return any("libtorch" in item.path for child in children for item in child.memory_maps())


def alone(client: Client, photos: list[bytes], requests: int) -> dict[str, Any]:
    """One client, one request after the other."""
    times, steps = [], []
    for number in range(requests):
        taken, timings = client.identify(photos[number % len(photos)])
        times.append(taken)
        steps.append(timings)
    names = sorted({name for timings in steps for name in timings})
    return spread(times) | {
        "steps_ms": {
            name: round(statistics.median(timings.get(name, 0.0) for timings in steps), 1)
            for name in names
        }
    }


def together(clients: list[Client], photos: list[bytes], requests: int) -> dict[str, Any]:
    """All clients at once; each takes its share of the requests."""
    times: list[float] = []
    each = requests // len(clients)

    def ask(number: int, client: Client) -> None:
        for index in range(each):
            taken, _ = client.identify(photos[(number * each + index) % len(photos)])
            times.append(taken)

    work = [
        threading.Thread(target=ask, args=(number, client)) for number, client in enumerate(clients)
    ]
    started = time.perf_counter()
    for thread in work:
        thread.start()
    for thread in work:
        thread.join()
    seconds = time.perf_counter() - started
    if len(times) != each * len(clients):
        raise SystemExit("a client was refused")
    return spread(times) | {
        "clients": len(clients),
        "per_second": round(len(times) / seconds, 1),
    }


def spread(times: list[float]) -> dict[str, Any]:
    """Requests, median and 95th percentile in milliseconds."""
    ordered = sorted(times)
    return {
        "requests": len(ordered),
        "p50_ms": round(statistics.median(ordered), 1),
        "p95_ms": round(ordered[int(0.95 * len(ordered))], 1),
    }


def gallery_and_key(templates: int) -> tuple[str, str]:
    """A gallery of so many templates: the address to ask, and a key for it."""
    from faceplatform.accounts.models import Organization
    from faceplatform.accounts.roles import Scope
    from faceplatform.accounts.services.keys import create_key
    from faceplatform.accounts.services.setup import complete_setup, create_setup_link
    from faceplatform.core.actors import Actor
    from recognition.services.galleries import create_gallery

    owner = complete_setup(
        token=create_setup_link() or "",
        email="owner@example.org",
        name="Owner",
        password="a long enough pass phrase",  # noqa: S106  of a database that is thrown away
        organization_name="Benchmark",
    )
    actor = Actor(label=owner.email, user_id=owner.pk)
    organization = Organization.objects.get()
    key = create_key(
        organization=organization, name="k", scopes=[Scope.IDENTIFY], expires_at=None, actor=actor
    )
    gallery = create_gallery(organization_id=organization.pk, name="Benchmark", actor=actor)
    fill(gallery, People(templates // PER_PERSON), templates)
    return f"/api/v1/galleries/{gallery.pk}/identify", key.secret


def measure(data: Path, templates: int, requests: int, clients: int) -> dict[str, Any]:
    """Fill a gallery, start the server, ask."""
    names = lfw.image_names(data)
    chosen = names[:: max(1, len(names) // 300)]
    photos = [(data / "lfw-deepfunneled" / name).read_bytes() for name in chosen]
    path, secret = gallery_and_key(templates)
    with web_server() as (address, server):
        many = [Client(address, path, secret) for _ in range(clients)]
        for photo in photos[:20]:
            many[0].identify(photo)  # warm
        before = resident_mb(server)
        one = alone(many[0], photos, requests)
        all_of_them = together(many, photos, requests)
        return {
            "templates": templates,
            "alone": one,
            "together": all_of_them,
            "resident_mb_warm": before,
            "resident_mb_after": resident_mb(server),
            "identifications": 20 + one["requests"] + all_of_them["requests"],
            "torch_loaded": has_torch(server),
        }


def table(record: dict[str, Any]) -> str:
    """The record for people."""
    one, many = record["alone"], record["together"]
    steps = ", ".join(f"{name} {value}" for name, value in one["steps_ms"].items())
    resident = f"{record['resident_mb_after']} MB after {record['identifications']} answers"
    lines = [f"gallery of {record['templates']:,} templates"]
    for name, row in (("alone", one), (f"{many['clients']} clients", many)):
        lines.append(f"{name}: p50 {row['p50_ms']} ms, p95 {row['p95_ms']} ms")
    lines.append(f"together {many['per_second']}/s; alone by step: {steps}")
    lines.append(f"resident: {resident}; torch loaded: {record['torch_loaded']}")
    lines.append(f"load before: {record['hardware']['load_before']}")
    return "\n".join(lines)


def main() -> None:
    """Run and print."""
    environment.run_without_blas_overrides("benchmarks.serving")
    parser = argparse.ArgumentParser(description="Identification over HTTP.")
    parser.add_argument("--data", type=Path, default=environment.DATA / "lfw")
    parser.add_argument("--models-dir", type=Path, default=environment.ROOT / "var" / "models")
    parser.add_argument("--templates", type=int, default=10_000)
    parser.add_argument("--requests", type=int, default=500, help="alone, and as many together")
    parser.add_argument("--clients", type=int, default=8)
    parser.add_argument("--json", action="store_true", help="one JSON record and nothing else")
    options = parser.parse_args()
    before = environment.hardware()
    with installation(options.models_dir):
        result = measure(options.data, options.templates, options.requests, options.clients)
    record = environment.record("serving", **result) | {"hardware": before}
    print(json.dumps(record, indent=1) if options.json else table(record))


if __name__ == "__main__":
    main()
