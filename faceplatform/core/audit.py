"""Writing the audit log."""

import uuid
from typing import Any

from faceplatform.core.actors import Actor
from faceplatform.core.models import AuditEvent
from faceplatform.core.request_id import current_request_id


def record(
    *,
    organization_id: uuid.UUID | None,
    actor: Actor,
    action: str,
    target_type: str,
    target_id: object,
    target_label: str = "",
    data: dict[str, Any] | None = None,
) -> AuditEvent:
    """Write one audit event; call it inside the transaction of the change."""
    return AuditEvent.objects.create(
        organization_id=organization_id,
        actor_label=actor.label,
        actor_user_id=actor.user_id,
        actor_key_id=actor.api_key_id,
        action=action,
        target_type=target_type,
        target_id=str(target_id),
        target_label=target_label[:255],
        data=data or {},
        request_id=current_request_id(),
    )
