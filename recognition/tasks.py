"""Kinds of jobs and nightly tasks. The services behind them are imported when they run."""

from typing import Any

from celery import shared_task

from faceplatform.core.jobs import JobContext, job_kind


@job_kind("recognition.import", queue="inference")
def import_people(context: JobContext) -> dict[str, Any]:
    """Import a folder or zip; every image is written once, so it continues where it stopped."""
    from recognition.services.imports import run_import

    return run_import(context)


@job_kind("recognition.hygiene", queue="default")
def look_through(context: JobContext) -> dict[str, Any]:
    """Look through a gallery; its findings are written at the end, at once."""
    from recognition.services.hygiene import run_hygiene

    return run_hygiene(context)


@shared_task(name="recognition.purge_expired_probes", ignore_result=True)
def purge_expired() -> None:
    """Delete probes and verifications whose time is over; a second run finds nothing left."""
    from recognition.services.probes import purge_expired_probes
    from recognition.services.verification import purge_expired_verifications

    purge_expired_probes()
    purge_expired_verifications()


@shared_task(name="recognition.follow_consents_and_retention", ignore_result=True)
def follow_consents_and_retention() -> None:
    """Follow consents that began or expired, erase whose time is over; a second run finds none."""
    from recognition.services.consents import sweep_consents, sweep_retention

    sweep_consents()
    sweep_retention()
