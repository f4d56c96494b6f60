"""Is it the same person? Two photos, or one photo and one person."""

import datetime as dt
import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from django.db import transaction
from django.utils import timezone

from faceplatform.core import audit
from faceplatform.core.actors import Actor
from faceplatform.core.errors import Conflict, Unprocessable
from recognition.models import (
    FaceImage,
    Gallery,
    Identity,
    ModelVersion,
    Photo,
    Verdict,
    Verification,
    VerificationAnchor,
    VerificationFace,
    VerificationPhoto,
)
from recognition.selectors import templates
from recognition.selectors.templates import Match
from recognition.selectors.verification_thresholds import (
    DEFAULT_RATE,
    NEAREST_RULE,
    VerificationThreshold,
    nearest_threshold,
    pair_threshold,
    person_threshold,
    rule_for,
)
from recognition.services.enrollment import LIMITS
from recognition.services.faces import face_fields
from recognition.services.holding import hold, hold_gallery
from recognition.services.model_versions import default_version
from recognition.services.photos import photos_of_verifications, release_photos, store_photo
from recognition.services.scores import current_scoring, probe_scores
from recognition.services.vision import AnalysedPhoto, analyse_photo, get_pipeline
from recognition.vision.fusion import RULES, fuse
from recognition.vision.matching import scores

KEPT_DAYS = 30
BATCH = 200


@dataclass(frozen=True, slots=True)
class PhotoInput:
    """The bytes of a photo and the name it came under."""

    data: bytes
    name: str = ""


@dataclass(frozen=True, slots=True)
class _Compared:
    """One face against the person: its anchors, nearest first, and the fused score."""

    anchors: tuple[Match, ...]
    score: float
    verdict: Verdict


def verify_photos(
    *,
    organization_id: uuid.UUID,
    first: PhotoInput,
    second: PhotoInput,
    fmr: float = DEFAULT_RATE,
    actor: Actor,
) -> Verification:
    """Compare every face of one photo with every face of another, under the default model.

    Raises DomainError with an image's code, `rate_invalid`, or 422 `no_face` that says in which.
    """
    version = default_version()
    threshold = pair_threshold(version, fmr=fmr)
    analysed = [_faces_of(photo, version) for photo in (first, second)]
    started = time.perf_counter()
    matrix = scores(_embeddings(analysed[0]), _embeddings(analysed[1]))
    timings = _timings(*analysed, compare=started)
    with transaction.atomic():
        verification = _store(organization_id, version, threshold, timings, actor)
        verification.matrix = [[round(float(value), 4) for value in row] for row in matrix]
        verification.save(update_fields=["matrix"])
        _store_photos(verification, [first, second], analysed, keep=True)
        _record(verification, "organization", organization_id, "", actor)
    return verification


def verify_identity(
    *,
    identity: Identity,
    photo: PhotoInput,
    rule: str | None = None,
    fmr: float = DEFAULT_RATE,
    actor: Actor,
) -> Verification:
    """Compare every face of a photo with all searchable images of a person.

    By the nearest image, scores are of the gallery's kind; the other rules are made for plain
    cosines. Without a `rule` the gallery's own holds; where it has none its kind of score decides
    (`rule_for`). Raises as `verify_photos`, DomainError `rule_invalid`, Conflict
    `gallery_not_searchable`, `no_images` or `identity_gone`.
    """
    gallery = identity.gallery
    if not gallery.searchable:
        raise Conflict("gallery_not_searchable", "This gallery is closed to searches.")
    version = gallery.model_version
    scoring = current_scoring(gallery)
    rule = rule_for(scoring, rule or gallery.fusion_rule or None)
    mixed = rule == NEAREST_RULE and not scoring.plain
    person_threshold(version, rule=rule, anchors=1, fmr=fmr)  # refuses before any work
    analysed = _faces_of(photo, version, scoring.versions[1:] if mixed else ())
    started = time.perf_counter()
    with transaction.atomic():
        hold_gallery(gallery)
        if not hold(Identity, [identity.pk]):
            raise Conflict("identity_gone", "This person was deleted meanwhile.")
        length = templates.centroid_length(gallery, identity.pk)
        if length is None:
            raise Conflict("no_images", "This person has no image that may be compared with.")
        found = [
            templates.of_identity(gallery, identity.pk, embedding)
            for embedding in _embeddings(analysed)
        ]
        threshold = person_threshold(version, rule=rule, anchors=len(found[0]), fmr=fmr)
        if mixed:
            threshold = nearest_threshold(scoring, anchors=len(found[0]), fmr=fmr)
            found = [
                probe_scores(gallery, face, scoring).rescore(anchors)
                for face, anchors in zip(analysed.faces, found, strict=True)
            ]
        timings = _timings(analysed, compare=started)
        verification = _store(identity.organization_id, version, threshold, timings, actor)
        _attach_person(verification, identity, gallery)
        keep = gallery.probe_days > 0
        faces = _store_photos(verification, [photo], [analysed], keep=keep)
        present = hold(FaceImage, [match.face_id for match in found[0]])
        for face, anchors in zip(faces, found, strict=True):
            _store_compared(face, _compare(anchors, face, threshold, length), present)
        _record(verification, "identity", identity.pk, identity.name, actor)
    return verification


