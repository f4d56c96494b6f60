"""Rows and files of photos, kept in step."""

import uuid
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Protocol

from django.db import connection, transaction

from faceplatform.core import storage
from recognition.models import Photo, TrackFrame, VerificationPhoto

_WRITERS = 4


class PhotoFacts(Protocol):
    """What the row of a photo says; `services.vision.AnalysedPhoto` knows it."""

    @property
    def sha256(self) -> str:
        """Checksum of the bytes, in hex."""

    @property
    def size(self) -> int:
        """Number of bytes."""

    @property
    def media_type(self) -> str:
        """Such as image/jpeg."""

    @property
    def width(self) -> int:
        """Pixels of the upright photo."""

    @property
    def height(self) -> int:
        """Pixels of the upright photo."""


def store_photo(
    *, organization_id: uuid.UUID, data: bytes, analysed: PhotoFacts, path: str
) -> Photo:
    """Store bytes and row of a photo, once per organization; call it inside a transaction.

    It holds a lock on these bytes until the commit, so that two writers of one photo and its
    deletion come one after the other. The file is complete before the row exists.
    """
    lock_bytes(organization_id, analysed.sha256)
    storage.put_photo(organization_id, data)
    photo, _ = Photo.objects.get_or_create(
        organization_id=organization_id,
        sha256=analysed.sha256,
        defaults={
            "size": analysed.size,
            "media_type": analysed.media_type,
            "width": analysed.width,
            "height": analysed.height,
            "original_path": path[:1024],
        },
    )
    return photo


def store_photos(
    *, organization_id: uuid.UUID, photos: Sequence[tuple[PhotoFacts, bytes, str]]
) -> dict[str, Photo]:
    """Store several photos with their bytes and paths as `store_photo` does; rows by checksum.

    The files are written side by side, because each waits for the disk.
    """
    if not photos:
        return {}
    lock_bytes(organization_id, *(analysed.sha256 for analysed, _, _ in photos))
    files = {analysed.sha256: data for analysed, data, _ in photos}
    with ThreadPoolExecutor(max_workers=_WRITERS, thread_name_prefix="store-photo") as pool:
        for _ in pool.map(partial(storage.put_photo, organization_id), files.values()):
            pass
    Photo.objects.bulk_create(
        (
            Photo(
                organization_id=organization_id,
                sha256=analysed.sha256,
                size=analysed.size,
                media_type=analysed.media_type,
                width=analysed.width,
                height=analysed.height,
                original_path=path[:1024],
            )
            for analysed, _, path in photos
        ),
        ignore_conflicts=True,
    )
    rows = Photo.objects.filter(organization_id=organization_id, sha256__in=files)
    return {photo.sha256: photo for photo in rows}


def photos_of_verifications(**filters: object) -> list[uuid.UUID]:
    """Return the photos that verifications with these fields hold."""
    rows = VerificationPhoto.objects.filter(photo__isnull=False, **filters)
    return [pk for pk in rows.values_list("photo_id", flat=True) if pk is not None]


def photos_of_tracks(**filters: object) -> list[uuid.UUID]:
    """Return the photos that frames of tracks with these fields hold."""
    rows = TrackFrame.objects.filter(photo__isnull=False, **filters)
    return [pk for pk in rows.values_list("photo_id", flat=True) if pk is not None]


def lock_bytes(organization_id: uuid.UUID, *sha256: str) -> None:
    """Wait for, and hold until the commit, the lock on these bytes of this organization.

    There are 2,048 locks for all bytes of an organization, or deleting a large gallery would need
    more than the server has room for. They are taken in the order of the checksums.
    """
    slots = sorted({int(digest[:3], 16) >> 1 for digest in sha256})
    keys = [(organization_id.int ^ slot) & 0x7FFF_FFFF_FFFF_FFFF for slot in slots]
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(key) FROM unnest(%s::bigint[]) AS key", [keys])


def release_photos(photo_ids: Iterable[uuid.UUID]) -> list[str]:
    """Delete those of these photos that no face, probe or verification needs; return their sha256.

    Call it inside the transaction that removed the references; files go after the commit.
    """
    candidates = Photo.objects.filter(pk__in=list(photo_ids)).order_by("sha256")
    by_organization: dict[uuid.UUID, list[str]] = {}
    for organization_id, sha256 in candidates.values_list("organization_id", "sha256"):
        by_organization.setdefault(organization_id, []).append(sha256)
    for organization_id in sorted(by_organization):
        lock_bytes(organization_id, *by_organization[organization_id])
    unused = list(candidates.filter(faces=None, probes=None, verifications=None, track_frames=None))
    for photo in unused:
        photo.delete()
        transaction.on_commit(partial(_delete_file, photo.organization_id, photo.sha256))
    return [photo.sha256 for photo in unused]


def _delete_file(organization_id: uuid.UUID, sha256: str) -> None:
    """Delete the file unless somebody stored the same bytes again meanwhile."""
    with transaction.atomic():
        lock_bytes(organization_id, sha256)
        if not Photo.objects.filter(organization_id=organization_id, sha256=sha256).exists():
            storage.delete_photo(organization_id, sha256)
