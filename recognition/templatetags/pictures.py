"""Links to pictures in templates."""

from typing import Any

from django import template

from faceplatform.accounts.sessions import principal_of
from recognition.models import FaceImage, Photo, ProbeFace
from recognition.services.pictures import Kind
from recognition.services.pictures import picture_url as signed_url

register = template.Library()


@register.simple_tag(takes_context=True)
def picture_url(
    context: dict[str, Any],
    *,
    kind: Kind = "crop",
    face: FaceImage | None = None,
    probe_face: ProbeFace | None = None,
    photo: Photo | None = None,
    face_id: Any = None,
) -> str:
    """Return a signed link for the one who looks at the page."""
    return signed_url(
        principal=principal_of(context["request"]),
        kind=kind,
        photo_id=photo.pk if photo else None,
        face_id=face.pk if face else face_id,
        probe_face_id=probe_face.pk if probe_face else None,
    )
