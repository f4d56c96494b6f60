"""Datasets: freeze, list, read the manifest, delete."""

import datetime as dt
from typing import Any
from uuid import UUID

from django.http import StreamingHttpResponse
from django.shortcuts import get_object_or_404
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from faceplatform.accounts.api.views import ApiView
from faceplatform.accounts.policy import Action
from faceplatform.core.api.fields import StrictSerializer, TextField, WholeNumberField
from faceplatform.core.api.jobs import JobSerializer
from faceplatform.core.api.pagination import IdCursorPagination
from recognition.api.csv_files import AlwaysCsv, CsvRenderer, csv_response
from recognition.api.fields import address
from recognition.models import Gallery
from training.api.base import BelowDataset, named_row
from training.models import Dataset, InputKind, SplitKind
from training.selectors.faces import part_sizes
from training.selectors.manifests import manifest_csv, manifest_parquet
from training.services.datasets import (
    MAX_NAME,
    Filters,
    Split,
    delete_dataset,
    freeze_dataset,
)
from training.services.evaluations import MAX_SEED

_SHARE_HELP = "Shares of the split by part, in any scale, such as {'train': 80, 'test': 20}."


class NewDataset(StrictSerializer):
    """Which images are wanted, and how they are shared out."""

    name = TextField(max_length=MAX_NAME)
    description = TextField(max_length=4000, allow_blank=True, required=False)
    galleries = serializers.ListField(child=serializers.UUIDField(), min_length=1, max_length=100)
    min_images = WholeNumberField(min_value=1, max_value=10_000, required=False)
    max_images = WholeNumberField(min_value=1, max_value=10_000, required=False)
    min_quality = serializers.FloatField(min_value=0, max_value=1, required=False)
    added_from = serializers.DateField(required=False)
    added_to = serializers.DateField(required=False)
    input_kind = serializers.ChoiceField(choices=InputKind.choices, required=False)
    split_kind = serializers.ChoiceField(choices=SplitKind.choices, required=False)
    shares = serializers.DictField(
        child=serializers.FloatField(min_value=0.0001), required=False, help_text=_SHARE_HELP
    )
    seed = WholeNumberField(min_value=0, max_value=MAX_SEED, required=False)


class PartSerializer(serializers.Serializer[Any]):
    """How much is in one part."""

    images = serializers.IntegerField()
    people = serializers.IntegerField()


class DatasetSerializer(serializers.Serializer[Dataset]):
    """A frozen selection of face images."""

    id = serializers.UUIDField()
    url = serializers.SerializerMethodField()
    name = serializers.CharField()
    description = serializers.CharField()
    images = serializers.IntegerField(help_text="When it was frozen; deleted images leave it.")
    identities = serializers.IntegerField()
    filters = serializers.DictField()
    input_kind = serializers.ChoiceField(choices=InputKind.choices)
    split_kind = serializers.ChoiceField(choices=SplitKind.choices)
    seed = serializers.IntegerField()
    digest = serializers.CharField(help_text="sha256 over bytes, boxes, people and parts.")
    leaks = serializers.DictField(
        allow_null=True, help_text="What two parts share; null until the check has run."
    )
    job = JobSerializer(allow_null=True)
    created_at = serializers.DateTimeField()

    def get_url(self, dataset: Dataset) -> str:
        """Return the dataset's address in the API."""
        return address("api_dataset", dataset.pk)


class DatasetDetail(DatasetSerializer):
    """A dataset with the sizes of its parts."""

    parts = serializers.SerializerMethodField()

    def get_parts(self, dataset: Dataset) -> dict[str, dict[str, int]]:
        """Count images and people of each part as they are now."""
        sizes = part_sizes(dataset)
        return {part: {"images": s.images, "people": s.people} for part, s in sizes.items()}


class ParquetRenderer(BaseRenderer):
    """Names the media type for the schema; the view streams by itself."""

    media_type = "application/vnd.apache.parquet"
    format = "parquet"


class AlwaysParquet(BaseContentNegotiation):
    """The address says Parquet; whatever `Accept` says, there is nothing else to choose."""

    def select_renderer(
        self, request: Request, renderers: Any, format_suffix: str | None = None
    ) -> tuple[BaseRenderer, str]:
        """Return the first renderer."""
        return renderers[0], renderers[0].media_type


