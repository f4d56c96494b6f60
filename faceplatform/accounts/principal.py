"""Who is asking: a person in one organization, a key, or nobody."""

import uuid
from dataclasses import dataclass

from faceplatform.accounts.models import ApiKey, Membership, Organization, User
from faceplatform.accounts.roles import Role, Scope
from faceplatform.core.actors import Actor


@dataclass(frozen=True, slots=True)
class Principal:
    """The one who asks. Anonymous when neither user nor key is set.

    `organization` is None for people who belong to none; such a person sees nothing. The `role`
    of a key is that of the person who made it: a key never may more than its maker.
    """

    user: User | None = None
    api_key: ApiKey | None = None
    organization: Organization | None = None
    role: Role | None = None
    scopes: frozenset[Scope] = frozenset()

    @property
    def is_authenticated(self) -> bool:
        """Whether a person or a key stands behind the request."""
        return self.user is not None or self.api_key is not None

    @property
    def organization_id(self) -> uuid.UUID | None:
        """Id of the organization, for filters: None matches no row."""
        return self.organization.pk if self.organization else None

    @property
    def caller(self) -> str:
        """One word for the one who asks, the same in every request."""
        if self.api_key is not None:
            return f"key:{self.api_key.pk}"
        return f"user:{self.user.pk}" if self.user is not None else "anonymous"

    @property
    def actor(self) -> Actor:
        """The form that rows and audit events keep."""
        if self.api_key is not None:
            return Actor(label=str(self.api_key), api_key_id=self.api_key.pk)
        if self.user is not None:
            return Actor(label=self.user.email, user_id=self.user.pk)
        return Actor(label="anonymous")


ANONYMOUS = Principal()


def principal_of_user(user: User, organization_id: str | None) -> Principal:
    """Return the person in the chosen organization, or in the first of theirs."""
    memberships = list(
        Membership.objects.filter(user=user).select_related("organization").order_by("pk")
    )
    chosen = next((m for m in memberships if str(m.organization_id) == organization_id), None)
    membership = chosen or (memberships[0] if memberships else None)
    if membership is None:
        return Principal(user=user)
    return Principal(user=user, organization=membership.organization, role=Role(membership.role))


def principal_of_key(key: ApiKey, maker: Role) -> Principal:
    """Return the key with its scopes; `maker` is the present role of the person who made it."""
    return Principal(
        api_key=key,
        organization=key.organization,
        role=maker,
        scopes=frozenset(Scope(scope) for scope in key.scopes if scope in set(Scope)),
    )
