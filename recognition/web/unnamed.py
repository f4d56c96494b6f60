"""Faces without a name, gathered by likeness, to be named group by group."""

from dataclasses import dataclass
from typing import Any, ClassVar
from uuid import UUID

from django.contrib.messages import error as say_error
from django.contrib.messages import success
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse

from faceplatform.accounts.policy import Action
from faceplatform.core.errors import DomainError
from recognition.models import ProbeFace
from recognition.selectors.unnamed import unnamed_clusters, unnamed_faces
from recognition.services.pictures import picture_url
from recognition.services.unnamed import keep_probe_face, name_faces, reject_faces
from recognition.web.base import GalleryPage, ProbePage, go
from recognition.web.forms import NamingForm

GROUPS = 30
SHOWN = 24


@dataclass(frozen=True, slots=True)
class Group:
    """Faces that are probably of one person; the first ones with pictures."""

    ids: tuple[UUID, ...]
    sources: tuple[str, ...]
    more: int


class UnnamedView(GalleryPage):
    """The groups; a POST names one or puts it aside."""

    actions: ClassVar[dict[str, Action]] = {
        "GET": Action.IDENTITY_VIEW,
        "POST": Action.REVIEW_DECIDE,
    }

    def get(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        gallery = self.gallery(pk)
        clusters = unnamed_clusters(gallery)
        context = {
            "gallery": gallery,
            "total": unnamed_faces(gallery).count(),
            "groups": [self._group(faces) for faces in clusters[:GROUPS]],
            "left": max(0, len(clusters) - GROUPS),
        }
        return render(request, "recognition/unnamed.html", context)

    def post(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        gallery = self.gallery(pk)
        form = NamingForm(request.POST)
        here = reverse("unnamed", args=[pk])
        if not form.is_valid():
            say_error(request, "Say who it is.")
            return go(request, here)
        chosen: dict[str, Any] = {
            "gallery": gallery,
            "face_ids": form.cleaned_data["faces"],
            "actor": self.principal.actor,
        }
        try:
            if form.cleaned_data["reject"]:
                number = reject_faces(**chosen)
                success(request, f"{number} put aside.")
            else:
                name = form.cleaned_data["name"]
                number = name_faces(name=name, **chosen)
                success(request, f"{number} enrolled as {name}.")
        except DomainError as refusal:
            say_error(request, refusal.detail)
        return go(request, here)

    def _group(self, faces: list[Any]) -> Group:
        return Group(
            ids=tuple(face.pk for face in faces),
            sources=tuple(
                picture_url(principal=self.principal, kind="crop", face_id=face.pk)
                for face in faces[:SHOWN]
            ),
            more=max(0, len(faces) - SHOWN),
        )


class ProbeKeepView(ProbePage):
    """Keeping a face of an answer for naming later."""

    actions: ClassVar[dict[str, Action]] = {"POST": Action.IDENTITY_ENROLL}

    def post(self, request: HttpRequest, pk: UUID, number: int) -> HttpResponse:
        rows = ProbeFace.objects.select_related("probe__gallery__model_version", "probe__photo")
        face = get_object_or_404(rows, probe=self.probe(pk), number=number)
        try:
            keep_probe_face(probe_face=face, actor=self.principal.actor)
        except DomainError as refusal:
            say_error(request, refusal.detail)
            return go(request, reverse("probe", args=[pk]))
        where = reverse("unnamed", args=[face.probe.gallery_id])
        return go(request, where, said="Kept. Searches do not find it until it has a name.")
