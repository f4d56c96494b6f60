"""The way in for the first administrator."""

import datetime as dt
import hashlib
import secrets
from collections.abc import Callable, Iterator

from django.conf import settings
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import NON_FIELD_ERRORS, ValidationError
from django.db import connection, transaction
from django.utils import timezone

from faceplatform.accounts.models import Membership, Organization, SetupLink, User
from faceplatform.accounts.roles import Role
from faceplatform.core import audit
from faceplatform.core.actors import Actor
from faceplatform.core.errors import DomainError, FieldError

_SETUP_LOCK = 0x5E7_0001


def is_set_up() -> bool:
    """Whether somebody owns an organization already."""
    return Membership.objects.filter(role=Role.OWNER, user__is_active=True).exists()


@transaction.atomic
def create_setup_link() -> str | None:
    """Return the token of a new one-time link, or None when the platform is set up.

    Earlier links stop working.
    """
    if is_set_up():
        return None
    SetupLink.objects.filter(used_at=None).delete()
    token = secrets.token_urlsafe(24)
    SetupLink.objects.create(
        token_sha256=_digest(token),
        expires_at=timezone.now() + dt.timedelta(hours=settings.SETUP_LINK_HOURS),
    )
    return token


def find_setup_link(token: str) -> SetupLink | None:
    """Return the link behind a token while it can be used."""
    link = SetupLink.objects.filter(
        token_sha256=_digest(token), used_at=None, expires_at__gt=timezone.now()
    ).first()
    return None if link is None or is_set_up() else link


@transaction.atomic
def complete_setup(
    *, token: str, email: str, name: str, password: str, organization_name: str
) -> User:
    """Create the first administrator, once.

    The person becomes owner of the only organization there is (the demo's), or of a new one.
    Raises DomainError `setup_link_invalid` or `invalid` with the fields that are wrong.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_SETUP_LOCK])
    link = find_setup_link(token)
    if link is None:
        raise DomainError(
            "setup_link_invalid", "This link was used, has expired or was replaced.", status=410
        )
    user = User(email=User.objects.normalize_email(email.strip()), name=name.strip(), is_staff=True)
    organization = _organization(organization_name)
    user.set_password(password)
    _validate(user, password, organization)
    user.save()
    organization.save()
    Membership.objects.create(user=user, organization=organization, role=Role.OWNER)
    SetupLink.objects.filter(pk=link.pk).update(used_at=timezone.now())
    audit.record(
        organization_id=organization.pk,
        actor=Actor(label=user.email, user_id=user.pk),
        action="setup",
        target_type="user",
        target_id=user.pk,
        target_label=user.email,
    )
    return user


def _organization(name: str) -> Organization:
    """Return the only organization there is, or a new one that is not stored yet."""
    existing = list(Organization.objects.all()[:2])
    if len(existing) == 1:
        return existing[0]
    return Organization(name=name.strip() or "My team")


def _validate(user: User, password: str, organization: Organization) -> None:
    """Raise DomainError `invalid` with every field that is wrong, named as in the form."""
    errors = [
        *_errors(user.full_clean, prefix=""),
        *_errors(organization.full_clean, prefix="organization_"),
        *_errors(lambda: validate_password(password, user), prefix="password"),
    ]
    if errors:
        raise DomainError("invalid", "Some fields need another look.", errors=tuple(errors))


def _errors(validate: Callable[[], None], *, prefix: str) -> Iterator[FieldError]:
    try:
        validate()
    except ValidationError as error:
        found = error.message_dict if hasattr(error, "error_dict") else {"": error.messages}
        for field, messages in found.items():
            if field == NON_FIELD_ERRORS:  # the one constraint on a whole row is the address's
                yield FieldError("email", "taken", "Somebody has this address already.")
            else:
                yield FieldError(f"{prefix}{field}", "invalid", " ".join(messages))


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode(errors="surrogatepass")).hexdigest()
