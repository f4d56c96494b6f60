"""Making, checking and revoking keys."""

import datetime as dt
import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass

from django.db import transaction
from django.utils import timezone

from faceplatform.accounts.models import ApiKey, Membership, Organization
from faceplatform.accounts.roles import Role, Scope
from faceplatform.core import audit
from faceplatform.core.actors import Actor
from faceplatform.core.errors import Conflict, DomainError

MARK = "fp"
MAX_NAME = 120
_SHAPE = re.compile(rf"{MARK}_(?P<prefix>[0-9a-f]{{8}})_[A-Za-z0-9_-]{{43}}")
_USED_EVERY = dt.timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class NewKey:
    """A key that was just made; `secret` is the whole key and is shown this once."""

    key: ApiKey
    secret: str


@dataclass(frozen=True, slots=True)
class UsableKey:
    """A key that may be used now, with the present role of the person who made it."""

    key: ApiKey
    maker: Role


@transaction.atomic
def create_key(
    *,
    organization: Organization,
    name: str,
    scopes: list[Scope],
    expires_at: dt.datetime | None,
    actor: Actor,
) -> NewKey:
    """Make a key of an organization.

    Raises DomainError `key_name_missing`, `key_name_long`, `key_scopes_missing` or
    `key_expiry_past`.
    """
    name = "".join(character for character in name if character.isprintable()).strip()
    if not name:
        raise DomainError("key_name_missing", "Give the key a name, so that it can be told apart.")
    if len(name) > MAX_NAME:
        raise DomainError("key_name_long", f"The name of a key has at most {MAX_NAME} characters.")
    if not scopes:
        raise DomainError("key_scopes_missing", "Choose at least one thing that the key may do.")
    if expires_at is not None and expires_at <= timezone.now():
        raise DomainError("key_expiry_past", "The key would have expired already.")
    prefix = secrets.token_hex(4)
    secret = f"{MARK}_{prefix}_{secrets.token_urlsafe(32)}"
    key = ApiKey.objects.create(
        organization=organization,
        name=name,
        prefix=prefix,
        secret_sha256=_digest(secret),
        scopes=sorted({scope.value for scope in scopes}),
        created_by_id=actor.user_id,
        expires_at=expires_at,
    )
    audit.record(
        organization_id=organization.pk,
        actor=actor,
        action="key.create",
        target_type="api_key",
        target_id=key.pk,
        target_label=str(key),
        data={"scopes": key.scopes},
    )
    return NewKey(key=key, secret=secret)


@transaction.atomic
def revoke_key(*, key: ApiKey, actor: Actor) -> None:
    """End a key at once. Raises Conflict `key_ended` if it has ended before."""
    ended = ApiKey.objects.filter(pk=key.pk, revoked_at=None).update(revoked_at=timezone.now())
    if not ended:
        raise Conflict("key_ended", "The key was revoked before.")
    audit.record(
        organization_id=key.organization_id,
        actor=actor,
        action="key.revoke",
        target_type="api_key",
        target_id=key.pk,
        target_label=str(key),
    )


def find_usable_key(secret: str) -> UsableKey | None:
    """Return the key behind a secret if it is usable now.

    A key dies with its expiry, its revocation, and the membership or account of the person who
    made it. The hash is compared in constant time, also for a prefix that does not exist.
    """
    shape = _SHAPE.fullmatch(secret)
    prefix = shape["prefix"] if shape else ""
    key = ApiKey.objects.select_related("organization").filter(prefix=prefix).first()
    stored = key.secret_sha256 if key else "0" * 64
    if not hmac.compare_digest(stored, _digest(secret)) or key is None or key.state != "active":
        return None
    membership = Membership.objects.filter(
        organization=key.organization_id, user=key.created_by_id, user__is_active=True
    ).first()
    if membership is None:
        return None
    _note_use(key)
    return UsableKey(key=key, maker=Role(membership.role))


def _note_use(key: ApiKey) -> None:
    now = timezone.now()
    if key.last_used_at is None or now - key.last_used_at > _USED_EVERY:
        ApiKey.objects.filter(pk=key.pk).update(last_used_at=now)


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode(errors="surrogatepass")).hexdigest()
