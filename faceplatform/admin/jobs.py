"""Jobs in the admin: to look at and to cancel."""

from typing import Any, ClassVar

from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.decorators import action, display

from faceplatform.accounts.policy import Action
from faceplatform.accounts.sessions import principal_of
from faceplatform.admin.base import Allowed, ScopedAdmin
from faceplatform.admin.columns import pretty
from faceplatform.core import jobs
from faceplatform.core.errors import Conflict
from faceplatform.core.models import Job, JobState

LOG_LINES = 200
STATE_COLOURS = {
    JobState.QUEUED.label: "info",
    JobState.RUNNING.label: "primary",
    JobState.SUCCEEDED.label: "success",
    JobState.FAILED.label: "danger",
    JobState.CANCELLED.label: "warning",
}


class JobAdmin(ScopedAdmin):
    """What runs, ran and waits."""

    allowed = Allowed(view=Action.JOB_VIEW, bulk=Action.JOB_CANCEL)
    section = "Operation"
    icon = "manufacturing"
    list_display = (
        "title", "shown_state", "progress", "attempt", "started_by", "created_at", "finished_at",
    )  # fmt: skip
    list_filter = ("state", "kind", "created_at")
    search_fields = ("title", "created_label", "error_code")
    search_help_text = "Title, starter or error code"
    ordering = ("-pk",)
    actions: ClassVar[list[str]] = ["cancel"]
    fieldsets = (
        (None, {"fields": ("title", "kind", "shown_state", "progress", "note", "sentence")}),
        ("Failure", {"fields": ("error_code", "error_detail")}),
        (
            "Who and when",
            {"fields": ("started_by", "created_at", "started_at", "finished_at")},
        ),
        ("Worker", {"fields": ("queue", "attempt", "worker", "heartbeat_at", "lease_until")}),
        ("Record", {"fields": ("id", "last_log_lines")}),
    )

    @display(description="State", ordering="state", label=STATE_COLOURS)
    def shown_state(self, obj: Job) -> str:
        """Return the state in the words of the pages."""
        return JobState(obj.state).label

    @display(description="Progress")
    def progress(self, obj: Job) -> str:
        """Return how far the work is."""
        return f"{obj.done:,}" if obj.total is None else f"{obj.done:,} of {obj.total:,}"

    @display(description="Started by", ordering="created_label")
    def started_by(self, obj: Job) -> str:
        """Return who started it."""
        return obj.created_label

    @display(description="Result")
    def sentence(self, obj: Job) -> str | SafeString:
        """Return the result in one sentence where the job gave one."""
        return str(obj.result.get("sentence", "")) or pretty(obj.result)

    @display(description="Log")
    def last_log_lines(self, obj: Job) -> SafeString:
        """Return the newest lines, oldest first."""
        newest = list(obj.log.order_by("-pk")[:LOG_LINES])[::-1]
        lines = "\n".join(f"{line.at:%H:%M:%S} {line.level:<7} {line.message}" for line in newest)
        return format_html('<pre class="fp-json">{}</pre>', lines)

    @action(description="Cancel selected jobs", permissions=["bulk"])
    def cancel(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        """End the ticked jobs at their next step; what is finished stays."""
        actor = principal_of(request).actor
        stopped = ended = 0
        for job in queryset:
            try:
                jobs.cancel(job, actor=actor)
                stopped += 1
            except Conflict:
                ended += 1
        if stopped:
            messages.success(request, f"Asked to stop: {stopped}. What is finished stays.")
        if ended:
            messages.warning(request, f"Had ended before: {ended}.")
