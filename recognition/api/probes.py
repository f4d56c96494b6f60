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

from faceplatform.accounts.api.views import ApiView
from faceplatform.accounts.policy import Action
from faceplatform.core.api.fields import NumberField, StrictSerializer, WholeNumberField
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
from recognition.models import Decision, Gallery, Identity, Probe, ProbeFace
from recognition.selectors.answers import answer_of, similar_csv, similar_page
from recognition.services.asking import MOST_CANDIDATES, MOST_GALLERIES, Options
from recognition.services.identification import identify, identify_in
from recognition.services.probes import delete_probe
from recognition.services.reports import report_wrong

MOST_SIMILAR = 200


class AskOptions(StrictSerializer):
    """What may be chosen for one call."""

    top = WholeNumberField(
        min_value=1,
        max_value=MOST_CANDIDATES,
        default=Options().top,
        help_text="How many of the nearest people to list.",
    )
    min_quality = NumberField(
        min_value=0, max_value=1, required=False, help_text="A face below this is not named."
    )
    threshold = NumberField(
        min_value=-1,
        max_value=1,
        required=False,
        help_text="In place of the gallery's; outside its limits 400 `threshold_out_of_limits`.",
    )


class Identification(AskOptions):
    """The photo to ask about."""

    image = UploadField()


class ManyIdentification(Identification):
    """The photo to ask about and the galleries to ask."""

    galleries = serializers.ListField(
        child=serializers.UUIDField(), min_length=1, max_length=MOST_GALLERIES
    )


class ManyAnswers(serializers.Serializer[Any]):
    """One answer per gallery, in the order that was asked."""

    answers = AnswerSerializer(many=True)


class SimilarQuery(StrictQuery):
    """Which part of the similar images to show."""

    offset = WholeNumberField(min_value=0, max_value=1_000_000, default=0)
    limit = WholeNumberField(min_value=1, max_value=MOST_SIMILAR, default=60)
    identity = serializers.UUIDField(required=False, help_text="Only images of this person.")


class ReportSerializer(serializers.Serializer[Any]):
    """What a report led to."""

    image_id = serializers.UUIDField(
        allow_null=True, help_text="The stored image that waits in review now, if any."
    )


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
        body = self.body(Identification)
        image: UploadedFile = body.pop("image")

        def make() -> UUID:
            name, actor = image.name or "", self.principal.actor
            options = Options(**body)
            return identify(
                gallery=gallery, data=image.read(), name=name, actor=actor, options=options
            ).pk

        def show(pk: UUID) -> Response:
            probes = Probe.objects.visible_to(self.principal).select_related("gallery", "photo")
            return self.answer(AnswerSerializer, answer_of(get_object_or_404(probes, pk=pk)))

        return self.make(make, show)


class IdentifyManyView(TakesPhotos, ApiView):
    """Asking several galleries at once."""

    actions = {"POST": Action.IDENTIFY}

    @extend_schema(
        operation_id="identify_in_several",
        request={"multipart/form-data": ManyIdentification},
        responses={200: ManyAnswers},
    )
    def post(self, request: Request) -> Response:
        """Answer as every one of these galleries would, each with its own threshold.

        A gallery that the caller may not see answers 404, and nothing is stored.
        """
        body = self.body(ManyIdentification)
        image: UploadedFile = body.pop("image")
        wanted = body.pop("galleries")
        rows = Gallery.objects.visible_to(self.principal).select_related("model_version")
        probes = identify_in(
            galleries=[get_object_or_404(rows, pk=pk) for pk in wanted],
            data=image.read(),
            name=image.name or "",
            actor=self.principal.actor,
            options=Options(**body),
        )
        return self.answer(ManyAnswers, {"answers": [answer_of(probe) for probe in probes]})


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


class ReportView(BelowProbeFace):
    """Saying that a face was given a wrong name."""

    actions = {"POST": Action.REVIEW_DECIDE}

    @extend_schema(operation_id="probe_report", request=None, responses=ReportSerializer)
    def post(self, request: Request, probe_id: UUID, number: int) -> Response:
        """Put the image behind an answer in review; the answer stays what it was.

        A face that was not named answers 409 `not_identified`, a second report `already_reported`.
        """
        image = report_wrong(probe_face=self.face(probe_id, number), actor=self.principal.actor)
        return self.answer(ReportSerializer, {"image_id": image.pk if image else None})


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
