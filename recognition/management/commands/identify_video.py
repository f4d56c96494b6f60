"""`manage.py identify_video FILE --gallery NAME`: who appears in this video, and when?"""

from pathlib import Path
from typing import Any

from django.core.files.base import File
from django.core.management.base import BaseCommand, CommandError, CommandParser

from faceplatform.core import jobs
from faceplatform.core.errors import DomainError
from faceplatform.core.models import Job, JobState
from recognition.management.common import (
    COMMAND_LINE,
    ProgressLine,
    find_gallery,
    organization_named,
    print_json,
)
from recognition.models import Video
from recognition.selectors.videos import PersonSeen, people_seen
from recognition.services.video_exports import video_record
from recognition.services.videos import RATE, VideoOptions, start_video


class Command(BaseCommand):
    """Looks through the video in its own process."""

    help = "Say who appears in a video, when, and in which frame best."

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the arguments."""
        parser.add_argument("file", type=Path)
        parser.add_argument("--gallery", required=True)
        parser.add_argument("--organization", default="")
        parser.add_argument("--rate", type=float, default=RATE, help="frames per second")
        parser.add_argument(
            "--thorough",
            action="store_true",
            help="look at what key frames leave out as well",
        )
        parser.add_argument("--json", action="store_true", help="print only a JSON record")

    def handle(self, *args: Any, **options: Any) -> None:
        """Run the job here and print what came of it."""
        path: Path = options["file"]
        gallery = find_gallery(organization_named(options["organization"]), options["gallery"])
        try:
            with path.open("rb") as handle:
                video = start_video(
                    gallery=gallery,
                    name=path.name,
                    content=File(handle, name=path.name),
                    actor=COMMAND_LINE,
                    looking=VideoOptions(options["rate"], options["thorough"]),
                    ring=False,
                )
        except OSError as error:
            raise CommandError(f"{path} cannot be read: {error.strerror}") from error
        except DomainError as error:
            raise CommandError(f"{error.detail} ({error.code})") from error
        self._run(video)
        video.refresh_from_db()
        if options["json"]:
            print_json(self.stdout, video_record(video) | {"path": str(path)})
        else:
            self.stdout.write("\n".join(_lines(video)))

    def _run(self, video: Video) -> None:
        if video.job_id is None:
            raise CommandError("The video has no job.")
        jobs.run_here(video.job_id, listener=ProgressLine())
        job = Job.objects.get(pk=video.job_id)
        if job.state != JobState.SUCCEEDED:
            raise CommandError(f"{job.error_detail or job.note} ({job.error_code or job.state})")


def _lines(video: Video) -> list[str]:
    """Return the answer for people who read a terminal."""
    people = people_seen(video)
    lines = [f"{video.name}: {len(people)} in view."]
    if video.partial:
        lines.append(f"  The video could not be read to its end ({video.partial}).")
    return lines + [line for person in people for line in _person_lines(person)]


def _person_lines(person: PersonSeen) -> list[str]:
    times = ", ".join(f"{start:.1f}-{end:.1f} s" for start, end in person.intervals)
    score = "" if person.score is None else f", score {person.score:.3f}"
    best = f", best at {person.best.time:.1f} s" if person.best else ""
    return [f"  {person.label}: {times}{score}{best}"]
