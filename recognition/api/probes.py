"""Identification, and answers that were given before."""

from typing import Any
from uuid import UUID

from django.core.files.uploadedfile import UploadedFile
from django.http import StreamingHttpResponse
from django.shortcuts import get_object_or_404
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from faceplatform.accounts.policy import Action
from faceplatform.core.api.fields import StrictSerializer, WholeNumberField
from faceplatform.core.api.pagination import IdCursorPagination
from faceplatform.core.api.query import StrictQuery
from recognition.api.answers import (
    AnswerSerializer,
    ProbeSerializer,
    SimilarPageSerializer,
    similar_address,
    summarized,
)
from recognition.api.base import BelowGallery, BelowProbe, TakesPhotos
from recognition.api.csv_files import AlwaysCsv, CsvRenderer, csv_response
from recognition.api.fields import UploadField
from recognition.models import Decision, Identity, Probe, ProbeFace
from recognition.selectors.answers import answer_of, similar_csv, similar_page
from recognition.services.identification import identify
from recognition.services.probes import delete_probe

MOST_SIMILAR = 200


class Identification(StrictSerializer):
    """The photo to ask about."""

    image = UploadField()


class SimilarQuery(StrictQuery):
    """Which part of the similar images to show."""

    offset = WholeNumberField(min_value=0, max_value=1_000_000, default=0)
    limit = WholeNumberField(min_value=1, max_value=MOST_SIMILAR, default=60)
    identity = serializers.UUIDField(required=False, help_text="Only images of this person.")


class IdentifyView(TakesPhotos, BelowGallery):
    """Asking who is in a photo."""

    actions = {"POST": Action.IDENTIFY}
    repeatable = True

    @extend_schema(
        operation_id="identify",
        request={"multipart/form-data": Identification},
        responses={200: AnswerSerializer},
    )
    def post(self, request: Request, gallery_id: UUID) -> Response:
        """Answer for every face of a photo who it is, or that it is nobody of the gallery.

        Photo and answer are kept as the gallery says. A photo without a face answers 200 with no
        `faces` and the note `no_face`.
        """
        gallery = self.gallery(gallery_id)
        image: UploadedFile = self.body(Identification)["image"]

        def make() -> UUID:
            name, actor = image.name or "", self.principal.actor
            return identify(gallery=gallery, data=image.read(), name=name, actor=actor).pk

        def show(pk: UUID) -> Response:
            probes = Probe.objects.visible_to(self.principal).select_related("gallery", "photo")
            return self.answer(AnswerSerializer, answer_of(get_object_or_404(probes, pk=pk)))

        return self.make(make, show)


class GalleryProbesView(BelowGallery):
    """What was asked about one gallery."""

    actions = {"GET": Action.PROBE_VIEW}
    pagination_class = IdCursorPagination

    @extend_schema(responses=ProbeSerializer(many=True))
    def get(self, request: Request, gallery_id: UUID) -> Response:
        """List probes, newest first."""
        rows = Probe.objects.visible_to(self.principal).filter(gallery=self.gallery(gallery_id))
        return self.page(ProbeSerializer, summarized(rows))


class ProbeView(BelowProbe):
    """One probe with its answer."""

    actions = {"GET": Action.PROBE_VIEW, "DELETE": Action.PROBE_DELETE}

    @extend_schema(responses=AnswerSerializer)
    def get(self, request: Request, probe_id: UUID) -> Response:
        """Show the answer again."""
        return self.answer(AnswerSerializer, answer_of(self.probe(probe_id)))

    @extend_schema(responses={204: None})
    def delete(self, request: Request, probe_id: UUID) -> Response:
        """Delete a probe with its answer, and its photo if nothing else refers to it."""
        delete_probe(probe=self.probe(probe_id), actor=self.principal.actor)
        return Response(status=204)


class BelowProbeFace(BelowProbe):
    """Base of the addresses below one face of a probe."""

    def face(self, probe_id: UUID, number: int) -> ProbeFace:
        """Return the face of that number."""
        return get_object_or_404(
            ProbeFace.objects.select_related(
                "probe__gallery__model_version", "probe__model_version"
            ),
            probe=self.probe(probe_id),
            number=number,
        )


class SimilarView(BelowProbeFace):
    """The images that resemble one face of a probe."""

    actions = {"GET": Action.PROBE_VIEW}
    query_serializer_class = SimilarQuery

    @extend_schema(operation_id="similar_list", responses=SimilarPageSerializer)
    def get(self, request: Request, probe_id: UUID, number: int) -> Response:
        """Show a part of the similar images, best first."""
        face = self.face(probe_id, number)
        if "identity" in self.query:
            people = Identity.objects.visible_to(self.principal)
            get_object_or_404(people, pk=self.query["identity"], gallery=face.probe.gallery_id)
        offset, limit = self.query["offset"], self.query["limit"]
        found = similar_page(
            face, offset=offset, limit=limit, identity_id=self.query.get("identity")
        )
        page: dict[str, Any] = {
            "total": found.total,
            "below_threshold": face.decision == Decision.UNKNOWN,
            "next": None,
            "results": found.images,
        }
        if offset + len(found.images) < found.total:
            following = self.query | {"offset": offset + limit}
            page["next"] = similar_address(probe_id, number, **following)
        return self.answer(SimilarPageSerializer, page)


class SimilarCsvView(BelowProbeFace):
    """The images that resemble one face of a probe, as a file."""

    actions = {"GET": Action.PROBE_VIEW}
    renderer_classes = [CsvRenderer]
    content_negotiation_class = AlwaysCsv

    @extend_schema(operation_id="similar_csv", responses={(200, "text/csv"): OpenApiTypes.STR})
    def get(self, request: Request, probe_id: UUID, number: int) -> StreamingHttpResponse:
        """Send all similar images as CSV: path, identity, score, above_threshold, image_id."""
        face = self.face(probe_id, number)
        return csv_response(similar_csv(face), f"similar-{face.pk}.csv")
