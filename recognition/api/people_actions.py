"""What can be done with a person: merge, move, split, export, consents."""

from typing import Any, ClassVar
from uuid import UUID

from django.http import FileResponse
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from faceplatform.accounts.access import PathModels
from faceplatform.accounts.api.views import ApiView
from faceplatform.accounts.policy import Action
from faceplatform.core.api.fields import StrictSerializer, TextField
from faceplatform.core.api.schema import BINARY
from recognition.api.base import BelowIdentity
from recognition.api.csv_files import AlwaysCsv, ZipRenderer
from recognition.api.fields import address
from recognition.api.identities import IdentitySerializer, counted
from recognition.models import Consent, Gallery, Identity, IdentityMerge
from recognition.services.consents import record_consent, withdraw_consent
from recognition.services.identities import MAX_NAME
from recognition.services.identity_export import export_identity
from recognition.services.identity_merges import merge_identities, undo_merge
from recognition.services.identity_moves import move_identity, split_identity


class MergeRequest(StrictSerializer):
    """Who is dissolved into this person."""

    source = serializers.UUIDField(  # type: ignore[assignment] # also the name of an option
        help_text="A person of the same gallery."
    )


class MergeSerializer(serializers.Serializer[IdentityMerge]):
    """A merge that can be undone."""

    id = serializers.UUIDField()
    identity_id = serializers.UUIDField()
    source_name = serializers.CharField(source="source.name")
    images = serializers.SerializerMethodField()
    created_at = serializers.DateTimeField()
    undone_at = serializers.DateTimeField(allow_null=True)

    def get_images(self, merge: IdentityMerge) -> int:
        """Return how many images changed their owner."""
        return len(merge.moved["images"])


class MoveRequest(StrictSerializer):
    """Where the person goes."""

    gallery = serializers.UUIDField(help_text="Another gallery under the same model.")


class SplitRequest(StrictSerializer):
    """Which images become a new person."""

    images = serializers.ListField(
        child=serializers.UUIDField(), min_length=1, max_length=1000, help_text="Ids of images."
    )
    name = TextField(max_length=MAX_NAME, help_text="Of the new person.")


class NewConsent(StrictSerializer):
    """What a person agreed to."""

    purpose = TextField(max_length=200)
    text = TextField(max_length=20_000, allow_blank=True, required=False)
    evidence = TextField(max_length=500, allow_blank=True, required=False)
    given_on = serializers.DateField()
    expires_on = serializers.DateField(required=False, allow_null=True, help_text="Last day.")


class ConsentSerializer(serializers.Serializer[Consent]):
    """A consent; it holds until its last day or until it was withdrawn."""

    id = serializers.UUIDField()
    purpose = serializers.CharField()
    text = serializers.CharField()
    evidence = serializers.CharField()
    given_on = serializers.DateField()
    expires_on = serializers.DateField(allow_null=True)
    withdrawn_at = serializers.DateTimeField(allow_null=True)
    created_at = serializers.DateTimeField()


class IdentityMergeView(BelowIdentity):
    """Two people who are one."""

    actions = {"POST": Action.IDENTITY_CHANGE}

    @extend_schema(request=MergeRequest, responses={200: MergeSerializer})
    def post(self, request: Request, identity_id: UUID) -> Response:
        """Give everything of `source` to this person and dissolve `source`; can be undone.

        409 `consent_differs` where searches may find one of the two and not the other.
        """
        identity = self.identity(identity_id)
        rows = Identity.objects.visible_to(self.principal)
        source = get_object_or_404(rows, pk=self.body(MergeRequest)["source"])
        merge = merge_identities(identity=identity, source=source, actor=self.principal.actor)
        return self.answer(MergeSerializer, merge)


