"""Galleries: list, make, change, delete."""

from typing import Any
from uuid import UUID

from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from faceplatform.accounts.api.views import ApiView
from faceplatform.accounts.policy import Action
from faceplatform.core.api.fields import StrictSerializer, TextField, TruthField, WholeNumberField
from faceplatform.core.api.jobs import JobSerializer
from faceplatform.core.api.pagination import IdCursorPagination
from faceplatform.core.models import Job
from recognition.api.base import BelowGallery
from recognition.api.fields import NamedSerializer, ScoreField, address
from recognition.models import Gallery, ScoreKind
from recognition.selectors.galleries import GalleryFacts, gallery_facts
from recognition.selectors.tiers import Tier
from recognition.selectors.verification_thresholds import RULE_WORDS
from recognition.services.galleries import (
    MAX_NAME,
    MAX_PROBE_DAYS,
    change_gallery,
    create_gallery,
    delete_gallery,
)
from recognition.services.gates import limits_json
from recognition.services.scoring import start_scoring

_RULE_HELP = (
    "How the scores of a person's images become one, when identifying and verifying; empty: the "
    "nearest image when identifying, the mean face when verifying."
)
_DAYS_HELP = "Days to keep photos and answers of probes; 0 keeps answers without the photo."


class NewGallery(StrictSerializer):
    """What makes a gallery."""

    name = TextField(max_length=MAX_NAME)
    description = TextField(max_length=4000, allow_blank=True, required=False)
    probe_days = WholeNumberField(
        min_value=0, max_value=MAX_PROBE_DAYS, required=False, help_text=_DAYS_HELP
    )


class GalleryChange(NewGallery):
    """What may be changed about a gallery."""

    searchable = TruthField(required=False, help_text="Whether photos may be identified in it.")
    quality_limits = serializers.DictField(
        required=False,
        child=serializers.FloatField(),
        help_text="Limits for enrollment, by name; those not named go to their defaults.",
    )
    consent_required = TruthField(
        required=False, help_text="Whether only people with a consent that holds are found."
    )
    fusion_rule = serializers.ChoiceField(
        choices=list(RULE_WORDS), allow_blank=True, required=False, help_text=_RULE_HELP
    )


class ThresholdSerializer(serializers.Serializer[Any]):
    """A threshold with the evidence behind it."""

    value = ScoreField(help_text="The score from which a face counts as a known person.")
    source = serializers.CharField(  # type: ignore[assignment] # also the name of an option
        help_text="`default` until the gallery has been evaluated; `call` where it was chosen."
    )
    text = serializers.CharField()
    templates = serializers.IntegerField(help_text="The gallery's size it was made for.")
    fmr = serializers.FloatField(help_text="False match rate of one comparison.")
    expected_fpir = serializers.FloatField(help_text="Share of strangers expected to be named.")
    supported = serializers.BooleanField(
        help_text="Whether the calibration holds enough comparisons for this rate."
    )
    kind = serializers.ChoiceField(
        choices=ScoreKind.choices, help_text="The kind of score it is for."
    )


class ScoringSerializer(serializers.Serializer[Any]):
    """How two faces are compared."""

    kind = serializers.ChoiceField(
        choices=ScoreKind.choices,
        help_text="The kind of score that answers and thresholds of this gallery use now.",
    )
    reason = serializers.CharField(
        help_text="Why it is a simpler kind than the one that was chosen; empty otherwise."
    )


class SearchSerializer(serializers.Serializer[Any]):
    """How the gallery is searched, and why."""

    tier = serializers.ChoiceField(
        choices=[tier.value for tier in Tier],
        help_text="`exact` in the database, exact in `memory`, or by `index`.",
    )
    reason = serializers.CharField()
    first_same = serializers.FloatField(
        source="index.first_same",
        allow_null=True,
        default=None,
        help_text="Of an index: share of probes for which it finds the same person first as an "
        "exact search does.",
    )


class NewScoring(StrictSerializer):
    """A kind of score to change to."""

    kind = serializers.ChoiceField(choices=ScoreKind.choices)


class FactsSerializer(serializers.Serializer[GalleryFacts]):
    """A gallery in numbers."""

    identities = serializers.IntegerField()
    images = serializers.IntegerField(help_text="Enrolled face images.")
    in_review = serializers.IntegerField()
    searchable_templates = serializers.IntegerField()
    single_image_identities = serializers.IntegerField()
    threshold = ThresholdSerializer()
    scoring = ScoringSerializer()
    search = SearchSerializer()


