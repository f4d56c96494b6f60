"""Who is in this photo? The page that takes the photo."""

from typing import Any, ClassVar
from uuid import UUID

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse

from faceplatform.accounts.access import PolicyView
from faceplatform.accounts.policy import Action, allows
from faceplatform.core.errors import DomainError
from recognition.models import Gallery
from recognition.services.identification import identify_in
from recognition.web.base import fragment, go
from recognition.web.forms import IdentifyForm

REMEMBERED = "identify_gallery"
_NUMBERS = ("top", "min_quality", "threshold")


class IdentifyView(PolicyView):
    """A drop zone; the gallery is remembered in the session."""

    actions: ClassVar[dict[str, Action]] = {"GET": Action.GALLERY_VIEW, "POST": Action.IDENTIFY}

    def get(self, request: HttpRequest) -> HttpResponse:
        self._hide_foreign(request.GET.get("gallery", ""))
        return render(request, "recognition/identify.html", self._context(self._form()))

    def post(self, request: HttpRequest) -> HttpResponse:
        self._hide_foreign(request.POST.get("gallery", ""))
        form = IdentifyForm(request.POST, request.FILES, galleries=self._galleries())
        if form.is_valid():
            gallery, photo = form.cleaned_data["gallery"], form.cleaned_data["photo"]
            request.session[REMEMBERED] = str(gallery.pk)
            try:
                probe = identify_in(
                    galleries=form.galleries(),
                    data=photo.read(),
                    name=photo.name or "photo",
                    actor=self.principal.actor,
                    options=form.options(),
                )[0]
            except DomainError as error:
                form.refuse(error)
            else:
                return go(request, reverse("probe", args=[probe.pk]))
        if request.headers.get("HX-Request") == "true":
            return fragment(
                request, "recognition/parts/identify_form.html", self._context(form), status=422
            )
        return render(request, "recognition/identify.html", self._context(form), status=422)

    def _hide_foreign(self, wanted: str) -> None:
        """Answer 404 for a gallery that is not one of the principal's."""
        try:
            pk = UUID(wanted)
        except ValueError:
            return  # no id at all: the form says so
        get_object_or_404(Gallery.objects.visible_to(self.principal), pk=pk)

    def _galleries(self) -> "QuerySet[Gallery]":
        rows = Gallery.objects.visible_to(self.principal).filter(searchable=True)
        return rows.select_related("model_version").order_by("name")

    def _form(self) -> IdentifyForm:
        wanted = self.request.GET.get("gallery") or self.request.session.get(REMEMBERED)
        known = {str(pk) for pk in self._galleries().values_list("pk", flat=True)}
        initial = {"gallery": UUID(wanted)} if wanted in known else {}
        return IdentifyForm(initial=initial, galleries=self._galleries())

    def _context(self, form: IdentifyForm) -> dict[str, Any]:
        return {
            "form": form,
            "may_ask": allows(self.principal, Action.IDENTIFY),
            "has_galleries": self._galleries().exists(),
            "several": self._galleries().count() > 1,
            "opened": any(form.data.get(name) for name in ("also", *_NUMBERS)),
            "numbers": [form[name] for name in _NUMBERS],
        }
