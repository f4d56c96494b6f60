from datetime import UTC, datetime

import pytest

from faceplatform.accounts.models import Organization
from faceplatform.core.models import Job, JobState
from tests.api.caller import Caller, refused
from tests.factories import JobFactory, JobLogLineFactory

PATH = "/api/v1/jobs"


def test_a_job_tells_how_far_it_is(operator: Caller, organization: Organization) -> None:
    job = JobFactory.create(
        organization=organization,
        state=JobState.RUNNING,
        done=30,
        done_before=10,
        total=40,
        started_at=datetime.now(UTC).replace(year=2020),
        note="reading",
        payload={"import_run": "inside"},
    )
    body = operator.get(f"{PATH}/{job.pk}").json()
    assert (body["done"], body["total"], body["fraction"]) == (30, 40, 0.75)
    assert 0 < body["rate"] < 1
    assert body["eta_seconds"] > 1
    assert (body["error"], body["result"], body["note"]) == (None, {}, "reading")
    assert body["url"] == f"{PATH}/{job.pk}"
    assert "inside" not in str(body)


def test_a_failed_job_says_why(operator: Caller, organization: Organization) -> None:
    job = JobFactory.create(
        organization=organization,
        state=JobState.FAILED,
        error_code="worker_lost",
        error_detail="The worker stopped.",
    )
    body = operator.get(f"{PATH}/{job.pk}").json()
    assert body["error"] == {"code": "worker_lost", "detail": "The worker stopped."}


def test_lists_filter_by_state_and_kind(operator: Caller, organization: Organization) -> None:
    one = JobFactory.create(organization=organization, state=JobState.RUNNING, kind="a")
    two = JobFactory.create(organization=organization, state=JobState.QUEUED, kind="b")
    JobFactory.create(state=JobState.RUNNING, kind="a")

    def ids(query: str = "") -> list[str]:
        return [row["id"] for row in operator.get(PATH + query).json()["results"]]

    assert ids() == [str(two.pk), str(one.pk)]
    assert ids("?state=running") == [str(one.pk)]
    assert ids("?kind=b") == [str(two.pk)]
    assert ids("?kind=b&state=running") == []
    refused(operator.get(f"{PATH}?state=lost"), 400, "invalid_choice")


def test_the_log_is_read_from_its_beginning_in_pages(
    operator: Caller, organization: Organization
) -> None:
    job = JobFactory.create(organization=organization)
    lines = [JobLogLineFactory.create(job=job).message for _ in range(5)]
    JobLogLineFactory.create()
    seen: list[str] = []
    address = f"{PATH}/{job.pk}/log?limit=2"
    while address:
        page = operator.get(address).json()
        seen += [row["message"] for row in page["results"]]
        address = page["next"]
    assert seen == lines


def test_a_cursor_of_another_list_is_refused(operator: Caller, organization: Organization) -> None:
    JobFactory.create_batch(3, organization=organization)
    cursor = operator.get(f"{PATH}?limit=1").json()["next"].partition("cursor=")[2].split("&")[0]
    job = Job.objects.first()
    assert job is not None
    refused(operator.get(f"{PATH}/{job.pk}/log?cursor={cursor}"), 400, "cursor_invalid")


@pytest.mark.parametrize(
    ("state", "after"),
    [(JobState.QUEUED, "cancelled"), (JobState.RUNNING, "running")],
)
def test_cancel(operator: Caller, organization: Organization, state: JobState, after: str) -> None:
    job = JobFactory.create(organization=organization, state=state)
    response = operator.post(f"{PATH}/{job.pk}/cancel")
    assert response.status_code == 200, response.content
    assert response.json()["state"] == after
    assert response.json()["cancel_requested"]


def test_what_has_ended_cannot_be_cancelled(operator: Caller, organization: Organization) -> None:
    job = JobFactory.create(organization=organization, state=JobState.SUCCEEDED)
    refused(operator.post(f"{PATH}/{job.pk}/cancel"), 409, "job_ended")
