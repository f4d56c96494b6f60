"""Pages of people."""

import datetime as dt
from typing import Any, ClassVar
from uuid import UUID

from django.core.files.uploadedfile import UploadedFile
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone

from faceplatform.accounts.policy import Action, allows
from faceplatform.core.errors import DomainError
from recognition.models import Consent, Identity
from recognition.services.enrollment import enroll_photo
from recognition.services.identities import (
    change_identity,
    create_identity,
    delete_face,
    erase_identity,
)
from recognition.web.base import GalleryPage, IdentityPage, ImagePage, fragment, go
from recognition.web.cards import image_tile
from recognition.web.forms import ConsentForm, IdentityForm, PhotosForm
from recognition.web.uploads import AddedPhoto, added_photo

PAGE = 48


class IdentityNewView(GalleryPage):
    """Adding a person to a gallery."""

    actions: ClassVar[dict[str, Action]] = {
        "GET": Action.IDENTITY_ENROLL,
        "POST": Action.IDENTITY_ENROLL,
    }

    def get(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        context = {"gallery": self.gallery(pk), "form": IdentityForm()}
        return render(request, "recognition/identity_new.html", context)

    def post(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        gallery = self.gallery(pk)
        form = IdentityForm(request.POST)
        if form.is_valid():
            try:
                identity = create_identity(
                    gallery=gallery, actor=self.principal.actor, **form.cleaned_data
                )
            except DomainError as error:
                form.refuse(error)
            else:
                return go(request, reverse("identity", args=[identity.pk]))
        context = {"gallery": gallery, "form": form}
        return render(request, "recognition/identity_new.html", context, status=422)


class _PersonPage(IdentityPage):
    """The page of one person, however it is reached."""

    def context(self, identity: Identity) -> dict[str, Any]:
        """Return what the page shows."""
        may_delete = allows(self.principal, Action.IDENTITY_CHANGE)
        may_export = allows(self.principal, Action.PICTURE_EXPORT)
        faces = identity.faces.select_related("photo").order_by("-quality", "pk")
        page = Paginator(faces, PAGE).get_page(self.request.GET.get("page"))
        tiles = [
            image_tile(
                self.principal, face, may_delete=may_delete, may_export=may_export, number=number
            )
            for number, face in enumerate(page, start=page.start_index())
        ]
        today = timezone.now().date()
        return {
            "identity": identity,
            "gallery": identity.gallery,
            "page": page,
            "tiles": tiles,
            "consents": [(one, _state_of(one, today)) for one in identity.consents.order_by("-pk")],
            "merges": identity.merges.filter(undone_at=None).order_by("-pk")[:10],
            "consent_form": ConsentForm(initial={"given_on": today}),
        }


class IdentityView(_PersonPage):
    """One person: facts and images."""

    actions: ClassVar[dict[str, Action]] = {"GET": Action.IDENTITY_VIEW}

    def get(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        identity = self.identity(pk)
        return render(request, "recognition/identity.html", self.context(identity))


class IdentityImagesView(_PersonPage):
    """Adding photos to a person: all at once, or one by one with a line of result each."""

    actions: ClassVar[dict[str, Action]] = {"POST": Action.IDENTITY_ENROLL}

    def post(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        identity = self.identity(pk)
        form = PhotosForm(request.POST, request.FILES)
        if not form.is_valid():
            added = [AddedPhoto.refused("", error) for error in _errors(form)]
        else:
            face = form.cleaned_data["face"]
            added = [self._add(identity, upload, face) for upload in form.cleaned_data["photos"]]
        if request.headers.get("HX-Request") == "true":
            context = {"added": added, "gallery": identity.gallery}
            return fragment(request, "recognition/parts/added_photos.html", context)
        context = self.context(identity) | {"added": added}
        status = 200 if all(photo.tile for photo in added) else 422
        return render(request, "recognition/identity.html", context, status=status)

    def _add(self, identity: Identity, upload: UploadedFile, face: int | None) -> AddedPhoto:
        name = upload.name or "photo"
        try:
            stored = enroll_photo(
                gallery=identity.gallery,
                identity=identity,
                data=upload.read(),
                path=name,
                actor=self.principal.actor,
                face_number=face,
            )
        except DomainError as error:
            return AddedPhoto.refused(name, error)
        may_delete = allows(self.principal, Action.IDENTITY_CHANGE)
        tile = image_tile(self.principal, stored, may_delete=may_delete, may_export=False)
        return added_photo(name, tile)


class IdentityEditView(IdentityPage):
    """Renaming a person, notes."""

    actions: ClassVar[dict[str, Action]] = {
        "GET": Action.IDENTITY_CHANGE,
        "POST": Action.IDENTITY_CHANGE,
    }

    def get(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        identity = self.identity(pk)
        form = IdentityForm(
            initial={
                "name": identity.name,
                "external_id": identity.external_id,
                "tags": ", ".join(identity.tags),
                "notes": identity.notes,
                "retain_until": identity.retain_until,
            }
        )
        context = {"identity": identity, "gallery": identity.gallery, "form": form}
        return render(request, "recognition/identity_edit.html", context)

    def post(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        identity = self.identity(pk)
        form = IdentityForm(request.POST)
        if form.is_valid():
            try:
                change_identity(identity=identity, actor=self.principal.actor, **form.cleaned_data)
            except DomainError as error:
                form.refuse(error)
                identity.refresh_from_db(fields=["name"])
            else:
                return go(request, reverse("identity", args=[pk]), said="Saved.")
        context = {"identity": identity, "gallery": identity.gallery, "form": form}
        return render(request, "recognition/identity_edit.html", context, status=422)


class IdentityEraseView(IdentityPage):
    """Erasing a person."""

    actions: ClassVar[dict[str, Action]] = {"POST": Action.IDENTITY_ERASE}

    def post(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        identity = self.identity(pk)
        name, gallery_id = identity.name, identity.gallery_id
        erase_identity(identity=identity, actor=self.principal.actor)
        said = f"{name} was erased with all images."
        return go(request, reverse("gallery", args=[gallery_id]), said=said)


class ImageDeleteView(ImagePage):
    """Removing one image of a person."""

    actions: ClassVar[dict[str, Action]] = {"POST": Action.IDENTITY_CHANGE}

    def post(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        face = self.face(pk)
        identity_id, gallery_id = face.identity_id, face.gallery_id
        delete_face(face=face, actor=self.principal.actor)
        back = (
            reverse("identity", args=[identity_id])
            if identity_id
            else reverse("gallery", args=[gallery_id])
        )
        return go(request, back, said="The image was deleted.")


def _state_of(consent: Consent, today: dt.date) -> str:
    """Return the chip of a consent."""
    if consent.withdrawn_at is not None:
        return "revoked"
    expired = consent.expires_on is not None and consent.expires_on < today
    return "expired" if expired else "active"


def _errors(form: PhotosForm) -> list[DomainError]:
    """Return what is wrong with an upload as refusals."""
    return [
        DomainError(error.code or "invalid", " ".join(error.messages))
        for errors in form.errors.as_data().values()
        for error in errors
    ]
