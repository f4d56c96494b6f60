"""No password, key or secret comes with the platform."""

import re
import subprocess
from pathlib import Path

import pytest
from django.conf import settings

from faceplatform.accounts.models import ApiKey, Membership, User
from faceplatform.stack import endpoints
from faceplatform.stack.errors import StackError

ROOT = Path(__file__).resolve().parents[2]
_SECRETS = [
    re.compile(r"\bfp_[0-9a-f]{8}_[A-Za-z0-9_-]{43}\b"),
    re.compile(
        r"(?i)\b(?:secret_key|password|api_key|token)\b\s*[:=]\s*"
        r"""["'](?=[^"']*\d)[^"'{}<>$ ]{8,}["']"""
    ),
    re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----"),
    re.compile(r"(?:postgres(?:ql)?|redis)://[^:@/\s]+:[^@{}$<\s]+@"),
]
_ALLOWED = ("tests/", "docs/", ".env.example")


def test_a_fresh_database_has_nobody_in_it(db: None) -> None:
    assert not User.objects.exists()
    assert not Membership.objects.exists()
    assert not ApiKey.objects.exists()


def test_no_secret_is_in_the_repository() -> None:
    listed = subprocess.run(
        ["git", "ls-files"],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if listed.returncode:
        pytest.skip("this copy has no list of its files")
    found = []
    for name in listed.stdout.splitlines():
        path = ROOT / name
        if name.startswith(_ALLOWED) or path.suffix not in {".py", ".sh", ".toml", ".yml", ".yaml"}:
            continue
        text = path.read_text(encoding="utf-8") if path.is_file() else ""
        found += [f"{name}: {m.group()}" for pattern in _SECRETS for m in pattern.finditer(text)]
    assert found == []


def test_the_secret_key_of_this_machine_is_its_own() -> None:
    assert len(settings.SECRET_KEY) >= 50
    assert len(set(settings.SECRET_KEY)) > 10


@pytest.mark.parametrize("weak", ["", "secret", "a" * 60, "django-insecure-" + "x1y2z3" * 10])
def test_a_weak_secret_key_is_refused(weak: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET_KEY", weak)
    with pytest.raises(StackError):
        endpoints.secret_key()
