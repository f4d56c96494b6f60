"""What `manage.py` does around a Django command."""

import importlib.util
import os
import sys
import warnings
from collections.abc import Sequence
from contextlib import ExitStack

from faceplatform.stack.errors import StackError
from faceplatform.stack.layout import Layout
from faceplatform.stack.needs import needs_of
from faceplatform.stack.session import say, services


def run(argv: Sequence[str]) -> None:
    """Start what the command needs, run it in this process, stop what was started.

    A StackError ends the process with its one line and exit code 1.
    """
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "faceplatform.settings")
    try:
        _run(list(argv))
    except StackError as error:
        say(f"error: {error}")
        sys.exit(1)


def _run(argv: list[str]) -> None:
    if importlib.util.find_spec("django") is None:
        raise StackError(
            f"the platform's packages are not installed for {sys.executable}; run `make setup` "
            "and use .venv/bin/python"
        )
    from django.core.management import execute_from_command_line

    needs = needs_of(argv)
    name = argv[1] if len(argv) > 1 else ""
    with ExitStack() as stack:
        if name == "test":
            _own_servers(stack)
        if name == "makemigrations":
            # It would like to compare with the database, and can do without.
            warnings.filterwarnings("ignore", "Got an error checking a consistent migration")
        stack.enter_context(services(database=needs.database, broker=needs.broker))
        if needs.migrated:
            from faceplatform.stack.migrations import ensure_migrated

            ensure_migrated()
        if name == "migrate" and needs.database:
            from faceplatform.stack.migrations import migration_lock

            stack.enter_context(migration_lock())
        execute_from_command_line(argv)


def _own_servers(stack: ExitStack) -> None:
    """Give Django's own test runner servers whose role may create databases."""
    from faceplatform.stack import testing

    if "DATABASE_URL" not in os.environ:
        os.environ.update(testing.start(Layout.current().var / "test"))
        stack.callback(testing.stop)
