"""The list of a dataset's images: as rows, CSV, Parquet, and as a digest."""

import hashlib
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, fields
from itertools import islice

from recognition.selectors.answers import csv_line
from training.evaluation.sink import Sink
from training.models import Dataset

_CHUNK = 2000


@dataclass(frozen=True, slots=True)
class ManifestRow:
    """One image. The box is in pixels of the upright photo."""

    image_id: str
    identity_id: str
    identity: str
    gallery: str
    part: str
    path: str
    photo_sha256: str
    x1: float
    y1: float
    x2: float
    y2: float
    quality: float


COLUMNS = tuple(field.name for field in fields(ManifestRow))


def manifest_rows(dataset: Dataset) -> Iterator[ManifestRow]:
    """Yield the images that are still there, in a fixed order."""
    rows = dataset.items.select_related("face__photo", "face__gallery", "identity")
    for item in rows.order_by("pk").iterator(chunk_size=_CHUNK):
        face = item.face
        yield ManifestRow(
            image_id=str(face.pk),
            identity_id=str(item.identity_id),
            identity=item.identity.name,
            gallery=face.gallery.name,
            part=item.part,
            path=face.path,
            photo_sha256=face.photo.sha256,
            x1=face.x1,
            y1=face.y1,
            x2=face.x2,
            y2=face.y2,
            quality=face.quality,
        )


def manifest_csv(dataset: Dataset) -> Iterator[str]:
    """Yield the manifest as CSV lines, a head first."""
    yield csv_line(list(COLUMNS))
    for row in manifest_rows(dataset):
        yield csv_line([_cell(getattr(row, column)) for column in COLUMNS])


def manifest_parquet(dataset: Dataset) -> Iterator[bytes]:
    """Yield the manifest as a Parquet file, row group by row group, in bounded memory."""
    import pyarrow as pa
    from pyarrow import parquet

    text = {"identity_id", "identity", "gallery", "image_id", "part", "path", "photo_sha256"}
    kinds = {column: pa.string() if column in text else pa.float64() for column in COLUMNS}
    schema = pa.schema(kinds.items())
    schema = schema.with_metadata({"dataset": str(dataset.pk), "digest": dataset.digest})
    sink = Sink()
    with parquet.ParquetWriter(sink, schema) as writer:
        for part in _parts(manifest_rows(dataset)):
            columns = {column: [getattr(row, column) for row in part] for column in COLUMNS}
            writer.write_table(pa.table(columns, schema=schema))
            yield sink.taken()
    yield sink.taken()


def digest_of(dataset: Dataset) -> str:
    """Return the sha256 over bytes, box, person and part of every image, in any order of rows."""
    rows = dataset.items.order_by("face__photo__sha256", "face__x1", "face__y1", "identity_id")
    values = rows.values_list(
        "face__photo__sha256", "face__x1", "face__y1", "face__x2", "face__y2", "identity_id", "part"
    )
    digest = hashlib.sha256()
    for row in values.iterator(chunk_size=_CHUNK):
        digest.update("|".join(_exact(value) for value in row).encode())
        digest.update(b"\n")
    return digest.hexdigest()


def _exact(value: str | float | uuid.UUID) -> str:
    return f"{value:.2f}" if isinstance(value, float) else str(value)


def _cell(value: str | float) -> str:
    return f"{value:.2f}" if isinstance(value, float) else value


def _parts(rows: Iterator[ManifestRow]) -> Iterator[list[ManifestRow]]:
    while part := list(islice(rows, _CHUNK)):
        yield part
