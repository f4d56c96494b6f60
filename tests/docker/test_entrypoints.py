"""The entry points of the containers, each run as its container would run it."""

import json
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from prometheus_client.parser import text_string_to_metric_families

from faceplatform.stack import endpoints
from faceplatform.stack.layout import Layout
from faceplatform.stack.postgres import PostgresOptions, PostgresServer
from faceplatform.stack.servers import Lease
from faceplatform.stack.valkey import ValkeyServer
from tests.docker.deployment import (
    PASSWORD,
    ROOT,
    STOP_SECONDS,
    TOKEN,
    Container,
    Deployment,
    prepare_postgres,
    wait_for,
)
from tests.stack.conftest import remove

pytestmark = [pytest.mark.stack, pytest.mark.slow]

ANSWERING = ("web", "worker-inference", "worker-training")
ROLES = (*ANSWERING, "beat", "dispatcher")


@pytest.fixture(scope="module")
def deployment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    """External servers, and a data folder that `migrate` has prepared."""
    folder = tmp_path_factory.mktemp("deployment").resolve()
    layout = Layout(project_root=ROOT, var=folder / "servers")
    postgres = PostgresServer(layout, PostgresOptions(durable=False))
    leases = [Lease(postgres), Lease(ValkeyServer(layout))]
    try:
        for lease in leases:
            lease.acquire()
        made = Deployment(folder, prepare_postgres(layout), endpoints.embedded_redis_url(layout))
        done = made.run("migrate")
        assert done.returncode == 0, done.stderr
        yield made
    finally:
        for lease in leases:
            lease.release()
        remove(layout)


@pytest.fixture(scope="module")
def containers(deployment: Deployment) -> Iterator[dict[str, Container]]:
    """Every role, once web and workers say that they are well."""
    with ExitStack() as stack:
        running = {role: stack.enter_context(deployment.running(role)) for role in ROLES}
        wait_for(lambda: all(deployment.run("health", role).returncode == 0 for role in ANSWERING))
        yield running


@pytest.fixture(autouse=True)
def nobody_died(request: pytest.FixtureRequest) -> Iterator[None]:
    yield
    if "containers" in request.fixturenames:
        for container in request.getfixturevalue("containers").values():
            assert container.process.poll() in {None, 0}, container.log.read_text()


def test_migrate_brings_database_and_static_files(deployment: Deployment) -> None:
    assert deployment.query("SELECT count(*) FROM recognition_facetemplate") == (0,)
    assert (deployment.folder / "data" / "static" / "staticfiles.json").is_file()
    again = deployment.run("migrate")
    assert again.returncode == 0
    assert "No migrations to apply" in again.stdout
    assert "unchanged" in again.stdout


def test_the_platform_is_no_superuser(deployment: Deployment) -> None:
    row = deployment.query(
        "SELECT rolsuper, rolcreaterole, rolcreatedb, rolbypassrls"
        "  FROM pg_roles WHERE rolname = current_user"
    )
    assert row == (False,) * 4


def test_log_ins_are_limited_by_the_address_that_the_proxy_saw(deployment: Deployment) -> None:
    """Not by the proxy's own, which everybody shares, nor by what a caller claims."""
    done = deployment.run(
        "manage",
        "shell",
        "-v0",
        "-c",
        "from django.test import RequestFactory as R;"
        "from allauth.core.internal.httpkit import get_client_ip;"
        "print(get_client_ip(R().get('/', headers={'x-forwarded-for': '1.2.3.4, 203.0.113.9'})))",
    )
    assert done.stdout.strip() == "203.0.113.9", done.stderr


@pytest.mark.usefixtures("containers")
def test_web_serves_health_and_pages_behind_a_proxy(deployment: Deployment) -> None:
    assert deployment.get("/healthz") == (200, '{"state": "ok"}')
    status, body = deployment.get("/readyz")
    assert status == 200
    assert json.loads(body)["state"] in {"ok", "degraded"}
    status, page = deployment.get("/accounts/login/")
    assert status == 200
    stylesheet = page.partition('rel="stylesheet" href="')[2].partition('"')[0]
    assert deployment.get(stylesheet)[0] == 200


