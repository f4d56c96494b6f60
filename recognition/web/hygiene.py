"""What a look through a gallery found, side by side, with one-click actions."""

from dataclasses import dataclass
from typing import Any, ClassVar
from uuid import UUID

from django.core.paginator import Paginator
from django.db.models import Model
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse

from faceplatform.accounts.access import PolicyView
from faceplatform.accounts.policy import Action, allows
from faceplatform.accounts.principal import Principal
from faceplatform.core.errors import DomainError
from recognition.models import FaceImage, FindingKind, HygieneFinding
from recognition.selectors.hygiene import (
    finding_counts,
    findings_of,
    latest_run,
)
from recognition.selectors.people import last_merge, people_with_one_image
from recognition.selectors.review import last_decision
from recognition.services.enrollment import explain
from recognition.services.hygiene import dismiss, start_hygiene
from recognition.services.pictures import picture_url
from recognition.web.base import GalleryPage, go
from recognition.web.cards import identity_tile
from recognition.web.review import back_to

PAGE = 30
SINGLE = "single"
LOOK_ALIKE = FindingKind.LOOK_ALIKE.value


@dataclass(frozen=True, slots=True)
class Side:
    """One image of a finding."""

    pk: UUID
    src: str
    name: str
    href: str
    identity_pk: UUID | None
    path: str
    quality: float


@dataclass(frozen=True, slots=True)
class FindingRow:
    """One finding; `other` is what the image is compared with."""

    kind: str
    word: str
    face: Side
    other: Side | None
    score: float | None
    own: float | None
    reasons: str
    decide_url: str
    dismiss_url: str
    merge_url: str
    dismissed: bool


class HygieneView(GalleryPage):
    """The findings of a gallery by kind; a POST looks through it again."""

    actions: ClassVar[dict[str, Action]] = {
        "GET": Action.IDENTITY_VIEW,
        "POST": Action.REVIEW_DECIDE,
    }

    def get(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        gallery = self.gallery(pk)
        counts = finding_counts(gallery)
        usual = next((one.kind for one in counts if one.count), FindingKind.MISLABELLED.value)
        kind = request.GET.get("kind", usual)
        kind = kind if kind in {*FindingKind.values, SINGLE} else usual
        dismissed = request.GET.get("dismissed") == "1"
        singles = people_with_one_image(gallery)
        rows: Any = (
            singles if kind == SINGLE else findings_of(gallery, kind=kind, dismissed=dismissed)
        )
        page = Paginator(rows, PAGE).get_page(request.GET.get("page"))
        user = self.principal.user
        context = {
            "gallery": gallery,
            "run": latest_run(gallery),
            "counts": counts,
            "singles": singles.count(),
            "kind": kind,
            "dismissed": dismissed,
            "page": page,
            "rows": [] if kind == SINGLE else [_row(self.principal, one) for one in page],
            "people": (
                [identity_tile(self.principal, one) for one in page] if kind == SINGLE else []
            ),
            "last": last_decision(self.principal, user.pk) if user else None,
            "merge": last_merge(gallery, user.pk) if user and kind == LOOK_ALIKE else None,
            "here": request.get_full_path(),
        }
        return render(request, "recognition/hygiene.html", context)

    def post(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        gallery = self.gallery(pk)
        try:
            run = start_hygiene(gallery=gallery, actor=self.principal.actor)
        except DomainError as refusal:
            return go(request, reverse("hygiene", args=[pk]), said=refusal.detail)
        return go(request, reverse("job", args=[run.job_id]))


class FindingDismissView(PolicyView):
    """Saying that a finding is none; `back` takes that back."""

    actions: ClassVar[dict[str, Action]] = {"POST": Action.REVIEW_DECIDE}
    path_models: ClassVar[dict[str, type[Model]]] = {"pk": HygieneFinding}

    def post(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        rows = HygieneFinding.objects.visible_to(self.principal).select_related("face")
        finding = get_object_or_404(rows, pk=pk)
        back = request.POST.get("back") == "1"
        dismiss(finding=finding, actor=self.principal.actor, back=back)
        return back_to(request, reverse("hygiene", args=[finding.gallery_id]))


def _row(principal: Principal, finding: HygieneFinding) -> FindingRow:
    return FindingRow(
        kind=finding.kind,
        word=str(finding.get_kind_display()),
        face=_side(principal, finding.face),
        other=_side(principal, finding.other) if finding.other else None,
        score=finding.score,
        own=finding.own,
        reasons=explain(tuple(finding.reasons.split(","))) if finding.reasons else "",
        decide_url=reverse("image_decide", args=[finding.face_id]),
        dismiss_url=reverse("finding_dismiss", args=[finding.pk]),
        merge_url=_merge_url(principal, finding),
        dismissed=finding.dismissed_at is not None,
    )


def _merge_url(principal: Principal, finding: HygieneFinding) -> str:
    """Return where two people become one, where the finding is that they may be."""
    if finding.kind != FindingKind.LOOK_ALIKE or not allows(principal, Action.IDENTITY_CHANGE):
        return ""
    both = finding.face.identity_id and finding.other and finding.other.identity_id
    return reverse("identity_merge", args=[finding.face.identity_id]) if both else ""


def _side(principal: Principal, face: FaceImage) -> Side:
    identity = face.identity
    return Side(
        pk=face.pk,
        src=picture_url(principal=principal, kind="crop", face_id=face.pk),
        name=identity.name if identity else "Nobody yet",
        href=reverse("identity", args=[identity.pk]) if identity else "",
        identity_pk=identity.pk if identity else None,
        path=face.path,
        quality=face.quality,
    )
