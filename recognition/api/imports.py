"""Imports: start one from a zip, follow it, read what became of every image."""

from typing import Any, ClassVar
from uuid import UUID

from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.http import StreamingHttpResponse
from django.shortcuts import get_object_or_404
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from faceplatform.accounts.policy import Action
from faceplatform.core.api.fields import StrictSerializer, TruthField
from faceplatform.core.api.jobs import JobSerializer
from faceplatform.core.api.pagination import IdCursorPagination, OldestFirst
from faceplatform.core.api.parsers import StrictMultiPartParser
from faceplatform.core.api.query import StrictQuery
from recognition.api.base import BelowGallery, BelowImport
from recognition.api.csv_files import AlwaysCsv, CsvRenderer, csv_response
from recognition.api.fields import UploadField, address
from recognition.models import ImportItem, ImportRun, ItemStatus
from recognition.services.imports import counts_of, items_csv, start_import
from recognition.services.people_csv import MAX_BYTES

_FORM_BYTES = 64 * 1024


class NewImport(StrictSerializer):
    """A zip with one folder per person, and what is known about the people."""

    archive = UploadField()
    people = UploadField(
        required=False,
        help_text="A CSV in UTF-8, one line per folder: name, external_id, tags, notes, "
        "retain_until, consent_purpose, consent_given_on, consent_expires_on, consent_evidence, "
        "consent_text, metadata.KEY.",
    )
    keep_unnamed = TruthField(
        default=False, help_text="Keep faces of photos in no person's folder, for naming."
    )


class CountsSerializer(serializers.Serializer[Any]):
    """How many images ended how, so far."""

    enrolled = serializers.IntegerField()
    quarantined = serializers.IntegerField()
    skipped = serializers.IntegerField()
    failed = serializers.IntegerField()
    unnamed = serializers.IntegerField(help_text="Faces kept for naming.")


class ImportSerializer(serializers.Serializer[ImportRun]):
    """One import into one gallery, with its job."""

    id = serializers.UUIDField()
    url = serializers.SerializerMethodField()
    gallery_id = serializers.UUIDField()
    name = serializers.CharField()
    counts = serializers.SerializerMethodField()
    job = JobSerializer(allow_null=True)
    created_at = serializers.DateTimeField()

    def get_url(self, run: ImportRun) -> str:
        """Return the import's address in the API."""
        return address("api_import", run.pk)

    @extend_schema_field(CountsSerializer)
    def get_counts(self, run: ImportRun) -> dict[str, int]:
        """Count the result lines."""
        return counts_of(run)


class ItemSerializer(serializers.Serializer[ImportItem]):
    """What became of one image of an import, and why."""

    number = serializers.IntegerField()
    path = serializers.CharField()
    identity = serializers.CharField(source="identity_name")
    status = serializers.ChoiceField(choices=ItemStatus.choices)
    code = serializers.CharField()
    detail = serializers.CharField()
    image_id = serializers.UUIDField(source="face_id", allow_null=True)


class ItemQuery(StrictQuery):
    """Which result lines to list."""

    status = serializers.ChoiceField(choices=ItemStatus.choices, required=False)


class GalleryImportsView(BelowGallery):
    """The imports into one gallery."""

    actions = {"GET": Action.JOB_VIEW, "POST": Action.IMPORT_CREATE}
    pagination_class = IdCursorPagination
    repeatable = True
    parser_classes = [StrictMultiPartParser]
    max_body: ClassVar[int] = settings.MAX_ARCHIVE_BYTES + MAX_BYTES + _FORM_BYTES

    @extend_schema(responses=ImportSerializer(many=True))
    def get(self, request: Request, gallery_id: UUID) -> Response:
        """List imports, newest first."""
        rows = ImportRun.objects.visible_to(self.principal).select_related("job")
        return self.page(ImportSerializer, rows.filter(gallery=self.gallery(gallery_id)))

    @extend_schema(
        operation_id="import_start",
        request={"multipart/form-data": NewImport},
        responses={202: ImportSerializer},
    )
    def post(self, request: Request, gallery_id: UUID) -> Response:
        """Start importing a zip: one folder per person, `pins_NAME` and LFW's layout as well.

        Answers at once; `job` tells how far it is. Importing the same zip again adds nothing. A CSV
        with a wrong line is refused as a whole, 422 `people_csv_invalid` with an error per line; a
        line that collides with what is stored becomes a result line.
        """
        gallery = self.gallery(gallery_id)
        body = self.body(NewImport)
        archive: UploadedFile = body["archive"]

        def make() -> UUID:
            return start_import(
                gallery=gallery,
                name=archive.name or "archive.zip",
                archive=archive,
                people=body["people"].read() if "people" in body else None,
                keep_unnamed=body["keep_unnamed"],
                actor=self.principal.actor,
            ).pk

        def show(pk: UUID) -> Response:
            runs = ImportRun.objects.visible_to(self.principal).select_related("job")
            response = self.answer(ImportSerializer, get_object_or_404(runs, pk=pk), status=202)
            response["Location"] = address("api_import", pk)
            return response

        return self.make(make, show)


class ImportView(BelowImport):
    """One import."""

    actions = {"GET": Action.JOB_VIEW}

    @extend_schema(responses=ImportSerializer)
    def get(self, request: Request, import_id: UUID) -> Response:
        """Show an import with its job and its counts."""
        return self.answer(ImportSerializer, self.run(import_id))


class ImportItemsView(BelowImport):
    """The result lines of one import."""

    actions = {"GET": Action.JOB_VIEW}
    query_serializer_class = ItemQuery
    pagination_class = OldestFirst

    @extend_schema(responses=ItemSerializer(many=True))
    def get(self, request: Request, import_id: UUID) -> Response:
        """List what became of every image, in the order of the import."""
        return self.page(ItemSerializer, self.run(import_id).items.filter(**self.query))


class ImportItemsCsvView(BelowImport):
    """The result lines of one import as a file."""

    actions = {"GET": Action.JOB_VIEW}
    renderer_classes = [CsvRenderer]
    content_negotiation_class = AlwaysCsv

    @extend_schema(operation_id="import_items_csv", responses={(200, "text/csv"): OpenApiTypes.STR})
    def get(self, request: Request, import_id: UUID) -> StreamingHttpResponse:
        """Send all result lines as CSV: path, identity, status, code, detail."""
        run = self.run(import_id)
        return csv_response(items_csv(run), f"import-{run.pk}.csv")
