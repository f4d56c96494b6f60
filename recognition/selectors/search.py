"""Finding the nearest faces of a gallery, the way `tiers` chooses."""

from recognition.metrics import SEARCH_SECONDS
from recognition.models import Gallery
from recognition.selectors import memory, templates
from recognition.selectors.templates import Match
from recognition.selectors.tiers import SearchPlan, Tier, search_plan
from recognition.vision.types import Floats


def nearest(
    gallery: Gallery, embedding: Floats, *, limit: int, plan: SearchPlan | None = None
) -> list[Match]:
    """Return the `limit` stored faces with the highest cosines, best first.

    Until a gallery has been read into memory, and inside a transaction, the database answers.
    """
    plan = plan or search_plan(gallery)
    version = gallery.model_version
    if plan.tier == Tier.MEMORY:
        with SEARCH_SECONDS.time():
            found = memory.nearest(gallery.pk, version.pk, version.dimension, embedding, limit)
        if found is not None:
            return [Match(face_id=face, score=score) for face, score in found]
    if plan.index is not None and plan.index.first_same is not None and plan.tier != Tier.EXACT:
        return templates.nearest_by_index(
            gallery, embedding, limit=limit, ef_search=plan.index.ef_search
        )
    return templates.nearest(gallery, embedding, limit=limit)
