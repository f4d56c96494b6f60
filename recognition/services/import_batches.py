"""The inner loop of an import: read, decode, analyse and write in batches."""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field
from functools import partial

from faceplatform.core.errors import DomainError
from faceplatform.core.jobs import JobContext, barriers
from recognition.models import (
    FaceImage,
    FaceState,
    Gallery,
    Identity,
    ImportItem,
    ImportRun,
    ItemStatus,
    ModelVersion,
    Photo,
)
from recognition.selectors.score_kinds import components_of
from recognition.selectors.thresholds import cosine_threshold
from recognition.selectors.unnamed import UNNAMED
from recognition.services.enrollment import explain
from recognition.services.faces import faces_of_bytes, same_face, store_face
from recognition.services.forgetting import erased_path
from recognition.services.gates import limits_of
from recognition.services.holding import hold, hold_gallery
from recognition.services.identities import MAX_NAME
from recognition.services.import_sources import Entry, EntryRefused, Source
from recognition.services.names import clean_name
from recognition.services.photos import lock_bytes, store_photos
from recognition.services.protection import judge_face
from recognition.services.read_ahead import read_ahead, work_ahead
from recognition.services.unnamed import FOR_NAMING
from recognition.services.vision import (
    AnalysedPhoto,
    analyse_images,
    get_pipeline,
    main_face,
    photo_of,
    read_photo,
)
from recognition.vision.types import AnalysedFace, DecodedImage, ImageFormat

BATCH = 16
BATCH_PIXELS = 32_000_000  # four batches are in memory at once
_EXTENSIONS: dict[ImageFormat, tuple[str, ...]] = {
    "JPEG": (".jpg", ".jpeg", ".jpe", ".jfif"),
    "PNG": (".png",),
    "WEBP": (".webp",),
    "HEIF": (".heic", ".heif", ".hif"),
}


@dataclass(slots=True)
class _Item:
    """One image on its way: bytes and pixels while it lives, then a status with a reason."""

    entry: Entry
    name: str = ""
    data: bytes = b""
    sha256: str = ""
    image: DecodedImage | None = None
    faces: tuple[AnalysedFace, ...] = ()
    status: ItemStatus | None = None
    code: str = ""
    detail: str = ""
    stored: FaceImage | None = field(default=None)

    def end(self, status: ItemStatus, code: str, detail: str) -> None:
        """Decide how this image ended."""
        self.status, self.code, self.detail = status, code, detail[:255]
        self.data, self.image = b"", None


def import_batches(*, run: ImportRun, source: Source, context: JobContext) -> None:
    """Import every entry without a result line.

    While one batch is written, the faces of the next two are looked for (one batch is detected
    while the other is embedded), and another batch is read and decoded.
    """
    entries = source.entries()
    finished = set(run.items.values_list("path", flat=True))
    todo = [
        entry
        for entry in entries
        if entry.path not in finished and erased_path(entry.number) not in finished
    ]
    done = len(entries) - len(todo)
    context.progress(done, len(entries), "Reading", force=True)
    with (
        closing(read_ahead(_read_batches(source, todo, run.keep_unnamed))) as decoded,
        ThreadPoolExecutor(max_workers=2, thread_name_prefix="import-analyse") as analysts,
    ):
        unknown = _without_known(run.gallery, decoded)
        analyse = partial(_analyse, components_of(run.gallery))
        for batch in work_ahead(analysts, analyse, unknown, depth=2):
            barriers.reach("after_embed")
            with context.writing():
                _write(run, batch)
            done += len(batch)
            context.progress(done, len(entries), batch[-1].entry.path)
    context.progress(done, len(entries), force=True)


def _read_batches(
    source: Source, entries: Sequence[Entry], keep_unnamed: bool
) -> Iterator[list[_Item]]:
    """Yield batches of decoded images, smaller ones where the images are large."""
    batch: list[_Item] = []
    pixels = 0
    for entry in entries:
        item = _read(source, entry, keep_unnamed)
        batch.append(item)
        pixels += item.image.width * item.image.height if item.image else 0
        if len(batch) == BATCH or pixels >= BATCH_PIXELS:
            yield batch
            batch, pixels = [], 0
    if batch:
        yield batch


