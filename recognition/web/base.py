"""What the recognition pages share."""

from typing import Any, ClassVar
from uuid import UUID

from django.contrib.messages import success
from django.db.models import Model
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django_htmx.http import HttpResponseClientRedirect

from faceplatform.accounts.access import PolicyView
from recognition.models import FaceImage, Gallery, Identity, ImportRun, Probe


class GalleryPage(PolicyView):
    """A page of one gallery."""

    path_models: ClassVar[dict[str, type[Model]]] = {"pk": Gallery}

    def gallery(self, pk: UUID) -> Gallery:
        """Return the gallery, 404 where it is not one of the principal's."""
        rows = Gallery.objects.visible_to(self.principal).select_related("model_version")
        found: Gallery = get_object_or_404(rows, pk=pk)
        return found


class IdentityPage(PolicyView):
    """A page of one person."""

    path_models: ClassVar[dict[str, type[Model]]] = {"pk": Identity}

    def identity(self, pk: UUID) -> Identity:
        """Return the person, 404 where it is not one of the principal's."""
        rows = Identity.objects.visible_to(self.principal).select_related("gallery__model_version")
        found: Identity = get_object_or_404(rows, pk=pk)
        return found


class ImagePage(PolicyView):
    """A page of one image of a person."""

    path_models: ClassVar[dict[str, type[Model]]] = {"pk": FaceImage}

    def face(self, pk: UUID) -> FaceImage:
        """Return the image, 404 where it is not one of the principal's."""
        rows = FaceImage.objects.visible_to(self.principal).select_related(
            "identity", "gallery__model_version"
        )
        found: FaceImage = get_object_or_404(rows, pk=pk)
        return found


class ProbePage(PolicyView):
    """A page of one answer."""

    path_models: ClassVar[dict[str, type[Model]]] = {"pk": Probe}

    def probe(self, pk: UUID) -> Probe:
        """Return the probe, 404 where it is not one of the principal's."""
        rows = Probe.objects.visible_to(self.principal).select_related(
            "gallery__model_version", "photo", "created_by"
        )
        found: Probe = get_object_or_404(rows, pk=pk)
        return found


class ImportPage(PolicyView):
    """A page of one import."""

    path_models: ClassVar[dict[str, type[Model]]] = {"pk": ImportRun}

    def run(self, pk: UUID) -> ImportRun:
        """Return the import, 404 where it is not one of the principal's."""
        rows = ImportRun.objects.visible_to(self.principal).select_related("gallery", "job")
        found: ImportRun = get_object_or_404(rows, pk=pk)
        return found


def go(request: HttpRequest, url: str, *, said: str = "") -> HttpResponse:
    """Send the browser to another page, also after a request that htmx made."""
    if said:
        success(request, said)
    if request.headers.get("HX-Request") == "true":
        return HttpResponseClientRedirect(url)
    return HttpResponseRedirect(url)


def fragment(
    request: HttpRequest, template: str, context: dict[str, Any], *, status: int = 200
) -> HttpResponse:
    """Render a part of a page. `X-Fragment` tells the page to show it whatever the status is."""
    response = render(request, template, context, status=status)
    response["X-Fragment"] = "1"
    return response
