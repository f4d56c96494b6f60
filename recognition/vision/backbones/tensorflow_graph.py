"""Constants of a frozen TensorFlow graph, without TensorFlow.

A frozen graph is one protocol buffer message `GraphDef`. Only the few fields that hold constants
are read here: GraphDef.node (1), NodeDef.name (1), .op (2), .attr (5), AttrValue.tensor (8),
TensorProto.dtype (1), .tensor_shape (2), .tensor_content (4), .float_val (5).
Field numbers are those of tensorflow/core/framework/*.proto; the wire format is documented at
https://protobuf.dev/programming-guides/encoding/.
"""

import struct
from collections.abc import Iterator

import numpy as np

from recognition.vision.errors import ModelDamaged
from recognition.vision.types import Floats

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_DT_FLOAT = 1


def float_constants(graph: bytes) -> dict[str, Floats]:
    """Every float32 constant of the graph by the name of its node.

    Raises ModelDamaged when the bytes are no such graph.
    """
    found: dict[str, Floats] = {}
    try:
        for number, node in _fields(memoryview(graph)):
            if number == 1 and isinstance(node, memoryview):
                _read_node(node, found)
    except (IndexError, ValueError, struct.error) as error:
        raise ModelDamaged(f"The TensorFlow graph cannot be read: {error}") from error
    return found


def _fields(message: memoryview) -> Iterator[tuple[int, int | memoryview]]:
    """Field number and value: an int for numbers, the bytes for everything with a length."""
    position = 0
    while position < len(message):
        key, position = _varint(message, position)
        kind = key & 7
        if kind == _VARINT:
            value, position = _varint(message, position)
            yield key >> 3, value
            continue
        if kind == _BYTES:
            size, position = _varint(message, position)
        elif kind in (_FIXED32, _FIXED64):
            size = 4 if kind == _FIXED32 else 8
        else:
            raise ValueError(f"wire type {kind}")
        if position + size > len(message):
            raise ValueError("field reaches over the end")
        yield key >> 3, message[position : position + size]
        position += size


def _varint(message: memoryview, position: int) -> tuple[int, int]:
    """A base-128 integer and the position behind it."""
    value = shift = 0
    while True:
        byte = message[position]
        position += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, position
        shift += 7


def _read_node(node: memoryview, found: dict[str, Floats]) -> None:
    name = operation = ""
    tensor: memoryview | None = None
    for number, value in _fields(node):
        if not isinstance(value, memoryview):
            continue
        if number == 1:
            name = str(value, "utf-8")
        elif number == 2:
            operation = str(value, "utf-8")
        elif number == 5:
            tensor = _tensor_of(value) or tensor
    if operation == "Const" and tensor is not None:
        values = _read_tensor(tensor)
        if values is not None:
            found[name] = values


def _tensor_of(entry: memoryview) -> memoryview | None:
    """The tensor in one entry of a node's attribute map, None for any other attribute."""
    for number, value in _fields(entry):
        if number == 2 and isinstance(value, memoryview):
            for inner, content in _fields(value):
                if inner == 8 and isinstance(content, memoryview):
                    return content
    return None


def _read_tensor(tensor: memoryview) -> Floats | None:
    """A float32 tensor, None for other types."""
    shape: list[int] = []
    values: Floats | None = None
    for number, value in _fields(tensor):
        if number == 1 and value != _DT_FLOAT:
            return None
        if not isinstance(value, memoryview):
            continue
        if number == 2:
            shape = _read_shape(value)
        elif number in (4, 5):
            values = np.frombuffer(value, "<f4")
    if values is None:
        return None
    if values.size == 1 and shape:  # one value stands for all
        return np.full(shape, values[0], np.float32)
    return values.reshape(shape).astype(np.float32)


def _read_shape(message: memoryview) -> list[int]:
    sizes = []
    for number, dimension in _fields(message):
        if number == 2 and isinstance(dimension, memoryview):
            sizes.append(
                next((v for n, v in _fields(dimension) if n == 1 and isinstance(v, int)), 0)
            )
    return sizes
