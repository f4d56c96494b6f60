"""Heads: what a training run adds to backbones, as a map from their embeddings to new ones.

A head is a file of safetensors: it cannot execute code, and its checksum is part of the digest of
the version it makes.
"""

import json
from dataclasses import dataclass
from typing import Any

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load, save

from recognition.vision.errors import ModelDamaged
from recognition.vision.types import Floats

FORMAT = 1
MAX_DIMENSION = 4096


@dataclass(frozen=True, slots=True, eq=False)
class Head:
    """unit(weight @ x + bias), x the components' embeddings side by side, each times its scale.

    `scales` and `widths` one per component, D the sum of the widths; `weight` is float32 (d, D) and
    `bias` (d,), both None for a head that only scales. The cosine of two vectors that were only
    scaled is the mean of the components' cosines, weighted by the squares of the scales.
    """

    scales: tuple[float, ...]
    widths: tuple[int, ...]
    weight: Floats | None = None
    bias: Floats | None = None

    @property
    def dimension(self) -> int:
        """Length of what comes out."""
        return sum(self.widths) if self.weight is None else int(self.weight.shape[0])

    def apply(self, embeddings: Floats) -> Floats:
        """Map embeddings, float32 (N, D), to unit rows, float32 (N, d)."""
        factors = np.repeat(np.asarray(self.scales, np.float32), self.widths)
        values = embeddings * factors
        if self.weight is not None and self.bias is not None:
            values = values @ self.weight.T + self.bias
        norms = np.linalg.norm(values, axis=1, keepdims=True)
        return np.asarray(values / np.maximum(norms, 1e-10), np.float32)

    def to_bytes(self) -> bytes:
        """Return the head as a file of safetensors; the same head gives the same bytes."""
        tensors: dict[str, np.ndarray[Any, Any]] = {
            "format": np.array([FORMAT], np.int64),
            "scales": np.asarray(self.scales, np.float32),
            "widths": np.asarray(self.widths, np.int64),
        }
        if self.weight is not None and self.bias is not None:
            tensors |= {
                "weight": np.ascontiguousarray(self.weight, np.float32),
                "bias": np.ascontiguousarray(self.bias, np.float32),
            }
        return bytes(save(tensors))

    @classmethod
    def from_bytes(cls, content: bytes) -> "Head":
        """Read a head. Raises ModelDamaged for anything that is none."""
        try:
            tensors = load(content)
            head = cls(
                tuple(float(value) for value in tensors["scales"]),
                tuple(int(value) for value in tensors["widths"]),
                tensors.get("weight"),
                tensors.get("bias"),
            )
            known = int(tensors["format"][0]) == FORMAT
        except (SafetensorError, LookupError, ValueError, json.JSONDecodeError) as error:
            raise ModelDamaged(f"The trained head cannot be read: {error}") from error
        if not known or not _is_sound(head):
            raise ModelDamaged("The trained head is none: its shapes or numbers do not fit.")
        return head


def _is_sound(head: Head) -> bool:
    if not head.widths or len(head.scales) != len(head.widths) or min(head.widths) < 1:
        return False
    if not 1 <= head.dimension <= MAX_DIMENSION or not np.isfinite(head.scales).all():
        return False
    if head.weight is None or head.bias is None:
        return head.weight is None and head.bias is None
    shapes = head.weight.shape == (head.dimension, sum(head.widths)) and head.bias.shape == (
        head.dimension,
    )
    return bool(shapes and np.isfinite(head.weight).all() and np.isfinite(head.bias).all())
