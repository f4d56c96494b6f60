"""Whether the search replica may answer: only with everything that was committed before.

The primary says how far its log is on disk; the replica must have replayed that far. So an image
that was enrolled is found and one that was erased is not, as on the primary. A replica that is
behind gets a moment to catch up; then, and where it cannot be reached, the primary answers.
"""

import logging
import math
import time

from django.db import DatabaseError, connection, connections

from recognition.metrics import REPLICA_SEARCHES

logger = logging.getLogger(__name__)

ALIAS = "search"
PATIENCE = 0.02
"""Seconds that a replica gets to catch up."""
SILENCE = 10.0
"""Seconds in which a replica that could not be reached is not asked again."""
_STEP = 0.004
_WRITTEN = "SELECT pg_current_wal_flush_lsn()::text"
_REPLAYED = "SELECT NOT pg_is_in_recovery() OR pg_last_wal_replay_lsn() >= %s::pg_lsn"


class _Silence:
    """Until when the replica is left alone, on the monotonic clock."""

    until = -math.inf


_silence = _Silence()


def is_current() -> bool:
    """Return whether there is a replica and it has what the primary has now.

    Inside a transaction the answer is no: the primary alone knows what is not committed.
    """
    if ALIAS not in connections.settings or connection.in_atomic_block:
        return False
    if time.monotonic() < _silence.until:
        return False
    with connection.cursor() as cursor:
        cursor.execute(_WRITTEN)
        written = cursor.fetchone()[0]
    try:
        current = _reaches(written)
    except DatabaseError as error:
        failed(error)
        return False
    REPLICA_SEARCHES.add(1, used=str(current).lower())
    return current


def failed(error: DatabaseError) -> None:
    """Leave a replica alone for a while that could not be reached or broke off a search."""
    _silence.until = time.monotonic() + SILENCE
    connections[ALIAS].close()
    logger.warning("the search replica does not answer, the primary does: %s", error)


def _reaches(position: str) -> bool:
    deadline = time.monotonic() + PATIENCE
    while True:
        with connections[ALIAS].cursor() as cursor:
            cursor.execute(_REPLAYED, [position])
            if cursor.fetchone()[0]:
                return True
        if time.monotonic() >= deadline:
            return False
        time.sleep(_STEP)
