"""Who did something, in the form that rows and audit events keep."""

import uuid
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Actor:
    """The person or key behind a change. `label` outlives both rows."""

    label: str
    user_id: int | None = None
    api_key_id: uuid.UUID | None = None


SYSTEM = Actor(label="system")