class DatasetsView(ApiView):
    """The organization's datasets."""

    actions = {"GET": Action.DATASET_VIEW, "POST": Action.DATASET_CREATE}
    pagination_class = IdCursorPagination
    repeatable = True

    @extend_schema(responses=DatasetSerializer(many=True))
    def get(self, request: Request) -> Response:
        """List datasets, newest first."""
        rows = Dataset.objects.visible_to(self.principal).select_related("job")
        return self.page(DatasetSerializer, rows)

    @extend_schema(
        operation_id="dataset_freeze", request=NewDataset, responses={201: DatasetDetail}
    )
    def post(self, request: Request) -> Response:
        """Freeze a selection of enrolled images. `job` then looks for leaks between the parts."""
        body = self.body(NewDataset)
        galleries = [named_row(Gallery, self.principal, pk) for pk in body["galleries"]]

        def make() -> UUID:
            return freeze_dataset(
                name=body["name"],
                description=body.get("description", ""),
                galleries=galleries,
                filters=_filters(body),
                split=Split(
                    SplitKind(body.get("split_kind", SplitKind.NONE)),
                    body.get("shares"),
                    body.get("seed", 0),
                ),
                input_kind=body.get("input_kind", InputKind.PHOTO),
                actor=self.principal.actor,
            ).pk

        def show(pk: UUID) -> Response:
            rows = Dataset.objects.visible_to(self.principal).select_related("job")
            response = self.answer(DatasetDetail, get_object_or_404(rows, pk=pk), status=201)
            response["Location"] = address("api_dataset", pk)
            return response

        return self.make(make, show)


class DatasetView(BelowDataset):
    """One dataset."""

    actions = {"GET": Action.DATASET_VIEW, "DELETE": Action.DATASET_DELETE}

    @extend_schema(responses=DatasetDetail)
    def get(self, request: Request, dataset_id: UUID) -> Response:
        """Show a dataset with the sizes of its parts."""
        return self.answer(DatasetDetail, self.dataset(dataset_id))

    @extend_schema(responses={204: None})
    def delete(self, request: Request, dataset_id: UUID) -> Response:
        """Delete a dataset with its evaluations; the images stay where they are."""
        delete_dataset(dataset=self.dataset(dataset_id), actor=self.principal.actor)
        return Response(status=204)


class ManifestCsvView(BelowDataset):
    """The manifest as CSV."""

    actions = {"GET": Action.DATASET_VIEW}
    renderer_classes = [CsvRenderer]
    content_negotiation_class = AlwaysCsv

    @extend_schema(
        operation_id="dataset_manifest_csv", responses={(200, "text/csv"): OpenApiTypes.STR}
    )
    def get(self, request: Request, dataset_id: UUID) -> StreamingHttpResponse:
        """Send one line per image: ids, person, part, path, sha256, box, quality."""
        dataset = self.dataset(dataset_id)
        return csv_response(manifest_csv(dataset), f"dataset-{dataset.pk}.csv")


class ManifestParquetView(BelowDataset):
    """The manifest as Parquet."""

    actions = {"GET": Action.DATASET_VIEW}
    renderer_classes = [ParquetRenderer]
    content_negotiation_class = AlwaysParquet

    @extend_schema(
        operation_id="dataset_manifest_parquet",
        responses={(200, ParquetRenderer.media_type): OpenApiTypes.BINARY},
    )
    def get(self, request: Request, dataset_id: UUID) -> StreamingHttpResponse:
        """Send the same columns as a Parquet file."""
        dataset = self.dataset(dataset_id)
        parts = manifest_parquet(dataset)
        response = StreamingHttpResponse(parts, content_type=ParquetRenderer.media_type)
        name = f'attachment; filename="dataset-{dataset.pk}.parquet"'
        response["Content-Disposition"] = name
        return response


def _filters(body: dict[str, Any]) -> Filters:
    date: dt.date | None = body.get("added_from")
    return Filters(
        min_images=body.get("min_images", 1),
        max_images=body.get("max_images"),
        min_quality=body.get("min_quality", 0.0),
        added_from=date,
        added_to=body.get("added_to"),
    )
