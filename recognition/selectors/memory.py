"""Galleries held in this process's memory for exact search, kept in step with the database.

Every change of a template leaves a row (see `models.search.TemplateChange`). Before a search the
rows written since the last look are read, so a committed change is seen by the next search. A
matrix is read in the background; until it is there the database answers.
"""

import logging
import threading
import time
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from uuid import UUID

import numpy as np
from django.conf import settings
from django.db import DatabaseError, connection, connections

from recognition.vision.types import Floats

if TYPE_CHECKING:
    from recognition.vision.half_matrix import HalfMatrix

logger = logging.getLogger(__name__)

Key = tuple[UUID, UUID]
FORGOTTEN_AFTER = 12 * 3600.0
"""Seconds without a look after which a matrix is read anew: changes are kept for a day."""

_CHANGES = """
    SELECT one.horizon, c.id, c.template_id, c.transaction
      FROM (SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint AS horizon) one
      LEFT JOIN recognition_templatechange c
        ON c.gallery_id = %s AND c.model_version_id = %s
       AND c.transaction >= coalesce(%s::bigint, one.horizon)
"""
_COPY = """
    COPY (SELECT t.id, t.face_id, t.embedding FROM recognition_facetemplate t
           WHERE t.gallery_id = '{gallery}' AND t.model_version_id = '{version}' AND t.searchable)
      TO STDOUT (FORMAT BINARY)
"""
_ROWS = """
    SELECT t.id, t.face_id, halfvec_send(t.embedding) FROM recognition_facetemplate t
     WHERE t.id = ANY(%s) AND t.gallery_id = %s AND t.model_version_id = %s AND t.searchable
"""
_HEADER = 19  # bytes before the first row of PostgreSQL's binary COPY: signature, flags, extension


@dataclass(slots=True)
class _Held:
    """A matrix and how far into the changes it has been brought."""

    matrix: "HalfMatrix"
    horizon: int
    seen: set[int] = field(default_factory=set)
    looked_at: float = field(default_factory=time.monotonic)
    lock: threading.Lock = field(default_factory=threading.Lock)


_held: "OrderedDict[Key, _Held]" = OrderedDict()
_loading: set[Key] = set()
_lock = threading.Lock()


def fits(templates: int, dimension: int) -> bool:
    """Whether a gallery of this size may be held in memory at all."""
    return 0 < _bytes(templates, dimension) <= settings.SEARCH_MEMORY_BYTES


def is_held(gallery_id: UUID, version_id: UUID) -> bool:
    """Whether this process holds the gallery now."""
    with _lock:
        return (gallery_id, version_id) in _held


def nearest(
    gallery_id: UUID, version_id: UUID, dimension: int, probe: Floats, limit: int
) -> list[tuple[UUID, float]] | None:
    """Faces and scores, best first, from memory; None where the gallery is not held yet.

    Asking for one that is not held starts reading it. Inside a transaction the database answers: it
    alone knows what is not committed.
    """
    if connection.in_atomic_block:
        return None
    key = (gallery_id, version_id)
    with _lock:
        held = _held.get(key)
        if held is not None:
            _held.move_to_end(key)
    if held is None or not _catch_up(key, held):
        begin(gallery_id, version_id, dimension)
        return None
    _, owners, scores = held.matrix.search(probe, limit)
    return [
        (UUID(bytes=bytes(owner)), float(score))
        for owner, score in zip(owners, scores, strict=True)
    ]


def begin(gallery_id: UUID, version_id: UUID, dimension: int) -> None:
    """Start reading a gallery into memory, unless that is going on."""
    key = (gallery_id, version_id)
    with _lock:
        if key in _loading:
            return
        _loading.add(key)
    work = threading.Thread(target=_load_quietly, args=(key, dimension), daemon=True)
    work.name = "search-memory"
    work.start()


def load(gallery_id: UUID, version_id: UUID, dimension: int) -> int:
    """Read a gallery into memory and wait for it; the number of its templates."""
    key = (gallery_id, version_id)
    held = _read(key, dimension)
    with _lock:
        _held[key] = held
        _held.move_to_end(key)
        _drop_until_it_fits()
    return len(held.matrix)


