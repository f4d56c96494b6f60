"""Whether an image fits the person it is filed under: the rules behind quarantine and hygiene.

Numpy only; the service that enrolls and the benchmark that measures the rules call the same code.
"""

from typing import Literal

Verdict = Literal["", "unlike_own", "like_another", "possible_duplicate", "near_duplicate"]

QUARANTINING: frozenset[Verdict] = frozenset({"unlike_own", "like_another"})
"""Verdicts that hold an image back; the others only remark on it."""
NEAR_DUPLICATE = 0.97
"""From here on two images are nearly always the same photo, saved, cut or coloured again."""
STRANGERS_PASS = 0.01
"""Share of strangers' images that the low-match score of a person lets through."""


def judge(own: float | None, other: float | None, *, low_match: float, threshold: float) -> Verdict:
    """What the scores of a new image say about the person it is meant for.

    `own` is its best score against that person's images, None where there is none yet; `other`
    the best against anybody else's. All are cosines, -1..1. `low_match` is the score that about
    one stranger in a hundred reaches against this person's images, `threshold` the gallery's.

    An image is held back when somebody else reaches the threshold and more than the person
    (`like_another`), or when the person does not even reach the low-match score (`unlike_own`).
    """
    stranger = other is not None and other >= threshold
    if own is None:
        return "possible_duplicate" if stranger else ""
    if stranger and other is not None and other > own:
        return "like_another"
    if own < min(low_match, threshold):
        return "unlike_own"
    return "near_duplicate" if own >= NEAR_DUPLICATE else ""
