"""What can be done with a person: merge, move, split, export, consents."""

from typing import Any, ClassVar
from uuid import UUID

from django.contrib.messages import success, warning
from django.db.models import Model
from django.http import FileResponse, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse

from faceplatform.accounts.access import PolicyView
from faceplatform.accounts.policy import Action
from faceplatform.core.errors import DomainError
from faceplatform.core.web.forms import PageForm
from recognition.models import Consent, Gallery, Identity, IdentityMerge
from recognition.selectors.people import PeopleFilter, people_page
from recognition.services.consents import record_consent, withdraw_consent
from recognition.services.identity_export import export_identity
from recognition.services.identity_merges import merge_identities, undo_merge
from recognition.services.identity_moves import move_identity, split_identity
from recognition.web.base import IdentityPage, fragment, go
from recognition.web.cards import identity_tile, image_tile
from recognition.web.forms import ConsentForm, MergeForm, MoveForm, SplitForm
from recognition.web.review import back_to

FOUND = 12
MOST_IMAGES = 200


class IdentityMergeView(IdentityPage):
    """Choosing who is the same person, and merging."""

    actions: ClassVar[dict[str, Action]] = {
        "GET": Action.IDENTITY_CHANGE,
        "POST": Action.IDENTITY_CHANGE,
    }

    def get(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        identity = self.identity(pk)
        search = request.GET.get("q", "")[:200]
        page = people_page(identity.gallery, PeopleFilter(search=search), limit=FOUND + 1)
        others = [person for person in page.people if person.pk != identity.pk][:FOUND]
        context = {
            "identity": identity,
            "gallery": identity.gallery,
            "search": search,
            "people": [(person.pk, identity_tile(self.principal, person)) for person in others],
        }
        if request.headers.get("HX-Target") == "merge-people":
            return fragment(request, "recognition/parts/merge_people.html", context)
        return render(request, "recognition/identity_merge.html", context)

    def post(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        identity = self.identity(pk)
        form = MergeForm(request.POST)
        if not form.is_valid():
            return _back(request, pk, form)
        people = Identity.objects.visible_to(self.principal)
        source = get_object_or_404(people, pk=form.cleaned_data["source"])
        try:
            merge_identities(identity=identity, source=source, actor=self.principal.actor)
        except DomainError as error:
            return _refused(request, pk, error)
        said = f"{source.name} is part of {identity.name} now. It can be undone here."
        return _on(request, reverse("identity", args=[pk]), said)


class MergeUndoView(PolicyView):
    """Taking a merge back."""

    path_models: ClassVar[dict[str, type[Model]]] = {"pk": IdentityMerge}
    actions: ClassVar[dict[str, Action]] = {"POST": Action.IDENTITY_CHANGE}

    def post(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        rows = IdentityMerge.objects.visible_to(self.principal)
        merge = get_object_or_404(rows, pk=pk)
        try:
            again = undo_merge(merge=merge, actor=self.principal.actor)
        except DomainError as error:
            return _refused(request, merge.identity_id, error)
        said = f"{again.name} is a person of their own again."
        return _on(request, reverse("identity", args=[again.pk]), said)


class IdentityMoveView(IdentityPage):
    """Another gallery."""

    actions: ClassVar[dict[str, Action]] = {
        "GET": Action.IDENTITY_CHANGE,
        "POST": Action.IDENTITY_CHANGE,
    }

    def get(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        identity = self.identity(pk)
        galleries = self._galleries(identity)
        context = {"identity": identity, "gallery": identity.gallery, "galleries": galleries}
        return render(request, "recognition/identity_move.html", context)

    def post(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        identity = self.identity(pk)
        form = MoveForm(request.POST)
        if not form.is_valid():
            return _back(request, pk, form)
        rows = Gallery.objects.visible_to(self.principal).select_related("model_version")
        gallery = get_object_or_404(rows, pk=form.cleaned_data["gallery"])
        try:
            move_identity(identity=identity, gallery=gallery, actor=self.principal.actor)
        except DomainError as error:
            return _refused(request, pk, error)
        said = f"{identity.name} belongs to {gallery.name} now."
        return go(request, reverse("identity", args=[pk]), said=said)

    def _galleries(self, identity: Identity) -> Any:
        rows = Gallery.objects.visible_to(self.principal).exclude(pk=identity.gallery_id)
        return rows.filter(model_version=identity.gallery.model_version).order_by("name")[:200]


class IdentitySplitView(IdentityPage):
    """Choosing images that are somebody else."""

    actions: ClassVar[dict[str, Action]] = {
        "GET": Action.IDENTITY_CHANGE,
        "POST": Action.IDENTITY_CHANGE,
    }

    def get(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        identity = self.identity(pk)
        return self._page(request, identity, SplitForm(images=self._ids(identity)))

    def post(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        identity = self.identity(pk)
        form = SplitForm(request.POST, images=self._ids(identity))
        if form.is_valid():
            try:
                made = split_identity(
                    identity=identity, actor=self.principal.actor, **form.cleaned_data
                )
            except DomainError as error:
                form.refuse(error)
            else:
                said = f"{made.name} is a person of their own now."
                return go(request, reverse("identity", args=[made.pk]), said=said)
        return self._page(request, identity, form, status=422)

    def _page(
        self, request: HttpRequest, identity: Identity, form: SplitForm, *, status: int = 200
    ) -> HttpResponse:
        faces = identity.faces.select_related("photo").order_by("-quality", "pk")[:MOST_IMAGES]
        tiles = [
            (face.pk, image_tile(self.principal, face, may_delete=False, may_export=False))
            for face in faces
        ]
        context = {
            "identity": identity,
            "gallery": identity.gallery,
            "form": form,
            "tiles": tiles,
        }
        return render(request, "recognition/identity_split.html", context, status=status)

    def _ids(self, identity: Identity) -> list[UUID]:
        return list(identity.faces.values_list("pk", flat=True))


class IdentityExportView(IdentityPage):
    """Everything that is kept about a person."""

    actions: ClassVar[dict[str, Action]] = {"GET": Action.PICTURE_EXPORT}

    def get(self, request: HttpRequest, pk: UUID) -> FileResponse:
        identity = self.identity(pk)
        archive = export_identity(identity=identity, actor=self.principal.actor)
        return FileResponse(
            archive, as_attachment=True, filename=f"person-{pk}.zip", content_type="application/zip"
        )


class ConsentNewView(IdentityPage):
    """Recording a consent."""

    actions: ClassVar[dict[str, Action]] = {"POST": Action.IDENTITY_CHANGE}

    def post(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        identity = self.identity(pk)
        form = ConsentForm(request.POST)
        if not form.is_valid():
            return _back(request, pk, form)
        try:
            record_consent(identity=identity, actor=self.principal.actor, **form.cleaned_data)
        except DomainError as error:
            return _refused(request, pk, error)
        return go(request, reverse("identity", args=[pk]), said="The consent was recorded.")


class ConsentWithdrawView(PolicyView):
    """Taking a consent back."""

    path_models: ClassVar[dict[str, type[Model]]] = {"pk": Consent}
    actions: ClassVar[dict[str, Action]] = {"POST": Action.IDENTITY_CHANGE}

    def post(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        rows: Any = Consent.objects.visible_to(self.principal).select_related("identity")
        consent = get_object_or_404(rows, pk=pk)
        try:
            withdraw_consent(consent=consent, actor=self.principal.actor)
        except DomainError as error:
            return _refused(request, consent.identity_id, error)
        where = reverse("identity", args=[consent.identity_id])
        return go(request, where, said="The consent was withdrawn.")


def _on(request: HttpRequest, usual: str, said: str) -> HttpResponse:
    """Go on to the page that the form came from, if it named one of ours."""
    success(request, said)
    return back_to(request, usual)


def _refused(request: HttpRequest, identity_id: UUID, error: DomainError) -> HttpResponse:
    """Go back to the person and say why nothing was done."""
    warning(request, f"{error.detail} Nothing was changed. ({error.code})")
    return back_to(request, reverse("identity", args=[identity_id]))


def _back(request: HttpRequest, identity_id: UUID, form: PageForm) -> HttpResponse:
    for field, errors in form.errors.items():
        lines = " ".join(str(line) for line in errors)
        warning(request, f"{form.fields[field].label or field.title()}: {lines}")
    return go(request, reverse("identity", args=[identity_id]))
