"""What pages offer to whom, and the corners that no browser test walks into."""

import uuid
from typing import Any

import pytest
from django.test import Client

from faceplatform.accounts.roles import Role
from recognition.models import Gallery, Identity, Probe
from tests.factories import (
    GalleryFactory,
    IdentityFactory,
    MembershipFactory,
    OrganizationFactory,
    ProbeFaceFactory,
    ProbeFactory,
    UserFactory,
    make_member,
)
from tests.fakes import POOR, face_photo

pytestmark = pytest.mark.django_db

HTMX = {"HX-Request": "true"}


def client_of(user: Any) -> Client:
    client = Client()
    client.force_login(user, backend="allauth.account.auth_backends.AuthenticationBackend")
    return client


@pytest.fixture
def gallery(fake_pipeline: object, files: object) -> Gallery:
    made: Gallery = GalleryFactory.create(name="Staff")
    return made


@pytest.fixture
def operator(gallery: Gallery) -> Client:
    return client_of(make_member(gallery.organization, Role.OPERATOR))


@pytest.fixture
def viewer(gallery: Gallery) -> Client:
    return client_of(make_member(gallery.organization, Role.VIEWER))


def upload(data: bytes, name: str = "gate.png") -> Any:
    from django.core.files.uploadedfile import SimpleUploadedFile

    return SimpleUploadedFile(name, data, content_type="image/png")


def ask(client: Client, gallery: Gallery, data: bytes) -> Probe:
    client.post("/identify/", {"gallery": str(gallery.pk), "photo": upload(data)})
    return Probe.objects.latest("pk")


def test_somebody_without_an_organization_is_told_so() -> None:
    shown = client_of(UserFactory.create()).get("/").content.decode()
    assert "You belong to no organization" in shown


def test_a_viewer_is_offered_only_what_they_may(viewer: Client, gallery: Gallery) -> None:
    identity = IdentityFactory.create(gallery=gallery)
    pages = ["/", "/galleries/", f"/galleries/{gallery.pk}/", f"/identities/{identity.pk}/"]
    for path in [*pages, "/identify/", "/settings/"]:
        shown = viewer.get(path).content.decode()
        for offer in ("/import/", "/new/", "/edit/", "/settings/keys/", 'type="file"'):
            assert offer not in shown, (path, offer)
    refused = viewer.post("/identify/", {"gallery": str(gallery.pk), "photo": upload(b"x")})
    assert refused.status_code == 403


def test_people_work_in_one_organization_at_a_time(gallery: Gallery) -> None:
    user = make_member(gallery.organization, Role.OWNER)
    other = OrganizationFactory.create(name="The other")
    MembershipFactory.create(user=user, organization=other)
    GalleryFactory.create(organization=other, name="Elsewhere")
    client = client_of(user)
    assert "Staff" in client.get("/galleries/").content.decode()
    client.post("/settings/organization/", {"organization": str(other.pk)})
    shown = client.get("/galleries/").content.decode()
    assert "Elsewhere" in shown
    assert "Staff" not in shown
    foreign = OrganizationFactory.create()
    refused = client.post("/settings/organization/", {"organization": str(foreign.pk)})
    assert refused.status_code == 404


def test_a_refusal_answers_htmx_with_the_form_alone(operator: Client, gallery: Gallery) -> None:
    body = {"gallery": str(gallery.pk), "photo": upload(b"no picture")}
    answer = operator.post("/identify/", body, headers=HTMX)
    assert (answer.status_code, answer["X-Fragment"]) == (422, "1")
    shown = answer.content.decode()
    assert "unsupported_media" in shown
    assert "<html" not in shown


def test_an_answer_sends_htmx_to_its_page(operator: Client, gallery: Gallery) -> None:
    body = {"gallery": str(gallery.pk), "photo": upload(face_photo(1))}
    answer = operator.post("/identify/", body, headers=HTMX)
    assert answer["HX-Redirect"] == f"/probes/{Probe.objects.get().pk}/"


def test_a_photo_that_is_too_large_is_not_decoded(
    operator: Client, gallery: Gallery, fake_pipeline: Any
) -> None:
    body = {"gallery": str(gallery.pk), "photo": upload(b"\0" * (20 * 1024 * 1024 + 1))}
    answer = operator.post("/identify/", body)
    assert answer.status_code == 422
    assert "file_too_large" in answer.content.decode()
    assert fake_pipeline.images == 0


@pytest.mark.parametrize("query", ["offset=x", "offset=-1", "offset=٣", "identity=nobody"])
def test_garbage_in_the_query_is_not_found(operator: Client, gallery: Gallery, query: str) -> None:
    face = ProbeFaceFactory.create(probe=ProbeFactory.create(gallery=gallery))
    assert operator.get(f"/probes/{face.probe_id}/faces/1/similar/?{query}").status_code == 404


