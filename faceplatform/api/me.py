"""Who the API takes the caller for."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from faceplatform.accounts.api.views import ApiView
from faceplatform.accounts.policy import Action, allows
from faceplatform.accounts.principal import Principal
from faceplatform.accounts.roles import Role, Scope


class OrganizationSerializer(serializers.Serializer[Any]):
    """A team."""

    id = serializers.UUIDField()
    name = serializers.CharField()


class MeSerializer(serializers.Serializer[Principal]):
    """A person in one organization, or a key."""

    kind = serializers.SerializerMethodField()
    name = serializers.SerializerMethodField(help_text="Of the person, or of the key.")
    email = serializers.SerializerMethodField(help_text="Of a person.")
    organization = OrganizationSerializer(allow_null=True)
    role = serializers.ChoiceField(
        choices=[role.value for role in Role],
        allow_null=True,
        help_text="Of the person; of a key, the role of its maker, which it cannot exceed.",
    )
    scopes = serializers.ListField(child=serializers.ChoiceField(choices=[s.value for s in Scope]))
    may = serializers.SerializerMethodField(help_text="Everything that this caller may do.")

    def get_kind(self, principal: Principal) -> str:
        """Return `person` or `key`."""
        return "person" if principal.api_key is None else "key"

    def get_name(self, principal: Principal) -> str:
        """Return the name people gave."""
        return principal.api_key.name if principal.api_key else str(principal.user)

    def get_email(self, principal: Principal) -> str | None:
        """Return the address to log in with."""
        return principal.user.email if principal.user else None

    def get_may(self, principal: Principal) -> list[str]:
        """Return the allowed actions of the policy table."""
        return [action.value for action in Action if allows(principal, action)]


class MeView(ApiView):
    """The caller."""

    actions = {"GET": Action.ACCOUNT_SELF}

    @extend_schema(responses=MeSerializer)
    def get(self, request: Request) -> Response:
        """Show who the caller is and what they may do."""
        return self.answer(MeSerializer, self.principal)
