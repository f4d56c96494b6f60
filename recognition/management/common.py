"""What the commands of this app share: whose gallery, progress on a terminal, JSON alone."""

import json
import sys
from typing import Any

from django.core.management.base import CommandError

from faceplatform.accounts.models import Organization
from faceplatform.core.actors import Actor
from recognition.models import Gallery
from recognition.services.galleries import create_gallery

COMMAND_LINE = Actor(label="command line")


def organization_named(name: str) -> Organization:
    """Return the organization of that name; without one the only one there is, made if none is."""
    if name:
        found = Organization.objects.filter(name=name).first()
        if found is None:
            raise CommandError(f"There is no organization {name!r}.")
        return found
    existing = list(Organization.objects.all()[:2])
    if len(existing) > 1:
        raise CommandError("There are several organizations; name one with --organization.")
    return existing[0] if existing else Organization.objects.create(name="My team")


def find_gallery(organization: Organization, name: str) -> Gallery:
    """Return the gallery of that name."""
    gallery = Gallery.objects.filter(organization=organization, name=name).first()
    if gallery is None:
        known = Gallery.objects.filter(organization=organization).values_list("name", flat=True)
        raise CommandError(
            f"There is no gallery {name!r}. Known: {', '.join(known) or 'none yet'}."
        )
    return gallery


def find_or_create_gallery(organization: Organization, name: str) -> Gallery:
    """Return the gallery of that name, made if there is none."""
    gallery = Gallery.objects.filter(organization=organization, name=name).first()
    return gallery or create_gallery(organization_id=organization.pk, name=name, actor=COMMAND_LINE)


def print_json(stdout: Any, record: dict[str, Any]) -> None:
    """Write one JSON record, and nothing else, to standard output."""
    stdout.write(json.dumps(record, indent=2, ensure_ascii=False))


class ProgressLine:
    """One line on standard error that follows a job; a terminal sees it move."""

    def __init__(self) -> None:
        self._moves = sys.stderr.isatty()
        self._tenth = -1

    def __call__(self, done: int, total: int | None, note: str) -> None:
        """Show the progress: on a terminal each time, in a log ten times."""
        if not total:
            return
        if self._moves:
            bar = "█" * (30 * done // total)
            end = "\n" if done >= total else ""
            sys.stderr.write(f"\r{bar:<30} {done:,}/{total:,} {note[-40:]:<40}{end}")
            sys.stderr.flush()
        elif (tenth := 10 * done // total) != self._tenth:
            self._tenth = tenth
            sys.stderr.write(f"{done:,}/{total:,}\n")
