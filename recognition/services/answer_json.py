"""An answer as plain data: what the command line prints and the demo writes."""

from typing import Any

from recognition.selectors.answers import Answer, FaceAnswer, SimilarImage


def answer_record(answer: Answer) -> dict[str, Any]:
    """Return the answer as JSON-ready data; scores with three decimals."""
    return {
        "path": answer.probe.name,
        "gallery": answer.gallery.name,
        "width": answer.probe.width,
        "height": answer.probe.height,
        "sentence": answer.sentence,
        "threshold": {
            "value": round(answer.threshold.value, 3),
            "source": answer.threshold.source,
            "text": answer.threshold.text,
            "templates": answer.threshold.templates,
        },
        "faces": [_face(face, answer) for face in answer.faces],
        "timings": answer.timings,
    }


def _face(face: FaceAnswer, answer: Answer) -> dict[str, Any]:
    return {
        "number": face.number,
        "box": [round(value, 1) for value in face.box],
        "quality": round(face.quality, 3),
        "decision": face.decision,
        "reason": face.reason,
        "identity": face.identity.name if face.identity else None,
        "score": None if face.score is None else round(face.score, 3),
        "threshold": round(answer.threshold.value, 3),
        "stranger_rate": face.stranger_rate,
        "candidates": [
            {
                "identity": candidate.identity.name,
                "score": round(candidate.score, 3),
                "above_threshold": candidate.above_threshold,
            }
            for candidate in face.candidates
        ],
        "similar_below_threshold": face.similar_below_threshold,
        "similar": [_similar(image) for image in face.similar],
    }


def _similar(image: SimilarImage) -> dict[str, Any]:
    return {
        "path": image.path,
        "identity": image.identity.name if image.identity else None,
        "score": round(image.score, 3),
        "above_threshold": image.above_threshold,
    }
