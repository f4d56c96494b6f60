"""Everything that is kept about one person, as one zip."""

import json
import tempfile
import zipfile
from typing import IO, Any

from faceplatform.core import audit, storage
from faceplatform.core.actors import Actor
from faceplatform.core.errors import DomainError
from recognition.models import FaceImage, Identity

MEMORY = 16 * 1024 * 1024


def export_identity(*, identity: Identity, actor: Actor) -> IO[bytes]:
    """Return an open file with the zip: `person.json` and the original of every photo.

    Vectors are left out: they mean nothing elsewhere. Raises DomainError `file_missing` where a
    photo's file is not there.
    """
    faces = list(identity.faces.select_related("photo").order_by("pk"))
    out = tempfile.SpooledTemporaryFile(max_size=MEMORY)  # noqa: SIM115 (the caller closes it)
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as archive:
        names = _photo_names(faces)
        record = _record_of(identity, faces, names)
        text = json.dumps(record, indent=2, ensure_ascii=False, default=str)
        archive.writestr("person.json", text)
        for face in {face.photo_id: face for face in faces}.values():
            archive.writestr(names[face.photo_id], _original(face))
    out.seek(0)
    audit.record(
        organization_id=identity.organization_id,
        actor=actor,
        action="identity.export",
        target_type="identity",
        target_id=identity.pk,
        target_label=identity.name,
        data={"images": len(faces)},
    )
    return out


def _photo_names(faces: list[FaceImage]) -> dict[Any, str]:
    """Return a name of our own for each photo: theirs may be unsafe in an archive."""
    return {
        face.photo_id: f"photos/{face.photo.sha256[:16]}.{face.photo.media_type.partition('/')[2]}"
        for face in faces
    }


def _original(face: FaceImage) -> bytes:
    try:
        return storage.open_photo(face.photo.organization_id, face.photo.sha256)
    except FileNotFoundError as error:
        raise DomainError("file_missing", "A photo's file is missing.", status=404) from error


def _record_of(identity: Identity, faces: list[FaceImage], names: dict[Any, str]) -> dict[str, Any]:
    return {
        "id": identity.pk,
        "gallery": identity.gallery.name,
        "name": identity.name,
        "external_id": identity.external_id,
        "metadata": identity.metadata,
        "tags": identity.tags,
        "notes": identity.notes,
        "retain_until": identity.retain_until,
        "created_at": identity.created_at,
        "consents": list(
            identity.consents.order_by("pk").values(
                "purpose", "text", "evidence", "given_on", "expires_on", "withdrawn_at"
            )
        ),
        "images": [
            {
                "id": face.pk,
                "photo": names[face.photo_id],
                "sha256": face.photo.sha256,
                "path": face.path,
                "state": face.state,
                "box": [face.x1, face.y1, face.x2, face.y2],
                "landmarks": face.landmarks,
                "quality": {"score": face.quality} | face.quality_parts,
                "created_at": face.created_at,
            }
            for face in faces
        ],
    }
