"""Types of arrays, and the checks that every public function makes of what it is given."""

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]
Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]

Progress = Callable[[int, int], None]
"""Called with (done, total). What it raises stops the work and reaches the caller: to cancel."""


class EvaluationError(ValueError):
    """The data cannot be evaluated. `code` is for machines, the message for people."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


def unit_rows(templates: ArrayLike) -> Floats:
    """Templates as contiguous float32 (N, D) of unit rows.

    Rows whose length differs from 1 by up to 1e-2 (half precision storage) are made exactly unit.
    Raises `EvaluationError` `bad_templates` for another shape, NaN, infinity or another length.
    """
    rows = np.ascontiguousarray(templates, dtype=np.float32)
    if rows.ndim != 2 or rows.shape[1] == 0:
        raise EvaluationError("bad_templates", f"templates must be (N, D), not {rows.shape}")
    lengths = np.sqrt(np.einsum("ij,ij->i", rows, rows, dtype=np.float64))
    if not bool(np.isfinite(lengths).all()):
        raise EvaluationError("bad_templates", "templates contain NaN or infinity")
    off = np.abs(lengths - 1.0)
    if len(rows) and float(off.max()) > 1e-2:
        raise EvaluationError("bad_templates", "templates must have unit length")
    if len(rows) and float(off.max()) > 1e-6:
        rows = rows / lengths.astype(np.float32)[:, None]
    return rows


def labels(values: ArrayLike, count: int, name: str = "identities") -> Ints:
    """One label per row as numbers 0..K-1 in the order of the sorted values.

    Accepts integers or strings. Raises `EvaluationError` `bad_labels` when the length differs.
    """
    found = np.asarray(values)
    if found.shape != (count,):
        raise EvaluationError("bad_labels", f"{name} must be ({count},), not {found.shape}")
    if not count:
        return np.zeros(0, np.int64)
    return np.unique(found, return_inverse=True)[1].astype(np.int64)


def pair_scores(scores: ArrayLike, mated: ArrayLike) -> tuple[Doubles, Flags]:
    """Scores float64 (P,) and mated flags (P,), both checked.

    Minus infinity stands for a comparison without a template (failure to enroll). NaN and plus
    infinity are refused with `EvaluationError` `bad_scores`.
    """
    values = np.asarray(scores, np.float64)
    flags = np.asarray(mated, bool)
    if values.ndim != 1 or values.shape != flags.shape:
        raise EvaluationError("bad_scores", "scores and mated must be (P,) of one length")
    if bool(np.isnan(values).any()) or bool((values == np.inf).any()):
        raise EvaluationError("bad_scores", "scores contain NaN or infinity")
    return values, flags