def test_a_face_that_cannot_be_enrolled_leaves_nobody_behind(
    operator: Client, gallery: Gallery
) -> None:
    probe = ask(operator, gallery, face_photo(1, variant=POOR))
    answer = operator.post(
        f"/probes/{probe.pk}/faces/1/enroll/", {"name": "Nobody yet"}, headers=HTMX
    )
    assert answer.status_code == 422
    assert "low_quality" in answer.content.decode()
    assert not Identity.objects.exists()


def test_enrolling_without_a_script_goes_back_with_the_reason(
    operator: Client, gallery: Gallery
) -> None:
    probe = ask(operator, gallery, face_photo(1))
    answer = operator.post(f"/probes/{probe.pk}/faces/1/enroll/", {"name": ""}, follow=True)
    assert answer.redirect_chain == [(f"/probes/{probe.pk}/", 302)]
    assert "Who is it?" in answer.content.decode()


def test_a_face_is_not_given_to_somebody_of_another_gallery(
    operator: Client, gallery: Gallery
) -> None:
    probe = ask(operator, gallery, face_photo(1))
    other = IdentityFactory.create(gallery=GalleryFactory.create(organization=gallery.organization))
    url = f"/probes/{probe.pk}/faces/1/enroll/"
    assert operator.post(url, {"identity": str(other.pk)}).status_code == 404


def test_without_its_photo_an_answer_offers_nothing_that_needs_it(
    operator: Client, gallery: Gallery
) -> None:
    gallery.probe_days = 0
    gallery.save()
    GalleryFactory.create(organization=gallery.organization)
    probe = ask(operator, gallery, face_photo(1))
    shown = operator.get(f"/probes/{probe.pk}/").content.decode()
    assert "The photo was not kept" in shown
    assert "/enroll/" not in shown
    assert "/again/" not in shown
    answer = operator.post(f"/probes/{probe.pk}/again/", {"gallery": str(gallery.pk)})
    assert answer.status_code == 409
    assert "photo_not_kept" in answer.content.decode()


def test_several_photos_at_once_are_answered_one_by_one(operator: Client, gallery: Gallery) -> None:
    identity = IdentityFactory.create(gallery=gallery, name="Ada")
    photos = [upload(face_photo(1), "a.png"), upload(face_photo(1, 2), "b.png")]
    answer = operator.post(f"/identities/{identity.pk}/images/", {"photos": photos})
    shown = answer.content.decode()
    assert answer.status_code == 422
    assert identity.faces.count() == 1
    assert "multiple_faces" in shown
    assert 'data-choice="2" data-box="90.0 40.0 58.0 58.0"' in shown


def test_the_original_is_offered_to_those_who_may_export(gallery: Gallery) -> None:
    identity = IdentityFactory.create(gallery=gallery)
    owner = client_of(make_member(gallery.organization, Role.OWNER))
    owner.post(f"/identities/{identity.pk}/images/", {"photos": [upload(face_photo(1))]})
    path = f"/identities/{identity.pk}/"
    operator = client_of(make_member(gallery.organization, Role.OPERATOR))
    assert "data-original" in owner.get(path).content.decode()
    assert "data-original" not in operator.get(path).content.decode()


def test_no_page_needs_an_inline_style_or_script(operator: Client, gallery: Gallery) -> None:
    probe = ask(operator, gallery, face_photo(1, 2))
    for path in ["/", "/identify/", f"/galleries/{gallery.pk}/", f"/probes/{probe.pk}/", "/jobs/"]:
        answer = operator.get(path)
        shown = answer.content.decode()
        assert " style=" not in shown
        assert " onclick=" not in shown
        assert "<script>" not in shown
        assert "script-src 'self';" in f"{answer['Content-Security-Policy']};"


def test_a_job_fragment_stops_asking_when_the_job_has_ended(
    operator: Client, gallery: Gallery
) -> None:
    from faceplatform.core.models import JobState
    from tests.factories import JobFactory

    job = JobFactory.create(organization=gallery.organization, state=JobState.RUNNING, total=4)
    live = operator.get(f"/jobs/{job.pk}/live/").content.decode()
    assert 'hx-trigger="every 1s"' in live
    job.state, job.result = JobState.SUCCEEDED, {"sentence": "Four done.", "url": "/galleries/"}
    job.save()
    ended = operator.get(f"/jobs/{job.pk}/live/").content.decode()
    assert "hx-trigger" not in ended
    assert "Four done." in ended
    assert 'href="/galleries/"' in ended


def test_an_unknown_gallery_is_not_found(operator: Client) -> None:
    assert operator.get(f"/galleries/{uuid.uuid4()}/").status_code == 404
