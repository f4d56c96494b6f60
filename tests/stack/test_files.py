"""Private folders, secrets and locks."""

import os
import stat
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from faceplatform.stack import secret_files
from faceplatform.stack.errors import StackError
from faceplatform.stack.folders import private_folder, write_atomically
from faceplatform.stack.layout import Layout
from faceplatform.stack.locks import FileLock, alone
from tests.stack.conftest import PROJECT

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root may give files away")


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_private_folder_is_closed_whatever_the_umask(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        folder = private_folder(tmp_path / "folder")
    finally:
        os.umask(before)
    assert mode(folder) == 0o700


def test_an_open_folder_of_ours_is_closed(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir(mode=0o755)
    assert mode(private_folder(folder)) == 0o700


def test_a_link_is_refused(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    with pytest.raises(StackError, match="not a file or link"):
        private_folder(tmp_path / "link")


@as_root
def test_a_folder_of_somebody_else_is_refused_and_left_alone(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir(mode=0o777)
    folder.chmod(0o777)
    os.chown(folder, 65534, 65534)
    with pytest.raises(StackError, match="belongs to user 65534"):
        private_folder(folder)
    assert mode(folder) == 0o777


def test_a_write_that_fails_keeps_the_old_content(tmp_path: Path) -> None:
    path = tmp_path / "file"
    write_atomically(path, "old")
    with pytest.raises(UnicodeEncodeError):
        write_atomically(path, "new \udc80")
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_secret_is_made_once_and_closed(layout: Layout) -> None:
    first = secret_files.read_or_create(layout, "secret_key")
    assert secret_files.read_or_create(layout, "secret_key") == first
    assert len(first) == 64
    assert mode(layout.secrets / "secret_key") == 0o600
    assert mode(layout.secrets) == 0o700


def test_processes_that_start_together_agree_on_a_secret(layout: Layout) -> None:
    program = (
        "import sys; from pathlib import Path\n"
        "from faceplatform.stack import secret_files\n"
        "from faceplatform.stack.layout import Layout\n"
        "layout = Layout(Path('.').resolve(), Path(sys.argv[1]))\n"
        "print(secret_files.read_or_create(layout, 'secret_key'))"
    )

    def ask(_: int) -> str:
        argv = [sys.executable, "-c", program, str(layout.var)]
        return subprocess.run(argv, cwd=PROJECT, capture_output=True, text=True, check=True).stdout

    with ThreadPoolExecutor(6) as pool:
        assert len(set(pool.map(ask, range(6)))) == 1


def test_a_damaged_secret_is_not_replaced(layout: Layout) -> None:
    secret_files.read_or_create(layout, "secret_key")
    (layout.secrets / "secret_key").write_text("short")
    with pytest.raises(StackError, match="damaged"):
        secret_files.read_or_create(layout, "secret_key")


def test_a_secret_that_others_may_read_is_closed_again(layout: Layout) -> None:
    secret_files.read_or_create(layout, "secret_key")
    (layout.secrets / "secret_key").chmod(0o644)
    secret_files.read_or_create(layout, "secret_key")
    assert mode(layout.secrets / "secret_key") == 0o600


def test_a_shared_lock_keeps_others_from_being_alone(tmp_path: Path) -> None:
    one, two, third = (FileLock(tmp_path / "lock") for _ in range(3))
    one.shared()
    two.shared()
    assert not third.try_exclusive()
    one.release()
    assert not third.try_exclusive()
    two.release()
    assert third.try_exclusive()
    third.release()


def test_the_lock_of_a_killed_process_is_free(tmp_path: Path) -> None:
    program = (
        "import sys, time; from pathlib import Path\n"
        "from faceplatform.stack.locks import FileLock\n"
        "lock = FileLock(Path(sys.argv[1])); assert lock.try_exclusive()\n"
        "print('held', flush=True); time.sleep(60)"
    )
    argv = [sys.executable, "-c", program, str(tmp_path / "lock")]
    with subprocess.Popen(argv, cwd=PROJECT, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        lock = FileLock(tmp_path / "lock")
        assert not lock.try_exclusive()
        holder.kill()
        holder.wait()
        assert lock.try_exclusive()
        lock.release()


def test_waiting_for_a_lock_can_be_given_up(tmp_path: Path) -> None:
    class Enough(Exception):
        pass

    def tick() -> None:
        raise Enough

    with alone(tmp_path / "lock"), pytest.raises(Enough), alone(tmp_path / "lock", tick):
        pytest.fail("two were alone")
