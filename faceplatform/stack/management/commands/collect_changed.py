"""`manage.py collect_changed`: collectstatic, when there is something to collect."""

import hashlib
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.staticfiles.finders import get_finders
from django.core.management import call_command
from django.core.management.base import BaseCommand

from faceplatform.stack.folders import write_atomically
from faceplatform.stack.home import prepare_var
from faceplatform.stack.layout import Layout


class Command(BaseCommand):
    """Compressing and renaming all files takes seconds, comparing them milliseconds."""

    help = "Collect the static files if one of them changed since the last time."
    requires_system_checks = []

    def handle(self, *args: Any, **options: Any) -> None:
        layout = Layout.current()
        prepare_var(layout)
        note = layout.run / "static-files"
        now = fingerprint()
        known = note.read_text() if note.exists() else ""
        if known == now and Path(settings.STATIC_ROOT).is_dir():
            self.stdout.write("static files are unchanged")
            return
        call_command("collectstatic", interactive=False, verbosity=1, stdout=self.stdout)
        write_atomically(note, now)


def fingerprint() -> str:
    """Return a digest of every static file's path, size and time, and of where they go."""
    digest = hashlib.sha256(f"{settings.STATIC_ROOT} {settings.STORAGES['staticfiles']}".encode())
    found = []
    for finder in get_finders():
        for path, storage in finder.list([]):
            stat = Path(storage.path(path)).stat()
            found.append(f"{path}\0{stat.st_size}\0{stat.st_mtime_ns}\n")
    digest.update("".join(sorted(found)).encode())
    return digest.hexdigest()
