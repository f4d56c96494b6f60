"""A gallery's model: giving it another one, going back, and tidying up."""

from typing import ClassVar
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse

from faceplatform.accounts.policy import Action
from faceplatform.core.errors import DomainError
from recognition.models import FaceTemplate, Gallery, ModelVersion
from recognition.selectors.versions import promotable
from recognition.services.promotion import clean_up, earlier_versions, start_promotion
from recognition.web.base import GalleryPage, go


class GalleryModelView(GalleryPage):
    """Which model a gallery has, which it could have, and which it had."""

    actions: ClassVar[dict[str, Action]] = {
        "GET": Action.MODEL_VIEW,
        "POST": Action.MODEL_PROMOTE,
    }

    def get(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        return self._page(request, self.gallery(pk))

    def post(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        gallery = self.gallery(pk)
        version = self.version(request)
        try:
            job = start_promotion(gallery=gallery, version=version, actor=self.principal.actor)
        except DomainError as error:
            return self._page(request, gallery, error)
        return go(request, reverse("job", args=[job.pk]))

    def version(self, request: HttpRequest) -> ModelVersion:
        """Return the version that was chosen, 404 where it is not one of the principal's."""
        rows = promotable(self.principal)
        try:
            wanted = UUID(request.POST.get("version", ""))
        except ValueError:
            wanted = UUID(int=0)
        found: ModelVersion = get_object_or_404(rows, pk=wanted)
        return found

    def _page(
        self, request: HttpRequest, gallery: Gallery, error: DomainError | None = None
    ) -> HttpResponse:
        earlier = earlier_versions(gallery)
        known = {gallery.model_version_id, *(version.pk for version in earlier)}
        rows = promotable(self.principal)
        context = {
            "gallery": gallery,
            "templates": FaceTemplate.objects.filter(
                gallery=gallery, model_version_id=gallery.model_version_id
            ).count(),
            "earlier": earlier,
            "others": rows.exclude(pk__in=known).order_by("-created_at")[:100],
            "refusal": error,
        }
        status = error.status if error else 200
        return render(request, "recognition/gallery_model.html", context, status=status)


class ModelCleanUpView(GalleryModelView):
    """Deleting a gallery's templates of a model that it no longer uses."""

    actions: ClassVar[dict[str, Action]] = {"POST": Action.MODEL_PROMOTE}
    http_method_names = ["post"]

    def post(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        gallery = self.gallery(pk)
        version = self.version(request)
        try:
            count = clean_up(gallery=gallery, version=version, actor=self.principal.actor)
        except DomainError as error:
            return self._page(request, gallery, error)
        said = f"{count:,} templates of {version.name} were deleted."
        return go(request, reverse("gallery_model", args=[gallery.pk]), said=said)
