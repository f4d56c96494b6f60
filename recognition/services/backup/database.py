"""The database as a whole: dump, load, and what is in it, with PostgreSQL's own programs.

The programs come with the package of the embedded server; they serve a server of your own too.
"""

import contextlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from django.apps import apps
from django.db import DatabaseError, connection, transaction
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder

from faceplatform.core.errors import Conflict, DomainError
from faceplatform.stack.postgres import client_programs
from recognition.services.backup.archive import Readable

_LOCK_WAIT_MS = 30_000
# Rows without which nobody can have used the platform.
_SIGNS_OF_USE = ("accounts_organization", "accounts_user")
# Whoever is logged in logs in again after a restore.
_WITHOUT_ROWS = ("django_session",)

_TABLES = """
    SELECT c.relname
      FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE n.nspname = current_schema() AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
       AND NOT EXISTS (SELECT 1 FROM pg_depend d WHERE d.objid = c.oid AND d.deptype = 'e')
     ORDER BY c.relname
"""
_FUNCTIONS = """
    SELECT p.proname, p.oid::regprocedure::text FROM pg_proc p
     WHERE p.pronamespace = current_schema()::regnamespace
       AND NOT EXISTS (SELECT 1 FROM pg_depend d
                        WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid
                          AND d.deptype = 'e')
"""
_SESSIONS = """
    SELECT count(*) FROM pg_stat_activity
     WHERE datname = current_database() AND pid <> pg_backend_pid()
       AND backend_type = 'client backend'
"""


@dataclass(frozen=True, slots=True)
class Contents:
    """What is in the database: tables of ours and of others, and whether ours were ever used."""

    ours: tuple[str, ...]
    others: tuple[str, ...]
    used: bool


def contents() -> Contents:
    """Look into the database, whatever its state."""
    names = [str(row[0]) for row in _rows(_TABLES)]
    ours = tuple(name for name in names if name.startswith(_prefixes()))
    used = any(
        _rows(f"SELECT 1 FROM {connection.ops.quote_name(table)} LIMIT 1")  # noqa: S608
        for table in _SIGNS_OF_USE
        if table in ours
    )
    return Contents(ours, tuple(name for name in names if name not in ours), used)


def other_sessions() -> int:
    """Return how many connections to this database others hold."""
    return _number(_SESSIONS)


def server_version() -> int:
    """Return the server's version as a number, such as 180004."""
    return _number("SELECT current_setting('server_version_num')::int")


def applied_migrations() -> list[str]:
    """Return the names of the migrations that the database has seen."""
    found = MigrationRecorder(connection).applied_migrations()
    return sorted(f"{app}.{name}" for app, name in found)


def unknown_migrations(names: Sequence[str]) -> list[str]:
    """Return those of the migrations that this version does not have."""
    known = {f"{app}.{name}" for app, name in MigrationLoader(None).disk_migrations}
    return [name for name in names if name not in known]


