"""`/metrics` as Prometheus reads it, with a token and without."""

import datetime as dt
from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from prometheus_client.parser import text_string_to_metric_families
from redis.exceptions import ConnectionError as ValkeyAway

from faceplatform.accounts.models import Organization
from faceplatform.accounts.roles import Role, Scope
from faceplatform.api import health
from faceplatform.celery import app
from faceplatform.core import metrics
from faceplatform.core.actors import SYSTEM
from faceplatform.core.models import Job, JobState
from faceplatform.metrics import figures
from faceplatform.stack.health import Probe
from recognition.models import Gallery
from recognition.services.identification import identify
from tests.factories import (
    GalleryFactory,
    JobFactory,
    ModelVersionFactory,
    OrganizationFactory,
    make_key,
    make_member,
)
from tests.fakes import FakePipeline, face_photo

TOKEN = "a token of twenty characters"


@pytest.fixture(autouse=True)
def answers(monkeypatch: pytest.MonkeyPatch, settings: Any) -> Iterator[None]:
    """Parts that answer at once, and figures of this test alone."""
    settings.METRICS_TOKEN = TOKEN
    monkeypatch.setattr(metrics, "KEY", f"metrics-test:{id(monkeypatch)}")
    monkeypatch.setattr(metrics, "_pending", {})
    monkeypatch.setattr(health, "_latest", None)
    monkeypatch.setattr(health, "probe_workers", lambda: {"inference": Probe(False, "no", 1.0)})
    yield
    metrics.valkey().delete(metrics.KEY)
    health._latest = None


@pytest.fixture
def organization(db: None) -> Organization:
    return OrganizationFactory.create()


def scrape(**headers: str) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    response = Client(headers={"authorization": f"Bearer {TOKEN}"} | headers).get("/metrics")
    assert response.status_code == 200, response.content
    assert response["Cache-Control"] == "no-store"
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(response.content.decode())
        for sample in family.samples
    }


@pytest.mark.parametrize(
    ("role", "status"),
    [(None, 302), (Role.VIEWER, 403), (Role.OPERATOR, 403), (Role.ADMIN, 200), (Role.OWNER, 200)],
)
def test_without_a_token_the_policy_decides(
    organization: Organization, role: Role | None, status: int
) -> None:
    client = Client()
    if role:
        client.force_login(make_member(organization, role))
    assert client.get("/metrics").status_code == status


@pytest.mark.parametrize("given", ["Bearer wrong", f"Basic {TOKEN}", "Bearer ", TOKEN, ""])
def test_a_wrong_token_is_refused(organization: Organization, given: str) -> None:
    client = Client(headers={"authorization": given})
    client.force_login(make_member(organization, Role.OWNER))
    response = client.get("/metrics")
    assert response.status_code == 401
    assert response["WWW-Authenticate"].startswith("Bearer")


def test_without_the_setting_no_token_is_right(settings: Any, db: None) -> None:
    settings.METRICS_TOKEN = ""
    for given in ("Bearer ", "Bearer", f"Bearer {TOKEN}"):
        assert Client(headers={"authorization": given}).get("/metrics").status_code == 401


def test_a_key_of_the_api_is_no_token(organization: Organization) -> None:
    secret = make_key(organization, Scope.READ).secret
    response = Client(headers={"authorization": f"Bearer {secret}"}).get("/metrics")
    assert response.status_code == 401


def test_the_token_reads_and_does_nothing_else(db: None) -> None:
    response = Client(headers={"authorization": f"Bearer {TOKEN}"}).post("/metrics")
    assert response.status_code == 405


def test_jobs_by_queue_and_state_and_the_age_of_the_oldest(organization: Organization) -> None:
    JobFactory.create(organization=organization)
    old = JobFactory.create(organization=organization)
    JobFactory.create(organization=organization, state=JobState.FAILED, queue="training")
    Job.objects.filter(pk=old.pk).update(created_at=timezone.now() - dt.timedelta(minutes=2))
    found = scrape()

    def jobs(queue: str, state: str) -> float:
        return found["faceplatform_jobs", (("queue", queue), ("state", state))]

    assert (jobs("inference", "queued"), jobs("inference", "running")) == (2, 0)
    assert (jobs("training", "failed"), jobs("training", "queued")) == (1, 0)
    oldest = found["faceplatform_jobs_oldest_waiting_seconds", (("queue", "inference"),)]
    assert oldest == pytest.approx(120, abs=30)
    assert found["faceplatform_jobs_oldest_waiting_seconds", (("queue", "training"),)] == 0


