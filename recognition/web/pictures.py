"""The one way a picture leaves the platform."""

from typing import ClassVar
from urllib.parse import quote

from csp.decorators import csp_replace
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse
from django.utils.decorators import method_decorator
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request

from faceplatform.accounts.access import Actions, api_principal
from faceplatform.accounts.api.views import ApiView
from faceplatform.accounts.policy import Action, allows
from recognition.services.pictures import read_link, render_picture


@method_decorator(csp_replace({"default-src": ["'none'"], "sandbox": True}), name="dispatch")
@extend_schema(exclude=True)
class PictureView(ApiView):
    """Answer a signed link with a re-encoded picture, or with the original as an attachment.

    People in a browser and programs with a key come the same way.
    """

    actions: ClassVar[Actions] = {"GET": Action.PICTURE_VIEW}

    def get(self, request: Request, token: str) -> HttpResponse:
        """Send the picture; 404 for a link that is not this principal's or has expired."""
        principal = api_principal(request)
        link = read_link(token, principal=principal)
        if link is None:
            raise Http404
        if link.kind == "original" and not allows(principal, Action.PICTURE_EXPORT):
            raise PermissionDenied
        picture = render_picture(link, principal=principal)
        if picture is None:
            raise Http404
        response = HttpResponse(picture.data, content_type=picture.media_type)
        response["X-Content-Type-Options"] = "nosniff"
        response["Cache-Control"] = "private, max-age=300"
        if picture.filename:
            name = quote(picture.filename)
            response["Content-Disposition"] = f"attachment; filename*=UTF-8''{name}"
            response["Cache-Control"] = "no-store"
        return response
