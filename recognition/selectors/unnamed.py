"""Faces without a name, gathered by likeness."""

from django.db.models import QuerySet

from recognition.models import FaceImage, FaceState, Gallery, ScoreKind
from recognition.selectors.templates import vectors_of_faces
from recognition.selectors.thresholds import threshold_for_size
from recognition.vision.clustering import cluster

UNNAMED = "unnamed"
AT_ONCE = 2000
"""Faces that are compared for one page; the rest comes when these are named."""


def unnamed_faces(gallery: Gallery) -> "QuerySet[FaceImage]":
    """Return faces that were kept for naming, oldest first."""
    rows: QuerySet[FaceImage] = FaceImage.objects.filter(
        gallery=gallery, identity=None, state=FaceState.QUARANTINED, reason=UNNAMED
    )
    return rows.select_related("photo").order_by("pk")


def unnamed_clusters(gallery: Gallery) -> list[list[FaceImage]]:
    """Return the oldest 2,000 unnamed faces by person as far as scores tell, largest group first.

    Two faces belong together from the score that about one pair of strangers in 100 x faces
    reaches: the gallery's default threshold for that many images.
    """
    faces = {face.pk: face for face in unnamed_faces(gallery)[:AT_ONCE]}
    if not faces:
        return []
    ids, vectors = vectors_of_faces(gallery, list(faces))
    threshold = threshold_for_size(gallery, len(ids), kind=ScoreKind.RAW).value
    return [[faces[ids[row]] for row in rows] for rows in cluster(vectors, threshold=threshold)]
