"""Migrations that happen by themselves in the embedded database, once at a time."""

import importlib.util
import pkgutil
import time
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg

from faceplatform.stack import endpoints
from faceplatform.stack.session import say

_LOCK = 0x6661_6365  # "face": one number for all processes that migrate this database


@contextmanager
def migration_lock() -> Iterator[None]:
    """Run the block while no other process migrates the same database.

    The lock belongs to the connection: it is free again when the process dies. It is asked
    for again and again, because a statement that waits inside the database would hold up
    an index that the other process builds concurrently.
    """
    with psycopg.connect(endpoints.database_url(), autocommit=True) as connection:
        while not _taken(connection):
            time.sleep(0.2)
        yield


def _taken(connection: psycopg.Connection[tuple[object, ...]]) -> bool:
    row = connection.execute("SELECT pg_try_advisory_lock(%s)", [_LOCK]).fetchone()
    return row is not None and row[0] is True


def ensure_migrated() -> None:
    """Apply what is missing in the embedded database; a database of your own is left alone."""
    import django

    if not endpoints.uses_embedded_database():
        return
    django.setup()
    if not _missing():
        return
    from django.core.management import call_command

    with migration_lock():
        missing = _missing()
        if missing:
            say(f"preparing the database ({len(missing)} migrations) ...")
            call_command("migrate", verbosity=0, interactive=False)


def _missing() -> set[tuple[str, str]]:
    """Return migrations on disk that are not recorded, without loading any of them."""
    return _on_disk() - _recorded()


def _recorded() -> set[tuple[str, str]]:
    with psycopg.connect(endpoints.database_url()) as connection:
        found = connection.execute("SELECT to_regclass('django_migrations')").fetchone()
        if found is None or found[0] is None:
            return set()
        rows = connection.execute("SELECT app, name FROM django_migrations").fetchall()
    return {(str(app), str(name)) for app, name in rows}


def _on_disk() -> set[tuple[str, str]]:
    from django.apps import apps
    from django.db.migrations.loader import MigrationLoader

    names = set()
    for config in apps.get_app_configs():
        module, _explicit = MigrationLoader.migrations_module(config.label)
        spec = importlib.util.find_spec(module) if module else None
        for place in (spec.submodule_search_locations or ()) if spec else ():
            names |= {
                (config.label, found.name)
                for found in pkgutil.iter_modules([place])
                if found.name[0] not in "_~"
            }
    return names
