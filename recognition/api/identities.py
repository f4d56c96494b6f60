"""People of a gallery."""

from typing import Any
from uuid import UUID

from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from faceplatform.accounts.policy import Action
from faceplatform.core.api.fields import StrictSerializer, TextField
from faceplatform.core.api.pagination import IdCursorPagination
from faceplatform.core.api.query import StrictQuery
from recognition.api.base import BelowGallery, BelowIdentity
from recognition.api.fields import address, picture_or_none
from recognition.models import Identity
from recognition.selectors.galleries import identities_of
from recognition.selectors.people import ONLY, PeopleFilter, people_of
from recognition.services.identities import (
    MAX_NAME,
    MAX_TAG,
    MAX_TAGS,
    change_identity,
    create_identity,
    erase_identity,
)


class NewIdentity(StrictSerializer):
    """What makes a person."""

    name = TextField(max_length=MAX_NAME, help_text="Unique in the gallery.")
    external_id = TextField(
        max_length=120,
        allow_blank=True,
        required=False,
        help_text="Your own number for this person; unique in the gallery.",
    )
    metadata = serializers.DictField(required=False, help_text="Anything of yours, kept as it is.")
    tags = serializers.ListField(
        child=TextField(max_length=MAX_TAG), max_length=MAX_TAGS, required=False
    )
    notes = TextField(max_length=10_000, allow_blank=True, required=False)
    retain_until = serializers.DateField(
        required=False, allow_null=True, help_text="Last day; the person is erased the night after."
    )


class IdentityQuery(StrictQuery):
    """Which people to list."""

    search = serializers.CharField(
        max_length=200,
        required=False,
        help_text="Beginnings of words of the name or of the external id; case and accents do not "
        "matter.",
    )
    external_id = serializers.CharField(max_length=120, required=False)
    tag = serializers.CharField(max_length=MAX_TAG, required=False)
    only = serializers.ChoiceField(
        choices=list(ONLY.items()), required=False, help_text="Only people of this kind."
    )


class IdentitySerializer(serializers.Serializer[Identity]):
    """A person of a gallery."""

    id = serializers.UUIDField()
    gallery_id = serializers.UUIDField()
    name = serializers.CharField()
    external_id = serializers.CharField()
    metadata = serializers.DictField()
    tags = serializers.ListField(child=serializers.CharField())
    notes = serializers.CharField()
    matchable = serializers.BooleanField(
        help_text="Whether searches may find the person; consents decide."
    )
    retain_until = serializers.DateField(allow_null=True)
    images = serializers.IntegerField(help_text="Enrolled face images.")
    cover_url = serializers.SerializerMethodField(
        help_text="The best image; works for minutes and for this caller only."
    )
    created_at = serializers.DateTimeField()

    def get_cover_url(self, identity: Any) -> str | None:
        """Return a link to the crop of the best image."""
        if identity.cover_face_id is None:
            return None
        return picture_or_none(self.context, kind="crop", face_id=identity.cover_face_id)


class IdentitiesView(BelowGallery):
    """The people of one gallery."""

    actions = {"GET": Action.IDENTITY_VIEW, "POST": Action.IDENTITY_ENROLL}
    query_serializer_class = IdentityQuery
    pagination_class = IdCursorPagination
    repeatable = True

    @extend_schema(responses=IdentitySerializer(many=True))
    def get(self, request: Request, gallery_id: UUID) -> Response:
        """List people, newest first."""
        wanted = PeopleFilter(
            search=self.query.get("search", ""),
            tag=self.query.get("tag", ""),
            only=self.query.get("only", ""),
        )
        rows = people_of(self.gallery(gallery_id), wanted)
        if "external_id" in self.query:
            rows = rows.filter(external_id=self.query["external_id"])
        return self.page(IdentitySerializer, rows)

    @extend_schema(request=NewIdentity, responses={201: IdentitySerializer})
    def post(self, request: Request, gallery_id: UUID) -> Response:
        """Add a person without pictures.

        A name or external id that is taken answers 409 `identity_exists` or
        `external_id_exists`.
        """
        gallery = self.gallery(gallery_id)
        body = self.body(NewIdentity)

        def make() -> UUID:
            return create_identity(gallery=gallery, actor=self.principal.actor, **body).pk

        def show(pk: UUID) -> Response:
            identity = get_object_or_404(identities_of(gallery), pk=pk)
            response = self.answer(IdentitySerializer, identity, status=201)
            response["Location"] = address("api_identity", pk)
            return response

        return self.make(make, show)


class IdentityView(BelowIdentity):
    """One person."""

    actions = {
        "GET": Action.IDENTITY_VIEW,
        "PATCH": Action.IDENTITY_CHANGE,
        "DELETE": Action.IDENTITY_ERASE,
    }

    @extend_schema(responses=IdentitySerializer)
    def get(self, request: Request, identity_id: UUID) -> Response:
        """Show a person."""
        return self.answer(IdentitySerializer, counted(self.identity(identity_id)))

    @extend_schema(request=NewIdentity, responses=IdentitySerializer)
    def patch(self, request: Request, identity_id: UUID) -> Response:
        """Change what is sent and leave the rest; `metadata` is replaced as a whole."""
        identity = self.identity(identity_id)
        changed = change_identity(
            identity=identity, actor=self.principal.actor, **self.body(NewIdentity, partial=True)
        )
        return self.answer(IdentitySerializer, counted(changed))

    @extend_schema(responses={204: None})
    def delete(self, request: Request, identity_id: UUID) -> Response:
        """Erase a person with pictures, templates and every answer row that shows them."""
        erase_identity(identity=self.identity(identity_id), actor=self.principal.actor)
        return Response(status=204)


def counted(identity: Identity) -> Identity:
    """Return the person as lists show them: with the number of images and the cover."""
    found: Identity = get_object_or_404(identities_of(identity.gallery), pk=identity.pk)
    return found