def _read(source: Source, entry: Entry, keep_unnamed: bool) -> _Item:
    item = _Item(entry)
    try:
        if entry.refusal is not None:
            raise entry.refusal
        if entry.identity_name:
            item.name = clean_name(entry.identity_name, limit=MAX_NAME)
        elif not keep_unnamed:
            raise EntryRefused("no_identity_folder", "The image lies in no person's folder.")
        item.data = source.read(entry)
        item.sha256 = hashlib.sha256(item.data).hexdigest()
        item.image = read_photo(item.data)
    except EntryRefused as refusal:
        item.end(ItemStatus.FAILED, refusal.code, refusal.detail)
    except DomainError as refusal:
        if refusal.status >= 500:
            raise  # nothing is wrong with the image
        item.end(ItemStatus.FAILED, refusal.code, refusal.detail)
    return item


def _without_known(gallery: Gallery, batches: Iterable[list[_Item]]) -> Iterator[list[_Item]]:
    """End images whose bytes are enrolled in this gallery already; they need no analysis."""
    for batch in batches:
        barriers.reach("after_decode")
        known = {
            face.photo.sha256: face
            for face in FaceImage.objects.filter(
                gallery=gallery, photo__sha256__in=[item.sha256 for item in batch if item.sha256]
            ).select_related("photo", "identity")
        }
        for item in batch:
            face = known.get(item.sha256)
            if item.status is None and face is not None:
                _end_as_duplicate(item, face)
        yield batch


def _end_as_duplicate(item: _Item, face: FaceImage) -> None:
    owner = face.identity.name if face.identity else "nobody"
    if owner == item.name:
        item.end(ItemStatus.SKIPPED, "duplicate_image", "Enrolled before.")
    else:
        item.end(ItemStatus.SKIPPED, "duplicate_image", f"Enrolled before, as {owner}.")


def _analyse(versions: Sequence[ModelVersion], batch: list[_Item]) -> None:
    """Find the faces of the images that are left; embed the main one, all in images of nobody."""
    for main_only in (True, False):
        waiting = [item for item in batch if item.status is None and bool(item.name) == main_only]
        images = [item.image for item in waiting if item.image is not None]
        if not images:
            continue
        found = analyse_images(
            images, version=versions[0], further=versions[1:], main_only=main_only
        )
        for item, faces in zip(waiting, found, strict=True):
            item.faces = faces


def _write(run: ImportRun, batch: list[_Item]) -> None:
    """Store faces and result lines of a batch; call it inside the job's transaction.

    Locks are taken in the order of ids and checksums, and people made in the order of names, so
    that two imports cannot wait for each other.
    """
    waiting = [item for item in batch if item.status is None]
    hold_gallery(run.gallery)
    people = _known_people(run.gallery, {item.name for item in waiting})
    lock_bytes(run.organization_id, *(item.sha256 for item in waiting))
    named = [item for item in waiting if item.name]
    stored = faces_of_bytes(run.gallery, [item.sha256 for item in named])
    chosen = [item for item in named if _usable(run.gallery, item, stored)]
    photos = store_photos(
        organization_id=run.organization_id,
        photos=[(_analysed(item), item.data, item.entry.path) for item in chosen],
    )
    threshold = cosine_threshold(run.gallery)
    for item in sorted(chosen, key=lambda item: item.name):
        same = _same_face(item, stored)  # the same bytes may come twice in one batch
        if same is not None:
            _end_as_duplicate(item, same)
        else:
            photo = photos[item.sha256]
            stored.append(_enroll(run, item, people, photo, threshold))
    for item in waiting:
        if not item.name:
            _keep_unnamed(run, item)
    ImportItem.objects.bulk_create(
        ImportItem(
            run=run,
            number=item.entry.number,
            path=item.entry.path,
            identity_name=item.name or item.entry.identity_name[:MAX_NAME],
            status=item.status or ItemStatus.FAILED,
            code=item.code,
            detail=item.detail,
            face=item.stored,
        )
        for item in batch
    )


def _usable(gallery: Gallery, item: _Item, stored: Sequence[FaceImage]) -> bool:
    """Whether the main subject of an image is to be enrolled; else the image ends here."""
    if item.image is None or not item.faces:
        item.end(ItemStatus.FAILED, "no_face", "There is no face in this photo.")
        return False
    same = _same_face(item, stored)
    if same is not None:
        _end_as_duplicate(item, same)
        return False
    reasons = _subject(item).face.quality.reasons(limits_of(gallery))
    if reasons:
        item.end(ItemStatus.FAILED, "low_quality", f"Not enrolled: {explain(reasons)}.")
    return not reasons


