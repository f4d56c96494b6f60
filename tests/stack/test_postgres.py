"""The real embedded PostgreSQL: what it promises, and what happens when it is killed."""

import os
import signal
import stat
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest

from faceplatform.stack import endpoints, processes, secret_files
from faceplatform.stack.errors import StackError
from faceplatform.stack.layout import Layout
from faceplatform.stack.postgres import ADMIN, PostgresOptions, PostgresServer
from faceplatform.stack.servers import Lease


def one(layout: Layout, query: str) -> object:
    with psycopg.connect(endpoints.database_url(layout), autocommit=True) as connection:
        row = connection.execute(query.encode()).fetchone()
        assert row is not None
        return row[0]


def run(layout: Layout, statement: str) -> None:
    with psycopg.connect(endpoints.database_url(layout), autocommit=True) as connection:
        connection.execute(statement.encode())


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("fsync", "on"),
        ("full_page_writes", "on"),
        ("synchronous_commit", "on"),
        ("data_checksums", "on"),
        ("listen_addresses", ""),
        ("server_encoding", "UTF8"),
        ("TimeZone", "UTC"),
    ],
)
def test_it_keeps_what_it_acknowledged_and_listens_to_nobody_outside(
    running: Layout, setting: str, value: str
) -> None:
    assert one(running, f"SHOW {setting}") == value


def test_the_role_of_the_application_rules_nothing_else(running: Layout) -> None:
    query = (
        "SELECT rolsuper OR rolcreatedb OR rolcreaterole OR rolreplication OR rolbypassrls "
        "FROM pg_roles WHERE rolname = current_user"
    )
    assert one(running, query) is False
    assert (
        one(
            running,
            "SELECT pg_get_userbyid(datdba) = current_user FROM pg_database "
            "WHERE datname = current_database()",
        )
        is True
    )


def test_vectors_work_for_the_role(running: Layout) -> None:
    query = "SELECT round((('[1,0]'::halfvec) <=> ('[0,1]'::halfvec))::numeric, 3)"
    assert str(one(running, query)) == "1.000"


def test_text_sorts_and_folds_alike_on_every_machine(running: Layout) -> None:
    assert one(running, "SELECT lower('ÄÖÜ')") == "äöü"
    assert (
        one(running, "SELECT datlocprovider FROM pg_database WHERE datname = 'faceplatform'") == "b"
    )


def test_nobody_enters_without_a_password(running: Layout) -> None:
    for user in (ADMIN, "faceplatform"):
        with pytest.raises(psycopg.OperationalError, match="password"):
            psycopg.connect(host=str(running.sockets), user=user, password="", dbname="postgres")


def test_the_password_of_the_role_is_not_the_administrators(running: Layout) -> None:
    password = secret_files.read_or_create(running, secret_files.DATABASE_PASSWORD)
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(host=str(running.sockets), user=ADMIN, password=password, dbname="postgres")


def test_only_the_owner_reaches_data_and_socket(running: Layout) -> None:
    for folder in (running.postgres_data, running.sockets, running.secrets):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_no_password_is_visible_in_the_process_list(running: Layout) -> None:
    password = secret_files.read_or_create(running, secret_files.ADMIN_PASSWORD)
    identity = PostgresServer(running).find()
    assert identity is not None
    assert password not in Path(f"/proc/{identity.pid}/cmdline").read_text()
    assert password not in Path(f"/proc/{identity.pid}/environ").read_text()


def test_the_log_holds_no_values(running: Layout) -> None:
    with psycopg.connect(endpoints.database_url(running)) as connection:
        connection.execute("CREATE TEMP TABLE people (name text CHECK (name = ''))")
        with pytest.raises(psycopg.errors.CheckViolation):
            connection.execute("INSERT INTO people VALUES ('Somebody Real')")
    log = running.log_file("postgres").read_text()
    assert 'violates check constraint "people_name_check"' in log
    assert "Somebody Real" not in log


def test_a_killed_server_comes_back_with_everything_acknowledged(reused: Layout) -> None:
    layout = reused
    server = PostgresServer(layout)
    lease = Lease(server)
    lease.acquire()
    run(layout, "CREATE TABLE kept (n int)")
    for number in range(3):
        run(layout, f"INSERT INTO kept VALUES ({number})")  # noqa: S608
        busy = psycopg.connect(endpoints.database_url(layout))
        # A backend in the middle of a statement outlives its postmaster for a while.
        busy.pgconn.send_query(b"SELECT count(*) FROM generate_series(1, 1000000000)")
        identity = server.find()
        assert identity is not None
        identity.send(signal.SIGKILL)
        assert processes.wait_gone([identity], seconds=5)
        replacement = lease.respawn()
        server.wait_ready(replacement, lambda: None)
        assert replacement != identity
        busy.pgconn.finish()
    assert one(layout, "SELECT count(*) FROM kept") == 3
    lease.release()
    assert server.strays() == []


def test_a_lock_file_that_names_a_stranger_does_not_keep_it_from_starting(reused: Layout) -> None:
    layout = reused
    lease = Lease(PostgresServer(layout))
    lease.acquire()
    lease.release()
    # As after a restart of a container, where process numbers begin again.
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"]) as stranger:
        stale = layout.postgres_data / "postmaster.pid"
        stale.write_text(f"{stranger.pid}\n{layout.postgres_data.resolve()}\n1\n5432\n")
        if layout.as_root:
            owner = layout.postgres_data.stat()
            os.chown(stale, owner.st_uid, owner.st_gid)
        lease.acquire()
        assert one(layout, "SELECT 1") == 1
        lease.release()
        stranger.kill()


def test_a_start_that_was_killed_half_way_leaves_no_half_cluster(layout: Layout) -> None:
    lease = Lease(PostgresServer(layout))
    lease.acquire()
    lease.release()
    layout.postgres_data.resolve().rename(layout.servers.resolve() / "postgres.new")
    (layout.servers / "postgres.new" / "PG_VERSION").unlink()
    lease.acquire()
    assert one(layout, "SELECT 1") == 1
    lease.release()


def test_other_passwords_than_the_datas_are_explained(layout: Layout) -> None:
    lease = Lease(PostgresServer(layout))
    lease.acquire()
    lease.release()
    (layout.secrets / secret_files.ADMIN_PASSWORD).unlink()
    with pytest.raises(StackError, match="do not fit the database"):
        lease.acquire()
    assert PostgresServer(layout).strays() == []


def test_data_of_another_version_are_refused_and_kept(layout: Layout) -> None:
    lease = Lease(PostgresServer(layout))
    lease.acquire()
    lease.release()
    (layout.postgres_data / "PG_VERSION").write_text("17\n")
    with pytest.raises(StackError, match="made by PostgreSQL 17"):
        lease.acquire()
    assert (layout.postgres_data / "base").is_dir()


def test_a_server_that_cannot_start_says_why(layout: Layout) -> None:
    lease = Lease(PostgresServer(layout))
    lease.acquire()
    lease.release()
    (layout.postgres_data / "global" / "pg_control").unlink()
    with pytest.raises(StackError, match="pg_control"):
        lease.acquire()


def test_the_test_suites_role_may_make_databases_with_vectors(layout: Layout) -> None:
    lease = Lease(PostgresServer(layout, PostgresOptions(durable=False, create_databases=True)))
    lease.acquire()
    url = endpoints.database_url(layout)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("CREATE DATABASE test_faces")
    with psycopg.connect(url, dbname="test_faces") as connection:
        connection.execute("CREATE EXTENSION IF NOT EXISTS vector")
        connection.execute("SELECT '[1,2]'::halfvec")
    lease.release()
