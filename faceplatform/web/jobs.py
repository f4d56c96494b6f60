"""Pages of jobs. Lists and pages of active jobs renew themselves."""

from typing import Any, ClassVar
from uuid import UUID

from django.contrib.messages import success
from django.core.paginator import Paginator
from django.db.models import Model
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import reverse

from faceplatform.accounts.access import PolicyView
from faceplatform.accounts.policy import Action
from faceplatform.core import jobs
from faceplatform.core.models import Job
from recognition.selectors.imports import latest_faces
from recognition.services.pictures import picture_url

PAGE = 30
LOG_LINES = 200


class JobsView(PolicyView):
    """All jobs, newest first; htmx asks for the list alone while one is active."""

    actions: ClassVar[dict[str, Action]] = {"GET": Action.JOB_VIEW}

    def get(self, request: HttpRequest) -> HttpResponse:
        rows = Job.objects.visible_to(self.principal).order_by("-pk")
        page = Paginator(rows, PAGE).get_page(request.GET.get("page"))
        context = {"page": page, "is_active": any(job.is_active for job in page)}
        part = request.headers.get("HX-Target") == "jobs"
        template = "web/parts/jobs.html" if part else "web/jobs.html"
        return render(request, template, context)


class _JobPage(PolicyView):
    """A page of one job."""

    path_models: ClassVar[dict[str, type[Model]]] = {"pk": Job}

    def job(self, pk: UUID) -> Job:
        """Return the job, 404 where it is not one of the principal's."""
        rows = Job.objects.visible_to(self.principal)
        return get_object_or_404(rows, pk=pk)

    def context(self, job: Job) -> dict[str, Any]:
        """Return what page and fragment show; the log ends with its newest line."""
        newest = list(job.log.order_by("-pk")[:LOG_LINES])
        return {
            "job": job,
            "log": newest[::-1],
            "faces": [
                picture_url(principal=self.principal, kind="crop", face_id=face.pk)
                for face in latest_faces(job)
            ],
        }


class JobView(_JobPage):
    """One job."""

    actions: ClassVar[dict[str, Action]] = {"GET": Action.JOB_VIEW}

    def get(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        return render(request, "web/job.html", self.context(self.job(pk)))


class JobLiveView(_JobPage):
    """The part of a job's page that renews itself; without a trigger once the job has ended."""

    actions: ClassVar[dict[str, Action]] = {"GET": Action.JOB_VIEW}

    def get(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        context = self.context(self.job(pk)) | {"live": True, "compact": "compact" in request.GET}
        return render(request, "web/parts/job_live.html", context)


class JobCancelView(_JobPage):
    """Ending a job before its end."""

    actions: ClassVar[dict[str, Action]] = {"POST": Action.JOB_CANCEL}

    def post(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        jobs.cancel(self.job(pk), actor=self.principal.actor)
        success(request, "The job stops at its next step. What is finished stays.")
        return HttpResponseRedirect(reverse("job", args=[pk]))