def ensure_vector() -> None:
    """Make the extension if need be. Raises DomainError `vector_missing`."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("CREATE EXTENSION IF NOT EXISTS vector")
    except DatabaseError as error:
        raise DomainError(
            "vector_missing",
            "The database has no pgvector. Let an administrator run CREATE EXTENSION vector in it.",
        ) from error


@contextmanager
def snapshot() -> Iterator[str]:
    """Run the block in one unchanging view of the database; yields its name for `dump`."""
    with transaction.atomic(durable=True), connection.cursor() as cursor:
        cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        cursor.execute("SELECT pg_export_snapshot()")
        yield str(cursor.fetchone()[0])


def dump(target: Path, *, snapshot_name: str) -> None:
    """Write the database as the snapshot sees it. Raises DomainError `dump_failed`."""
    argv = ["--format=custom", "--compress=gzip", f"--snapshot={snapshot_name}"]
    argv += ["--no-owner", "--no-privileges", "--exclude-extension=*"]
    argv += [f"--exclude-table-data=*.{table}" for table in _WITHOUT_ROWS]
    argv += [f"--lock-wait-timeout={_LOCK_WAIT_MS}", f"--file={target}", f"--dbname={_address()}"]
    with (
        tempfile.TemporaryFile() as errors,
        _started("pg_dump", argv, stdout=subprocess.DEVNULL, errors=errors) as process,
    ):
        if process.wait():
            raise DomainError("dump_failed", f"pg_dump failed: {_tail(errors)}", status=500)


def load(source: Readable, *, drop: Sequence[str]) -> None:
    """Drop tables and our functions and load a dump, in one transaction: all happens, or nothing.

    pg_restore turns the dump into SQL and psql runs it. psql would commit what it has when its
    input ends, so its input is only ended when pg_restore has come to a good end.
    Raises DomainError `load_failed`.
    """
    start = [f"SET lock_timeout = {_LOCK_WAIT_MS}"]
    if drop:
        start.append("DROP TABLE " + ", ".join(connection.ops.quote_name(name) for name in drop))
        # After the tables, whose triggers call them.
        start += [f"DROP FUNCTION {signature}" for signature in _our_functions()]
    psql = ["--no-psqlrc", "--quiet", "--single-transaction", "--set=ON_ERROR_STOP=1"]
    psql += [*(f"--command={statement}" for statement in start), "--file=-"]
    psql += [f"--dbname={_address()}"]
    pg_restore = ["--no-owner", "--no-privileges", "--no-comments", "--file=-"]
    with (
        tempfile.TemporaryFile() as errors,
        ThreadPoolExecutor(max_workers=1) as feeder,
        _started("pg_restore", pg_restore, stdout=subprocess.PIPE, errors=errors) as reader,
        _started("psql", psql, stdout=subprocess.DEVNULL, errors=errors) as writer,
    ):
        fed = feeder.submit(_pour, source, _end(reader.stdin))
        complete = _copy(_end(reader.stdout), _end(writer.stdin)) and reader.wait() == 0
        if complete:
            fed.result()
            _end(writer.stdin).close()
        else:
            writer.kill()
        if writer.wait() or not complete:
            raise DomainError(
                "load_failed", f"The database was left as it was: {_tail(errors)}", status=500
            )


def analyze() -> None:
    """Let the planner know the tables that were just filled."""
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")


def refuse_newer_dump(version: int) -> None:
    """Refuse what an older server would not understand. Raises Conflict `server_older`."""
    if version // 10_000 > server_version() // 10_000:
        raise Conflict(
            "server_older",
            f"The backup was made on PostgreSQL {version // 10_000}, "
            f"this server is {server_version() // 10_000}.",
        )


def _prefixes() -> tuple[str, ...]:
    return ("django_", *(f"{config.label}_" for config in apps.get_app_configs()))


def _our_functions() -> list[str]:
    rows = _rows(_FUNCTIONS)
    return [str(signature) for name, signature in rows if str(name).startswith(_prefixes())]


def _rows(query: str) -> list[tuple[object, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(query)
        return list(cursor.fetchall())


def _number(query: str) -> int:
    return int(str(_rows(query)[0][0]))


def _address() -> str:
    """Return how Django reaches the database, for libpq, without the password."""
    connection.ensure_connection()
    return str(connection.connection.info.dsn)


@contextmanager
def _started(
    name: str, argv: list[str], *, stdout: int, errors: IO[bytes]
) -> Iterator["subprocess.Popen[bytes]"]:
    """Run one of PostgreSQL's programs for the time of the block."""
    connection.ensure_connection()
    process = subprocess.Popen(
        [client_programs().path(name), "--no-password", *argv],
        env={
            "PATH": os.defpath,
            "LC_ALL": "C",
            "HOME": str(Path.home()),
            "PGPASSWORD": str(connection.connection.info.password),
        },
        stdin=subprocess.PIPE,
        stdout=stdout,
        stderr=errors,
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                with contextlib.suppress(BrokenPipeError):
                    pipe.close()


def _copy(source: IO[bytes], target: IO[bytes]) -> bool:
    """Copy to the end; False when the target takes nothing more."""
    try:
        shutil.copyfileobj(source, target, 1 << 20)
    except BrokenPipeError:
        return False
    return True


def _pour(source: Readable, target: IO[bytes]) -> None:
    """Copy to the end and close, also after an error: the reader of the pipe must see its end."""
    with contextlib.suppress(BrokenPipeError), target:
        shutil.copyfileobj(source, target, 1 << 20)


def _end(stream: IO[bytes] | None) -> IO[bytes]:
    """Return a pipe that was asked for."""
    if stream is None:
        raise ValueError("the process was started without this pipe")
    return stream


def _tail(errors: IO[bytes]) -> str:
    errors.seek(0)
    lines = errors.read().decode(errors="replace").strip().splitlines()
    return " · ".join(line.strip() for line in lines[-4:]) or "no reason was given"
