"""Networks, thresholds, and what should have been forgotten."""

import datetime as dt
import hashlib

from django.conf import settings
from django.db.models import F
from django.utils import timezone

from faceplatform.core.errors import DomainError
from faceplatform.core.models.job import ACTIVE_STATES
from recognition.models import EnsembleComponent, Gallery, ModelVersion, Probe, TrainedHead
from recognition.selectors.calibrations import calibration_of_version
from recognition.selectors.thresholds import threshold_of
from recognition.services.doctor_findings import Findings, Progress
from recognition.services.identification import ANSWER_DAYS
from recognition.services.model_versions import calibration_of, digest_of
from recognition.services.pipelines import prepare
from recognition.services.probes import purge_expired_probes
from recognition.services.thresholds import refresh_threshold
from recognition.vision import registry, store
from recognition.vision.errors import ModelDamaged, VisionError
from recognition.vision.prepare import DETECTOR, is_ready
from recognition.vision.registry import BackboneSpec

# The nightly task has had its chance.
OVERDUE = dt.timedelta(days=1)


def check_models(findings: Findings, progress: Progress) -> dict[str, int]:
    """Every version that galleries use can be loaded, from files with the right checksums."""
    versions = list(ModelVersion.objects.filter(galleries__isnull=False).distinct())
    known: dict[str, BackboneSpec] = {}
    for number, version in enumerate(_with_components(versions)):
        progress(min(number, len(versions)), len(versions), "Checking networks")
        if version.is_trained:
            _check_head(findings, version)
            continue
        spec = _spec_of(findings, version)
        if spec is not None:
            known[spec.name] = spec
    for spec in known.values():
        _check_files(findings, spec)
    progress(len(versions), len(versions), "Checking networks")
    return {"model_versions": len(versions)}


def _with_components(versions: list[ModelVersion]) -> list[ModelVersion]:
    """Add the built-in versions that trained ones rest on."""
    trained = [version for version in versions if version.is_trained]
    rows = EnsembleComponent.objects.filter(ensemble__in=trained).select_related("version")
    return list(dict.fromkeys([*versions, *(row.version for row in rows)]))


def _check_head(findings: Findings, version: ModelVersion) -> None:
    """A trained version has its head with the right checksum, and a calibration."""
    example = f"{version.backbone}, version {version.digest[:12]}"
    try:
        calibration_of_version(version)
        row = TrainedHead.objects.get(version=version)
        checksum = hashlib.sha256(bytes(row.content)).hexdigest()
    except VisionError as error:
        findings.add("model_uncalibrated", f"{version.backbone}: {error.detail}")
        return
    if checksum != version.specification.get("head_sha256"):
        findings.add("model_mismatch", example)


def _spec_of(findings: Findings, version: ModelVersion) -> BackboneSpec | None:
    """Return the installed backbone of a version, after comparing the two."""
    example = f"{version.backbone}, version {version.digest[:12]}"
    try:
        spec = registry.get(version.backbone)
    except VisionError:
        findings.add("model_unknown", example)
        return None
    try:
        calibration_of(spec)
        expected = digest_of(spec, version.specification.get("weights_sha256", ""))
    except VisionError as error:
        findings.add("model_uncalibrated", f"{spec.name}: {error.detail}")
        return spec
    if expected != version.digest:
        findings.add("model_mismatch", example)
    return spec


def _check_files(findings: Findings, spec: BackboneSpec) -> None:
    models = settings.MODELS_DIR
    damaged = [problem for name in (DETECTOR, spec.name) if (problem := _damage(name))]
    if not damaged:
        if not is_ready(models, spec):
            findings.add("model_unprepared", spec.name)
        return
    repaired = False
    if findings.repair:
        try:
            prepare(spec.name)
        except DomainError as error:
            damaged.append(f"{spec.name}: {error.detail}")
        else:
            repaired = is_ready(models, spec)
    for problem in damaged:
        findings.add("model_damaged", problem, repaired=repaired)


def _damage(name: str) -> str:
    """Return what is wrong with the files of a network, "" if all is well or none are there."""
    folder = settings.MODELS_DIR / name
    try:
        manifest = store.read_manifest(folder)
        store.check_files(folder, manifest, tuple(manifest.files))
    except ModelDamaged as error:
        return error.detail
    except VisionError:
        return ""
    return ""


def check_thresholds(findings: Findings, progress: Progress) -> dict[str, int]:
    """The stored threshold is the one for the gallery's size; running imports are left alone."""
    galleries = Gallery.objects.select_related("model_version").exclude(
        imports__job__state__in=ACTIVE_STATES
    )
    for number, gallery in enumerate(galleries.order_by("pk").iterator(), start=1):
        progress(number, None, "Checking thresholds")
        try:
            _check_threshold(findings, gallery)
        except DomainError:
            continue  # no calibration: check_models says so
    return {"galleries": Gallery.objects.count()}


def _check_threshold(findings: Findings, gallery: Gallery) -> None:
    info = threshold_of(gallery)
    stored = (gallery.default_threshold, gallery.default_threshold_templates)
    if stored == (info.value, info.templates) or (stored == (None, 0) and not info.templates):
        return
    if findings.repair:
        refresh_threshold(gallery, anew=True)
    findings.add("threshold_stale", f"gallery {gallery.pk}", repaired=findings.repair)


def check_probes(findings: Findings, progress: Progress) -> dict[str, int]:
    """Photos of probes and their answers go when their time is over."""
    progress(0, None, "Looking at probes")
    endless = Probe.objects.filter(expires_at=None)
    for pk in endless.values_list("pk", flat=True):
        findings.add("probe_without_end", f"probe {pk}", repaired=findings.repair)
    if findings.repair:
        endless.update(expires_at=F("created_at") + dt.timedelta(days=ANSWER_DAYS))
    overdue = Probe.objects.filter(expires_at__lt=timezone.now() - OVERDUE)
    for pk in overdue.order_by("expires_at").values_list("pk", flat=True).iterator():
        findings.add("probe_expired", f"probe {pk}", repaired=findings.repair)
    if findings.repair:
        purge_expired_probes()
    return {}
