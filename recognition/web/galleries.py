"""Pages of galleries."""

from typing import ClassVar
from uuid import UUID

from django.contrib.messages import warning
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse

from faceplatform.accounts.access import PolicyView
from faceplatform.accounts.policy import Action
from faceplatform.core.errors import DomainError
from recognition.models import Gallery, ScoreKind
from recognition.selectors.evaluated import evidence_of
from recognition.selectors.galleries import gallery_cards, gallery_facts
from recognition.selectors.people import ONLY, ORDERS, PeopleFilter, people_page
from recognition.selectors.score_shapes import score_shapes, threshold_reach
from recognition.services.galleries import change_gallery, create_gallery, delete_gallery
from recognition.services.gates import limits_json
from recognition.services.identities import MAX_TAG
from recognition.services.scoring import start_scoring
from recognition.web.base import GalleryPage, fragment, go
from recognition.web.cards import gallery_tile, identity_tile
from recognition.web.forms import GalleryForm, GallerySettingsForm, LimitsForm

PAGE = 60
SCORE_KINDS = {
    ScoreKind.RAW: "The cosine of two embeddings. Always possible.",
    ScoreKind.NORMALISED: "Counts how far a score stands out from strangers' scores.",
    ScoreKind.FUSED: "Two networks look at every face.",
    ScoreKind.FUSED_NORMALISED: "Both: the fewest enrolled people are missed.",
}


class GalleriesView(PolicyView):
    """All galleries."""

    actions: ClassVar[dict[str, Action]] = {"GET": Action.GALLERY_VIEW}

    def get(self, request: HttpRequest) -> HttpResponse:
        tiles = [gallery_tile(self.principal, card) for card in gallery_cards(self.principal)]
        return render(request, "recognition/galleries.html", {"tiles": tiles})


class GalleryNewView(PolicyView):
    """Making a gallery."""

    actions: ClassVar[dict[str, Action]] = {
        "GET": Action.GALLERY_CREATE,
        "POST": Action.GALLERY_CREATE,
    }

    def get(self, request: HttpRequest) -> HttpResponse:
        return render(request, "recognition/gallery_new.html", {"form": GalleryForm()})

    def post(self, request: HttpRequest) -> HttpResponse:
        form = GalleryForm(request.POST)
        organization = self.principal.organization
        if form.is_valid() and organization is not None:
            try:
                gallery = create_gallery(
                    organization_id=organization.pk,
                    actor=self.principal.actor,
                    **form.cleaned_data,
                )
            except DomainError as error:
                form.refuse(error)
            else:
                return go(request, reverse("gallery", args=[gallery.pk]))
        return render(request, "recognition/gallery_new.html", {"form": form}, status=422)


