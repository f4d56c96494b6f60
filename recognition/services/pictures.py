"""Pictures for people to look at: signed links, re-encoded copies, originals for export.

A link is `<kind>.<row>.<expiry>.<signature>`. The signature covers the one who asks and the
organization, neither of which is in the link: a copied link is worth nothing to anybody else.
"""

import base64
import time
import uuid
from dataclasses import dataclass
from typing import Literal

import numpy as np
from django.conf import settings
from django.core.signing import Signer
from django.urls import reverse
from django.utils.crypto import constant_time_compare

from faceplatform.accounts.principal import Principal
from faceplatform.core import audit, storage
from faceplatform.core.errors import DomainError
from recognition.models import (
    FaceImage,
    ModelVersion,
    Photo,
    Probe,
    ProbeFace,
    TrackFrame,
    Verification,
    VerificationFace,
)
from recognition.refusals import refusals
from recognition.selectors.score_kinds import components_of, networks_of
from recognition.selectors.videos import frame_of
from recognition.services.faces import box_of
from recognition.vision import registry, sandbox
from recognition.vision.embedding import seen_crop
from recognition.vision.images import crop_face, encode_jpeg, thumbnail

PicturedFace = FaceImage | ProbeFace | VerificationFace | TrackFrame
Kind = Literal["thumb", "crop", "screen", "input", "input2", "original"]
_KINDS: dict[str, Kind] = {
    "t": "thumb",
    "c": "crop",
    "s": "screen",
    "i": "input",
    "j": "input2",
    "o": "original",
}
INPUTS: tuple[Kind, ...] = ("input", "input2")
"""The crops that the networks of an ensemble get, in the order of its components."""
_LETTERS = {kind: letter for letter, kind in _KINDS.items()}
_ROWS = {
    "p": "photo",
    "f": "face",
    "q": "probe_face",
    "v": "verification_face",
    "k": "track_frame",
}
THUMB_SIDE = 240
SCREEN_SIDE = 1600
CROP_SIDE = 224
CROP_MARGIN = 0.35


@dataclass(frozen=True, slots=True)
class Picture:
    """Bytes to send. `filename` is set for an original, which goes out as an attachment."""

    data: bytes
    media_type: str
    filename: str = ""


@dataclass(frozen=True, slots=True)
class Link:
    """What a valid link names: a kind of picture of one row."""

    kind: Kind
    row: str
    pk: uuid.UUID


