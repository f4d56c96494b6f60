"""What is started, as data."""

import shlex
import sys

import pytest
from gunicorn.config import Config  # type: ignore[import-untyped]

from faceplatform.stack import commands
from faceplatform.stack.errors import StackError
from faceplatform.stack.needs import Needs, needs_of
from faceplatform.stack.supervisor import STOP_SECONDS


def test_every_process_has_its_place_in_the_order_of_stopping() -> None:
    stopped = {name for names, _ in commands.STOP_ORDER for name in names}
    assert stopped == set(commands.PROCESSES)


def test_stopping_leaves_time_for_the_servers() -> None:
    assert sum(seconds for _, seconds in commands.STOP_ORDER) <= STOP_SECONDS - 2


def test_the_two_workers_serve_all_queues() -> None:
    queues = [
        argv[argv.index("-Q") + 1]
        for name, argv in commands.PROCESSES.items()
        if name in commands.WORKERS
    ]
    assert queues == ["default,inference", "training,evaluation,video"]
    for name, worker in commands.WORKERS.items():
        assert f"{worker}@%h" in commands.PROCESSES[name]


def test_commands_run_with_this_interpreter() -> None:
    for argv in (*commands.PROCESSES.values(), *commands.PREPARATIONS.values()):
        assert argv[0] == "python"
        assert commands.runnable(argv) == [sys.executable, *argv[1:]]


def settings_of_gunicorn() -> Config:
    from gunicorn.app.wsgiapp import WSGIApplication  # type: ignore[import-untyped]

    given = sys.argv
    try:
        sys.argv = ["gunicorn", *commands.PROCESSES["web"][3:]]
        return WSGIApplication().cfg
    finally:
        sys.argv = given
        sys.modules.pop("faceplatform.stack.gunicorn_conf", None)


def test_gunicorn_reads_its_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PUBLIC_URL", "http://127.0.0.1:8765")
    monkeypatch.setenv("WEB_THREADS", "3")
    found = settings_of_gunicorn()
    assert found.bind == ["127.0.0.1:8765"]
    assert (found.workers, found.threads, found.worker_class_str) == (1, 3, "gthread")
    assert found.control_socket_disable is True


@pytest.mark.parametrize("value", ["0", "-1", "many"])
def test_a_bad_size_is_refused_by_name(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    from faceplatform.stack import gunicorn_conf

    monkeypatch.setenv("WEB_WORKERS", value)
    with pytest.raises(StackError, match="WEB_WORKERS"):
        gunicorn_conf._number("WEB_WORKERS", 1)


@pytest.mark.parametrize(
    ("line", "needs"),
    [
        ("manage.py", Needs()),
        ("manage.py help", Needs()),
        ("manage.py --version", Needs()),
        ("manage.py up", Needs()),
        ("manage.py up --check", Needs()),
        ("manage.py check", Needs()),
        ("manage.py check --deploy", Needs()),
        ("manage.py check --database default", Needs(database=True)),
        ("manage.py makemigrations --check", Needs()),
        ("manage.py collectstatic --noinput", Needs()),
        ("manage.py import_dataset --help", Needs()),
        ("manage.py migrate", Needs(database=True)),
        ("manage.py dbshell", Needs(database=True)),
        ("manage.py import_dataset people --gallery A", Needs(database=True, migrated=True)),
        ("manage.py dispatch", Needs(database=True, broker=True, migrated=True)),
    ],
)
def test_what_a_command_needs(line: str, needs: Needs) -> None:
    assert needs_of(shlex.split(line)) == needs
