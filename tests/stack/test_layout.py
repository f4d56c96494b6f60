from pathlib import Path

import pytest

from faceplatform.stack.layout import Layout

LONG = Path("/srv") / ("long" * 20) / ("folder" * 12)


def test_var_is_in_the_project_by_default(tmp_path: Path) -> None:
    assert Layout.of(tmp_path).var == tmp_path.resolve() / "var"


def test_var_may_be_elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FACEPLATFORM_VAR", "/srv/faces")
    assert Layout.of(tmp_path).var == Path("/srv/faces")


def test_a_relative_var_counts_from_the_project(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FACEPLATFORM_VAR", "data/var")
    monkeypatch.chdir("/")
    assert Layout.of(tmp_path).var == tmp_path.resolve() / "data" / "var"


def test_a_link_to_the_project_leads_to_the_same_installation(tmp_path: Path) -> None:
    project = tmp_path / "project"
    project.mkdir()
    link = tmp_path / "link"
    link.symlink_to(project)
    assert Layout.of(link).key == Layout.of(project).key


@pytest.mark.parametrize("uid", [0, 1000])
@pytest.mark.parametrize("project", [Path("/srv/faces"), LONG])
def test_socket_paths_fit(project: Path, uid: int) -> None:
    layout = Layout(project_root=project, var=project / "var", uid=uid)
    assert len(str(layout.sockets / ".s.PGSQL.5432")) < 108
    assert len(str(layout.valkey_socket)) < 108


def test_sockets_do_not_depend_on_the_log_in_session(monkeypatch: pytest.MonkeyPatch) -> None:
    layout = Layout(project_root=LONG, var=LONG / "var", uid=1000)
    before = layout.sockets
    monkeypatch.setenv("XDG_RUNTIME_DIR", "/run/user/1000")
    monkeypatch.setenv("TMPDIR", "/var/tmp")
    assert layout.sockets == before


def test_as_root_the_servers_leave_the_project() -> None:
    layout = Layout(project_root=Path("/root/faces"), var=Path("/root/faces/var"), uid=0)
    assert layout.system_data == Path("/var/lib/faceplatform") / layout.key
    assert layout.sockets == Path("/run/faceplatform") / layout.key


def test_two_projects_share_nothing() -> None:
    one, two = (Layout(project_root=p, var=p / "var", uid=0) for p in (Path("/a"), Path("/b")))
    assert one.key != two.key
    assert one.sockets != two.sockets