def picture_url(
    *,
    principal: Principal,
    kind: Kind,
    photo_id: uuid.UUID | None = None,
    face_id: uuid.UUID | None = None,
    probe_face_id: uuid.UUID | None = None,
    verification_face_id: uuid.UUID | None = None,
    track_frame_id: uuid.UUID | None = None,
) -> str:
    """Return a link that works for this principal for some minutes.

    The expiry is rounded up to whole periods, so that pages shown soon after each other use the
    same link and the browser its copy.
    """
    rows = {
        "p": photo_id,
        "f": face_id,
        "q": probe_face_id,
        "v": verification_face_id,
        "k": track_frame_id,
    }
    letter, pk = next((letter, pk) for letter, pk in rows.items() if pk is not None)
    period = settings.PICTURE_LINK_SECONDS
    expiry = (int(time.time()) // period + 2) * period
    body = f"{_LETTERS[kind]}{letter}.{_short(pk)}.{expiry:x}"
    return reverse("picture", args=[f"{body}.{_sign(body, principal)}"])


def read_link(token: str, *, principal: Principal) -> Link | None:
    """Return what the link names, or None unless it is whole, fresh and this principal's."""
    body, _, signature = token.rpartition(".")
    if not body or not constant_time_compare(signature, _sign(body, principal)):
        return None
    head, short, expiry = body.split(".")
    if int(expiry, 16) < time.time():
        return None
    return Link(kind=_KINDS[head[0]], row=_ROWS[head[1]], pk=_long(short))


def render_picture(link: Link, *, principal: Principal) -> Picture | None:
    """Return the picture, None where the row is gone or somebody else's.

    What browsers show is decoded and encoded again, so it carries no metadata. `input` is the crop
    of a face as its network gets it, `input2` as the second network of an ensemble does.
    """
    found = _find(link, principal)
    if found is None:
        return None
    photo, face = found
    data = _bytes_of(photo)
    if link.kind == "original":
        return _export(photo, data, principal)
    with refusals():
        pixels = sandbox.decode_image(data).pixels
        if link.kind == "crop" and face is not None:
            pixels = crop_face(pixels, box_of(face), margin=CROP_MARGIN, size=CROP_SIDE)
        elif link.kind in INPUTS and face is not None:
            versions = _versions_of(face)
            place = INPUTS.index(link.kind)
            if place >= len(versions):
                return None
            preprocessing = registry.get(versions[place].network).preprocessing
            points = np.asarray(face.landmarks, np.float32).reshape(-1, 2)
            pixels = seen_crop(pixels, box_of(face), points, preprocessing)
        else:
            side = SCREEN_SIDE if link.kind == "screen" else THUMB_SIDE
            pixels = thumbnail(pixels, side)
        return Picture(data=encode_jpeg(pixels, quality=85), media_type="image/jpeg")


def _versions_of(face: PicturedFace) -> tuple[ModelVersion, ...]:
    """Return the versions that embedded a face, the first one first."""
    if isinstance(face, FaceImage):
        return components_of(face.gallery)
    if isinstance(face, ProbeFace):
        return networks_of(face.probe)
    if isinstance(face, TrackFrame):
        return (face.track.video.model_version,)
    return (face.picture.verification.model_version,)


def _find(link: Link, principal: Principal) -> tuple[Photo, PicturedFace | None] | None:
    if link.row == "photo":
        photo = Photo.objects.visible_to(principal).filter(pk=link.pk).first()
        return None if photo is None else (photo, None)
    if link.row == "face":
        face = (
            FaceImage.objects.visible_to(principal)
            .select_related("photo")
            .filter(pk=link.pk)
            .first()
        )
        return None if face is None else (face.photo, face)
    if link.row == "verification_face":
        return _compared(link.pk, principal)
    if link.row == "track_frame":
        frame = frame_of(link.pk, principal)
        return None if frame is None or frame.photo is None else (frame.photo, frame)
    probe_face = (
        ProbeFace.objects.select_related("probe__photo")
        .filter(pk=link.pk, probe__in=Probe.objects.visible_to(principal))
        .first()
    )
    if probe_face is None or probe_face.probe.photo is None:
        return None
    return probe_face.probe.photo, probe_face


def _compared(pk: uuid.UUID, principal: Principal) -> tuple[Photo, VerificationFace] | None:
    face = (
        VerificationFace.objects.select_related("picture__photo")
        .filter(pk=pk, picture__verification__in=Verification.objects.visible_to(principal))
        .first()
    )
    if face is None or face.picture.photo is None:
        return None
    return face.picture.photo, face


def _bytes_of(photo: Photo) -> bytes:
    try:
        return storage.open_photo(photo.organization_id, photo.sha256)
    except FileNotFoundError as error:
        raise DomainError("file_missing", "The photo's file is missing.", status=404) from error


def _export(photo: Photo, data: bytes, principal: Principal) -> Picture:
    audit.record(
        organization_id=photo.organization_id,
        actor=principal.actor,
        action="picture.export",
        target_type="photo",
        target_id=photo.pk,
    )
    suffix = photo.media_type.rpartition("/")[2]
    return Picture(data=data, media_type=photo.media_type, filename=f"{photo.sha256[:16]}.{suffix}")


def _sign(body: str, principal: Principal) -> str:
    who = principal.api_key.pk if principal.api_key else principal.user.pk if principal.user else ""
    signer = Signer(salt="recognition.pictures")
    return signer.signature(f"{body}|{who}|{principal.organization_id}")


def _short(pk: uuid.UUID) -> str:
    return base64.urlsafe_b64encode(pk.bytes).decode().rstrip("=")


def _long(short: str) -> uuid.UUID:
    return uuid.UUID(bytes=base64.urlsafe_b64decode(f"{short}=="))
