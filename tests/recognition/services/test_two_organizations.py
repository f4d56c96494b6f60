"""Two organizations that hold the same faces never see each other's."""

from dataclasses import dataclass
from pathlib import Path

import pytest

from faceplatform.accounts.roles import Role
from faceplatform.core.actors import SYSTEM
from recognition.models import FaceImage, Gallery, Identity, Probe, ProbeFace, ProbeMatch
from recognition.services.asking import Options
from recognition.services.identification import identify, identify_in
from tests.api.caller import Caller, upload
from tests.factories import (
    FaceTemplateFactory,
    GalleryFactory,
    IdentityFactory,
    OrganizationFactory,
    make_member,
)
from tests.fakes import POOR, FakePipeline, face_photo

PEOPLE = 12
FACES = 10
QUESTIONS = 1000


@dataclass(frozen=True)
class Side:
    """An organization with two galleries of its own."""

    galleries: list[Gallery]
    people: set[object]
    images: set[object]


@pytest.fixture
def sides(fake_pipeline: FakePipeline, files: Path) -> list[Side]:
    """Two organizations; exactly the same embeddings in every gallery."""
    return [_side(f"Side {number}") for number in (1, 2)]


def _side(name: str) -> Side:
    organization = OrganizationFactory.create(name=name)
    galleries = [
        GalleryFactory.create(organization=organization, name=f"{name} {n}", probe_days=0)
        for n in (1, 2)
    ]
    for gallery in galleries:
        for person in range(PEOPLE):
            identity = IdentityFactory.create(gallery=gallery, name=f"{name}: {person}")
            for variant in (0, 1):
                FaceTemplateFactory.create(face__identity=identity, person=person, variant=variant)
    return Side(
        galleries,
        set(Identity.objects.filter(gallery__in=galleries).values_list("pk", flat=True)),
        set(FaceImage.objects.filter(gallery__in=galleries).values_list("pk", flat=True)),
    )


def _photo(number: int) -> bytes:
    """Photos of ten people each; three of fifteen are strangers to both."""
    people = [(number * FACES + place) % (PEOPLE + 3) for place in range(FACES)]
    return face_photo(*people, variant=number % POOR, width=800)


def _said(probes: list[Probe]) -> tuple[set[object], set[object]]:
    """Return all people and images that answers hold."""
    people = ProbeFace.objects.filter(probe__in=probes, identity__isnull=False)
    images = ProbeMatch.objects.filter(probe_face__probe__in=probes)
    return (
        set(people.values_list("identity_id", flat=True)),
        set(images.values_list("face_id", flat=True)),
    )


def test_a_thousand_identifications_name_only_ones_own(sides: list[Side]) -> None:
    asked = named = 0
    for number in range(QUESTIONS // FACES):
        side = sides[number % 2]
        options = Options(top=(1, 5, 50)[number % 3])
        if number % 10 < 2:
            probes = identify_in(
                galleries=side.galleries, data=_photo(number), name="", actor=SYSTEM
            )
        else:
            gallery = side.galleries[0]
            probes = [
                identify(
                    gallery=gallery, data=_photo(number), name="", actor=SYSTEM, options=options
                )
            ]
        people, images = _said(probes)
        assert people <= side.people
        assert images <= side.images
        asked += FACES
        named += ProbeFace.objects.filter(probe__in=probes, decision="identified").count()
    assert asked == QUESTIONS
    assert named >= QUESTIONS * PEOPLE // (PEOPLE + 3)  # they are there to be named


def test_the_api_never_speaks_of_the_other_organization(sides: list[Side]) -> None:
    for mine, theirs in (sides, sides[::-1]):
        gallery = mine.galleries[0]
        caller = Caller.person(make_member(gallery.organization, Role.OPERATOR))
        hidden = {str(pk) for pk in (*theirs.people, *theirs.images)}
        hidden |= {str(one.pk) for one in theirs.galleries} | {theirs.galleries[0].name}
        for number in range(5):
            photo = _photo(number)
            texts = []
            for path, fields in (
                (f"galleries/{gallery.pk}/identify", {"top": 50}),
                (f"galleries/{gallery.pk}/look-alikes", {}),
                (f"galleries/{gallery.pk}/live", {}),
                ("identify", {"galleries": [str(one.pk) for one in mine.galleries]}),
            ):
                form = fields | {"image": upload(photo)}
                response = caller.form(f"/api/v1/{path}", **form)
                assert response.status_code == 200, (path, response.content)
                texts.append(response.content.decode())
            probe = Probe.objects.filter(gallery=gallery).latest("pk")
            for path in (
                f"/api/v1/probes/{probe.pk}",
                f"/api/v1/probes/{probe.pk}/faces/1/similar?limit=100",
                f"/api/v1/probes/{probe.pk}/faces/1/similar.csv",
                f"/api/v1/probes/{probe.pk}/faces/1/decision",
            ):
                response = caller.get(path)
                assert response.status_code == 200, (path, response.content)
                texts.append(b"".join(response).decode())
            assert not [word for word in hidden for text in texts if word in text]
        for foreign in theirs.galleries:
            response = caller.form(
                f"/api/v1/galleries/{foreign.pk}/identify", image=upload(_photo(0))
            )
            assert response.status_code == 404
            mixed = [str(gallery.pk), str(foreign.pk)]
            response = caller.form("/api/v1/identify", galleries=mixed, image=upload(_photo(0)))
            assert response.status_code == 404
