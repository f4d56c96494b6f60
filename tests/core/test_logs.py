import json
import logging
import os
import subprocess
import sys
from collections.abc import Iterator
from io import StringIO
from typing import Any

import pytest
from django.db import IntegrityError, connection
from django.test import Client, RequestFactory
from django.urls import resolve

from faceplatform.accounts.models import Organization
from faceplatform.core import jobs
from faceplatform.core.actors import SYSTEM
from faceplatform.core.jobs.registry import JobKind
from faceplatform.core.logs import (
    IdsFilter,
    JsonFormatter,
    LineFormatter,
    SecretPathFilter,
    bound_to_job,
    gunicorn_logging,
    logging_config,
)

logger = logging.getLogger("tests.logs")


class Written:
    """What a handler with this form wrote."""

    def __init__(self, stream: StringIO) -> None:
        self._stream = stream

    @property
    def text(self) -> str:
        return self._stream.getvalue()

    @property
    def objects(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.text.splitlines()]


def written_by(formatter: logging.Formatter) -> Iterator[Written]:
    stream = StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(formatter)
    handler.addFilter(IdsFilter())
    root = logging.getLogger()
    before = root.level
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    yield Written(stream)
    root.setLevel(before)
    root.removeHandler(handler)


@pytest.fixture
def as_json() -> Iterator[Written]:
    yield from written_by(JsonFormatter())


@pytest.fixture
def as_lines() -> Iterator[Written]:
    yield from written_by(LineFormatter())


def test_a_line_of_json_holds_time_level_logger_message_and_facts(as_json: Written) -> None:
    logger.info("took %d\nsteps", 3, extra={"facts": {"ms": 1.5}})
    (line,) = as_json.objects
    assert line.pop("time").endswith("+00:00")
    assert line.pop("pid") > 0
    assert line == {
        "level": "INFO", "logger": "tests.logs", "message": "took 3\nsteps", "ms": 1.5,
    }  # fmt: skip


def test_a_request_is_one_line_with_the_id_of_its_answer(
    as_json: Written, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logging.getLogger("faceplatform.requests"), "level", logging.INFO)
    response = Client().get("/healthz", headers={"X-Request-ID": "abcdef-123456"})
    (line,) = (one for one in as_json.objects if one["logger"] == "faceplatform.requests")
    assert line["request_id"] == response["X-Request-ID"] == "abcdef-123456"
    assert (line["method"], line["route"], line["status"]) == ("GET", "healthz", 200)
    assert line["ms"] >= 0


@pytest.mark.django_db
def test_what_a_job_logs_carries_its_id(as_json: Written, monkeypatch: pytest.MonkeyPatch) -> None:
    def handler(context: jobs.JobContext) -> None:
        logger.info("working")

    kind = JobKind(name="test.logs", queue="default", handler=handler)
    monkeypatch.setattr("faceplatform.core.jobs.registry._KINDS", {kind.name: kind})
    job = jobs.enqueue(
        kind=kind.name,
        title="test",
        organization_id=Organization.objects.create(name="team").pk,
        actor=SYSTEM,
        payload={},
        ring=False,
    )
    assert jobs.run_here(job.pk)
    logger.info("after")
    working, after = (one for one in as_json.objects if one["logger"] == "tests.logs")
    assert working["job_id"] == str(job.pk)
    assert "job_id" not in after


def test_the_readable_line_shows_whichever_id_there_is(as_lines: Written) -> None:
    with bound_to_job("0198c0de"):
        logger.info("working")
    logger.info("alone")
    first, second = as_lines.text.splitlines()
    assert first.endswith(" INFO tests.logs 0198c0de working")
    assert second.endswith(" INFO tests.logs - alone")


@pytest.mark.django_db
@pytest.mark.parametrize("form", ["as_json", "as_lines"])
def test_rows_that_postgresql_quotes_are_left_out(
    form: str, request: pytest.FixtureRequest
) -> None:
    written: Written = request.getfixturevalue(form)
    name = (
        "Ada Lovelace"  # a traceback shows lines of code: it must not stand in the one that fails
    )
    try:
        with connection.cursor() as cursor:
            cursor.execute("CREATE TEMP TABLE quoted (name text UNIQUE) ON COMMIT DROP")
            cursor.execute("INSERT INTO quoted VALUES (%s), (%s)", [name, name])
    except IntegrityError as error:
        logger.exception("it failed")
        logger.warning("it failed: %s", error)
    assert "duplicate key value" in written.text
    assert "Traceback" in written.text
    assert "Lovelace" not in written.text


@pytest.mark.parametrize(
    ("path", "shown"),
    [
        ("/setup/s3cret-token/", "/setup/<token>/"),
        ("/pictures/s3cret:token", "/pictures/<token>"),
        ("/jobs/0198c0de-0000-7000-8000-000000000001/",) * 2,
    ],
)
def test_secrets_in_paths_are_not_logged(path: str, shown: str) -> None:
    request = RequestFactory().get(path)
    request.resolver_match = resolve(path)
    record = logging.LogRecord("django.request", 40, "", 1, "%s: %s", ("Gone", path), None)
    record.request = request
    assert SecretPathFilter().filter(record)
    assert record.getMessage() == f"Gone: {shown}"


@pytest.mark.django_db
def test_django_logs_no_secret_of_a_link(as_lines: Written) -> None:
    assert Client().get("/setup/s3cret-token/").status_code == 410
    assert "<token>" in as_lines.text
    assert "s3cret" not in as_lines.text


def test_gunicorn_keeps_its_own_form_but_for_json() -> None:
    assert gunicorn_logging(as_json=False, level="INFO") == {}
    config = gunicorn_logging(as_json=True, level="INFO")
    assert config["handlers"] == logging_config(as_json=True, level="INFO")["handlers"]
    assert not config["loggers"]["gunicorn.error"]["propagate"]
    assert config["loggers"]["gunicorn.access"]["level"] == "CRITICAL"


def test_lines_per_request_are_for_machines() -> None:
    def level(*, as_json: bool) -> str:
        config = logging_config(as_json=as_json, level="INFO")
        return str(config["loggers"]["faceplatform.requests"]["level"])

    assert (level(as_json=True), level(as_json=False)) == ("INFO", "WARNING")


def test_importing_it_reads_no_settings() -> None:
    script = (
        "import faceplatform.stack.gunicorn_conf; from django.conf import settings;"
        "assert not settings.configured"
    )
    subprocess.run([sys.executable, "-c", script], check=True)


@pytest.mark.parametrize(
    ("name", "value"), [("METRICS_TOKEN", "short"), ("LOG_FORMAT", "xml"), ("LOG_LEVEL", "LOUD")]
)
def test_a_setting_that_makes_no_sense_stops_the_start(name: str, value: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", "import faceplatform.settings"],
        env=os.environ | {name: value}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode != 0
    assert name in done.stderr.splitlines()[-1]
