"""The compose files say what `manage.py up` does, and hold no secret."""

import json
import os
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

from faceplatform.stack import commands
from tests.docker import compose
from tests.docker.compose import DOCKER

ENTRYPOINT = DOCKER / "entrypoint.sh"
SECRETS = {
    "DATABASE_PASSWORD": "d" * 64,
    "POSTGRES_PASSWORD": "p" * 64,
    "SECRET_KEY": "s" * 64,
    "VALKEY_PASSWORD": "v" * 64,
}
ENV = SECRETS | {"PUBLIC_URL": "https://faces.example.org"}
# service of compose -> process of `manage.py up`
PROCESSES = {
    "web": "web",
    "worker-inference": "inference-worker",
    "worker-training": "training-worker",
    "beat": "beat",
    "dispatcher": "dispatcher",
}


@pytest.fixture
def services() -> dict[str, Any]:
    found: dict[str, Any] = compose.read("compose.yaml", env=ENV)["services"]
    return found


@pytest.fixture
def said(tmp_path: Path) -> Any:
    """Run the entry point with a `python` that writes down how it is called."""
    log = tmp_path / "calls"
    python = tmp_path / "python"
    python.write_text(
        "#!/bin/sh\n"
        'for part; do printf \'%s\\0\' "$part"; done >>"$CALLS"; printf \'\\n\' >>"$CALLS"\n'
    )
    python.chmod(0o755)
    env = {"PATH": f"{tmp_path}:/usr/bin:/bin", "CALLS": str(log)}
    env |= {"DATABASE_URL": "postgresql:///x", "REDIS_URL": "redis://x"}

    def run(*arguments: str, shell: str = "/bin/sh") -> list[tuple[str, ...]]:
        log.unlink(missing_ok=True)
        subprocess.run([shell, str(ENTRYPOINT), *arguments], env=env, check=True)
        lines = log.read_text().splitlines()
        return [("python", *line.rstrip("\0").split("\0")) for line in lines]

    return run


def test_every_process_of_up_is_a_service_with_the_same_command(
    services: dict[str, Any], said: Any
) -> None:
    assert set(PROCESSES.values()) == set(commands.PROCESSES)
    for service, process in PROCESSES.items():
        assert said(*services[service]["command"]) == [commands.PROCESSES[process]]


def test_migrate_does_what_up_does_before_it_starts(services: dict[str, Any], said: Any) -> None:
    assert said(*services["migrate"]["command"]) == list(commands.PREPARATIONS.values())
    assert services["migrate"]["restart"] == "no"
    for service in PROCESSES:
        waits = services[service]["depends_on"]["migrate"]["condition"]
        assert waits == "service_completed_successfully"


def test_there_is_nothing_else_but_the_two_servers(services: dict[str, Any]) -> None:
    assert set(services) == {*PROCESSES, "migrate", "postgres", "valkey"}


def test_the_entry_point_is_plain_shell_that_replaces_itself(said: Any) -> None:
    """A process that is not the shell's child gets the signals of the container."""
    text = ENTRYPOINT.read_text()
    for line in text.splitlines():
        if re.search(r"python (-m|manage)", line) and "migrate --noinput" not in line:
            assert "exec python" in line
    assert said("manage", "doctor", "--repair all") == [
        ("python", "manage.py", "doctor", "--repair all")
    ]
    assert os.access(ENTRYPOINT, os.X_OK)


@pytest.mark.parametrize("missing", ["DATABASE_URL", "REDIS_URL"])
def test_without_servers_a_container_does_not_start_its_own(missing: str) -> None:
    env = {"PATH": "/usr/bin:/bin", "DATABASE_URL": "x", "REDIS_URL": "x"}
    del env[missing]
    done = subprocess.run(
        ["/bin/sh", str(ENTRYPOINT), "web"], env=env, capture_output=True, text=True, check=False
    )
    assert done.returncode != 0
    assert missing in done.stderr