class MergeUndoView(ApiView):
    """Taking a merge back."""

    path_models: ClassVar[PathModels] = {"merge_id": IdentityMerge}
    actions = {"POST": Action.IDENTITY_CHANGE}

    @extend_schema(request=None, responses={200: IdentitySerializer})
    def post(self, request: Request, merge_id: UUID) -> Response:
        """Make the dissolved person again, with everything of theirs that is still there."""
        rows = IdentityMerge.objects.visible_to(self.principal)
        merge = get_object_or_404(rows, pk=merge_id)
        return self.answer(
            IdentitySerializer, counted(undo_merge(merge=merge, actor=self.principal.actor))
        )


class IdentityMoveView(BelowIdentity):
    """Another gallery."""

    actions = {"POST": Action.IDENTITY_CHANGE}

    @extend_schema(request=MoveRequest, responses={200: IdentitySerializer})
    def post(self, request: Request, identity_id: UUID) -> Response:
        """Move a person with all images; 409 `other_model` where the models differ."""
        identity = self.identity(identity_id)
        rows = Gallery.objects.visible_to(self.principal).select_related("model_version")
        gallery = get_object_or_404(rows, pk=self.body(MoveRequest)["gallery"])
        moved = move_identity(identity=identity, gallery=gallery, actor=self.principal.actor)
        return self.answer(IdentitySerializer, counted(moved))


class IdentitySplitView(BelowIdentity):
    """One person who is two."""

    actions = {"POST": Action.IDENTITY_CHANGE}

    @extend_schema(request=SplitRequest, responses={201: IdentitySerializer})
    def post(self, request: Request, identity_id: UUID) -> Response:
        """Make a new person of some of this person's images."""
        identity = self.identity(identity_id)
        body = self.body(SplitRequest)
        made = split_identity(identity=identity, actor=self.principal.actor, **body)
        response = self.answer(IdentitySerializer, counted(made), status=201)
        response["Location"] = address("api_identity", made.pk)
        return response


class IdentityExportView(BelowIdentity):
    """Everything that is kept about a person."""

    actions = {"GET": Action.PICTURE_EXPORT}
    renderer_classes = [ZipRenderer]
    content_negotiation_class = AlwaysCsv

    @extend_schema(
        operation_id="identity_export",
        responses={(200, "application/zip"): OpenApiResponse(BINARY)},
    )
    def get(self, request: Request, identity_id: UUID) -> FileResponse:
        """Send `person.json` and the original photos as a zip."""
        identity = self.identity(identity_id)
        archive = export_identity(identity=identity, actor=self.principal.actor)
        return FileResponse(
            archive,
            as_attachment=True,
            filename=f"person-{identity.pk}.zip",
            content_type="application/zip",
        )


class ConsentsView(BelowIdentity):
    """What a person agreed to."""

    actions = {"GET": Action.IDENTITY_VIEW, "POST": Action.IDENTITY_CHANGE}

    @extend_schema(operation_id="consents_list", responses=ConsentSerializer(many=True))
    def get(self, request: Request, identity_id: UUID) -> Response:
        """List consents, oldest first."""
        rows: Any = self.identity(identity_id).consents.order_by("pk")
        return Response(ConsentSerializer(rows, many=True).data)

    @extend_schema(request=NewConsent, responses={201: ConsentSerializer})
    def post(self, request: Request, identity_id: UUID) -> Response:
        """Record a consent."""
        identity = self.identity(identity_id)
        body = self.body(NewConsent)
        made = record_consent(identity=identity, actor=self.principal.actor, **body)
        return self.answer(ConsentSerializer, made, status=201)


class ConsentWithdrawView(ApiView):
    """Taking a consent back."""

    path_models: ClassVar[PathModels] = {"consent_id": Consent}
    actions = {"POST": Action.IDENTITY_CHANGE}

    @extend_schema(request=None, responses={200: ConsentSerializer})
    def post(self, request: Request, consent_id: UUID) -> Response:
        """Withdraw a consent: questions asked from now on do not find the person."""
        rows: Any = Consent.objects.visible_to(self.principal).select_related("identity")
        consent = get_object_or_404(rows, pk=consent_id)
        withdrawn = withdraw_consent(consent=consent, actor=self.principal.actor)
        return self.answer(ConsentSerializer, withdrawn)
