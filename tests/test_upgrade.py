"""From the first version to this one: a database with data, and jobs that were queued before."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.places import Place

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]

# What the first version wrote, by kind. Never changed: add what a later version writes.
PAYLOADS: dict[str, list[dict[str, Any]]] = {
    "recognition.import": [{"import_run": "RUN"}],
}

_FIRST = """
import hashlib, zipfile
from django.core.files.base import ContentFile
from django.db.migrations.executor import MigrationExecutor
from faceplatform.core import storage
from faceplatform.core.jobs import run_here
from faceplatform.core.jobs.registry import find_kind
from recognition.services.identification import identify
from recognition.services.model_versions import digest_of
from recognition.services.pipelines import pipelines
from recognition.vision import registry
from tests.fakes import FakePipeline, face_photo

pipelines.ready["facenet-casia"] = FakePipeline(digest=digest_of(registry.get("facenet-casia")))
executor = MigrationExecutor(connection)
first = [key for key in executor.loader.graph.nodes
         if key[0] in {"accounts", "core", "recognition"} and key[1] == "0001_initial"]
executor.migrate(first)
old = executor.loader.project_state(first).apps.get_model
missing_before = len(executor.migration_plan(executor.loader.graph.leaf_nodes()))

team = old("accounts", "Organization").objects.create(name="Team")
version = old("recognition", "ModelVersion").objects.create(
    name="FaceNet", backbone="facenet-casia", dimension=512,
    digest=digest_of(registry.get("facenet-casia")))
gallery = old("recognition", "Gallery").objects.create(
    organization=team, name="Staff", model_version=version,
    default_threshold=0.1, default_threshold_templates=1)
ann = old("recognition", "Identity").objects.create(
    organization=team, gallery=gallery, name="ann")
data = face_photo(1)
photo = old("recognition", "Photo").objects.create(
    organization=team, sha256=storage.put_photo(team.pk, data), size=len(data),
    media_type="image/png", width=640, height=240, original_path="ann/1.png")
face = old("recognition", "FaceImage").objects.create(
    organization=team, gallery=gallery, identity=ann, photo=photo, path="ann/1.png",
    x1=20, y1=40, x2=79, y2=99, landmarks=[0.0] * 10, detection_score=0.99, quality=0.8,
    quality_parts={}, detector="fake", state="enrolled", reason="")
old("recognition", "FaceTemplate").objects.create(
    organization=team, gallery=gallery, face=face, model_version=version, dimension=512,
    embedding=embedding_of(1), searchable=True)
jobs = {}
for kind, payloads in PAYLOADS.items():
    for number, payload in enumerate(payloads):
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w") as archive:
            archive.writestr("bob/1.png", face_photo(100 + number))
        run = old("recognition", "ImportRun").objects.create(
            organization=team, gallery=gallery, name="bob.zip",
            archive=storage.put_archive(team.pk, ContentFile(out.getvalue())))
        job = old("core", "Job").objects.create(
            organization=team, kind=kind, queue=find_kind(kind).queue, title="before",
            payload=json.loads(json.dumps(payload).replace("RUN", str(run.pk))))
        run.job = job
        run.save()
        jobs[str(job.pk)] = kind
gone = old("core", "Job").objects.create(
    organization=team, kind="recognition.no_longer", queue="default", title="gone", payload={})
"""

_THEN = """
call_command("migrate", verbosity=0)
missing = len(MigrationExecutor(connection).migration_plan(executor.loader.graph.leaf_nodes()))
ran = {job: run_here(job) and Job.objects.get(pk=job).state for job in jobs}
run_here(gone.pk)
now = Gallery.objects.get()
probe = identify(gallery=now, data=face_photo(1, variant=3), name="a.png", actor=SYSTEM).faces.get()
answer = {
    "missing": [missing_before > 0, missing],
    "jobs": sorted(ran.values()),
    "gone": Job.objects.get(pk=gone.pk).error_code,
    "names": names(),
    "answer": [probe.decision, probe.identity.name],
    "threshold": now.default_threshold > 0.2,
    "calibration": len(now.model_version.calibration_sha256),
    "clean": clean(),
}
"""


def test_an_installation_of_the_first_version_is_brought_to_this_one(
    place: Place, tmp_path: Path
) -> None:
    known = f"PAYLOADS = json.loads({json.dumps(json.dumps(PAYLOADS))})"
    answer = place.ask(f"{known}\n{_FIRST}\n{_THEN}")
    assert answer == {
        "missing": [True, 0],
        "jobs": ["succeeded"],
        "gone": "unknown_kind",
        "names": ["ann", "bob"],
        "answer": ["identified", "ann"],
        "threshold": True,
        "calibration": 64,
        "clean": True,
    }
