"""`manage.py verify FIRST SECOND`, `manage.py verify PHOTO --identity NAME --gallery NAME`."""

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
from recognition.models import Identity, Verification
from recognition.selectors.verification_thresholds import (
    DEFAULT_RATE,
    RULE_WORDS,
)
from recognition.selectors.verifications import VerificationAnswer, verification_answer
from recognition.services.verification import PhotoInput, verify_identity, verify_photos


class Command(BaseCommand):
    """Answers in its own process."""

    help = "Say whether two photos show the same person, or whether a photo shows somebody known."

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the arguments."""
        parser.add_argument("photos", type=Path, nargs="+", metavar="photo")
        parser.add_argument("--identity", default="", help="name or external id of a person")
        parser.add_argument("--gallery", default="", help="the person's gallery")
        parser.add_argument("--rule", choices=list(RULE_WORDS))
        parser.add_argument("--fmr", type=float, default=DEFAULT_RATE)
        parser.add_argument("--organization", default="")
        parser.add_argument("--json", action="store_true", help="print only a JSON record")

    def handle(self, *args: Any, **options: Any) -> None:
        """Compare and print the answer."""
        photos = [_read(path) for path in options["photos"]]
        person = options["identity"]
        if len(photos) != (1 if person else 2):
            raise CommandError("Give two photos, or one photo with --identity and --gallery.")
        try:
            made = self._person(photos, options) if person else self._pair(photos, options)
        except DomainError as error:
            raise CommandError(f"{error.detail} ({error.code})") from error
        answer = verification_answer(made)
        if options["json"]:
            print_json(self.stdout, answer_json(answer))
        else:
            self.stdout.write("\n".join(answer_lines(answer)))

    def _pair(self, photos: list[PhotoInput], options: dict[str, Any]) -> Verification:
        return verify_photos(
            organization_id=organization_named(options["organization"]).pk,
            first=photos[0],
            second=photos[1],
            fmr=options["fmr"],
            actor=COMMAND_LINE,
        )

    def _person(self, photos: list[PhotoInput], options: dict[str, Any]) -> Verification:
        gallery = find_gallery(organization_named(options["organization"]), options["gallery"])
        people = Identity.objects.select_related("gallery__model_version").filter(gallery=gallery)
        name = options["identity"]
        found = people.filter(name=name).first() or people.filter(external_id=name).first()
        if found is None:
            raise CommandError(f"There is nobody {name!r} in {gallery.name}.")
        return verify_identity(
            identity=found,
            photo=photos[0],
            rule=options["rule"],
            fmr=options["fmr"],
            actor=COMMAND_LINE,
        )


def answer_lines(answer: VerificationAnswer, *, anchors: int = 10) -> list[str]:
    """Return the answer for people who read a terminal."""
    lines = [answer.sentence]
    lines += [
        f"  face {pair.first.number} - face {pair.second.number}: score {pair.score:.3f}, "
        f"{pair.stranger_rate}. {pair.sentence} {pair.margin}"
        for row in answer.pairs
        for pair in row
    ]
    for face in answer.faces:
        lines.append(
            f"  face {face.face.number}: score {face.score:.3f}. {face.sentence} {face.margin}"
        )
        lines += [f"    {one.score:.3f}  {one.image.path}" for one in face.anchors[:anchors]]
        if len(face.anchors) > anchors:
            lines.append(f"    and {len(face.anchors) - anchors:,} more")
    lines.append(f"  Threshold {answer.threshold.value:.3f}: {answer.threshold.text}.")
    return lines


def answer_json(answer: VerificationAnswer) -> dict[str, Any]:
    """Return the answer as JSON-ready data; scores with three decimals."""
    return {
        "sentence": answer.sentence,
        "identity": answer.identity.name if answer.identity else None,
        "threshold": answer.threshold.as_json(),
        "pairs": [
            {
                "first": pair.first.number,
                "second": pair.second.number,
                "score": round(pair.score, 3),
                "verdict": pair.verdict,
            }
            for row in answer.pairs
            for pair in row
        ],
        "faces": [
            {
                "number": face.face.number,
                "score": round(face.score, 3),
                "verdict": face.verdict,
                "anchors": [
                    {"path": one.image.path, "score": round(one.score, 3)} for one in face.anchors
                ],
            }
            for face in answer.faces
        ],
        "timings": answer.verification.timings,
    }


def _read(path: Path) -> PhotoInput:
    try:
        return PhotoInput(data=path.read_bytes(), name=path.name)
    except OSError as error:
        raise CommandError(f"{path} cannot be read: {error.strerror}") from error
