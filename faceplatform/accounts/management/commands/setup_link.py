"""`manage.py setup_link`: the way in for the first administrator."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand
from django.urls import reverse

from faceplatform.accounts.services.setup import create_setup_link


class Command(BaseCommand):
    """Prints a one-time link while nobody owns an organization; otherwise nothing."""

    help = "Print a one-time link for the first administrator, if there is none yet."

    def handle(self, *args: Any, **options: Any) -> None:
        """Replace any earlier link and print the new one."""
        token = create_setup_link()
        if token is not None:
            path = reverse("setup", args=[token])
            self.stdout.write(f"{settings.PUBLIC_URL.base}{path}")
