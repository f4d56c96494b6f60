"""Two organizations with everything in them, and everybody who might ask."""

import io
import zipfile
from dataclasses import dataclass, field
from typing import Any

from django.core.files.base import ContentFile
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db.models import Model
from django.test import Client

from faceplatform.accounts.models import ApiKey, Membership, Organization, User
from faceplatform.accounts.principal import (
    ANONYMOUS,
    Principal,
    principal_of_key,
    principal_of_user,
)
from faceplatform.accounts.roles import Role, Scope
from faceplatform.core import storage
from faceplatform.core.models import AuditEvent, Job, JobState
from recognition.models import (
    FaceImage,
    Gallery,
    Identity,
    ImportRun,
    ModelVersion,
    Photo,
    Probe,
    Verification,
    Video,
)
from tests.factories import (
    ConsentFactory,
    FaceImageFactory,
    FaceTemplateFactory,
    GalleryFactory,
    HygieneFindingFactory,
    IdentityFactory,
    IdentityMergeFactory,
    ImportItemFactory,
    ImportRunFactory,
    JobLogLineFactory,
    OrganizationFactory,
    PhotoFactory,
    ProbeBatchFactory,
    ProbeFaceFactory,
    ProbeFactory,
    ProbeMatchFactory,
    ReviewDecisionFactory,
    TrackFactory,
    TrackFrameFactory,
    TrackMatchFactory,
    UserFactory,
    VerificationFactory,
    VerificationPhotoFactory,
    VideoFactory,
    make_key,
    make_member,
    store_file,
)
from tests.fakes import face_photo
from tests.training.factories import (
    DatasetFactory,
    EvaluationFactory,
    GalleryThresholdFactory,
    TrainingRunFactory,
)
from tests.videos import grey_video

PERSON = 1
"""The same person is enrolled in both organizations."""


@dataclass
class Caller:
    """Somebody who asks."""

    name: str
    client: Client
    principal: Principal


@dataclass
class Team:
    """One organization with one of everything."""

    organization: Organization
    gallery: Gallery
    identity: Identity
    face: FaceImage
    probe: Probe
    verification: Verification
    namesake: Identity
    spare: Gallery
    run: ImportRun
    key: ApiKey
    people: dict[Role, User]
    rows: dict[type[Model], Model] = field(default_factory=dict)

    @property
    def job(self) -> Job:
        """The import's job."""
        assert self.run.job is not None
        return self.run.job

    def row_of(self, model: type[Model]) -> Model:
        """Return this team's row of a model."""
        if model is AuditEvent:
            return AuditEvent.objects.filter(organization=self.organization).latest("pk")
        known: dict[type[Model], Model] = self.rows | {
            Organization: self.organization,
            User: self.people[Role.VIEWER],
            Membership: self.people[Role.VIEWER].memberships.get(),
            Photo: self.face.photo,
            ModelVersion: self.gallery.model_version,
        }
        return known[model]

    def secrets(self) -> set[str]:
        """Every id and name that nobody else may ever read."""
        ids = {str(row.pk) for row in self.rows.values()} | {str(self.face.photo_id)}
        names = {
            self.gallery.name,
            self.identity.name,
            self.face.path,
            self.probe.name,
            self.namesake.name,
            self.spare.name,
            self.run.name,
            self.job.title,
            self.organization.name,
            self.key.name,
        }
        return ids | names | {user.email for user in self.people.values()}


