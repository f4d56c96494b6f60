"""The file of pairs of an evaluation."""

from typing import Any
from uuid import UUID

from django.http import StreamingHttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from faceplatform.accounts.policy import Action
from faceplatform.core.api.fields import NumberField
from faceplatform.core.api.query import StrictQuery
from training.api.base import BelowEvaluation
from training.evaluation.export import FileFormat, Selection
from training.services import pair_export

TYPES = {"csv.gz": "application/gzip", "parquet": "application/vnd.apache.parquet"}


class PairsQuery(StrictQuery):
    """Which pairs, and the kind of file."""

    pairs = serializers.ChoiceField(choices=["all", "mated", "nonmated"], default="all")
    score_from = NumberField(min_value=-1, max_value=1, default=-1.0)
    score_to = NumberField(min_value=-1, max_value=1, default=1.0)
    file_format = serializers.ChoiceField(choices=["csv.gz", "parquet"], default="csv.gz")


class PairsSizeSerializer(serializers.Serializer[Any]):
    """How much a file of pairs will hold."""

    pairs = serializers.IntegerField()
    bytes = serializers.IntegerField(help_text="Estimated.")
    exact = serializers.BooleanField(help_text="Whether the number of pairs is counted.")


class PairsSizeView(BelowEvaluation):
    """The size of a file of pairs."""

    actions = {"GET": Action.EVALUATION_VIEW}
    query_serializer_class = PairsQuery

    @extend_schema(operation_id="evaluation_pairs_size", responses=PairsSizeSerializer)
    def get(self, request: Request, evaluation_id: UUID) -> Response:
        """Tell how large the file of pairs will be, before it is made."""
        what = pair_export.compared(self.evaluation(evaluation_id))
        selection, file_format = _selection(self.query)
        size = pair_export.told_size(what, selection, file_format)
        return self.answer(PairsSizeSerializer, size)


class PairsFileView(BelowEvaluation):
    """A file of pairs."""

    actions = {"GET": Action.EVALUATION_VIEW}
    query_serializer_class = PairsQuery

    @extend_schema(
        operation_id="evaluation_pairs_file",
        responses={(200, kind): OpenApiTypes.BINARY for kind in TYPES.values()},
    )
    def get(self, request: Request, evaluation_id: UUID) -> StreamingHttpResponse:
        """Send pairs: path1, path2, score, mated. 422 `export_too_large` above 20 million."""
        what = pair_export.compared(self.evaluation(evaluation_id))
        selection, file_format = _selection(self.query)
        parts = pair_export.stream(what, selection, file_format)
        response = StreamingHttpResponse(parts, content_type=TYPES[file_format])
        name = f"pairs-{evaluation_id}.{file_format}"
        response["Content-Disposition"] = f'attachment; filename="{name}"'
        return response


def _selection(query: dict[str, Any]) -> tuple[Selection, FileFormat]:
    selection = Selection(query["pairs"], query["score_from"], query["score_to"])
    return selection, query["file_format"]
