"""Decoding in processes of their own: the same answers as here, and whatever happens there."""

import os
import platform
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from recognition.vision import images
from recognition.vision import sandbox as sandbox_module
from recognition.vision.errors import DecoderCrashed, DecoderUnavailable, ImageError, VisionError
from recognition.vision.images import ImageLimits
from recognition.vision.sandbox import Sandbox
from recognition.vision.types import Pixels
from tests.recognition.vision.conftest import encoded

ROOT = Path(__file__).resolve().parents[3]
NAMES = {
    "segfault": "SIGSEGV",
    "abort": "decoding process",
    "hoard": "ended with",
    "fill": "ended with",
}
HOSTILE = "tests.recognition.vision.hostile_child"


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    """The ordinary decoder with one child."""
    box = Sandbox(size=1)
    yield box
    box.close()


@pytest.fixture(scope="module")
def hostile() -> Iterator[Sandbox]:
    """One child that does what it is told, among it terrible things."""
    box = Sandbox(size=1, module=HOSTILE)
    yield box
    box.close()


def gone(pid: int) -> bool:
    """Wait until a process has ended."""
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        stat = Path(f"/proc/{pid}/stat")
        if not stat.exists() or stat.read_text().rpartition(")")[2].split()[0] == "Z":
            return True
        time.sleep(0.02)
    return False


def tell(box: Sandbox, command: str, body: bytes = b"", most: int = 100, **options: Any) -> Any:
    return box.ask(command, options, body=body, most=most, errors=ImageError)


def decodes(box: Sandbox, picture: Pixels) -> bool:
    return np.array_equal(box.decode_image(encoded(picture, "PNG")).pixels, picture)


def outcome(decode: Any, data: bytes, limits: ImageLimits) -> Any:
    """Everything that a decoder says about some bytes."""
    try:
        decoded = decode(data, limits)
    except VisionError as error:
        return type(error), error.detail
    return decoded.format, decoded.notes, decoded.pixels.shape, decoded.pixels.tobytes()


# --- the same answers --------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "AVIF", "MPO"])
def test_every_kind_is_read_as_it_is_here(kind: str, picture: Pixels, sandbox: Sandbox) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    limits = ImageLimits()
    compared = 0
    for mode in ("RGB", "RGBA", "L", "P", "1", "CMYK", "LA", "I;16"):
        try:
            data = encoded(Image.fromarray(picture).convert(mode), kind, exif=exif)
        except (OSError, ValueError):
            continue  # Pillow writes no such file
        here = outcome(images.decode_image, data, limits)
        assert outcome(sandbox.decode_image, data, limits) == here, mode
        compared += 1
    assert compared >= 2


@pytest.mark.parametrize("data", [b"", b"x", b"\xff\xd8\xff", b"<svg/>", bytes(500)])
def test_refusals_are_the_same(data: bytes, sandbox: Sandbox) -> None:
    for limits in (ImageLimits(), ImageLimits(max_bytes=3)):
        here = outcome(images.decode_image, data, limits)
        assert outcome(sandbox.decode_image, data, limits) == here
        assert issubclass(here[0], ImageError)


def test_limits_travel(picture: Pixels, sandbox: Sandbox) -> None:
    data = encoded(picture, "PNG")
    for limits in (
        ImageLimits(max_bytes=100),
        ImageLimits(max_pixels=100),
        ImageLimits(min_side=500),
        ImageLimits(max_aspect=1.0),
    ):
        here = outcome(images.decode_image, data, limits)
        assert outcome(sandbox.decode_image, data, limits) == here
        assert issubclass(here[0], ImageError)


def test_a_large_picture_comes_whole_and_its_memory_goes(
    sandbox: Sandbox, picture: Pixels, monkeypatch: pytest.MonkeyPatch
) -> None:
    def held() -> int:
        folder = Path(f"/proc/{sandbox.processes()[0]}/fd")
        (output,) = (link for link in folder.iterdir() if "decoded" in str(link.readlink()))
        return output.stat().st_size

    assert decodes(sandbox, picture)
    assert held() >= picture.size
    monkeypatch.setattr(sandbox_module, "_KEPT_OUTPUT", picture.size - 1)
    assert decodes(sandbox, picture)
    assert held() == 0


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(kind=st.sampled_from(["JPEG", "PNG", "WEBP"]), data=st.data())
def test_mutated_files_end_as_they_do_here(
    kind: str, data: st.DataObject, picture: Pixels, sandbox: Sandbox
) -> None:
    """Nothing is missing in the child: it neither refuses more nor crashes."""
    exif = Image.Exif()
    exif[0x0112] = 3
    content = bytearray(encoded(picture, kind, exif=exif))
    changes = st.tuples(st.integers(0, len(content) - 1), st.integers(0, 255))
    for place, value in data.draw(st.lists(changes, min_size=1, max_size=8)):
        content[place] = value
    here = outcome(images.decode_image, bytes(content), ImageLimits())
    assert outcome(sandbox.decode_image, bytes(content), ImageLimits()) == here


# --- what dies in a child is one file's failure ------------------------------------------------