def make_team(name: str) -> Team:
    """Make an organization whose every name begins with `name`."""
    organization = OrganizationFactory.create(name=f"{name}-team")
    people = {
        role: make_member(organization, role, email=f"{name}-{role}@example.org".lower())
        for role in Role
    }
    gallery = GalleryFactory.create(organization=organization, name=f"{name}-gallery")
    identity = IdentityFactory.create(
        gallery=gallery, name=f"{name}-identity", external_id=f"{name}-7"
    )
    data = face_photo(PERSON)
    photo = PhotoFactory.create(organization=organization, data=data, original_path=f"{name}/1.png")
    store_file(photo, data)
    template = FaceTemplateFactory.create(
        face__identity=identity, face__photo=photo, face__path=f"{name}/1.png", person=PERSON
    )
    probe = ProbeFactory.create(
        gallery=gallery, name=f"{name}-probe.png", photo=_probe_photo(organization)
    )
    probe_face = ProbeFaceFactory.create(
        probe=probe, decision="identified", identity=identity, score=0.9
    )
    ProbeMatchFactory.create(probe_face=probe_face, face=template.face)
    _second_image(identity)
    consent = ConsentFactory.create(identity=identity)
    merge = IdentityMergeFactory.create(identity=identity, dissolved=f"{name}-merged")
    verification = VerificationFactory.create(gallery=gallery, identity=identity)
    VerificationPhotoFactory.create(
        verification=verification, name=f"{name}-compared.png", photo=probe.photo
    )
    run = ImportRunFactory.create(
        gallery=gallery,
        name=f"{name}-people.zip",
        job__title=f"Importing {name}",
        job__state=JobState.QUEUED,
    )
    ImportItemFactory.create(run=run, path=f"{name}/1.png", face=template.face)
    JobLogLineFactory.create(job=run.job, message=f"{name} log")
    second = IdentityFactory.create(gallery=gallery, name=f"{name}-second")
    FaceTemplateFactory.create(face__identity=second, person=PERSON + 1)
    dataset = DatasetFactory.create(
        organization=organization,
        name=f"{name}-dataset",
        faces=[template.face],
        faces__part="train",
    )
    trained = TrainingRunFactory.create(dataset=dataset, name=f"{name}-run")
    evaluation = EvaluationFactory.create(gallery=gallery)
    threshold = GalleryThresholdFactory.create(gallery=gallery)
    key = make_key(organization, Scope.READ, maker=people[Role.ADMIN], name=f"{name}-key").key
    assert run.job is not None
    finding = HygieneFindingFactory.create(face=template.face)
    decision = ReviewDecisionFactory.create(face=template.face)
    rows: list[Model] = [gallery, identity, template.face, probe, verification, run, run.job, key]
    rows += [decision, finding, consent, merge]
    rows += [dataset, evaluation, threshold, trained]
    rows.append(ProbeBatchFactory.create(gallery=gallery, name=f"{name}-photos.zip"))
    rows.append(_video(gallery, identity, template.face, f"{name}-video.mp4"))
    return Team(
        organization=organization,
        gallery=gallery,
        identity=identity,
        face=template.face,
        probe=probe,
        verification=verification,
        namesake=IdentityFactory.create(gallery=gallery, name=f"{name}-namesake"),
        spare=GalleryFactory.create(organization=organization, name=f"{name}-spare"),
        run=run,
        key=key,
        people=people,
        rows={type(row): row for row in rows},
    )


def _video(gallery: Gallery, identity: Identity, face: FaceImage, name: str) -> Video:
    """Make a video with a track of the person whose best frame can be enrolled."""
    proxy = storage.put_video(gallery.organization_id, ContentFile(b"not really a video"))
    video = VideoFactory.create(gallery=gallery, name=name, proxy=proxy)
    track = TrackFactory.create(
        video=video, number=1, decision="identified", identity=identity, score=0.9
    )
    data = face_photo(PERSON, variant=11)
    photo = PhotoFactory.create(organization=gallery.organization, data=data, original_path="")
    TrackFrameFactory.create(track=track, photo=store_file(photo, data))
    TrackMatchFactory.create(track=track, face=face)
    return video


def video_of() -> SimpleUploadedFile:
    """Return an upload of a video of a grey field."""
    return SimpleUploadedFile("video.mkv", grey_video([0.0, 0.2, 0.4]), "video/x-matroska")


def _second_image(identity: Identity) -> None:
    """Give the person an image that no search finds."""
    data = face_photo(PERSON, variant=8)
    photo = PhotoFactory.create(organization=identity.organization, data=data)
    FaceImageFactory.create(identity=identity, photo=store_file(photo, data))


def _probe_photo(organization: Organization) -> Any:
    data = face_photo(PERSON, variant=9)
    return store_file(
        PhotoFactory.create(organization=organization, data=data, original_path=""), data
    )


@dataclass
class World:
    """Organizations A and B and all callers by the name of their column."""

    a: Team
    b: Team
    callers: dict[str, Caller]


def make_world() -> World:
    """Make both organizations and a client for every column of the matrix."""
    a, b = make_team("Alpha"), make_team("Beta")
    callers = [Caller("nobody", _client(), ANONYMOUS)]
    for team, prefix in ((a, ""), (b, "B ")):
        for role, user in team.people.items():
            callers.append(_person(f"{prefix}{role}", user))
        for scope in Scope:
            made = make_key(team.organization, scope, maker=team.people[Role.ADMIN])
            principal = principal_of_key(made.key, Role.ADMIN)
            client = _client(authorization=f"Bearer {made.secret}")
            callers.append(Caller(f"{prefix}key {scope}", client, principal))
    callers.append(_person("lone", UserFactory.create()))
    callers.append(
        _person("superuser", User.objects.create_superuser("root@example.org", "x" * 12))
    )
    return World(a=a, b=b, callers={caller.name: caller for caller in callers})


def _person(name: str, user: User) -> Caller:
    client = _client()
    client.force_login(user)
    return Caller(name, client, principal_of_user(user, None))


def _client(**headers: str) -> Client:
    return Client(raise_request_exception=False, headers=headers or None)


def photo_of(person: int = PERSON, variant: int = 5) -> SimpleUploadedFile:
    """Return an upload of a photo that nobody has sent before."""
    return SimpleUploadedFile("photo.png", face_photo(person, variant=variant), "image/png")


def zip_of_people() -> SimpleUploadedFile:
    """Return an upload of a zip with one person."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("somebody/1.png", face_photo(3))
    return SimpleUploadedFile("people.zip", out.getvalue(), "application/zip")
