"""A tracker as bytes, so that another process goes on exactly where this one stood.

JSON with arrays in base64, packed: read back it can only be data, never code.
"""

import base64
import json
import zlib
from typing import Any

import numpy as np

from recognition.vision.types import Box, DetectedFace, Floats, Quality
from recognition.vision.video.frames import Candidate
from recognition.vision.video.tracking import Track, Tracker

_QUALITY = (
    "score", "detection", "eye_distance", "sharpness", "brightness", "contrast", "yaw", "roll",
)  # fmt: skip


def freeze(tracker: Tracker, scene: Floats | None) -> bytes:
    """Pack a tracker with the signature of the last frame it saw."""
    record = {
        "made": tracker.made,
        "frames": tracker.frames,
        "scene": None if scene is None else _array(scene),
        "open": [_track(track) for track in tracker.open],
    }
    return zlib.compress(json.dumps(record).encode(), 1)


def thaw(data: bytes, tracker: Tracker) -> Floats | None:
    """Put what `freeze` packed into a fresh tracker; return the signature of the last frame."""
    record = json.loads(zlib.decompress(data))
    tracker.made, tracker.frames = record["made"], record["frames"]
    tracker.open = [_read_track(row) for row in record["open"]]
    return None if record["scene"] is None else _read_array(record["scene"])


def _track(track: Track) -> dict[str, Any]:
    return {
        "number": track.number,
        "path": track.path,
        "sums": [_array(row) for row in track.sums],
        "weight": track.weight,
        "usable": track.usable,
        "yaw": track.yaw,
        "velocity": track.velocity,
        "held": [_candidate(one) for one in track.held],
    }


def _read_track(row: dict[str, Any]) -> Track:
    return Track(
        number=row["number"],
        path=[(time, x1, y1, x2, y2) for time, x1, y1, x2, y2 in row["path"]],
        sums=[_read_array(one) for one in row["sums"]],
        weight=row["weight"],
        usable=row["usable"],
        yaw=row["yaw"],
        velocity=(row["velocity"][0], row["velocity"][1]),
        held=[_read_candidate(one) for one in row["held"]],
    )


def _candidate(one: Candidate) -> dict[str, Any]:
    face, box = one.face, one.face.box
    return {
        "time": one.time,
        "box": [float(value) for value in (box.x1, box.y1, box.x2, box.y2)],
        "probability": float(face.probability),
        "landmarks": _array(face.landmarks),
        "quality": [float(getattr(face.quality, name)) for name in _QUALITY],
        "embeddings": [_array(row) for row in one.embeddings],
        "worth": one.worth,
        "picture": base64.b64encode(one.picture).decode(),
        "size": [one.width, one.height],
    }


def _read_candidate(row: dict[str, Any]) -> Candidate:
    return Candidate(
        time=row["time"],
        face=DetectedFace(
            box=Box(*row["box"]),
            probability=row["probability"],
            landmarks=_read_array(row["landmarks"]),
            quality=Quality(**dict(zip(_QUALITY, row["quality"], strict=True))),
        ),
        embeddings=tuple(_read_array(one) for one in row["embeddings"]),
        worth=row["worth"],
        picture=base64.b64decode(row["picture"]),
        width=row["size"][0],
        height=row["size"][1],
    )


def _array(values: Floats) -> dict[str, Any]:
    data = np.ascontiguousarray(values, np.float32)
    return {"shape": data.shape, "data": base64.b64encode(data.tobytes()).decode()}


def _read_array(record: dict[str, Any]) -> Floats:
    flat = np.frombuffer(base64.b64decode(record["data"]), np.float32)
    return flat.reshape(record["shape"]).copy()
