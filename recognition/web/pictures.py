"""The one way a picture leaves the platform."""

from typing import ClassVar
from urllib.parse import quote

from csp.decorators import csp_replace
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.utils.decorators import method_decorator

from faceplatform.accounts.access import Actions, PolicyView
from faceplatform.accounts.policy import Action, allows
from recognition.services.pictures import read_link, render_picture


@method_decorator(
    csp_replace({"default-src": ["'none'"], "sandbox": True}), name="dispatch"
)
class PictureView(PolicyView):
    """Answer a signed link with a re-encoded picture, or with the original as an attachment."""

    actions: ClassVar[Actions] = {"GET": Action.PICTURE_VIEW}

    def get(self, request: HttpRequest, token: str) -> HttpResponse:
        """Send the picture; 404 for a link that is not this principal's or has expired."""
        link = read_link(token, principal=self.principal)
        if link is None:
            raise Http404
        if link.kind == "original" and not allows(self.principal, Action.PICTURE_EXPORT):
            raise PermissionDenied
        picture = render_picture(link, principal=self.principal)
        if picture is None:
            raise Http404
        response = HttpResponse(picture.data, content_type=picture.media_type)
        response["X-Content-Type-Options"] = "nosniff"
        response["Cache-Control"] = "private, max-age=300"
        if picture.filename:
            response["Content-Disposition"] = f"attachment; filename*=UTF-8''{quote(picture.filename)}"
            response["Cache-Control"] = "no-store"
        return response
