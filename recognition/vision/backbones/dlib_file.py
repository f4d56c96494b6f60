"""Tensors out of a network file that dlib has written, without dlib.

dlib writes a network as one stream of its layers, input first. A tensor in it is the version (2),
four integers (samples, channels, rows, columns) and the values as little-endian float32; an
integer is one byte with the number of bytes that follow, then these, lowest first. Between the
tensors lie settings of the layers that a known architecture does not need. The format is that of
dlib's serialize.h and tensor.h.
"""

from collections.abc import Sequence

import numpy as np

from recognition.vision.errors import ModelDamaged
from recognition.vision.types import Floats

Shape = tuple[int, int, int, int]

_VERSION = 2


def integer(value: int) -> bytes:
    """The form in which dlib writes a number that is not negative."""
    body = value.to_bytes((value.bit_length() + 7) // 8 or 1, "little")
    return bytes([len(body)]) + body


def header(shape: Shape) -> bytes:
    """What stands before the values of a tensor of this shape."""
    return integer(_VERSION) + b"".join(integer(size) for size in shape)


def read_tensors(stream: bytes, shapes: Sequence[Shape]) -> list[Floats]:
    """The tensors of these shapes in the order in which they lie in the file.

    Each is searched for behind the one before, so nothing inside a tensor is taken for a header.
    Raises ModelDamaged when one is missing, cut off or holds a value that is no finite number.
    """
    tensors = []
    position = 0
    for number, shape in enumerate(shapes):
        mark = header(shape)
        found = stream.find(mark, position)
        if found < 0:
            raise ModelDamaged(f"dlib's file has no tensor {number} of shape {shape}.")
        start = found + len(mark)
        count = int(np.prod(shape))
        if start + 4 * count > len(stream):
            raise ModelDamaged(f"dlib's file ends inside tensor {number}.")
        values = np.frombuffer(stream, "<f4", count, start).astype(np.float32)
        if not np.isfinite(values).all():
            raise ModelDamaged(f"Tensor {number} of dlib's file is not finite.")
        tensors.append(values.reshape(shape))
        position = start + 4 * count
    return tensors