@pytest.mark.parametrize("end", ["segfault", "abort", "hoard", "fill"])
def test_a_child_that_dies_fails_one_file_only(
    end: str, hostile: Sandbox, picture: Pixels, caplog: pytest.LogCaptureFixture
) -> None:
    assert decodes(hostile, picture)
    (before,) = hostile.processes()
    with pytest.raises(DecoderCrashed) as caught:
        tell(hostile, end, most=10**9)
    assert caught.value.code == "decoder_crashed"
    assert NAMES[end] in caplog.text
    assert gone(before)
    assert decodes(hostile, picture)
    assert hostile.processes() != [before]


def test_a_child_has_limits_it_cannot_raise(hostile: Sandbox) -> None:
    lines = Path(f"/proc/{_pid_of(hostile)}/limits").read_text().splitlines()
    limits = {line[:26].strip(): line[26:].split()[:2] for line in lines}
    assert limits["Max address space"] == [str(2 * 1024**3)] * 2
    assert limits["Max file size"] == [str(256 * 1024**2)] * 2
    assert limits["Max open files"] == ["64", "64"]
    assert limits["Max core file size"] == ["0", "0"]


def test_a_child_that_takes_too_long_is_ended(picture: Pixels) -> None:
    box = Sandbox(size=1, seconds=1.0, module=HOSTILE)
    pid = _pid_of(box)
    with pytest.raises(DecoderCrashed, match="too long"):
        tell(box, "sleep")
    assert gone(pid)
    assert decodes(box, picture)
    stopped = _pid_of(box)
    os.kill(stopped, signal.SIGSTOP)
    with pytest.raises(DecoderCrashed, match="too long"):
        decodes(box, picture)
    assert gone(stopped)
    box.close()


def test_a_child_that_computes_too_long_is_ended_however_busy_the_machine(
    picture: Pixels,
) -> None:
    """Its own timer ends it, so that no orphan decodes for ever either."""
    box = Sandbox(size=1, cpu_seconds=0.3, module=HOSTILE)
    pid = _pid_of(box)
    with pytest.raises(DecoderCrashed, match="too long"):
        tell(box, "spin")
    assert gone(pid)
    assert decodes(box, picture)
    box.close()


def test_time_is_counted_for_each_file(picture: Pixels) -> None:
    box = Sandbox(size=1, cpu_seconds=0.3, module=HOSTILE)
    pid = _pid_of(box)
    for _ in range(4):
        tell(box, "work")
    assert box.processes() == [pid]
    box.close()


def test_a_child_that_died_while_idle_is_replaced_without_a_word(
    hostile: Sandbox, picture: Pixels
) -> None:
    pid = _pid_of(hostile)
    os.kill(pid, signal.SIGKILL)
    assert gone(pid)
    assert decodes(hostile, picture)


@pytest.mark.parametrize(
    "answer",
    [
        {},
        {"shape": [2, 3], "format": "PNG", "notes": []},
        {"shape": [1, 2], "format": "EXE", "notes": []},
        {"shape": [1, 2], "format": "PNG", "notes": [1]},
        {"shape": [-1, -2], "format": "PNG", "notes": []},
        {"shape": [1, 2.0], "format": "PNG", "notes": []},
        {"shape": [1, 2, 3], "format": "PNG", "notes": []},
        {"error": "no_such_code", "detail": "x"},
        {"error": "vision_error", "detail": "x"},
        {"error": "image_corrupt", "detail": None},
        {"error": ["image_corrupt"], "detail": "x"},
    ],
    ids=str,
)
def test_a_child_that_lies_is_not_believed(
    answer: dict[str, Any], hostile: Sandbox, picture: Pixels, monkeypatch: pytest.MonkeyPatch
) -> None:
    ask = hostile.ask

    def lying(command: str, options: dict[str, Any], **rest: Any) -> Any:
        return ask("lie", {"answer": answer}, **rest | {"body": b"\1\2\3\4\5\6"})

    monkeypatch.setattr(hostile, "ask", lying)
    with pytest.raises(DecoderCrashed):
        hostile.decode_image(b"")
    monkeypatch.undo()
    assert decodes(hostile, picture)


def test_a_believable_answer_is_taken(hostile: Sandbox) -> None:
    """So that the refusals above are about what is wrong with them."""
    with pytest.raises(ImageError) as caught:
        tell(hostile, "lie", answer={"error": "image_corrupt", "detail": "d" * 5000})
    assert caught.value.detail == "d" * 300


def test_sizes_are_checked(hostile: Sandbox, picture: Pixels) -> None:
    with pytest.raises(DecoderCrashed):
        tell(hostile, "lie", b"x" * 101, answer={})
    assert decodes(hostile, picture)
    with pytest.raises(DecoderCrashed):
        tell(hostile, "lie", answer={"long": "x" * 100_000})
    assert decodes(hostile, picture)


# --- what a child may not do -------------------------------------------------------------------


