"""The schema, and a page to read and try it that needs no network."""

import functools
from typing import Any

from csp.decorators import csp_update
from django.http import HttpResponse
from django.utils.decorators import method_decorator
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.renderers import (
    OpenApiJsonRenderer,
    OpenApiJsonRenderer2,
    OpenApiYamlRenderer,
    OpenApiYamlRenderer2,
)
from drf_spectacular.utils import extend_schema
from drf_spectacular.views import SpectacularSwaggerSplitView
from rest_framework import serializers
from rest_framework.request import Request

from faceplatform.accounts.access import PolicyPermission
from faceplatform.accounts.api.views import ApiView
from faceplatform.accounts.policy import Action
from faceplatform.core.api.query import StrictQuery


@functools.cache
def openapi() -> dict[str, Any]:
    """Return the schema of this version; made once per process."""
    schema: dict[str, Any] = SchemaGenerator().get_schema(request=None, public=True)
    return schema


@functools.cache
def written(*, as_json: bool) -> bytes:
    """Return the schema as a file; anybody may ask for it, and writing it takes half a second."""
    renderer: Any = OpenApiJsonRenderer() if as_json else OpenApiYamlRenderer()
    text: bytes = renderer.render(openapi(), renderer_context={})
    return text


@extend_schema(exclude=True)
class SchemaView(ApiView):
    """The schema as YAML or, when asked for, as JSON."""

    actions = {"GET": Action.PUBLIC}
    renderer_classes = [
        OpenApiYamlRenderer,
        OpenApiYamlRenderer2,
        OpenApiJsonRenderer,
        OpenApiJsonRenderer2,
    ]

    def get(self, request: Request) -> HttpResponse:
        """Send the schema."""
        renderer = request.accepted_renderer
        text = written(as_json=isinstance(renderer, OpenApiJsonRenderer))
        return HttpResponse(text, content_type=renderer.media_type)


class DocsQuery(StrictQuery):
    """`script` asks for the page's script, which is a request of its own: none is inline."""

    script = serializers.CharField(required=False, allow_blank=True)


# Swagger UI draws its small icons from data: addresses in its stylesheet.
@method_decorator(csp_update({"img-src": ["data:"]}), name="dispatch")
class DocsView(ApiView, SpectacularSwaggerSplitView):
    """Swagger UI from the files that its package carries."""

    actions = {"GET": Action.PUBLIC}
    permission_classes = [PolicyPermission]
    query_serializer_class = DocsQuery
    url_name = "api_schema"
    template_name = "api/docs.html"
