"""Are these two the same person? Is this somebody in particular?"""

from typing import Any, ClassVar
from uuid import UUID

from django.core.files.uploadedfile import UploadedFile
from django.db.models import Model
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse

from faceplatform.accounts.access import PolicyView
from faceplatform.accounts.policy import Action, allows
from faceplatform.core.errors import DomainError
from recognition.models import Verification
from recognition.selectors.score_kinds import scoring_of
from recognition.selectors.score_shapes import version_shapes
from recognition.selectors.verification_thresholds import rule_for
from recognition.selectors.verifications import verification_answer
from recognition.services.verification import (
    PhotoInput,
    delete_verification,
    verify_identity,
    verify_photos,
)
from recognition.web.base import IdentityPage, fragment, go
from recognition.web.compare_cards import compared_photos, matrix_rows, pair_shown, person_cards
from recognition.web.forms import CompareForm, VerifyPersonForm


class CompareView(PolicyView):
    """Two drop zones."""

    actions: ClassVar[dict[str, Action]] = {"GET": Action.GALLERY_VIEW, "POST": Action.VERIFY}

    def get(self, request: HttpRequest) -> HttpResponse:
        return render(request, "recognition/compare.html", self._context(CompareForm()))

    def post(self, request: HttpRequest) -> HttpResponse:
        form = CompareForm(request.POST, request.FILES)
        organization = self.principal.organization
        if form.is_valid() and organization is not None:
            try:
                made = verify_photos(
                    organization_id=organization.pk,
                    first=_input(form.cleaned_data["first"]),
                    second=_input(form.cleaned_data["second"]),
                    fmr=float(form.cleaned_data["fmr"]),
                    actor=self.principal.actor,
                )
            except DomainError as error:
                form.refuse(error)
            else:
                return go(request, reverse("comparison", args=[made.pk]))
        return _refused(request, "compare", self._context(form))

    def _context(self, form: CompareForm) -> dict[str, Any]:
        return {"form": form, "may_ask": allows(self.principal, Action.VERIFY)}


class IdentityVerifyView(IdentityPage):
    """A photo against one person."""

    actions: ClassVar[dict[str, Action]] = {"GET": Action.VERIFY, "POST": Action.VERIFY}

    def get(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        identity = self.identity(pk)
        wanted = identity.gallery.fusion_rule or None
        rule = rule_for(scoring_of(identity.gallery), wanted)
        form = VerifyPersonForm(initial={"rule": rule})
        context = {"identity": identity, "gallery": identity.gallery, "form": form}
        return render(request, "recognition/verify.html", context)

    def post(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        identity = self.identity(pk)
        form = VerifyPersonForm(request.POST, request.FILES)
        if form.is_valid():
            try:
                made = verify_identity(
                    identity=identity,
                    photo=_input(form.cleaned_data["photo"]),
                    rule=form.cleaned_data["rule"],
                    fmr=float(form.cleaned_data["fmr"]),
                    actor=self.principal.actor,
                )
            except DomainError as error:
                form.refuse(error)
            else:
                return go(request, reverse("comparison", args=[made.pk]))
        context = {"identity": identity, "gallery": identity.gallery, "form": form}
        return _refused(request, "verify", context)


class ComparisonPage(PolicyView):
    """A page of one verification."""

    path_models: ClassVar[dict[str, type[Model]]] = {"pk": Verification}

    def verification(self, pk: UUID) -> Verification:
        """Return the verification, 404 where it is not one of the principal's."""
        rows = Verification.objects.visible_to(self.principal).select_related(
            "identity", "gallery", "model_version", "created_by"
        )
        found: Verification = get_object_or_404(rows, pk=pk)
        return found


class ComparisonView(ComparisonPage):
    """One answer. `?pair=1-2` shows face 1 of the first photo with face 2 of the second."""

    actions: ClassVar[dict[str, Action]] = {"GET": Action.PROBE_VIEW}

    def get(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        verification = self.verification(pk)
        answer = verification_answer(verification)
        pair = pair_shown(self.principal, answer, request.GET.get("pair", ""))
        context = {
            "verification": verification,
            "answer": answer,
            "photos": compared_photos(self.principal, answer, pair),
            "rows": matrix_rows(self.principal, answer, pair),
            "pair": pair,
            "people": person_cards(self.principal, answer),
            "shapes": version_shapes(verification.model_version),
            "total_seconds": sum(verification.timings.values()) / 1000,
        }
        return render(request, "recognition/comparison.html", context)


class ComparisonDeleteView(ComparisonPage):
    """Forgetting a comparison."""

    actions: ClassVar[dict[str, Action]] = {"POST": Action.PROBE_DELETE}

    def post(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        delete_verification(verification=self.verification(pk), actor=self.principal.actor)
        return go(request, reverse("compare"), said="The comparison was deleted.")


def _refused(request: HttpRequest, name: str, context: dict[str, Any]) -> HttpResponse:
    """Show the form again; htmx gets the form alone."""
    if request.headers.get("HX-Request") == "true":
        return fragment(request, f"recognition/parts/{name}_form.html", context, status=422)
    return render(request, f"recognition/{name}.html", context, status=422)


def _input(upload: UploadedFile) -> PhotoInput:
    return PhotoInput(data=upload.read(), name=upload.name or "photo")