def _image(item: _Item) -> DecodedImage:
    if item.image is None:
        raise AssertionError("this image has ended")
    return item.image


def _subject(item: _Item) -> AnalysedFace:
    image = _image(item)
    return main_face(item.faces, image.width, image.height)


def _analysed(item: _Item) -> AnalysedPhoto:
    return photo_of(item.data, _image(item), item.faces)


def _same_face(item: _Item, stored: Sequence[FaceImage]) -> FaceImage | None:
    of_these_bytes = [face for face in stored if face.photo.sha256 == item.sha256]
    return same_face(of_these_bytes, _subject(item).face.box) if of_these_bytes else None


def _enroll(
    run: ImportRun, item: _Item, people: dict[str, Identity], photo: Photo, threshold: float
) -> FaceImage:
    """Enroll the main subject of one image whose photo is stored."""
    face = _subject(item)
    known = people.get(item.name)
    identity = known or _identity(run.gallery, item.name, people)
    judged = judge_face(
        gallery=run.gallery, identity=identity, embedding=face.embedding, threshold=threshold
    )
    stored = item.stored = store_face(
        gallery=run.gallery,
        identity=identity,
        photo=photo,
        analysed=face,
        detector=get_pipeline(run.gallery.model_version).version.detector,
        path=item.entry.path,
        judgement=judged,
        matchable=known.matchable if known else None,
    )
    if judged.state == FaceState.QUARANTINED:
        item.end(ItemStatus.QUARANTINED, judged.reason, f"In review: {explain((judged.reason,))}.")
        return stored
    code, detail = _remark(item.entry.name, _image(item), len(item.faces))
    item.end(ItemStatus.ENROLLED, code, detail)
    return stored


def _keep_unnamed(run: ImportRun, item: _Item) -> None:
    """Keep every good face of an image of nobody for naming, or say why none was."""
    if item.image is None or not item.faces:
        item.end(ItemStatus.FAILED, "no_face", "There is no face in this photo.")
        return
    limits = limits_of(run.gallery)
    good = [face for face in item.faces if not face.face.quality.reasons(limits)]
    here = faces_of_bytes(run.gallery, [item.sha256])
    new = [face for face in good if same_face(here, face.face.box) is None]
    if not new:
        reasons = item.faces[0].face.quality.reasons(limits)
        if good:
            item.end(ItemStatus.SKIPPED, "duplicate_image", "Enrolled before.")
        else:
            item.end(ItemStatus.FAILED, "low_quality", f"Not kept: {explain(reasons)}.")
        return
    photos = store_photos(
        organization_id=run.organization_id,
        photos=[(_analysed(item), item.data, item.entry.path)],
    )
    detector = get_pipeline(run.gallery.model_version).version.detector
    for face in new:
        stored = store_face(
            gallery=run.gallery,
            identity=None,
            photo=photos[item.sha256],
            analysed=face,
            detector=detector,
            path=item.entry.path,
            judgement=FOR_NAMING,
        )
        item.stored = item.stored or stored
    said = f"{len(new)} {'face' if len(new) == 1 else 'faces'} to be named."
    item.end(ItemStatus.UNNAMED, UNNAMED, said)


def _remark(name: str, image: DecodedImage, faces: int) -> tuple[str, str]:
    """Return what is worth knowing about an image that was enrolled: code and sentences."""
    remarks = []
    if faces > 1:
        remarks.append(("main_subject", f"The main one of {faces} faces."))
    if not name.lower().endswith(_EXTENSIONS[image.format]):
        remarks.append(("type_mismatch", f"By its content this is a {image.format} file."))
    if not remarks:
        return "", ""
    return remarks[0][0], " ".join(detail for _, detail in remarks)


def _known_people(gallery: Gallery, names: set[str]) -> dict[str, Identity]:
    """Return those of the people who are there, kept from being erased until the commit."""
    found = Identity.objects.filter(gallery=gallery, name__in=names)
    held = hold(Identity, found.values_list("pk", flat=True))
    return {identity.name: identity for identity in Identity.objects.filter(pk__in=held)}


def _identity(gallery: Gallery, name: str, people: dict[str, Identity]) -> Identity:
    """Return the person of that name, made and added to `people` if there is none."""
    identity, created = Identity.objects.get_or_create(
        gallery=gallery, name=name, defaults={"organization_id": gallery.organization_id}
    )
    if created:
        people[name] = identity
    return identity