def forget() -> None:
    """Drop everything that is held."""
    with _lock:
        _held.clear()


def _load_quietly(key: Key, dimension: int) -> None:
    try:
        load(*key, dimension)
    except DatabaseError as error:
        logger.warning("gallery %s is not held in memory: %s", key[0], error)
    finally:
        with _lock:
            _loading.discard(key)
        connections.close_all()


def _read(key: Key, dimension: int) -> _Held:
    from recognition.vision.half_matrix import HalfMatrix

    matrix = HalfMatrix(dimension)
    record = np.dtype(
        [("head", "V6"), ("id", ">i8"), ("size", "V4"), ("face", "V16"), ("vector", "V8"),
         ("values", ">f2", (dimension,))]
    )  # fmt: skip
    with connection.cursor() as cursor:
        # Notes that can be seen before the rows are read describe what the rows hold already. They
        # have to be remembered: any open transaction, of whatever database, keeps the horizon back.
        cursor.execute(_CHANGES, [*key, None])
        notes = cursor.fetchall()
        rest = bytearray()
        statement = _COPY.format(gallery=UUID(str(key[0])), version=UUID(str(key[1])))
        with cursor.copy(statement) as copy:
            for number, block in enumerate(copy):
                rest += bytes(block)[_HEADER if number == 0 else 0 :]
                if len(rest) >= 8 << 20:
                    rest = _take(matrix, rest, record)
        _take(matrix, rest, record)
    return _Held(matrix, notes[0][0], {row[1] for row in notes if row[1] is not None})


def _take(matrix: "HalfMatrix", data: bytearray, record: np.dtype[np.void]) -> bytearray:
    """Put all complete rows into the matrix; return what is left over."""
    count = len(data) // record.itemsize
    rows = np.frombuffer(bytes(data[: count * record.itemsize]), record)
    matrix.put(rows["id"].astype(np.int64), rows["face"].copy(), rows["values"].astype(np.float16))
    return data[count * record.itemsize :]


def _catch_up(key: Key, held: _Held) -> bool:
    """Apply what changed since the last look; False where everything has to be read again."""
    with held.lock:
        now = time.monotonic()
        if now - held.looked_at > FORGOTTEN_AFTER:
            return _drop(key)
        with connection.cursor() as cursor:
            cursor.execute(_CHANGES, [*key, held.horizon])
            rows = cursor.fetchall()
        fresh = [row for row in rows if row[1] is not None and row[1] not in held.seen]
        if any(row[2] is None for row in fresh):
            return _drop(key)
        if fresh:
            _apply(key, held, sorted({row[2] for row in fresh}))
        held.horizon = rows[0][0]
        held.seen = {row[1] for row in rows if row[1] is not None and row[3] >= held.horizon}
        held.looked_at = now
    return True


def _apply(key: Key, held: _Held, template_ids: list[int]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(_ROWS, [template_ids, *key])
        rows = cursor.fetchall()
    present = np.array([row[0] for row in rows], np.int64)
    gone = np.setdiff1d(np.array(template_ids, np.int64), present)
    if len(gone):
        held.matrix.remove(gone)
    if rows:
        owners = np.frombuffer(b"".join(row[1].bytes for row in rows), "V16")
        values = np.frombuffer(b"".join(bytes(row[2])[4:] for row in rows), ">f2")
        held.matrix.put(present, owners, values.reshape(len(rows), -1).astype(np.float16))


def _drop(key: Key) -> bool:
    with _lock:
        _held.pop(key, None)
    return False


def _drop_until_it_fits() -> None:
    """Drop what was asked longest ago; call it with the lock."""
    while len(_held) > 1:
        total = sum(_bytes(len(held.matrix), held.matrix.dimension) for held in _held.values())
        if total <= settings.SEARCH_MEMORY_BYTES:
            return
        _held.popitem(last=False)


def _bytes(templates: int, dimension: int) -> int:
    from recognition.vision.half_matrix import HalfMatrix

    return HalfMatrix.bytes_for(templates, dimension)
