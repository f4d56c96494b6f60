"""Naming the faces of one photo in one step."""

from dataclasses import dataclass
from typing import Any, ClassVar
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse

from faceplatform.accounts.policy import Action
from faceplatform.core.errors import DomainError
from recognition.models import Decision, FaceState, Probe
from recognition.services.enrollment import explain
from recognition.services.identities import MAX_NAME
from recognition.services.pictures import picture_url
from recognition.services.probe_actions import enroll_probe_people
from recognition.web.base import ProbePage, go
from recognition.web.cards import inside
from recognition.web.marks import FaceMark

FIELD = "face-"


@dataclass(frozen=True, slots=True)
class NameRow:
    """A face with the field for its name; `problem` says why its face cannot be enrolled."""

    number: int
    src: str
    decision: str
    name: str
    problem: str


class ProbePeopleView(ProbePage):
    """Every face of a photo with a field for its name."""

    actions: ClassVar[dict[str, Action]] = {
        "GET": Action.IDENTITY_ENROLL,
        "POST": Action.IDENTITY_ENROLL,
    }

    def get(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        return self._page(request, self.probe(pk), None, None)

    def post(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        probe = self.probe(pk)
        names = {
            number: request.POST.get(f"{FIELD}{number}", "").strip()[: MAX_NAME + 1]
            for number in probe.faces.values_list("number", flat=True)
        }
        try:
            stored = enroll_probe_people(
                probe=probe,
                names={number: name for number, name in names.items() if name},
                actor=self.principal.actor,
            )
        except DomainError as error:
            return self._page(request, probe, names, error, status=422)
        held = sum(image.state == FaceState.QUARANTINED for image in stored)
        said = f"{len(stored)} {'face' if len(stored) == 1 else 'faces'} enrolled."
        if held:
            said = f"{len(stored)} filed, {held} of them held back for review."
        return go(request, reverse("gallery", args=[probe.gallery_id]), said=said)

    def _page(
        self,
        request: HttpRequest,
        probe: Probe,
        names: dict[int, str] | None,
        refusal: DomainError | None,
        *,
        status: int = 200,
    ) -> HttpResponse:
        faces = list(probe.faces.select_related("identity").order_by("number"))
        kept = probe.photo_id is not None
        marks = [
            FaceMark(
                face.number,
                face.decision,
                f"Face {face.number}",
                inside((face.x1, face.y1, face.x2, face.y2), probe.width, probe.height),
                (),
            )
            for face in faces
        ]
        context = {
            "probe": probe,
            "gallery": probe.gallery,
            "cards": marks,
            "rows": [self._row(face, kept, names) for face in faces],
            "refusal": refusal,
            "screen": (
                picture_url(principal=self.principal, kind="screen", photo_id=probe.photo_id)
                if probe.photo_id is not None
                else ""
            ),
        }
        return render(request, "recognition/probe_people.html", context, status=status)

    def _row(self, face: Any, kept: bool, names: dict[int, str] | None) -> NameRow:
        poor = face.decision == Decision.LOW_QUALITY
        known = face.decision == Decision.IDENTIFIED and face.identity is not None
        proposed = face.identity.name if known else ""
        return NameRow(
            number=face.number,
            src=(
                picture_url(principal=self.principal, kind="crop", probe_face_id=face.pk)
                if kept
                else ""
            ),
            decision=face.decision,
            name=proposed if names is None else names.get(face.number, ""),
            problem=explain(tuple(face.reason.split(","))) if poor else "",
        )
