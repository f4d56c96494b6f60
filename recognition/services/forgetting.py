"""Taking the names of erased people out of what stays: import reports, photos of others, the log.

Ids, counts, codes, times and checksums stay: they prove what happened and say nothing about whom.
"""

import uuid
from collections.abc import Iterable

from django.db.models import CharField, Q, Value
from django.db.models.functions import Cast, Concat

from faceplatform.core.models import AuditEvent, Job
from recognition.models import FaceImage, Identity, ImportItem, ImportRun, Photo

_MARK = "erased/"


def erased_path(number: int) -> str:
    """Return what an import's report shows for an image of somebody who was erased.

    No file's path ends with a slash, so it never equals one.
    """
    return f"{_MARK}{number}/"


def forget_identity(identity: Identity) -> None:
    """Take a person's names out of all rows that outlive them; call it before they are deleted."""
    names = _names_of(identity)
    items = ImportItem.objects.filter(run__gallery_id=identity.gallery_id)
    theirs = items.filter(Q(face__identity=identity) | Q(identity_name__in=names))
    jobs = Job.objects.filter(import_run__gallery_id=identity.gallery_id)
    jobs.filter(note__in=theirs.values("path")).update(note="")
    # An image that was moved to somebody else in review still has the path it came by.
    faces = FaceImage.objects.filter(Q(identity=identity) | Q(pk__in=theirs.values("face")))
    Photo.objects.filter(
        pk__in=faces.values("photo_id"), original_path__in=faces.values("path")
    ).update(original_path="")
    faces.exclude(identity=identity).update(path="")
    path = Concat(Value(_MARK), Cast("number", CharField()), Value("/"))
    theirs.update(path=path, identity_name="", detail="")
    remarks = [f"Enrolled before, as {name}." for name in names]
    items.filter(detail__in=remarks).update(detail="Enrolled before.")
    _forget_lines(identity, names)
    forget_in_log([identity.pk])


def _forget_lines(identity: Identity, names: list[str]) -> None:
    """Take what CSVs of imports say about the person out, where it was not applied yet."""
    runs = ImportRun.objects.filter(gallery_id=identity.gallery_id).exclude(people=[])
    for run in runs.select_for_update():
        run.people = [line for line in run.people if line["name"] not in names]
        run.save(update_fields=["people"])


def forget_in_log(identities: Iterable[uuid.UUID]) -> None:
    """Take the names of these people, and the paths of their images, out of the audit log."""
    ids = [str(pk) for pk in identities]
    images = FaceImage.objects.filter(identity__in=ids).values_list("pk", flat=True)
    named = Q(target_type="identity", target_id__in=ids)
    named |= Q(target_type="image", target_id__in=[str(pk) for pk in images])
    for key in ("identity", "identity_before", "identity_after"):
        named |= Q(target_type="image", **{f"data__{key}__in": ids})
    events = AuditEvent.objects.filter(named)
    for event in events.filter(data__has_key="name_before"):
        del event.data["name_before"]
        event.save(update_fields=["data"])
    events.update(target_label="")


def _names_of(identity: Identity) -> list[str]:
    """Return the person's name and the ones they had before."""
    before = AuditEvent.objects.filter(
        target_type="identity", target_id=str(identity.pk), data__has_key="name_before"
    ).values_list("data__name_before", flat=True)
    return [identity.name, *before]