class GalleryView(GalleryPage):
    """One gallery: facts and people. Search and paging ask for the grid alone."""

    actions: ClassVar[dict[str, Action]] = {"GET": Action.GALLERY_VIEW}

    def get(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        gallery = self.gallery(pk)
        search = request.GET.get("q", "")[:200]
        order = request.GET.get("order", "name")
        order = order if order in ORDERS else "name"
        only, tag = request.GET.get("only", ""), request.GET.get("tag", "")[:MAX_TAG]
        wanted = PeopleFilter(search, tag, only if only in ONLY else "", order)
        page = people_page(
            gallery,
            wanted,
            after=_mark(request.GET.get("after")),
            before=_mark(request.GET.get("before")),
            limit=PAGE,
        )
        context = {
            "gallery": gallery,
            "page": page,
            "tiles": [identity_tile(self.principal, identity) for identity in page.people],
            "search": search,
            "filtered": bool(search or tag or wanted.only),
            "order": order,
            "orders": ORDERS,
            "only": wanted.only,
            "kinds": ONLY,
            "tag": tag,
        }
        if request.headers.get("HX-Target") == "people":
            return fragment(request, "recognition/parts/people.html", context)
        facts = gallery_facts(gallery)
        evidence = {
            "facts": facts,
            "tags": facts.tags,
            "evidence": evidence_of(gallery),
            "shapes": score_shapes(gallery),
            "reach": threshold_reach(gallery, facts.threshold.value),
        }
        return render(request, "recognition/gallery.html", context | evidence)


class GallerySettingsView(GalleryPage):
    """Changing a gallery."""

    actions: ClassVar[dict[str, Action]] = {
        "GET": Action.GALLERY_CHANGE,
        "POST": Action.GALLERY_CHANGE,
    }

    def get(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        gallery = self.gallery(pk)
        form = GallerySettingsForm(
            initial={
                "name": gallery.name,
                "description": gallery.description,
                "probe_days": gallery.probe_days,
                "searchable": gallery.searchable,
                "consent_required": gallery.consent_required,
                "fusion_rule": gallery.fusion_rule,
            }
        )
        return self._page(request, gallery, form)

    def post(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        gallery = self.gallery(pk)
        form = GallerySettingsForm(request.POST)
        if form.is_valid():
            try:
                change_gallery(gallery=gallery, actor=self.principal.actor, **form.cleaned_data)
            except DomainError as error:
                form.refuse(error)
                gallery.refresh_from_db(fields=["name"])
            else:
                return go(request, reverse("gallery", args=[pk]), said="Saved.")
        return self._page(request, gallery, form, status=422)

    def _page(
        self,
        request: HttpRequest,
        gallery: Gallery,
        form: GallerySettingsForm,
        *,
        status: int = 200,
    ) -> HttpResponse:
        context = {
            "gallery": gallery,
            "form": form,
            "facts": gallery_facts(gallery),
            "kinds": SCORE_KINDS,
        }
        return render(request, "recognition/gallery_settings.html", context, status=status)


class GalleryLimitsView(GalleryPage):
    """What a face must have to be enrolled."""

    actions: ClassVar[dict[str, Action]] = {
        "GET": Action.GALLERY_CHANGE,
        "POST": Action.GALLERY_CHANGE,
    }

    def get(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        gallery = self.gallery(pk)
        return self._page(request, gallery, LimitsForm(limits=limits_json(gallery)))

    def post(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        gallery = self.gallery(pk)
        form = LimitsForm(request.POST, limits=limits_json(gallery))
        if form.is_valid():
            try:
                change_gallery(
                    gallery=gallery, quality_limits=form.limits(), actor=self.principal.actor
                )
            except DomainError as error:
                form.refuse(error)
            else:
                said = "Saved. Images that are enrolled already stay; Hygiene lists those below."
                return go(request, reverse("gallery_limits", args=[pk]), said=said)
        return self._page(request, gallery, form, status=422)

    def _page(
        self, request: HttpRequest, gallery: Gallery, form: LimitsForm, *, status: int = 200
    ) -> HttpResponse:
        context = {"gallery": gallery, "form": form}
        return render(request, "recognition/gallery_limits.html", context, status=status)


class GalleryScoringView(GalleryPage):
    """Changing how a gallery scores, by a job."""

    actions: ClassVar[dict[str, Action]] = {"POST": Action.GALLERY_CHANGE}

    def post(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        gallery = self.gallery(pk)
        try:
            job = start_scoring(
                gallery=gallery, kind=request.POST.get("kind", ""), actor=self.principal.actor
            )
        except DomainError as error:
            warning(request, str(error))
            return go(request, reverse("gallery_settings", args=[pk]))
        return go(request, reverse("job", args=[job.pk]))


class GalleryDeleteView(GalleryPage):
    """Erasing a gallery with everything in it."""

    actions: ClassVar[dict[str, Action]] = {"POST": Action.GALLERY_DELETE}

    def post(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        gallery = self.gallery(pk)
        name = gallery.name
        delete_gallery(gallery=gallery, actor=self.principal.actor)
        return go(request, reverse("galleries"), said=f"{name} was deleted with all its people.")


def _mark(text: str | None) -> UUID | None:
    """Return where a page begins; anything that is no id means the first page."""
    try:
        return UUID(text) if text else None
    except ValueError:
        return None
