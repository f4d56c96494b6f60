"""Look-alikes for play, the live page of a webcam, and who else looks like a stored image."""

from typing import Any, ClassVar
from uuid import UUID

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse

from faceplatform.accounts.access import PolicyView
from faceplatform.accounts.policy import Action
from faceplatform.core.errors import DomainError
from recognition.models import Gallery
from recognition.selectors.look_alikes import resembling
from recognition.services.looking import PLAY, LookAlikes, find_look_alikes
from recognition.services.pictures import picture_url
from recognition.web.base import ImagePage, fragment
from recognition.web.cards import candidate_row
from recognition.web.forms import AskForm

SHOWN = 12


class LookAlikesView(PolicyView):
    """A photo and the nearest people, for play."""

    actions: ClassVar[dict[str, Action]] = {"GET": Action.IDENTIFY, "POST": Action.IDENTIFY}

    def get(self, request: HttpRequest) -> HttpResponse:
        form = AskForm(galleries=searchable(self.principal))
        return render(request, "recognition/look_alikes.html", self._context(form, None))

    def post(self, request: HttpRequest) -> HttpResponse:
        form = AskForm(request.POST, request.FILES, galleries=searchable(self.principal))
        faces: list[LookAlikes] | None = None
        if form.is_valid():
            try:
                faces = find_look_alikes(
                    gallery=form.cleaned_data["gallery"],
                    data=form.cleaned_data["photo"].read(),
                    actor=self.principal.actor,
                )
            except DomainError as error:
                form.refuse(error)
        status = 422 if faces is None else 200
        context = self._context(form, faces)
        if request.headers.get("HX-Request") == "true":
            name = "recognition/parts/look_alikes_form.html"
            return fragment(request, name, context, status=status)
        return render(request, "recognition/look_alikes.html", context, status=status)

    def _context(self, form: AskForm, faces: list[LookAlikes] | None) -> dict[str, Any]:
        shown = None
        if faces is not None:
            shown = [
                (face.number, [candidate_row(self.principal, one) for one in face.people])
                for face in faces
            ]
        return {"form": form, "faces": shown, "play": PLAY}


class LivePageView(PolicyView):
    """A webcam, with names drawn on it."""

    actions: ClassVar[dict[str, Action]] = {"GET": Action.IDENTIFY}

    def get(self, request: HttpRequest) -> HttpResponse:
        galleries = [
            (reverse("api_live", args=[gallery.pk]), gallery.name)
            for gallery in searchable(self.principal)
        ]
        return render(request, "recognition/live.html", {"galleries": galleries})


class ImageResemblingView(ImagePage):
    """Who else looks like one stored image."""

    actions: ClassVar[dict[str, Action]] = {"GET": Action.IDENTIFY}

    def get(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        face = self.face(pk)
        found = resembling(face, top=SHOWN)
        own = found.own
        context = {
            "face": face,
            "identity": face.identity,
            "gallery": face.gallery,
            "found": found,
            "src": picture_url(principal=self.principal, kind="crop", face_id=face.pk),
            "own": candidate_row(self.principal, own) if own else None,
            "rows": [candidate_row(self.principal, one) for one in found.people],
        }
        return render(request, "recognition/resembling.html", context)


def searchable(principal: Any) -> "QuerySet[Gallery]":
    """Return the galleries that the principal may ask, by name."""
    rows = Gallery.objects.visible_to(principal).filter(searchable=True)
    return rows.select_related("model_version").order_by("name")
