"""Resident memory of a serving process after identifications.

    python -m benchmarks.web_memory            a line
    python -m benchmarks.web_memory --json     one JSON record

Sends photos of LFW to the API in a process of its own with a real database, as the web server's
threads would, and reads the process's resident memory before the first and after the last.
"""

import argparse
import json
import os
import sys
import tempfile
from pathlib import Path

import psutil

from benchmarks import environment, lfw
from faceplatform.stack import testing

REQUESTS = 100


def serve(data: Path, requests: int) -> dict[str, object]:
    """Identify `requests` photos through the API; return megabytes and what was imported."""
    import django

    django.setup()
    from django.core.files.uploadedfile import SimpleUploadedFile
    from django.core.management import call_command
    from django.test import Client

    from faceplatform.accounts.models import Organization
    from faceplatform.accounts.roles import Scope
    from faceplatform.accounts.services.keys import create_key
    from faceplatform.accounts.services.setup import complete_setup, create_setup_link
    from faceplatform.core.actors import Actor
    from recognition.services.galleries import create_gallery

    call_command("migrate", verbosity=0)
    owner = complete_setup(
        token=create_setup_link() or "",
        email="owner@example.org",
        name="Owner",
        password="a long enough pass phrase",  # noqa: S106  of a database that is thrown away
        organization_name="Benchmark",
    )
    actor = Actor(label=owner.email, user_id=owner.pk)
    organization = Organization.objects.get()
    key = create_key(
        organization=organization, name="k", scopes=[Scope.IDENTIFY], expires_at=None, actor=actor
    )
    gallery = create_gallery(organization_id=organization.pk, name="Benchmark", actor=actor)
    client = Client(headers={"Authorization": f"Bearer {key.secret}", "Host": "127.0.0.1"})
    before = _megabytes()
    for name in lfw.image_names(data)[:requests]:
        photo = SimpleUploadedFile("p.jpg", (data / "lfw-deepfunneled" / name).read_bytes())
        answer = client.post(f"/api/v1/galleries/{gallery.pk}/identify", {"image": photo})
        if answer.status_code != 200:
            raise SystemExit(answer.content.decode())
    return {
        "requests": requests,
        "resident_mb_before": before,
        "resident_mb_after": _megabytes(),
        "torch_imported": "torch" in sys.modules,
    }


def _megabytes() -> int:
    return round(psutil.Process().memory_info().rss / 2**20)


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(description="Memory of a serving process.")
    parser.add_argument("--data", type=Path, default=environment.DATA / "lfw")
    parser.add_argument("--models-dir", type=Path, default=environment.ROOT / "var" / "models")
    parser.add_argument("--requests", type=int, default=REQUESTS)
    parser.add_argument("--json", action="store_true", help="one JSON record and nothing else")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        var = Path(temporary) / "var"
        var.mkdir()
        options.models_dir.mkdir(parents=True, exist_ok=True)
        (var / "models").symlink_to(options.models_dir.resolve())
        os.environ["FACEPLATFORM_VAR"] = str(var)
        os.environ["DJANGO_SETTINGS_MODULE"] = "faceplatform.settings"
        os.environ.update(testing.start(var))
        try:
            result = serve(options.data, options.requests)
        finally:
            testing.stop()
    record = environment.record("web_memory", **result)
    if options.json:
        print(json.dumps(record, indent=1))
    else:
        print(
            f"{result['resident_mb_before']} MB before, {result['resident_mb_after']} MB after "
            f"{result['requests']} identifications; torch imported: {result['torch_imported']}"
        )


if __name__ == "__main__":
    main()
