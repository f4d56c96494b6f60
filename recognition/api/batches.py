"""Batches of photos: start one, follow it, read its answers."""

from typing import Any, ClassVar
from uuid import UUID

from django.conf import settings
from django.http import StreamingHttpResponse
from django.shortcuts import get_object_or_404
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from faceplatform.accounts.access import PathModels
from faceplatform.accounts.api.views import ApiView
from faceplatform.accounts.policy import Action
from faceplatform.core.api.jobs import JobSerializer
from faceplatform.core.api.parsers import StrictMultiPartParser
from recognition.api.base import BelowGallery
from recognition.api.csv_files import AlwaysCsv, CsvRenderer, csv_response
from recognition.api.fields import UploadField, address
from recognition.api.probes import AskOptions
from recognition.models import ProbeBatch
from recognition.services.asking import Options
from recognition.services.batches import MOST_FILES, batch_csv, counts_of, packed, start_batch

_FORM_BYTES = 64 * 1024


class NewBatch(AskOptions):
    """A zip of photos, or the photos themselves."""

    archive = UploadField(required=False)
    images = serializers.ListField(child=UploadField(), required=False, max_length=MOST_FILES)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Take exactly one of the two."""
        if bool(attrs.get("archive")) == bool(attrs.get("images")):
            message = "Send either a zip in `archive` or photos in `images`."
            raise serializers.ValidationError({"archive": [message]}, code="file_missing")
        return attrs


class BatchCounts(serializers.Serializer[Any]):
    """How far a batch is."""

    answered = serializers.IntegerField()
    named = serializers.IntegerField(help_text="Photos in which somebody was identified.")
    refused = serializers.IntegerField()


class BatchSerializer(serializers.Serializer[ProbeBatch]):
    """A batch of photos asked about one gallery."""

    id = serializers.UUIDField()
    gallery_id = serializers.UUIDField()
    name = serializers.CharField()
    counts = serializers.SerializerMethodField()
    csv_url = serializers.SerializerMethodField()
    job = JobSerializer(allow_null=True)
    created_at = serializers.DateTimeField()

    @extend_schema_field(BatchCounts)
    def get_counts(self, batch: ProbeBatch) -> dict[str, int]:
        """Count the lines."""
        return counts_of(batch)

    def get_csv_url(self, batch: ProbeBatch) -> str:
        """Return the address of all answers as CSV."""
        return address("api_batch_csv", batch.pk)


class BatchesView(BelowGallery):
    """Asking one gallery about many photos."""

    actions = {"POST": Action.IDENTIFY}
    repeatable = True
    parser_classes = [StrictMultiPartParser]
    max_body: ClassVar[int] = settings.MAX_ARCHIVE_BYTES + _FORM_BYTES

    @extend_schema(
        operation_id="identify_batch",
        request={"multipart/form-data": NewBatch},
        responses={202: BatchSerializer},
    )
    def post(self, request: Request, gallery_id: UUID) -> Response:
        """Start a job that asks about every photo of a zip, or of several files.

        Answers at once; `job` tells how far it is and can be cancelled. Options count for all.
        """
        gallery = self.gallery(gallery_id)
        body = self.body(NewBatch)
        archive, images = body.pop("archive", None), body.pop("images", None)

        def make() -> UUID:
            content = archive or packed(images)
            name = archive.name if archive else f"{len(images)} photos"
            return start_batch(
                gallery=gallery,
                name=name or "photos",
                archive=content,
                options=Options(**body),
                actor=self.principal.actor,
            ).pk

        def show(pk: UUID) -> Response:
            rows = ProbeBatch.objects.visible_to(self.principal).select_related("job")
            response = self.answer(BatchSerializer, get_object_or_404(rows, pk=pk), status=202)
            response["Location"] = address("api_batch", pk)
            return response

        return self.make(make, show)


class _BelowBatch(ApiView):
    """Base of the addresses below one batch."""

    path_models: ClassVar[PathModels] = {"batch_id": ProbeBatch}

    def batch(self, batch_id: UUID) -> ProbeBatch:
        """Return the batch with its job."""
        rows = ProbeBatch.objects.visible_to(self.principal).select_related("job")
        found: ProbeBatch = get_object_or_404(rows, pk=batch_id)
        return found


class BatchView(_BelowBatch):
    """One batch."""

    actions = {"GET": Action.PROBE_VIEW}

    @extend_schema(operation_id="batch_retrieve", responses=BatchSerializer)
    def get(self, request: Request, batch_id: UUID) -> Response:
        """Show a batch with its job and its counts."""
        return self.answer(BatchSerializer, self.batch(batch_id))


class BatchCsvView(_BelowBatch):
    """The answers of a batch as a file."""

    actions = {"GET": Action.PROBE_VIEW}
    renderer_classes = [CsvRenderer]
    content_negotiation_class = AlwaysCsv

    @extend_schema(operation_id="batch_csv", responses={(200, "text/csv"): OpenApiTypes.STR})
    def get(self, request: Request, batch_id: UUID) -> StreamingHttpResponse:
        """Send one line per face: path, decision, identity, score, threshold, quality, box."""
        batch = self.batch(batch_id)
        return csv_response(batch_csv(batch), f"answers-{batch.pk}.csv")
