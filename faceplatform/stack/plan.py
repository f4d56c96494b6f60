"""What one run of the supervisor starts."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from faceplatform.stack import commands, endpoints
from faceplatform.stack.layout import SUPERVISED_VARIABLE, VAR_VARIABLE, Layout
from faceplatform.stack.public_url import PublicUrl, web_bind


@dataclass(frozen=True, slots=True)
class Plan:
    """Servers, preparations and processes, each by name. Tests run other processes.

    `bind` is the address on which the process named `web` listens.
    """

    public_url: PublicUrl
    bind: str
    servers: tuple[str, ...]
    processes: Mapping[str, Sequence[str]] = field(default_factory=lambda: commands.PROCESSES)
    preparations: Mapping[str, Sequence[str]] = field(default_factory=lambda: commands.PREPARATIONS)
    setup_link: Sequence[str] | None = commands.SETUP_LINK

    @classmethod
    def from_environment(cls) -> "Plan":
        """Return the plan of `manage.py up`. Raises StackError for a bad setting."""
        servers = []
        if endpoints.uses_embedded_database():
            servers.append("postgres")
        if endpoints.uses_embedded_broker():
            servers.append("valkey")
        return cls(public_url=PublicUrl.from_environment(), bind=web_bind(), servers=tuple(servers))


def child_environment(layout: Layout) -> dict[str, str]:
    """Return the environment of a supervised process. Passwords stay in their files."""
    environment = {
        "DJANGO_SETTINGS_MODULE": "faceplatform.settings",
        **os.environ,
        VAR_VARIABLE: str(layout.var),
        SUPERVISED_VARIABLE: layout.key,
        "PYTHONUNBUFFERED": "1",
    }
    if layout.as_root:
        # Celery's long warning is about messages that run code; ours are JSON only.
        quiet = "ignore:You're running the worker with superuser privileges"
        before = environment.get("PYTHONWARNINGS")
        environment["PYTHONWARNINGS"] = f"{before},{quiet}" if before else quiet
    return environment