def test_messages_in_valkey_are_those_of_the_workers_queues(db: None) -> None:
    before = figures.valkey_figures().messages
    assert tuple(before) == ("default", "inference", "training", "evaluation", "video")
    try:
        for _ in range(3):
            app.send_task("core.nothing", queue="evaluation")
        assert scrape()["faceplatform_queue_messages", (("queue", "evaluation"),)] == (
            before["evaluation"] + 3
        )
    finally:
        metrics.valkey().delete("evaluation")


def test_requests_are_counted_by_route_and_never_by_path(organization: Organization) -> None:
    client = Client()
    for path in ("/healthz", "/healthz", "/no/such/page", "/setup/s3cret-token/"):
        client.get(path)
    client.generic("BREW", "/healthz")
    found = scrape()

    def requests(route: str, status: int, method: str = "GET") -> float:
        labels = (("method", method), ("route", route), ("status", str(status)))
        return found["faceplatform_http_requests_total", labels]

    assert requests("healthz", 200) == 2
    assert requests("unknown", 404) == 1
    assert requests("setup", 410) == 1
    assert requests("healthz", 405, "other") == 1
    labels = (("method", "GET"), ("route", "healthz"))
    assert found["faceplatform_http_request_duration_seconds_count", labels] == 2
    assert "s3cret" not in str(found)


@pytest.mark.usefixtures("files")
def test_photos_faces_searches_and_models_of_the_main_job(
    organization: Organization, fake_pipeline: FakePipeline
) -> None:
    gallery: Gallery = GalleryFactory.create(organization=organization)
    identify(gallery=gallery, data=face_photo(1, 2), name="two.png", actor=SYSTEM)
    found = scrape()
    model = (("model", gallery.model_version.backbone),)
    assert found["faceplatform_images_analysed_total", model] == 1
    assert found["faceplatform_faces_analysed_total", model] == 2
    assert found["faceplatform_search_duration_seconds_count", ()] >= 2
    (info,) = [dict(labels) for name, labels in found if name == "faceplatform_model_info"]
    assert info["version"] == gallery.model_version.digest[:12]
    assert info["model"] == gallery.model_version.backbone


def test_no_name_of_anybody_is_told(organization: Organization) -> None:
    gallery = GalleryFactory.create(
        organization=organization,
        name="Secret suspects",
        model_version=ModelVersionFactory.create(),
    )
    JobFactory.create(organization=organization, title="Importing Ada into Secret suspects")
    text = str(scrape())
    assert organization.name not in text
    assert gallery.name not in text
    assert "Ada" not in text


def test_parts_and_disk(db: None) -> None:
    found = scrape()
    assert found["faceplatform_up", (("part", "database"),)] == 1
    assert found["faceplatform_up", (("part", "worker inference"),)] == 0
    assert 0 < found["faceplatform_disk_free_bytes", ()] < found["faceplatform_disk_size_bytes", ()]


def test_while_valkey_is_away_the_rest_is_told(
    organization: Organization, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away() -> None:
        raise ValkeyAway

    monkeypatch.setattr(figures, "valkey", away)
    found = scrape()
    names = {name for name, _ in found}
    assert "faceplatform_jobs" in names
    assert "faceplatform_queue_messages" not in names


def test_openmetrics_is_spoken_to_those_who_ask_for_it(db: None) -> None:
    client = Client(headers={"authorization": f"Bearer {TOKEN}"})
    response = client.get("/metrics", headers={"accept": "application/openmetrics-text"})
    assert response["Content-Type"].startswith("application/openmetrics-text")
    assert response.content.endswith(b"# EOF\n")