@pytest.mark.parametrize("arguments", [[], ["webb"], ["--help"]])
def test_an_unknown_role_is_refused(arguments: list[str]) -> None:
    env = {"PATH": "/usr/bin:/bin", "DATABASE_URL": "x", "REDIS_URL": "x"}
    done = subprocess.run(
        ["/bin/sh", str(ENTRYPOINT), *arguments],
        env=env, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 64
    assert "unknown role" in done.stderr


@pytest.mark.parametrize("name", [*SECRETS, "PUBLIC_URL"])
def test_compose_refuses_to_start_without_a_secret(name: str) -> None:
    with pytest.raises(compose.MissingVariable, match=name):
        compose.read("compose.yaml", env=ENV | {name: ""})


def test_no_secret_has_a_default() -> None:
    for path in DOCKER.glob("*.yaml"):
        for name, uses in compose.variables(path.read_text()).items():
            if re.search("PASSWORD|SECRET|KEY", name):
                assert all(use.startswith(":?") for use in uses), f"{path.name}: {name}"
    example = (DOCKER / "env.example").read_text()
    for name in ENV:
        assert re.search(f"^{name}=$", example, re.MULTILINE), f"{name} has a value, or is missing"


def test_secrets_reach_only_those_who_need_them(services: dict[str, Any]) -> None:
    for name, service in services.items():
        text = json.dumps(service)
        assert (SECRETS["POSTGRES_PASSWORD"] in text) == (name == "postgres")
        assert (SECRETS["SECRET_KEY"] in text) == (name not in {"postgres", "valkey"})


def test_only_web_is_reachable_and_only_from_this_machine(services: dict[str, Any]) -> None:
    published = {name: service["ports"] for name, service in services.items() if "ports" in service}
    assert published == {"web": ["127.0.0.1:8000:8000"]}
    assert services["postgres"]["networks"] == services["valkey"]["networks"] == ["servers"]
    whole = compose.read("compose.yaml", env=ENV)
    assert whole["networks"] == {"servers": {"internal": True}}


def test_nothing_of_the_platform_runs_as_root(services: dict[str, Any]) -> None:
    dockerfile = (DOCKER / "Dockerfile").read_text()
    assert re.findall(r"^USER (.*)$", dockerfile, re.MULTILINE) == ["10001:10001"]
    for name in (*PROCESSES, "migrate"):
        assert services[name]["user"] == "10001:10001"
        assert services[name]["cap_drop"] == ["ALL"]
        assert services[name]["init"] is True


def test_health_checks_ask_the_service_itself(services: dict[str, Any], said: Any) -> None:
    for name in ("web", "worker-inference", "worker-training"):
        kind, entrypoint, *arguments = services[name]["healthcheck"]["test"]
        assert (kind, entrypoint) == ("CMD", "/app/docker/entrypoint.sh")
        assert arguments == ["health", name]
        assert said(*arguments) == [("python", "-m", "faceplatform.stack.container_health", name)]
    assert {"postgres", "valkey"} <= {n for n, s in services.items() if "healthcheck" in s}


def test_all_volumes_and_networks_are_declared(services: dict[str, Any]) -> None:
    whole = compose.read("compose.yaml", env=ENV)
    for service in services.values():
        for volume in service.get("volumes", []):
            source = volume.partition(":")[0]
            assert source in whole["volumes"] or (DOCKER / source).is_file()
        for network in service.get("networks", []):
            assert network == "default" or network in whole["networks"]


def test_the_gpu_file_adds_gpus_and_changes_nothing_else() -> None:
    plain = compose.read("compose.yaml", env=ENV)["services"]
    gpu = compose.read("compose.yaml", "compose.gpu.yaml", env=ENV)["services"]
    assert set(gpu) == set(plain)
    changed = {name for name in gpu if gpu[name] != plain[name]}
    assert changed == {"worker-training"}
    training = gpu["worker-training"]
    assert training["build"]["args"] == {"TORCH": "cuda"}
    assert training["image"] != plain["worker-training"]["image"]
    assert training["command"] == plain["worker-training"]["command"]
    (device,) = training["deploy"]["resources"]["reservations"]["devices"]
    assert device["capabilities"] == ["gpu"]


def test_the_image_holds_what_runs_and_nothing_else() -> None:
    lines = (DOCKER.parent / ".dockerignore").read_text().split("\n")
    rules = [line for line in lines if line and not line.startswith("#")]
    assert rules[0] == "*"
    let_in = {rule[1:] for rule in rules if rule.startswith("!")}
    assert not let_in & {"var", ".env", "docker", "tests", ".git"}
    needed = {"manage.py", "requirements.txt", "faceplatform", "recognition", "training"}
    assert needed | {"templates", "static", "docker/*.sh"} <= let_in
