"""Idempotency-Key: a sender who did not hear the answer may send a POST again.

The first request claims the key, a repetition gets the row that the first one made. Another request
under the same key is refused.
"""

import hashlib
import json
import re
import uuid
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

from django.core.files.uploadedfile import UploadedFile
from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.datastructures import MultiValueDict
from rest_framework.request import Request

from faceplatform.core.errors import Conflict, DomainError
from faceplatform.core.models import RepeatableRequest

HEADER = "Idempotency-Key"
KEPT = timedelta(hours=24)
LONGEST_RUN = timedelta(minutes=10)
_KEY = re.compile(r"[!-~]{1,128}")


def key_of(request: Request) -> str | None:
    """Return the key of the request, None without one. Raises `idempotency_key_invalid`."""
    key = request.headers.get(HEADER)
    if key is not None and not _KEY.fullmatch(key):
        raise DomainError(
            "idempotency_key_invalid", f"{HEADER} has 1 to 128 visible ASCII characters."
        )
    return key


def run_once(
    make: Callable[[], uuid.UUID],
    *,
    request: Request,
    key: str,
    caller: str,
    organization_id: uuid.UUID,
) -> tuple[uuid.UUID, bool]:
    """Run `make` unless this key did before; return the row's id and whether it was made now.

    A `make` that raises leaves the key free. Raises Conflict `idempotency_conflict` for another
    request under the same key, `idempotency_running` while the first one runs.
    """
    fingerprint = fingerprint_of(request)
    claimed = _claim(caller, key, fingerprint, organization_id)
    if claimed is None:
        return _answered(caller, key, fingerprint), False
    try:
        row = make()
    except BaseException:
        claimed.delete()
        raise
    RepeatableRequest.objects.filter(pk=claimed.pk).update(row=row)
    return row, True


def fingerprint_of(request: Request) -> str:
    """Return a hash of address and content; a form's boundary is no part of it."""
    digest = hashlib.sha256()
    for part in (request.method or "", request.path, *_content(request.data)):
        data = part.encode() if isinstance(part, str) else part
        digest.update(len(data).to_bytes(8, "big") + data)
    return digest.hexdigest()


def _content(data: Any) -> Iterator[str | bytes]:
    if not isinstance(data, MultiValueDict):
        yield json.dumps(data, sort_keys=True)
        return
    for name, values in sorted(data.lists()):
        for value in values:
            yield name
            yield _hash(value) if isinstance(value, UploadedFile) else str(value)


def _hash(upload: UploadedFile) -> bytes:
    digest = hashlib.sha256((upload.name or "").encode())
    for chunk in upload.chunks():
        digest.update(chunk)
    upload.seek(0)
    return digest.digest()


def _claim(
    caller: str, key: str, fingerprint: str, organization_id: uuid.UUID
) -> RepeatableRequest | None:
    """Take the key; None if it is taken."""
    now = timezone.now()
    RepeatableRequest.objects.filter(created_at__lt=now - KEPT).delete()
    # A process that died left its key without a row.
    RepeatableRequest.objects.filter(
        caller=caller, key=key, row=None, created_at__lt=now - LONGEST_RUN
    ).delete()
    try:
        with transaction.atomic():
            return RepeatableRequest.objects.create(
                organization_id=organization_id, caller=caller, key=key, fingerprint=fingerprint
            )
    except IntegrityError as error:
        if "repeatable_request_once" not in str(error):
            raise
        return None


def _answered(caller: str, key: str, fingerprint: str) -> uuid.UUID:
    first = RepeatableRequest.objects.filter(caller=caller, key=key).first()
    if first is not None and first.fingerprint != fingerprint:
        raise Conflict("idempotency_conflict", f"This {HEADER} was used for another request.")
    if first is None or first.row is None:
        raise Conflict("idempotency_running", "The first request with this key still runs.")
    return first.row
