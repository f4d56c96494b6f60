"""`manage.py identify PHOTO --gallery NAME`: who is in this photo?"""

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from faceplatform.core.errors import DomainError
from recognition.management.common import (
    COMMAND_LINE,
    find_gallery,
    organization_named,
    print_json,
)
from recognition.selectors.answers import Answer, FaceAnswer, answer_of
from recognition.services.answer_json import answer_record
from recognition.services.identification import identify

ALL = 1_000_000


class Command(BaseCommand):
    """Answers in its own process."""

    help = "Say who is in a photo, which stored images are similar, or that nobody is known."

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the arguments."""
        parser.add_argument("photo", type=Path)
        parser.add_argument("--gallery", required=True)
        parser.add_argument("--organization", default="")
        parser.add_argument("--json", action="store_true", help="print only a JSON record")

    def handle(self, *args: Any, **options: Any) -> None:
        """Identify and print the answer."""
        photo: Path = options["photo"]
        try:
            data = photo.read_bytes()
        except OSError as error:
            raise CommandError(f"{photo} cannot be read: {error.strerror}") from error
        gallery = find_gallery(organization_named(options["organization"]), options["gallery"])
        try:
            probe = identify(gallery=gallery, data=data, name=photo.name, actor=COMMAND_LINE)
        except DomainError as error:
            raise CommandError(f"{error.detail} ({error.code})") from error
        answer = answer_of(probe, similar_limit=ALL)
        if options["json"]:
            print_json(self.stdout, answer_record(answer) | {"path": str(photo)})
        else:
            self.stdout.write("\n".join(answer_lines(answer)))


def answer_lines(answer: Answer, *, similar: int = 10) -> list[str]:
    """Return the answer for people who read a terminal."""
    lines = [f"{answer.probe.name}: {answer.sentence}"]
    for face in answer.faces:
        lines += _face_lines(face, answer.threshold.value, similar)
    if answer.faces:
        lines.append(f"  Threshold {answer.threshold.value:.3f}: {answer.threshold.text}.")
    return lines


def _face_lines(face: FaceAnswer, threshold: float, similar: int) -> list[str]:
    score = "" if face.score is None else f" Score {face.score:.3f}, {face.stranger_rate}."
    x1, y1, x2, y2 = (round(value) for value in face.box)
    lines = [f"  Face {face.number} at ({x1}, {y1})-({x2}, {y2}): {face.sentence}{score}"]
    if face.similar:
        note = " (all below the threshold)" if face.similar_below_threshold else ""
        lines.append(f"    Similar stored images{note}:")
    for image in face.similar[:similar]:
        owner = image.identity.name if image.identity else "nobody"
        lines.append(f"      {image.score:.3f}  {owner:<24} {image.path}")
    if face.similar_total > similar:
        lines.append(f"      and {face.similar_total - similar:,} more")
    return lines
