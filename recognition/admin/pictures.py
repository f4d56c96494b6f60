"""Pictures in lists and forms: signed links, never an address in the storage."""

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from faceplatform.accounts.policy import Action, allows
from faceplatform.accounts.principal import Principal
from recognition.models import FaceImage
from recognition.services.pictures import CROP_SIDE, Kind, picture_url

SMALL = 48
MOST_FACES = 60


def picture(
    asker: Principal,
    *,
    kind: Kind,
    side: int,
    face_id: UUID | None = None,
    photo_id: UUID | None = None,
) -> SafeString:
    """Return an image of at most `side` pixels; an empty frame without a row or a permission."""
    if (face_id or photo_id) is None or not allows(asker, Action.PICTURE_VIEW):
        return format_html('<span class="fp-picture fp-none" data-side="{}"></span>', side)
    source = picture_url(principal=asker, kind=kind, face_id=face_id, photo_id=photo_id)
    return format_html(
        '<img class="fp-picture" data-side="{}" src="{}" alt="" loading="lazy">', side, source
    )


def crop(row: Any, face_id: UUID | None, *, side: int = SMALL) -> SafeString:
    """Return the crop of a face for the one who looks at `row`."""
    return picture(row.asked_by, kind="crop", side=side, face_id=face_id)


def face_grid(row: Any, faces: Iterable[FaceImage]) -> SafeString:
    """Return crops that lead to their faces, with state and quality."""
    tiles = [
        (
            reverse("admin:recognition_faceimage_change", args=[face.pk]),
            crop(row, face.pk, side=CROP_SIDE // 2),
            face.get_state_display(),
            f"{face.quality:.2f}",
        )
        for face in faces
    ]
    grid = format_html_join(
        "", '<a class="fp-tile" href="{}">{}<span>{} · quality {}</span></a>', tiles
    )
    return format_html('<div class="fp-grid">{}</div>', grid) if tiles else SafeString("")
