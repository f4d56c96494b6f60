"""Which `manage.py` command needs what. A command not named here needs a migrated database."""

from collections.abc import Sequence
from dataclasses import dataclass

WITHOUT_DATABASE = frozenset(
    {
        "",
        "check",
        "collect_changed",
        "collectstatic",
        "compilemessages",
        "diffsettings",
        "findstatic",
        "help",
        "makemessages",
        "makemigrations",
        "spectacular",
        "startapp",
        "startproject",
        "test",  # runs on servers of its own
        "up",
        "version",
    }
)
# These look at or change the state of the migrations themselves, or replace the database.
AS_IT_IS = frozenset(
    {"dbshell", "inspectdb", "migrate", "restore", "showmigrations", "sqlmigrate"}
    | {"optimizemigration", "squashmigrations"}
)
WITH_BROKER = frozenset({"dispatch", "runserver", "shell"})


@dataclass(frozen=True, slots=True)
class Needs:
    """What a command needs before it starts."""

    database: bool = False
    broker: bool = False
    migrated: bool = False


def needs_of(argv: Sequence[str]) -> Needs:
    """Return what `manage.py` with these arguments needs; `argv[0]` is the script."""
    name = argv[1] if len(argv) > 1 else ""
    if name.startswith("-") or "--help" in argv or "-h" in argv:
        return Needs()
    if name == "check" and any(part.startswith("--database") for part in argv):
        return Needs(database=True)
    if name in WITHOUT_DATABASE:
        return Needs()
    return Needs(database=True, broker=name in WITH_BROKER, migrated=name not in AS_IT_IS)