@transaction.atomic
def delete_verification(*, verification: Verification, actor: Actor) -> None:
    """Delete a verification with its answer, and its photos if nothing else refers to them."""
    pk = verification.pk
    photos = _photo_ids(verification)
    verification.delete()
    release_photos(photos)
    audit.record(
        organization_id=verification.organization_id,
        actor=actor,
        action="verification.delete",
        target_type="verification",
        target_id=pk,
    )


def purge_expired_verifications() -> int:
    """Delete every verification whose time is over; return how many. Safe to run twice."""
    purged = 0
    while True:
        with transaction.atomic():
            expired = list(
                Verification.objects.select_for_update(skip_locked=True)
                .filter(expires_at__lte=timezone.now())
                .order_by("pk")[:BATCH]
            )
            photos = [pk for verification in expired for pk in _photo_ids(verification)]
            Verification.objects.filter(pk__in=[row.pk for row in expired]).delete()
            release_photos(photos)
        purged += len(expired)
        if len(expired) < BATCH:
            return purged


def _photo_ids(verification: Verification) -> list[uuid.UUID]:
    return photos_of_verifications(verification=verification)


def _faces_of(
    photo: PhotoInput, version: ModelVersion, further: Sequence[ModelVersion] = ()
) -> AnalysedPhoto:
    analysed = analyse_photo(photo.data, version=version, further=further)
    if not analysed.faces:
        where = f"In {photo.name} there" if photo.name else "There"
        raise Unprocessable("no_face", f"{where} is no face to compare.")
    return analysed


def _embeddings(analysed: AnalysedPhoto) -> "np.ndarray[tuple[int, int], np.dtype[np.float32]]":
    return np.stack([face.embedding for face in analysed.faces if face.embedding is not None])


def _compare(
    anchors: list[Match], face: VerificationFace, threshold: VerificationThreshold, length: float
) -> _Compared:
    rule = next(name for name in RULES if name == threshold.rule)
    values = np.array([match.score for match in anchors], np.float32)
    score = fuse(rule, values, centroid_length=length)
    verdict = Verdict.SAME if score >= threshold.value else Verdict.DIFFERENT
    return _Compared(tuple(anchors), score, Verdict.LOW_QUALITY if face.reason else verdict)


def _store(
    organization_id: uuid.UUID,
    version: ModelVersion,
    threshold: VerificationThreshold,
    timings: dict[str, float],
    actor: Actor,
) -> Verification:
    return Verification.objects.create(
        organization_id=organization_id,
        model_version=version,
        rule=threshold.rule,
        threshold=threshold.as_json(),
        timings=timings,
        expires_at=timezone.now() + dt.timedelta(days=KEPT_DAYS),
        created_by_id=actor.user_id,
        created_key_id=actor.api_key_id,
    )


def _attach_person(verification: Verification, identity: Identity, gallery: Gallery) -> None:
    verification.identity = identity
    verification.gallery = gallery
    days = gallery.probe_days or KEPT_DAYS
    verification.expires_at = timezone.now() + dt.timedelta(days=days)
    verification.save(update_fields=["identity", "gallery", "expires_at"])


def _store_photos(
    verification: Verification,
    photos: list[PhotoInput],
    analysed: list[AnalysedPhoto],
    *,
    keep: bool,
) -> list[VerificationFace]:
    """Write photos and faces. Files are stored in the order of their bytes, as all writers do."""
    stored: dict[str, Photo] = {}
    if keep:
        for photo, found in sorted(
            zip(photos, analysed, strict=True), key=lambda pair: pair[1].sha256
        ):
            stored[found.sha256] = store_photo(
                organization_id=verification.organization_id,
                data=photo.data,
                analysed=found,
                path="",
            )
    detector = get_pipeline(verification.model_version).version.detector
    faces = []
    for side, (photo, found) in enumerate(zip(photos, analysed, strict=True), start=1):
        picture = VerificationPhoto.objects.create(
            verification=verification,
            side=side,
            photo=stored.get(found.sha256),
            name=photo.name[:255],
            width=found.width,
            height=found.height,
        )
        faces += [
            VerificationFace(
                picture=picture,
                number=number,
                reason=",".join(face.face.quality.reasons(LIMITS))[:64],
                **face_fields(face, detector),
            )
            for number, face in enumerate(found.faces, start=1)
        ]
    return VerificationFace.objects.bulk_create(faces)


def _store_compared(face: VerificationFace, compared: _Compared, present: set[uuid.UUID]) -> None:
    """Write score and anchors; images deleted meanwhile are left out."""
    face.score, face.verdict = compared.score, compared.verdict
    face.save(update_fields=["score", "verdict"])
    VerificationAnchor.objects.bulk_create(
        VerificationAnchor(face=face, image_id=match.face_id, score=match.score)
        for match in compared.anchors
        if match.face_id in present
    )


def _timings(*analysed: AnalysedPhoto, compare: float) -> dict[str, float]:
    """Milliseconds per step, both photos together."""
    steps: dict[str, float] = {}
    for photo in analysed:
        for step, spent in photo.timings.items():
            steps[step] = round(steps.get(step, 0.0) + spent, 1)
    return steps | {"compare": round((time.perf_counter() - compare) * 1000, 1)}


def _record(
    verification: Verification, kind: str, target: object, label: str, actor: Actor
) -> None:
    audit.record(
        organization_id=verification.organization_id,
        actor=actor,
        action="verify",
        target_type=kind,
        target_id=target,
        target_label=label,
        data={"verification": str(verification.pk), "fmr": verification.threshold["fmr"]},
    )
