"""Images that wait for a decision: one at a time, with the people they may be of beside them."""

from typing import ClassVar
from uuid import UUID

from django.contrib.messages import error as say_error
from django.db.models import Model
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme

from faceplatform.accounts.access import PolicyView
from faceplatform.accounts.policy import Action
from faceplatform.core.errors import DomainError
from recognition.models import Gallery, Identity, ReviewAction, ReviewDecision
from recognition.selectors.people import PeopleFilter, people_page
from recognition.selectors.review import case_of, last_decision, review_queue
from recognition.services.review import decide, undo
from recognition.web.base import GalleryPage, ImagePage, fragment
from recognition.web.forms import DecisionForm
from recognition.web.review_cards import review_card

NAMES = 20


class ReviewView(PolicyView):
    """The next image in question, of all galleries or of one; `skip` passes over so many."""

    actions: ClassVar[dict[str, Action]] = {"GET": Action.IDENTITY_VIEW}

    def get(self, request: HttpRequest) -> HttpResponse:
        gallery = self._gallery(request.GET.get("gallery", ""))
        waiting = review_queue(self.principal, gallery=gallery)
        total = waiting.count()
        skip = _whole(request.GET.get("skip", ""))
        face = waiting[skip : skip + 1].first() if total else None
        user = self.principal.user
        last = last_decision(self.principal, user.pk) if user else None
        context = {
            "gallery": gallery,
            "galleries": Gallery.objects.visible_to(self.principal).order_by("name"),
            "card": review_card(self.principal, case_of(face)) if face else None,
            "total": total,
            "skip": skip,
            "left": max(0, total - skip),
            "last": last,
            "here": request.get_full_path(),
        }
        return render(request, "recognition/review.html", context)

    def _gallery(self, text: str) -> Gallery | None:
        if not text:
            return None
        rows = Gallery.objects.visible_to(self.principal).select_related("model_version")
        try:
            pk = UUID(text)
        except ValueError:
            pk = UUID(int=0)
        found: Gallery = get_object_or_404(rows, pk=pk)
        return found


class ImageDecideView(ImagePage):
    """Accepting, moving or rejecting one image."""

    actions: ClassVar[dict[str, Action]] = {"POST": Action.REVIEW_DECIDE}

    def post(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        face = self.face(pk)
        form = DecisionForm(request.POST)
        if not form.is_valid():
            return self._back(request, "Choose what is to be done with the image.")
        identity = None
        if form.cleaned_data["identity"] is not None:
            people = Identity.objects.visible_to(self.principal).filter(gallery=face.gallery_id)
            identity = get_object_or_404(people, pk=form.cleaned_data["identity"])
        try:
            decide(
                face=face,
                action=ReviewAction(form.cleaned_data["action"]),
                identity=identity,
                name=form.cleaned_data["name"],
                actor=self.principal.actor,
            )
        except DomainError as refusal:
            return self._back(request, refusal.detail)
        return back_to(request, reverse("review"))

    def _back(self, request: HttpRequest, text: str) -> HttpResponse:
        say_error(request, text)
        return back_to(request, reverse("review"))


class DecisionUndoView(PolicyView):
    """Taking a decision back."""

    actions: ClassVar[dict[str, Action]] = {"POST": Action.REVIEW_DECIDE}
    path_models: ClassVar[dict[str, type[Model]]] = {"pk": ReviewDecision}

    def post(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        rows = ReviewDecision.objects.visible_to(self.principal).select_related("face")
        try:
            undo(decision=get_object_or_404(rows, pk=pk), actor=self.principal.actor)
        except DomainError as refusal:
            say_error(request, refusal.detail)
        return back_to(request, reverse("review"))


class GalleryNamesView(GalleryPage):
    """Names of people with what was typed in them, as options of a list.

    The field may have any name: the only value of the query is what was typed.
    """

    actions: ClassVar[dict[str, Action]] = {"GET": Action.IDENTITY_VIEW}

    def get(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        gallery = self.gallery(pk)
        wanted = str(next(iter(request.GET.values()), "")).strip()[:200]
        names: list[str] = []
        if wanted:
            found = people_page(gallery, PeopleFilter(search=wanted), limit=NAMES)
            names = [person.name for person in found.people]
        return fragment(request, "recognition/parts/name_options.html", {"names": names})


def back_to(request: HttpRequest, usual: str) -> HttpResponseRedirect:
    """Send the browser to the page it came from, if that is one of ours."""
    wanted = request.POST.get("next", "")
    ours = url_has_allowed_host_and_scheme(wanted, {request.get_host()}, request.is_secure())
    return HttpResponseRedirect(wanted if ours else usual)


def _whole(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 7 else 0
