"""The page that takes a photo: what is chosen for one question, and several galleries."""

from pathlib import Path

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from faceplatform.accounts.models import Organization
from faceplatform.accounts.roles import Role
from recognition.models import Gallery, Probe
from tests.e2e.people import enroll
from tests.factories import GalleryFactory, OrganizationFactory, make_member
from tests.fakes import FakePipeline, face_photo

ADA, MARY = 1, 2


@pytest.fixture
def organization(db: None) -> Organization:
    return OrganizationFactory.create()


@pytest.fixture
def gallery(organization: Organization, fake_pipeline: FakePipeline, files: Path) -> Gallery:
    made: Gallery = GalleryFactory.create(organization=organization, name="Staff")
    enroll(made, "Ada", ADA)
    return made


@pytest.fixture
def asker(organization: Organization) -> Client:
    client = Client()
    client.force_login(make_member(organization, Role.OPERATOR))
    return client


def photo() -> SimpleUploadedFile:
    return SimpleUploadedFile("gate.png", face_photo(ADA, variant=5), "image/png")


def test_several_galleries_are_asked_and_lead_to_each_other(
    asker: Client, gallery: Gallery, organization: Organization
) -> None:
    guests = GalleryFactory.create(organization=organization, name="Guests")
    enroll(guests, "Adele", ADA)
    form = {"gallery": gallery.pk, "also": [guests.pk], "top": "1", "photo": photo()}
    page = asker.post("/identify/", form, follow=True)
    assert page.context["names"] == ["Ada"]
    other = Probe.objects.get(gallery=guests)
    assert f'href="/probes/{other.pk}/"' in page.content.decode()
    assert b"Adele" in page.content


def test_a_threshold_outside_the_limits_is_refused_beside_its_field(
    asker: Client, gallery: Gallery
) -> None:
    form = {"gallery": gallery.pk, "threshold": "-0.9", "photo": photo()}
    page = asker.post("/identify/", form)
    assert page.status_code == 422
    assert "threshold_out_of_limits" in page.content.decode()
    assert list(page.context["form"].errors) == ["threshold"]
    assert not Probe.objects.exists()


def test_a_gallery_of_others_is_no_choice(asker: Client, gallery: Gallery) -> None:
    form = {"gallery": gallery.pk, "also": [GalleryFactory.create().pk], "photo": photo()}
    assert asker.post("/identify/", form).status_code == 422
    assert not Probe.objects.exists()
