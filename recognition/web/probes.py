"""Answers: one, the list of them, their similar images, and what can be done with them."""

from typing import Any, ClassVar
from uuid import UUID

from django.contrib.messages import warning
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse

from faceplatform.accounts.access import PolicyView
from faceplatform.accounts.policy import Action, allows
from faceplatform.core.errors import DomainError
from recognition.models import FaceImage, FaceState, Gallery, Identity, Probe, ProbeFace
from recognition.selectors.answers import answer_of, similar_csv, similar_page
from recognition.selectors.probes import recent_probes
from recognition.selectors.score_shapes import score_shapes
from recognition.services.enrollment import explain
from recognition.services.pictures import picture_url
from recognition.services.probe_actions import ask_again, enroll_probe_face
from recognition.services.probes import delete_probe
from recognition.services.reports import report_wrong
from recognition.web.base import ProbePage, fragment, go
from recognition.web.cards import face_cards, probe_row, similar_tiles
from recognition.web.forms import EnrollFaceForm

PAGE = 40
SIMILAR_FIRST = 24
SIMILAR_MORE = 60


class ProbesView(PolicyView):
    """What was asked, newest first."""

    actions: ClassVar[dict[str, Action]] = {"GET": Action.PROBE_VIEW}

    def get(self, request: HttpRequest) -> HttpResponse:
        reported = request.GET.get("reported") == "1"
        found = recent_probes(self.principal, reported=reported)
        page = Paginator(found, PAGE).get_page(request.GET.get("page"))
        may_delete = allows(self.principal, Action.PROBE_DELETE)
        rows = [probe_row(self.principal, probe, may_delete=may_delete) for probe in page]
        return render(
            request, "recognition/probes.html", {"page": page, "rows": rows, "reported": reported}
        )


