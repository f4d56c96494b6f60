"""The arithmetic between MTCNN's three networks, in numpy.

It follows facenet-pytorch's implementation, which is the reference the detector is tested against;
where that one loops over boxes, this works on all of them. Boxes are float32 (K, 4): x1, y1, x2,
y2 in pixels of the picture that is searched.
"""

import numpy as np
from numpy.typing import NDArray

from recognition.vision.types import Floats

Ints = NDArray[np.int64]

_STRIDE, _CELL = 2, 12  # of the first network
_MATRIX_LIMIT = 1500  # boxes up to which suppression compares all with all at once


def pyramid_scales(height: int, width: int, min_face: int, factor: float) -> list[float]:
    """Scales at which the first network looks, so that a face of `min_face` becomes 12 pixels."""
    scale = _CELL / min_face
    side = min(height, width) * scale
    scales = []
    while side >= _CELL:
        scales.append(scale)
        scale *= factor
        side *= factor
    return scales


def candidates(output: Floats, scale: float, threshold: float) -> tuple[Floats, Floats, Floats]:
    """Boxes (K, 4), scores (K,) and regressions (K, 4) in the first network's answer (5, h, w)."""
    rows, columns = np.nonzero(output[0] >= threshold)
    cells = np.stack([columns, rows], axis=1).astype(np.float32)
    step = np.float32(scale)
    start = np.floor((_STRIDE * cells + 1) / step)
    end = np.floor((_STRIDE * cells + _CELL) / step)
    boxes = np.concatenate([start, end], axis=1).astype(np.float32)
    return boxes, output[0, rows, columns], output[1:5, rows, columns].T


def suppress(boxes: Floats, scores: Floats, threshold: float, *, smaller: bool = False) -> Ints:
    """Non-maximum suppression: indices kept, best score first.

    A box goes when its overlap with a better kept one is above `threshold`. The overlap is
    intersection over union, or, with `smaller`, intersection over the smaller area with areas
    counted in whole pixels (the reference's "Min" strategy of the last stage). Equal scores, which
    are common at 1.0: the earlier box wins, with `smaller` the later one, as in the reference.
    """
    order = np.argsort(scores, kind="stable")[::-1] if smaller else _descending(scores)
    if len(order) <= 1:
        return order
    sorted_boxes = boxes[order]
    if len(order) > _MATRIX_LIMIT:
        return order[_suppress_one_by_one(sorted_boxes, threshold, smaller)]
    too_close = _overlaps(sorted_boxes, sorted_boxes, smaller) > threshold
    alive = np.ones(len(order), bool)
    for index in range(len(order) - 1):
        if alive[index]:
            alive[index + 1 :] &= ~too_close[index, index + 1 :]
    return order[alive]


def _descending(scores: Floats) -> Ints:
    return np.argsort(-scores, kind="stable")


def _suppress_one_by_one(boxes: Floats, threshold: float, smaller: bool) -> Ints:
    """`suppress` for boxes in order of score, without the K x K matrix."""
    left = np.arange(len(boxes))
    kept = []
    while len(left):
        kept.append(left[0])
        rest = left[1:]
        near = _overlaps(boxes[left[:1]], boxes[rest], smaller)[0] > threshold
        left = rest[~near]
    return np.array(kept, np.int64)


def _overlaps(first: Floats, second: Floats, smaller: bool) -> Floats:
    extra = np.float32(1 if smaller else 0)
    low = np.maximum(first[:, None, :2], second[None, :, :2])
    high = np.minimum(first[:, None, 2:], second[None, :, 2:])
    shared = np.clip(high - low + extra, 0, None).prod(axis=2)
    area_first = (first[:, 2:] - first[:, :2] + extra).prod(axis=1)[:, None]
    area_second = (second[:, 2:] - second[:, :2] + extra).prod(axis=1)[None, :]
    whole = np.minimum(area_first, area_second) if smaller else area_first + area_second - shared
    with np.errstate(invalid="ignore", divide="ignore"):
        ratio: Floats = shared / whole
    return ratio


def refined(boxes: Floats, regressions: Floats) -> Floats:
    """Boxes moved by the regressions of the first network, in shares of their own size."""
    size = boxes[:, 2:] - boxes[:, :2]
    moved: Floats = boxes + regressions * np.concatenate([size, size], axis=1)
    return moved


def refined_inclusive(boxes: Floats, regressions: Floats) -> Floats:
    """The same for the second and third network, which count the last pixel in."""
    size = boxes[:, 2:] - boxes[:, :2] + 1
    moved: Floats = boxes + regressions * np.concatenate([size, size], axis=1)
    return moved


def squared(boxes: Floats) -> Floats:
    """Boxes made square around their centre, with the longer side."""
    size = boxes[:, 2:] - boxes[:, :2]
    side = size.max(axis=1, keepdims=True)
    start: Floats = boxes[:, :2] + size * 0.5 - side * 0.5
    return np.concatenate([start, start + side], axis=1)


def inside(boxes: Floats, height: int, width: int) -> tuple[Ints, NDArray[np.bool_]]:
    """Pixel windows of the boxes, cut at the picture's edge, and which of them are not empty.

    The reference counts pixels from 1 and includes the last; the windows returned here count
    from 0 and exclude it: int64 (K, 4).
    """
    corners = np.trunc(boxes).astype(np.int64)
    start = np.maximum(corners[:, :2], 1) - 1
    end = np.minimum(corners[:, 2:], [width, height])
    usable: NDArray[np.bool_] = np.all(end > start, axis=1)
    return np.concatenate([start, end], axis=1), usable


def landmarks(boxes: Floats, points: Floats) -> Floats:
    """Points (K, 5, 2) from the third network's (K, 10): five x then five y, shares of the box."""
    size = boxes[:, 2:] - boxes[:, :2] + 1
    x = size[:, :1] * points[:, :5] + boxes[:, :1] - 1
    y = size[:, 1:] * points[:, 5:] + boxes[:, 1:2] - 1
    return np.stack([x, y], axis=2)
