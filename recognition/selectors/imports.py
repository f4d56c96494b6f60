"""What pages show of an import."""

from django.db.models import QuerySet

from faceplatform.core.models import Job
from recognition.models import FaceImage, ImportItem, ImportRun


def latest_faces(job: Job, *, limit: int = 10) -> list[FaceImage]:
    """Return the faces that a running import enrolled last, newest first."""
    items = (
        ImportItem.objects.filter(run__job=job, face__isnull=False)
        .select_related("face")
        .order_by("-pk")[:limit]
    )
    return [item.face for item in items if item.face is not None]


def items_of(run: ImportRun, *, status: str = "") -> "QuerySet[ImportItem]":
    """Return the result lines of an import in its order, of one status if given."""
    items = run.items.select_related("face").order_by("number", "pk")
    return items.filter(status=status) if status else items