@pytest.mark.skipif(
    platform.machine() not in {"x86_64", "aarch64"}, reason="no list of calls for this processor"
)
def test_a_child_reaches_nothing(hostile: Sandbox) -> None:
    head, _ = tell(hostile, "attempts")
    del head["size"]
    assert set(head.values()) == {"EPERM"}, head
    assert len(head) == 9


def test_a_child_knows_no_secrets(monkeypatch: pytest.MonkeyPatch, picture: Pixels) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://secret")
    monkeypatch.setenv("SECRET_KEY", "secret")
    box = Sandbox(size=1)
    assert decodes(box, picture)
    (pid,) = box.processes()
    environment = Path(f"/proc/{pid}/environ").read_text()
    names = {entry.partition("=")[0] for entry in environment.split("\0") if entry}
    assert names <= {"PATH", "LD_LIBRARY_PATH", "PYTHONHOME", "LANG", "OPENBLAS_NUM_THREADS"}
    assert "secret" not in environment
    box.close()


def test_a_child_holds_no_files_of_ours(hostile: Sandbox, tmp_path: Path) -> None:
    with (tmp_path / "open").open("w"):
        box = Sandbox(size=1)
        pid = _pid_of(box)
        targets = [str(link.readlink()) for link in Path(f"/proc/{pid}/fd").iterdir()]
        box.close()
    assert not [target for target in targets if str(tmp_path) in target]
    assert sum(target.startswith("socket:") for target in targets) <= 2  # stderr may be one
    assert len(targets) <= 5


def test_a_child_loads_neither_django_nor_networks() -> None:
    script = (
        "import sys; from recognition.vision import sandbox_child; sandbox_child.confine();"
        "print([m for m in ('django', 'torch', 'openvino', 'scipy', 'celery') if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


# --- children, threads and processes -----------------------------------------------------------


def test_many_threads_share_few_children(picture: Pixels) -> None:
    box = Sandbox(size=2)
    pictures = [np.roll(picture, number, axis=1) for number in range(8)]
    files = [encoded(pixels, "PNG") for pixels in pictures]
    start = threading.Barrier(8)

    def work(number: int) -> bool:
        start.wait()
        return all(
            np.array_equal(box.decode_image(files[number]).pixels, pictures[number])
            for _ in range(15)
        )

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(work, range(8)))
    assert len(box.processes()) == 2
    box.close()
    assert box.processes() == []


def test_a_child_is_replaced_when_it_has_served_enough(picture: Pixels) -> None:
    box = Sandbox(size=1, lifetime=3)
    seen = []
    for _ in range(7):
        assert decodes(box, picture)
        seen += [pid for pid in box.processes() if pid not in seen]
    box.close()
    assert len(seen) == 3
    assert all(gone(pid) for pid in seen)


def test_signals_for_the_whole_group_leave_it_to_the_parent(
    hostile: Sandbox, picture: Pixels
) -> None:
    pid = _pid_of(hostile)
    os.kill(pid, signal.SIGINT)
    os.kill(pid, signal.SIGTERM)
    assert decodes(hostile, picture)
    assert hostile.processes() == [pid]


def test_a_child_that_cannot_start_is_no_fault_of_the_file(picture: Pixels) -> None:
    box = Sandbox(size=1, module="recognition.vision.no_such_module")
    for _ in range(2):  # the place is given back
        with pytest.raises(DecoderUnavailable):
            decodes(box, picture)
    assert box.processes() == []


@pytest.mark.parametrize("end", ["os._exit(0)", "os.kill(os.getpid(), 9)"])
def test_a_child_ends_with_its_parent(end: str) -> None:
    script = (
        "import os, io; from PIL import Image; from recognition.vision import sandbox\n"
        "out = io.BytesIO(); Image.new('RGB', (64, 64)).save(out, 'PNG')\n"
        "sandbox.decode_image(out.getvalue())\n"
        f"print(*sandbox._shared.processes(), flush=True)\n{end}"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=False
    )
    (pid,) = (int(word) for word in done.stdout.split())
    assert gone(pid)


def test_a_forked_process_has_children_of_its_own() -> None:
    """Celery's pool forks: two processes on one channel would get each other's pictures."""
    script = (
        "import os, io; from PIL import Image; from recognition.vision import sandbox\n"
        "out = io.BytesIO(); Image.new('RGB', (64, 64)).save(out, 'PNG')\n"
        "decode = lambda: sandbox.decode_image(out.getvalue()).width == 64\n"
        "assert decode()\n"
        "mine = sandbox._shared.processes()\n"
        "pid = os.fork()\n"
        "assert decode()\n"
        "if pid == 0:\n"
        "    print('own', sandbox._shared.processes() != mine, flush=True); os._exit(0)\n"
        "assert os.waitpid(pid, 0)[1] == 0\n"
        "assert decode()\n"
        "print('kept', sandbox._shared.processes() == mine)\n"
    )
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", script],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.stdout.split(), done.stderr) == (["own", "True", "kept", "True"], "")


def _pid_of(box: Sandbox) -> int:
    """Make sure that the only child exists; return its process id."""
    with pytest.raises(ImageError):
        box.decode_image(b"")
    (pid,) = box.processes()
    return pid
