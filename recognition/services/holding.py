"""Keeping rows from being deleted while others are written that point at them.

The database checks a reference when the transaction commits, which is too late for a clear answer.
Whoever deletes locks the row for update first; whoever refers to it holds it here first. Order:
gallery, identities, faces, bytes of photos; rows of one kind by their ids.
"""

import uuid
from collections.abc import Iterable

from django.db import connection
from psycopg import sql

from faceplatform.core.errors import Conflict
from recognition.models import FaceImage, Gallery, Identity


def hold(
    model: type[Gallery] | type[Identity] | type[FaceImage], ids: Iterable[uuid.UUID]
) -> set[uuid.UUID]:
    """Keep rows until the commit; return the ids of those that are there.

    Any number of transactions may hold the same row; a deletion waits for all of them.
    """
    query = sql.SQL("SELECT id FROM {} WHERE id = ANY(%s) ORDER BY id FOR KEY SHARE").format(
        sql.Identifier(model._meta.db_table)
    )
    with connection.cursor() as cursor:
        cursor.execute(query, [list(ids)])
        return {row[0] for row in cursor.fetchall()}


def hold_gallery(gallery: Gallery) -> None:
    """Keep a gallery until the commit. Raises Conflict `gallery_gone` if it was deleted."""
    if not hold(Gallery, [gallery.pk]):
        raise Conflict("gallery_gone", "This gallery was deleted meanwhile.")