class ProbeView(ProbePage):
    """One answer."""

    actions: ClassVar[dict[str, Action]] = {"GET": Action.PROBE_VIEW}

    def get(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        return render(request, "recognition/probe.html", self.context(self.probe(pk)))

    def context(self, probe: Probe) -> dict[str, Any]:
        """Return what the page shows."""
        answer = answer_of(probe, similar_limit=SIMILAR_FIRST)
        may_enroll = allows(self.principal, Action.IDENTITY_ENROLL)
        others = Gallery.objects.visible_to(self.principal).filter(searchable=True)
        screen = ""
        if probe.photo_id is not None:
            screen = picture_url(principal=self.principal, kind="screen", photo_id=probe.photo_id)
        return {
            "probe": probe,
            "gallery": probe.gallery,
            "answer": answer,
            "cards": face_cards(self.principal, answer, may_enroll=may_enroll),
            "single": len(answer.faces) == 1,
            "names": list(dict.fromkeys(f.identity.name for f in answer.faces if f.identity)),
            "screen": screen,
            "together": self._together(probe),
            "shapes": score_shapes(probe.gallery),
            "total_seconds": sum(probe.timings.values()) / 1000,
            "other_galleries": others.exclude(pk=probe.gallery_id).order_by("name")[:50],
        }

    def _together(self, probe: Probe) -> list[Any]:
        """Return the answers of the other galleries that were asked with this one."""
        asked = probe.settings.get("together", [])
        rows = recent_probes(self.principal).filter(pk__in=asked).exclude(pk=probe.pk)
        return sorted(rows, key=lambda row: asked.index(str(row.pk)))


class FaceOfProbe(ProbePage):
    """A page of one face of an answer."""

    def face(self, pk: UUID, number: int) -> ProbeFace:
        """Return the face, 404 where the probe is not one of the principal's."""
        rows = ProbeFace.objects.select_related(
            "probe__gallery__model_version", "probe__model_version", "probe__photo"
        )
        return get_object_or_404(rows, probe=self.probe(pk), number=number)


class ProbeSimilarView(FaceOfProbe):
    """More similar images of a face, of one person if asked."""

    actions: ClassVar[dict[str, Action]] = {"GET": Action.PROBE_VIEW}

    def get(self, request: HttpRequest, pk: UUID, number: int) -> HttpResponse:
        face = self.face(pk, number)
        offset = _whole(request.GET.get("offset", "0"))
        person = _person(request.GET.get("identity", ""))
        if person is not None:
            people = Identity.objects.visible_to(self.principal)
            get_object_or_404(people, pk=person, gallery=face.probe.gallery_id)
        limit = SIMILAR_MORE if offset else SIMILAR_FIRST
        found = similar_page(face, offset=offset, limit=limit, identity_id=person)
        context = {
            "tiles": similar_tiles(self.principal, found.images),
            "total": found.total,
            "shown": offset + len(found.images),
            "below": face.decision == "unknown",
            "more_url": reverse("probe_similar", args=[pk, number]),
            "identity": person or "",
        }
        return fragment(request, "recognition/parts/similar_tiles.html", context)


class ProbeSimilarCsvView(FaceOfProbe):
    """All similar images of a face as CSV."""

    actions: ClassVar[dict[str, Action]] = {"GET": Action.PROBE_VIEW}

    def get(self, request: HttpRequest, pk: UUID, number: int) -> StreamingHttpResponse:
        return csv_response(similar_csv(self.face(pk, number)), f"similar-{number}.csv")


class ProbeDeleteView(ProbePage):
    """Forgetting an answer."""

    actions: ClassVar[dict[str, Action]] = {"POST": Action.PROBE_DELETE}

    def post(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        delete_probe(probe=self.probe(pk), actor=self.principal.actor)
        return go(request, reverse("probes"), said="The answer was deleted.")


class ProbeEnrollView(FaceOfProbe):
    """Saying who a face is: a new person, or one of the gallery."""

    actions: ClassVar[dict[str, Action]] = {"POST": Action.IDENTITY_ENROLL}

    def post(self, request: HttpRequest, pk: UUID, number: int) -> HttpResponse:
        face = self.face(pk, number)
        form = EnrollFaceForm(request.POST)
        if form.is_valid():
            try:
                stored = enroll_probe_face(
                    probe_face=face,
                    name=form.cleaned_data["name"],
                    identity=self._person(face, form),
                    actor=self.principal.actor,
                )
            except DomainError as error:
                form.refuse(error)
            else:
                name = stored.identity.name if stored.identity else ""
                where = reverse("identity", args=[stored.identity_id])
                return go(request, where, said=_enrolled(stored, name))
        if request.headers.get("HX-Request") != "true":
            for errors in form.errors.values():
                warning(request, " ".join(str(line) for line in errors))
            return go(request, reverse("probe", args=[pk]))
        url = reverse("probe_enroll", args=[pk, number])
        context = {"form": form, "enroll_url": url, "number": number}
        return fragment(request, "recognition/parts/enroll_form.html", context, status=422)

    def _person(self, face: ProbeFace, form: EnrollFaceForm) -> Identity | None:
        if form.cleaned_data["identity"] is None:
            return None
        people = Identity.objects.visible_to(self.principal).filter(gallery=face.probe.gallery)
        found: Identity = get_object_or_404(people, pk=form.cleaned_data["identity"])
        return found


class ProbeReportView(FaceOfProbe):
    """Saying that a face was given a wrong name."""

    actions: ClassVar[dict[str, Action]] = {"POST": Action.REVIEW_DECIDE}

    def post(self, request: HttpRequest, pk: UUID, number: int) -> HttpResponse:
        image = report_wrong(probe_face=self.face(pk, number), actor=self.principal.actor)
        said = "Noted. The image behind this answer waits in review." if image else "Noted."
        return go(request, reverse("probe", args=[pk]), said=said)


class ProbeAgainView(ProbePage):
    """Asking the same photo of another gallery."""

    actions: ClassVar[dict[str, Action]] = {"POST": Action.IDENTIFY}

    def post(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        wanted = _person(request.POST.get("gallery", ""))
        gallery = get_object_or_404(Gallery.objects.visible_to(self.principal), pk=wanted)
        answer = ask_again(probe=self.probe(pk), gallery=gallery, actor=self.principal.actor)
        return go(request, reverse("probe", args=[answer.pk]))


def csv_response(lines: Any, name: str) -> StreamingHttpResponse:
    """Send CSV lines as a file."""
    response = StreamingHttpResponse(lines, content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


def _enrolled(stored: FaceImage, name: str) -> str:
    """Say what became of a face that somebody named."""
    if stored.state == FaceState.QUARANTINED:
        return f"Filed under {name} and held back: {explain((stored.reason,))}. It waits in review."
    if stored.reason:
        return f"Enrolled as {name}; but {explain((stored.reason,))}. See the review."
    return f"Enrolled as {name}. Searches find this image."


def _whole(text: str) -> int:
    if not text.isascii() or not text.isdigit() or len(text) > 9:
        raise Http404
    return int(text)


def _person(text: str) -> UUID | None:
    if not text:
        return None
    try:
        return UUID(text)
    except ValueError:
        raise Http404 from None