class GallerySerializer(serializers.Serializer[Gallery]):
    """A set of people that are searched together."""

    id = serializers.UUIDField()
    name = serializers.CharField()
    description = serializers.CharField()
    searchable = serializers.BooleanField()
    consent_required = serializers.BooleanField()
    probe_days = serializers.IntegerField(help_text=_DAYS_HELP)
    quality_limits = serializers.SerializerMethodField(
        help_text="What a face must have to be enrolled; see docs/enrollment.md."
    )
    fusion_rule = serializers.CharField(help_text=_RULE_HELP)
    model = NamedSerializer(source="model_version")
    created_at = serializers.DateTimeField()

    @extend_schema_field(serializers.DictField(child=serializers.FloatField()))
    def get_quality_limits(self, gallery: Gallery) -> dict[str, float]:
        """Return all limits that hold."""
        return limits_json(gallery)


class GalleryDetail(GallerySerializer):
    """A gallery with its numbers and its threshold."""

    facts = serializers.SerializerMethodField()

    @extend_schema_field(FactsSerializer)
    def get_facts(self, gallery: Gallery) -> Any:
        """Count what is in the gallery."""
        return FactsSerializer(gallery_facts(gallery)).data


class GalleriesView(ApiView):
    """The organization's galleries."""

    actions = {"GET": Action.GALLERY_VIEW, "POST": Action.GALLERY_CREATE}
    pagination_class = IdCursorPagination
    repeatable = True

    @extend_schema(responses=GallerySerializer(many=True))
    def get(self, request: Request) -> Response:
        """List galleries, newest first."""
        return self.page(GallerySerializer, self._rows())

    @extend_schema(request=NewGallery, responses={201: GalleryDetail})
    def post(self, request: Request) -> Response:
        """Make an empty gallery. A name that is taken answers 409 `gallery_exists`."""
        organization_id = self.principal.organization_id
        if organization_id is None:  # the policy table lets nobody here without one
            raise AssertionError
        body = self.body(NewGallery)

        def make() -> UUID:
            actor = self.principal.actor
            return create_gallery(organization_id=organization_id, actor=actor, **body).pk

        return self.make(make, self._created)

    def _created(self, pk: UUID) -> Response:
        gallery = get_object_or_404(self._rows(), pk=pk)
        response = self.answer(GalleryDetail, gallery, status=201)
        response["Location"] = address("api_gallery", pk)
        return response

    def _rows(self) -> Any:
        return Gallery.objects.visible_to(self.principal).select_related("model_version")


class GalleryView(BelowGallery):
    """One gallery."""

    actions = {
        "GET": Action.GALLERY_VIEW,
        "PATCH": Action.GALLERY_CHANGE,
        "DELETE": Action.GALLERY_DELETE,
    }

    @extend_schema(responses=GalleryDetail)
    def get(self, request: Request, gallery_id: UUID) -> Response:
        """Show a gallery with its numbers and its threshold."""
        return self.answer(GalleryDetail, self.gallery(gallery_id))

    @extend_schema(request=GalleryChange, responses=GalleryDetail)
    def patch(self, request: Request, gallery_id: UUID) -> Response:
        """Change what is sent and leave the rest."""
        gallery = self.gallery(gallery_id)
        changed = change_gallery(
            gallery=gallery, actor=self.principal.actor, **self.body(GalleryChange, partial=True)
        )
        return self.answer(GalleryDetail, changed)

    @extend_schema(responses={204: None})
    def delete(self, request: Request, gallery_id: UUID) -> Response:
        """Erase a gallery with its people, pictures, templates, probes and answers."""
        delete_gallery(gallery=self.gallery(gallery_id), actor=self.principal.actor)
        return Response(status=204)


class GalleryScoringView(BelowGallery):
    """How one gallery scores."""

    actions = {"POST": Action.GALLERY_CHANGE}
    repeatable = True

    @extend_schema(
        operation_id="gallery_scoring_change", request=NewScoring, responses={202: JobSerializer}
    )
    def post(self, request: Request, gallery_id: UUID) -> Response:
        """Change the kind of score, or draw a new cohort for the same kind.

        The job embeds and measures what is missing; the gallery answers as before until it is done,
        then kind and threshold change together. Cohort-normalised kinds need 300 people, otherwise
        409 `gallery_too_small`.
        """
        gallery = self.gallery(gallery_id)
        kind: str = self.body(NewScoring)["kind"]

        def make() -> UUID:
            return start_scoring(gallery=gallery, kind=kind, actor=self.principal.actor).pk

        def show(pk: UUID) -> Response:
            job = get_object_or_404(Job.objects.visible_to(self.principal), pk=pk)
            response = self.answer(JobSerializer, job, status=202)
            response["Location"] = address("api_job", pk)
            return response

        return self.make(make, show)
