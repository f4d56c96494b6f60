"""Pages of imports."""

from typing import Any, ClassVar
from uuid import UUID

from django.conf import settings
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import render
from django.urls import reverse

from faceplatform.accounts.policy import Action
from faceplatform.core.errors import DomainError, FieldError
from recognition.models import Gallery, ItemStatus
from recognition.selectors.imports import items_of
from recognition.services.imports import counts_of, items_csv, start_import
from recognition.services.pictures import picture_url
from recognition.web.base import GalleryPage, ImportPage, fragment, go
from recognition.web.forms import ImportForm
from recognition.web.probes import csv_response

PAGE = 100


class GalleryImportView(GalleryPage):
    """Bringing many photos in: a zip, or a folder of which the page makes one."""

    actions: ClassVar[dict[str, Action]] = {
        "GET": Action.IMPORT_CREATE,
        "POST": Action.IMPORT_CREATE,
    }

    def get(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        context = self._context(self.gallery(pk), ImportForm())
        return render(request, "recognition/import_new.html", context)

    def post(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        gallery = self.gallery(pk)
        form = ImportForm(request.POST, request.FILES)
        lines: tuple[FieldError, ...] = ()
        if form.is_valid():
            archive, people = form.cleaned_data["archive"], form.cleaned_data["people"]
            try:
                run = start_import(
                    gallery=gallery,
                    name=archive.name or "upload.zip",
                    archive=archive,
                    people=people.read() if people else None,
                    keep_unnamed=form.cleaned_data["keep_unnamed"],
                    actor=self.principal.actor,
                )
            except DomainError as error:
                form.refuse(error)
                lines = error.errors
            else:
                return go(request, reverse("job", args=[run.job_id]))
        context = self._context(gallery, form) | {"lines": lines}
        if request.headers.get("HX-Request") == "true":
            return fragment(request, "recognition/parts/import_form.html", context, status=422)
        return render(request, "recognition/import_new.html", context, status=422)

    def _context(self, gallery: Gallery, form: ImportForm) -> dict[str, Any]:
        return {
            "gallery": gallery,
            "form": form,
            "max_bytes": settings.MAX_ARCHIVE_BYTES,
            "max_entries": settings.MAX_ARCHIVE_ENTRIES,
        }


class ImportRunView(ImportPage):
    """What became of every image of an import."""

    actions: ClassVar[dict[str, Action]] = {"GET": Action.JOB_VIEW}

    def get(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        run = self.run(pk)
        status = request.GET.get("status", "")
        status = status if status in ItemStatus.values else ""
        page = Paginator(items_of(run, status=status), PAGE).get_page(request.GET.get("page"))
        counts = counts_of(run)
        rows = [
            {
                "item": item,
                "src": (
                    picture_url(principal=self.principal, kind="crop", face_id=item.face_id)
                    if item.face_id
                    else ""
                ),
            }
            for item in page
        ]
        context = {
            "run": run,
            "gallery": run.gallery,
            "page": page,
            "rows": rows,
            "status": status,
            "counts": counts,
            "total": sum(counts.values()),
            "parts": _parts(counts),
        }
        return render(request, "recognition/import_run.html", context)


class ImportItemsCsvView(ImportPage):
    """The same as CSV."""

    actions: ClassVar[dict[str, Action]] = {"GET": Action.JOB_VIEW}

    def get(self, request: HttpRequest, pk: UUID) -> StreamingHttpResponse:
        return csv_response(items_csv(self.run(pk)), "import.csv")


def _parts(counts: dict[str, int]) -> list[dict[str, Any]]:
    """Return the segments of the bar over all images: x and width of 1000."""
    tones = {"enrolled": "good", "quarantined": "warn", "unnamed": "warn", "failed": "bad"}
    total = sum(counts.values()) or 1
    parts, x = [], 0.0
    for status, number in counts.items():
        width = 1000 * number / total
        parts.append(
            {"tone": tones.get(status, "none"), "x": round(x, 1), "width": round(width, 1)}
        )
        x += width
    return parts
