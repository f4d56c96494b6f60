"""People of a gallery, enrolled as anybody would enroll them."""

from faceplatform.core.actors import SYSTEM
from recognition.models import Gallery, Identity
from recognition.services.enrollment import enroll_photo
from recognition.services.identities import create_identity
from tests.fakes import face_photo


def enroll(gallery: Gallery, name: str, person: int, *, images: int = 1) -> Identity:
    """Add a person with so many images of the stand-in's person `person`."""
    identity = create_identity(gallery=gallery, name=name, actor=SYSTEM)
    for number in range(images):
        enroll_photo(
            gallery=gallery,
            identity=identity,
            data=face_photo(person, variant=number),
            path=f"{name}/{number}.png",
            actor=SYSTEM,
        )
    return identity