@pytest.mark.usefixtures("containers")
def test_a_worker_takes_a_job(deployment: Deployment) -> None:
    job = deployment.enqueue()
    wait_for(lambda: deployment.job(job)[0] == "succeeded")
    assert (deployment.job(job), deployment.steps(job)) == (("succeeded", 1), 10)


@pytest.mark.usefixtures("containers")
def test_the_dispatcher_rings_for_a_job_that_nobody_heard_of(deployment: Deployment) -> None:
    job = deployment.enqueue(ring=False)
    wait_for(lambda: deployment.job(job)[0] == "succeeded")
    assert deployment.steps(job) == 10


@pytest.mark.usefixtures("containers")
def test_metrics_of_all_processes_reach_web(deployment: Deployment) -> None:
    assert deployment.get("/metrics", Authorization="Bearer wrong")[0] == 401

    def told() -> list[tuple[str, dict[str, str]]]:
        status, text = deployment.get("/metrics", Authorization=f"Bearer {TOKEN}")
        assert status == 200
        families = text_string_to_metric_families(text)
        return [(s.name, s.labels) for family in families for s in family.samples if s.value]

    def reporting() -> set[str]:
        memory = "faceplatform_process_resident_bytes"
        return {labels["process"] for name, labels in told() if name == memory}

    wait_for(lambda: reporting() == {"web", "inference", "training"})
    assert ("faceplatform_up", {"part": "worker training"}) in told()
    requests = {"route": "healthz", "method": "GET", "status": "200"}
    assert ("faceplatform_http_requests_total", requests) in told()


def test_logs_are_json_and_hold_no_secret(
    deployment: Deployment, containers: dict[str, Container]
) -> None:
    deployment.get("/setup/s3cret-token/", **{"X-Request-ID": "test-request-1"})
    for container in containers.values():
        text = container.log.read_text()
        assert text, f"{container.role} said nothing"
        for line in text.splitlines():
            assert set(json.loads(line)) >= {"time", "level", "logger", "message"}, line
        for secret in (PASSWORD, TOKEN, deployment.env["SECRET_KEY"], "s3cret"):
            assert secret not in text
    lines = [json.loads(line) for line in containers["web"].log.read_text().splitlines()]
    (line,) = [
        one
        for one in lines
        if one["logger"] == "faceplatform.requests" and one["request_id"] == "test-request-1"
    ]
    assert (line["route"], line["status"]) == ("setup", 410)


def test_a_job_survives_a_worker_that_is_stopped_in_the_middle(
    deployment: Deployment, containers: dict[str, Container]
) -> None:
    job = deployment.enqueue(step_seconds=2)
    wait_for(lambda: deployment.steps(job) >= 2)
    stopped = containers["worker-inference"]
    with pytest.raises(subprocess.TimeoutExpired):
        stopped.stop()
    stopped.kill()
    stopped.process.returncode = 0
    done = deployment.steps(job)
    assert done < 10
    with deployment.running("worker-inference"):
        wait_for(lambda: deployment.job(job)[0] == "succeeded")
    assert (deployment.job(job)[1], deployment.steps(job)) == (2, 10)


def test_every_role_stops_within_ten_seconds(
    deployment: Deployment, containers: dict[str, Container]
) -> None:
    with deployment.running("worker-inference") as fresh:
        wait_for(lambda: deployment.run("health", "worker-inference").returncode == 0)
        for container in (*(c for r, c in containers.items() if r != "worker-inference"), fresh):
            assert container.stop() < STOP_SECONDS
            assert container.process.returncode == 0, container.log.read_text()
    assert [deployment.run("health", role).returncode for role in ANSWERING] == [1, 1, 1]
