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


@job_kind("recognition.scoring", queue="inference")
def change_scoring(context: JobContext) -> dict[str, Any]:
    """Change how a gallery scores; each run draws a new cohort and adds only what is missing."""
    from recognition.services.scoring import run_scoring

    return run_scoring(context)


@job_kind("recognition.search_index", queue="default")
def build_search_index(context: JobContext) -> dict[str, Any]:
    """Build a gallery's index; it drops what an interrupted run left and begins anew."""
    from recognition.services.search_index import run_index

    return run_index(context)


@shared_task(name="recognition.keep_search_tidy", ignore_result=True)
def keep_search_tidy() -> None:
    """Remove indexes of galleries that are gone and old notes of changes; safe to repeat."""
    from recognition.services.search_tidying import tidy

    tidy()


@shared_task(name="recognition.keep_scoring_current", ignore_result=True)
def keep_scoring_current() -> None:
    """Start jobs for cohorts that no longer fit; one that runs already is not started again."""
    from recognition.services.scoring import keep_current

    keep_current()


@job_kind("recognition.identify_batch", queue="inference")
def identify_batch(context: JobContext) -> dict[str, Any]:
    """Ask about many photos; every answer is written once, so it continues where it stopped."""
    from recognition.services.batches import run_batch

    return run_batch(context)


@job_kind("recognition.video", queue="inference")
def identify_video(context: JobContext) -> dict[str, Any]:
    """Look through a video; a further attempt goes on where the last one wrote its checkpoint."""
    from recognition.services.video_run import run_video

    return run_video(context)


@shared_task(name="recognition.purge_expired_probes", ignore_result=True)
def purge_expired() -> None:
    """Delete answers about photos and videos whose time is over; a second run finds none left."""
    from recognition.services.probes import purge_expired_probes
    from recognition.services.verification import purge_expired_verifications
    from recognition.services.videos import purge_expired_videos

    purge_expired_probes()
    purge_expired_verifications()
    purge_expired_videos()


@shared_task(name="recognition.follow_consents_and_retention", ignore_result=True)
def follow_consents_and_retention() -> None:
    """Follow consents that began or expired, erase whose time is over; a second run finds none."""
    from recognition.services.consents import sweep_consents, sweep_retention

    sweep_consents()
    sweep_retention()


@job_kind("recognition.promote", queue="default")
def promote(context: JobContext) -> dict[str, Any]:
    """Give a gallery another model; run again, it goes on where templates are missing."""
    from recognition.services.promotion import run_promotion

    return run_promotion(context)
