"""Asking about many photos at once: the form, what came of each, and the file of answers."""

from typing import Any, ClassVar
from uuid import UUID

from django.conf import settings
from django.core.paginator import Paginator
from django.db.models import Model
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse

from faceplatform.accounts.access import PolicyView
from faceplatform.accounts.policy import Action
from faceplatform.core.errors import DomainError
from recognition.models import Gallery, ProbeBatch
from recognition.selectors.probes import recent_probes
from recognition.services.batches import batch_csv, counts_of, packed, start_batch
from recognition.web.base import GalleryPage, fragment, go
from recognition.web.forms import BatchForm
from recognition.web.probes import csv_response

PAGE = 100


class BatchNewView(GalleryPage):
    """Many photos, or a zip of them."""

    actions: ClassVar[dict[str, Action]] = {"GET": Action.IDENTIFY, "POST": Action.IDENTIFY}

    def get(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        context = self._context(self.gallery(pk), BatchForm())
        return render(request, "recognition/batch_new.html", context)

    def post(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        gallery = self.gallery(pk)
        form = BatchForm(request.POST, request.FILES)
        if form.is_valid():
            files = form.cleaned_data["photos"]
            zipped = len(files) == 1 and (files[0].name or "").lower().endswith(".zip")
            try:
                batch = start_batch(
                    gallery=gallery,
                    name=(files[0].name or "photo") if len(files) == 1 else f"{len(files)} photos",
                    archive=files[0] if zipped else packed(files),
                    actor=self.principal.actor,
                )
            except DomainError as error:
                form.refuse(error)
            else:
                return go(request, reverse("job", args=[batch.job_id]))
        context = self._context(gallery, form)
        if request.headers.get("HX-Request") == "true":
            return fragment(request, "recognition/parts/batch_form.html", context, status=422)
        return render(request, "recognition/batch_new.html", context, status=422)

    def _context(self, gallery: Gallery, form: BatchForm) -> dict[str, Any]:
        return {
            "gallery": gallery,
            "form": form,
            "max_bytes": settings.MAX_ARCHIVE_BYTES,
            "max_entries": settings.MAX_ARCHIVE_ENTRIES,
        }


class _BatchPage(PolicyView):
    """A page of one batch."""

    path_models: ClassVar[dict[str, type[Model]]] = {"pk": ProbeBatch}
    actions: ClassVar[dict[str, Action]] = {"GET": Action.PROBE_VIEW}

    def batch(self, pk: UUID) -> ProbeBatch:
        """Return the batch, 404 where it is not one of the principal's."""
        rows = ProbeBatch.objects.visible_to(self.principal).select_related("gallery", "job")
        found: ProbeBatch = get_object_or_404(rows, pk=pk)
        return found


class BatchPageView(_BatchPage):
    """What came of every photo."""

    def get(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        batch = self.batch(pk)
        page = Paginator(batch.items.order_by("number"), PAGE).get_page(request.GET.get("page"))
        asked = [item.probe_id for item in page if item.probe_id]
        probes = {row.pk: row for row in recent_probes(self.principal).filter(pk__in=asked)}
        context = {
            "batch": batch,
            "gallery": batch.gallery,
            "page": page,
            "rows": [(item, probes.get(item.probe_id) if item.probe_id else None) for item in page],
            "counts": counts_of(batch),
        }
        return render(request, "recognition/batch.html", context)


class BatchCsvView(_BatchPage):
    """The same as CSV, one line per face."""

    def get(self, request: HttpRequest, pk: UUID) -> StreamingHttpResponse:
        return csv_response(batch_csv(self.batch(pk)), "answers.csv")
