"""Images that wait for a decision, and decisions about images."""

from typing import Any, ClassVar
from uuid import UUID

from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from faceplatform.accounts.access import PathModels
from faceplatform.accounts.api.views import ApiView
from faceplatform.accounts.policy import Action
from faceplatform.core.api.fields import StrictSerializer, TextField
from faceplatform.core.api.pagination import IdCursorPagination, OldestFirst
from recognition.api.base import BelowGallery, BelowImage
from recognition.api.fields import NamedSerializer
from recognition.api.images import ImageSerializer
from recognition.models import FaceState, Identity, ReviewAction, ReviewDecision
from recognition.selectors.review import review_queue
from recognition.services.identities import MAX_NAME
from recognition.services.review import decide, undo


class NewDecision(StrictSerializer):
    """What is to be done with an image."""

    action = serializers.ChoiceField(choices=ReviewAction.choices)
    identity_id = serializers.UUIDField(
        required=False, help_text="To move it: to whom, in the same gallery."
    )
    name = TextField(
        max_length=MAX_NAME, required=False, help_text="Or the name of somebody, known or new."
    )


class DecisionSerializer(serializers.Serializer[ReviewDecision]):
    """One decision about one image, with what was so before and after it."""

    id = serializers.UUIDField()
    image_id = serializers.UUIDField(source="face_id")
    action = serializers.ChoiceField(choices=ReviewAction.choices)
    state_before = serializers.ChoiceField(choices=FaceState.choices)
    state_after = serializers.ChoiceField(choices=FaceState.choices)
    identity_before = NamedSerializer(allow_null=True)
    identity_after = NamedSerializer(allow_null=True)
    created_at = serializers.DateTimeField()
    undone_at = serializers.DateTimeField(allow_null=True)


class ReviewView(BelowGallery):
    """The images of one gallery that wait for a decision."""

    actions = {"GET": Action.IDENTITY_VIEW}
    pagination_class = OldestFirst

    @extend_schema(operation_id="review_list", responses=ImageSerializer(many=True))
    def get(self, request: Request, gallery_id: UUID) -> Response:
        """List images that are held back, or enrolled with an open question, oldest first."""
        rows = review_queue(self.principal, gallery=self.gallery(gallery_id))
        return self.page(ImageSerializer, rows)


class ImageDecisionsView(BelowImage):
    """What was decided about one image."""

    actions = {"GET": Action.IDENTITY_VIEW, "POST": Action.REVIEW_DECIDE}
    pagination_class = IdCursorPagination

    @extend_schema(responses=DecisionSerializer(many=True))
    def get(self, request: Request, image_id: UUID) -> Response:
        """List decisions, newest first."""
        rows = self.image(image_id).decisions.select_related("identity_before", "identity_after")
        return self.page(DecisionSerializer, rows)

    @extend_schema(request=NewDecision, responses={201: DecisionSerializer})
    def post(self, request: Request, image_id: UUID) -> Response:
        """Accept the image as its person's, move it to somebody else, or reject it.

        An accepted or moved image is searchable at once; a rejected one is kept and never
        searched. Keys cannot decide: what may enroll must not let its own images through.
        """
        face = self.image(image_id)
        body = self.body(NewDecision)
        identity = None
        if "identity_id" in body:
            people = Identity.objects.visible_to(self.principal).filter(gallery=face.gallery_id)
            identity = get_object_or_404(people, pk=body["identity_id"])
        made = decide(
            face=face,
            action=ReviewAction(body["action"]),
            identity=identity,
            name=body.get("name", ""),
            actor=self.principal.actor,
        )
        return self.answer(DecisionSerializer, made, status=201)


class DecisionUndoView(ApiView):
    """Taking a decision back."""

    actions = {"POST": Action.REVIEW_DECIDE}
    path_models: ClassVar[PathModels] = {"decision_id": ReviewDecision}

    @extend_schema(request=None, responses=DecisionSerializer)
    def post(self, request: Request, decision_id: UUID) -> Response:
        """Put the image back to what it was before the decision.

        409 `already_undone` or `changed_meanwhile` when that is no longer possible.
        """
        rows: Any = ReviewDecision.objects.visible_to(self.principal).select_related("face")
        undo(decision=get_object_or_404(rows, pk=decision_id), actor=self.principal.actor)
        return self.answer(DecisionSerializer, get_object_or_404(rows, pk=decision_id))
