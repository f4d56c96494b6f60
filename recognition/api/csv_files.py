"""Answers that are files: lists as CSV, a person as zip."""

from collections.abc import Iterator
from typing import Any

from django.http import StreamingHttpResponse
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request


class CsvRenderer(BaseRenderer):
    """Names the media type for the schema; the views stream by themselves."""

    media_type = "text/csv"
    format = "csv"


class ZipRenderer(BaseRenderer):
    """Names the media type for the schema; the view sends the file by itself."""

    media_type = "application/zip"
    format = "zip"


class AlwaysCsv(BaseContentNegotiation):
    """The address says what it sends; whatever `Accept` says, there is nothing else to choose."""

    def select_renderer(
        self, request: Request, renderers: Any, format_suffix: str | None = None
    ) -> tuple[BaseRenderer, str]:
        """Return the first renderer."""
        return renderers[0], renderers[0].media_type


def csv_response(lines: Iterator[str], filename: str) -> StreamingHttpResponse:
    """Send lines as a file to keep."""
    response = StreamingHttpResponse(lines, content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{filename}"'
    return response
