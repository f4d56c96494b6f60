"""The file of all pairs, or of a selection of them, for those who want it: streamed, size told."""

import csv
import gzip
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Literal, cast

import numpy as np
from numpy.typing import ArrayLike

from training.evaluation.arrays import EvaluationError, Floats, Ints, Progress, labels, unit_rows
from training.evaluation.sink import Sink
from training.evaluation.tables import safe_cell

Kind = Literal["all", "mated", "nonmated"]
FileFormat = Literal["csv.gz", "parquet"]
_HEAD = ("path1", "path2", "score", "mated")
_ROWS = 256
_SAMPLE = 20_000


@dataclass(frozen=True, slots=True)
class Selection:
    """Which pairs: of one kind, with scores from `low` to `high`, both included."""

    kind: Kind = "all"
    low: float = -1.0
    high: float = 1.0


@dataclass(frozen=True, slots=True)
class ExportSize:
    """What an export will hold: pairs, exactly, and bytes of the file, estimated from a sample."""

    pairs: int
    bytes: int


@dataclass(frozen=True, slots=True, eq=False)
class _Batch:
    first: Ints
    second: Ints
    scores: Floats
    mated: Ints

    def head(self, count: int) -> "_Batch":
        return _Batch(
            self.first[:count], self.second[:count], self.scores[:count], self.mated[:count]
        )


def export_size(
    templates: ArrayLike,
    identities: ArrayLike,
    names: Sequence[str],
    selection: Selection,
    file_format: FileFormat,
    *,
    progress: Progress | None = None,
) -> ExportSize:
    """How large `export_pairs` will be. It compares all pairs once; nothing is written."""
    pairs = sampled = 0
    stream = io.BytesIO()
    writer = _writer(stream, file_format, names)
    for batch in _batches(templates, identities, names, selection, progress):
        pairs += len(batch.scores)
        part = batch.head(min(_SAMPLE - sampled, _SAMPLE // 4))
        sampled += len(part.scores)
        writer.write(part)
    writer.close()
    size = len(stream.getvalue())
    return ExportSize(pairs, size if sampled == pairs else int(size / sampled * pairs))


def export_pairs(
    path: Path,
    templates: ArrayLike,
    identities: ArrayLike,
    names: Sequence[str],
    selection: Selection,
    file_format: FileFormat,
    *,
    progress: Progress | None = None,
) -> int:
    """Write the selected pairs and return how many: path1, path2, score (7 decimals), mated (1/0).

    `templates` float32 (N, D); `names` (N,) as they shall stand in the file. What `progress` raises
    stops it and removes the file.
    """
    draft = path.with_name(path.name + ".part")
    try:
        with draft.open("wb") as stream:
            writer = _writer(stream, file_format, names)
            count = 0
            for batch in _batches(templates, identities, names, selection, progress):
                writer.write(batch)
                count += len(batch.scores)
            writer.close()
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
    return count


def stream_pairs(
    templates: ArrayLike,
    identities: ArrayLike,
    names: Sequence[str],
    selection: Selection,
    file_format: FileFormat,
) -> Iterator[bytes]:
    """Yield the file of `export_pairs` part by part, in bounded memory."""
    sink = Sink()
    writer = _writer(sink, file_format, names)
    for batch in _batches(templates, identities, names, selection, None):
        writer.write(batch)
        if part := sink.taken():
            yield part
    writer.close()
    yield sink.taken()


def _batches(
    templates: ArrayLike,
    identities: ArrayLike,
    names: Sequence[str],
    selection: Selection,
    progress: Progress | None,
) -> Iterator[_Batch]:
    rows = unit_rows(templates)
    label = labels(identities, len(rows))
    if len(names) != len(rows):
        raise EvaluationError("bad_labels", "one name per template is needed")
    for start in range(0, len(rows), _ROWS):
        scores = rows[start : start + _ROWS] @ rows[start:].T
        wanted = (scores >= selection.low) & (scores <= selection.high)
        wanted &= np.arange(len(scores))[:, None] < np.arange(scores.shape[1])[None, :]
        if selection.kind != "all":
            same = label[start : start + _ROWS, None] == label[None, start:]
            wanted &= same if selection.kind == "mated" else ~same
        first, second = np.nonzero(wanted)
        mated = label[first + start] == label[second + start]
        yield _Batch(first + start, second + start, scores[first, second], mated.astype(np.int64))
        if progress is not None:
            progress(min(start + _ROWS, len(rows)), len(rows))


class _CsvGz:
    def __init__(self, stream: IO[bytes] | Sink, names: Sequence[str]) -> None:
        self._names = [str(safe_cell(name)) for name in names]
        # A fixed time and no name: the same pairs are the same bytes.
        self._packed = gzip.GzipFile("", "wb", 6, cast("IO[bytes]", stream), mtime=0)
        self._text = io.TextIOWrapper(self._packed, encoding="utf-8", newline="")
        self._writer = csv.writer(self._text, lineterminator="\n")
        self._writer.writerow(_HEAD)

    def write(self, batch: _Batch) -> None:
        names = self._names
        columns = (batch.first, batch.second, batch.scores, batch.mated)
        self._writer.writerows(
            (names[a], names[b], f"{score:.7f}", mated)
            for a, b, score, mated in zip(*(c.tolist() for c in columns), strict=True)
        )

    def close(self) -> None:
        self._text.flush()
        self._packed.close()


class _Parquet:
    def __init__(self, stream: IO[bytes] | Sink, names: Sequence[str]) -> None:
        import pyarrow as pa
        import pyarrow.parquet as pq

        self._pa = pa
        self._names = pa.array([str(name) for name in names], pa.string())
        types = (pa.string(), pa.string(), pa.float32(), pa.int8())
        self._schema = pa.schema(list(zip(_HEAD, types, strict=True)))
        self._writer = pq.ParquetWriter(stream, self._schema, compression="zstd")

    def write(self, batch: _Batch) -> None:
        if not len(batch.scores):
            return
        columns = [
            self._names.take(self._pa.array(batch.first)),
            self._names.take(self._pa.array(batch.second)),
            self._pa.array(batch.scores),
            self._pa.array(batch.mated.astype(np.int8)),
        ]
        self._writer.write_table(self._pa.Table.from_arrays(columns, schema=self._schema))

    def close(self) -> None:
        self._writer.close()


def _writer(
    stream: IO[bytes] | Sink, file_format: FileFormat, names: Sequence[str]
) -> _CsvGz | _Parquet:
    if file_format == "csv.gz":
        return _CsvGz(stream, names)
    if file_format == "parquet":
        return _Parquet(stream, names)
    raise EvaluationError("bad_format", f"{file_format} is neither csv.gz nor parquet")
