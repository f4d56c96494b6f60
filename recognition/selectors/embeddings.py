"""Many templates at once, as arrays for measurements."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from django.db.models import BinaryField, F, Func, QuerySet

from recognition.models import FaceTemplate, ModelVersion
from recognition.vision.types import Floats

_PART = 2000


class _Sent(Func):
    """A halfvec as PostgreSQL sends it: two int16 (length, zero), then big-endian float16."""

    function = "halfvec_send"
    output_field = BinaryField()


@dataclass(frozen=True, slots=True, eq=False)
class Templates:
    """Unit-norm embeddings, float32 (N, d), in the order of `faces`, and whose they are."""

    faces: tuple[uuid.UUID, ...]
    owners: tuple[uuid.UUID, ...]
    embeddings: Floats


def templates_of_faces(faces: Sequence[uuid.UUID], version: ModelVersion) -> Templates:
    """Return the templates that these faces have under a version; faces without one are left out.

    Whether a face is searchable does not matter: it was chosen.
    """
    return _read(FaceTemplate.objects.filter(face_id__in=faces, model_version=version), version)


def _read(rows: "QuerySet[FaceTemplate]", version: ModelVersion) -> Templates:
    faces: list[uuid.UUID] = []
    owners: list[uuid.UUID] = []
    parts: list[Floats] = [np.empty((0, version.dimension), np.float32)]
    part: list[Floats] = []
    known = rows.filter(face__identity__isnull=False).order_by("face_id")
    sent = known.annotate(sent=_Sent(F("embedding")))
    values = sent.values_list("face_id", "face__identity_id", "sent")
    for face_id, owner, vector in values.iterator(chunk_size=_PART):
        faces.append(face_id)
        owners.append(owner)
        part.append(np.frombuffer(vector, ">f2", offset=4).astype(np.float32))
        if len(part) == _PART:
            parts.append(np.stack(part))
            part = []
    if part:
        parts.append(np.stack(part))
    matrix = np.concatenate(parts)
    norms = np.linalg.norm(matrix, axis=1, keepdims=True)
    unit = np.asarray(matrix / np.maximum(norms, 1e-10), np.float32)
    return Templates(tuple(faces), tuple(owners), unit)
