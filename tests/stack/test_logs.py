import io
import os
from pathlib import Path

import pytest

from faceplatform.stack.logs import Console, Tail, rotate
from tests.stack.conftest import Screen


def append(path: Path, content: bytes) -> None:
    with path.open("ab") as file:
        file.write(content)


def test_only_new_and_complete_lines_are_shown(tmp_path: Path, screen: Screen) -> None:
    log = tmp_path / "web.log"
    append(log, b"from an earlier run\n")
    tail = Tail("web", log)
    append(log, b"one\nhal")
    tail.pump(screen)
    assert screen.text == "web              | one\n"
    append(log, "f – done\r\n".encode() + b"\xff bytes\n")
    tail.pump(screen)
    assert screen.text.splitlines()[1:] == [
        "web              | half – done",
        "web              | � bytes",
    ]


def test_a_log_that_appears_later_is_followed(tmp_path: Path, screen: Screen) -> None:
    tail = Tail("beat", tmp_path / "beat.log")
    tail.pump(screen)
    append(tmp_path / "beat.log", b"hello\n")
    tail.pump(screen)
    assert "beat             | hello" in screen.text


def test_large_logs_are_kept_in_three_files(tmp_path: Path) -> None:
    log = tmp_path / "web.log"
    for number in range(1, 6):
        append(log, f"{number}".encode() * 100)
        assert rotate(log, limit=100)
        assert log.stat().st_size == 0
    kept = sorted(path.name for path in tmp_path.iterdir())
    assert kept == ["web.log", "web.log.1", "web.log.2", "web.log.3"]
    firsts = [(tmp_path / name).read_text()[0] for name in kept[1:]]
    assert firsts == ["5", "4", "3"]
    assert not rotate(log, limit=100)


def test_a_writer_goes_on_in_the_emptied_file(tmp_path: Path, screen: Screen) -> None:
    log = tmp_path / "web.log"
    with log.open("ab", buffering=0) as writer:
        tail = Tail("web", log)
        writer.write(b"before\n")
        tail.pump(screen)
        rotate(log, limit=1)
        writer.write(b"after\n")
        tail.pump(screen)
    assert [line.split("| ")[1] for line in screen.text.splitlines()] == ["before", "after"]
    assert log.read_bytes() == b"after\n"


def test_a_full_disk_costs_old_lines_not_the_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("faceplatform.stack.logs.shutil.copyfile", full)
    log = tmp_path / "web.log"
    append(log, b"x" * 100)
    assert rotate(log, limit=100)
    assert log.stat().st_size == 0


def test_each_part_has_its_colour_on_a_terminal_and_none_elsewhere() -> None:
    stream = io.StringIO()
    console = Console(stream, colour=True)
    for name in ("web", "beat", "web"):
        console.line(name, "text")
    first, second, third = stream.getvalue().splitlines()
    assert first == third
    assert first.split("web")[0] != second.split("beat")[0]
    plain = io.StringIO()
    Console(plain).line("web", "text")
    assert "\x1b" not in plain.getvalue()


def test_a_closed_terminal_is_given_up(tmp_path: Path) -> None:
    reading, writing = os.pipe()
    with os.fdopen(writing, "w") as stream:
        console = Console(stream, colour=False)
        os.close(reading)
        console.line("web", "lost")
        console.line("web", "lost too")
