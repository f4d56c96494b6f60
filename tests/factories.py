"""Rows for tests, as a person would have made them.

A child takes the organization of its parent: `FaceImageFactory.create(identity=x)` needs no more.
Call `create`: calling the class does the same, and type checkers do not know it.
"""

import hashlib
from datetime import timedelta
from typing import Any

import factory
import numpy as np
from django.utils import timezone
from factory import LazyAttribute, SelfAttribute, Sequence, SubFactory
from factory.django import DjangoModelFactory

from faceplatform.accounts.models import ApiKey, Membership, Organization, User
from faceplatform.accounts.roles import Role, Scope
from faceplatform.accounts.services.keys import NewKey, create_key
from faceplatform.core import storage
from faceplatform.core.actors import Actor
from faceplatform.core.ids import uuid7
from faceplatform.core.models import Job, JobLogLine, JobState
from recognition.models import (
    Consent,
    Decision,
    FaceImage,
    FaceTemplate,
    FindingKind,
    Gallery,
    HygieneFinding,
    Identity,
    IdentityMerge,
    ImportItem,
    ImportRun,
    ItemStatus,
    ModelVersion,
    Photo,
    Probe,
    ProbeBatch,
    ProbeFace,
    ProbeMatch,
    ReviewAction,
    ReviewDecision,
    Track,
    TrackFrame,
    TrackMatch,
    Verification,
    VerificationFace,
    VerificationPhoto,
    Video,
)
from recognition.selectors.verification_thresholds import person_threshold
from recognition.services.model_versions import default_version
from tests.fakes import DIMENSION, embedding_of, face_photo

PASSWORD = "correct horse battery"


class UserFactory(DjangoModelFactory[User]):
    """A person with the password `PASSWORD`."""

    class Meta:
        model = User
        skip_postgeneration_save = True

    email = Sequence(lambda n: f"person{n}@example.org")
    name = Sequence(lambda n: f"Person {n}")

    @classmethod
    def _create(cls, model_class: type[User], *args: Any, **fields: Any) -> User:
        return User.objects.create_user(password=fields.pop("password", PASSWORD), **fields)


class OrganizationFactory(DjangoModelFactory[Organization]):
    class Meta:
        model = Organization

    name = Sequence(lambda n: f"Team {n}")


class MembershipFactory(DjangoModelFactory[Membership]):
    class Meta:
        model = Membership

    organization = SubFactory(OrganizationFactory)
    user = SubFactory(UserFactory)
    role = Role.VIEWER


def make_member(organization: Organization, role: Role, **fields: Any) -> User:
    """Return a new person with this role in the organization."""
    user = UserFactory.create(**fields)
    MembershipFactory.create(organization=organization, user=user, role=role)
    return user


def make_key(
    organization: Organization, *scopes: Scope, maker: User | None = None, **fields: Any
) -> NewKey:
    """Return a new key of the organization, made by an administrator, with its secret."""
    maker = maker or make_member(organization, Role.ADMIN)
    made = create_key(
        organization=organization,
        name=fields.pop("name", "test"),
        scopes=list(scopes),
        expires_at=None,
        actor=Actor(label=maker.email, user_id=maker.pk),
    )
    if fields:
        ApiKey.objects.filter(pk=made.key.pk).update(**fields)
    return made


class GalleryFactory(DjangoModelFactory[Gallery]):
    """An empty gallery under the default model version."""

    class Meta:
        model = Gallery

    organization = SubFactory(OrganizationFactory)
    name = Sequence(lambda n: f"Gallery {n}")
    model_version = factory.LazyFunction(default_version)


class ModelVersionFactory(DjangoModelFactory[ModelVersion]):
    """A version of an organization's own."""

    class Meta:
        model = ModelVersion

    organization = SubFactory(OrganizationFactory)
    name = Sequence(lambda n: f"Model {n}")
    backbone = "facenet-casia"
    digest = Sequence(lambda n: f"{n:064x}")
    dimension = DIMENSION


class IdentityFactory(DjangoModelFactory[Identity]):
    class Meta:
        model = Identity

    gallery = SubFactory(GalleryFactory)
    organization = SelfAttribute("gallery.organization")
    name = Sequence(lambda n: f"Somebody {n}")


class ConsentFactory(DjangoModelFactory[Consent]):
    class Meta:
        model = Consent

    identity = SubFactory(IdentityFactory)
    organization = SelfAttribute("identity.organization")
    purpose = "Entry to the building"
    given_on = factory.LazyFunction(lambda: timezone.now().date())


class IdentityMergeFactory(DjangoModelFactory[IdentityMerge]):
    """Somebody without anything of their own became part of a person."""

    class Meta:
        model = IdentityMerge

    class Params:
        dissolved = Sequence(lambda n: f"Namesake {n}")

    identity = SubFactory(IdentityFactory)
    organization = SelfAttribute("identity.organization")
    source = LazyAttribute(
        lambda o: {
            "id": str(uuid7()),
            "name": o.dissolved,
            "external_id": "",
            "metadata": {},
            "tags": [],
            "notes": "",
            "retain_until": None,
            "created_at": timezone.now().isoformat(),
        }
    )
    moved = factory.LazyFunction(
        lambda: (
            {"before": {"tags": [], "metadata": {}}}
            | {kind: [] for kind in ("images", "sightings", "verifications", "consents")}
        )
    )


class PhotoFactory(DjangoModelFactory[Photo]):
    """A photo of `tests.fakes`, of person `person`; `stored=True` also writes its file."""

    class Meta:
        model = Photo

    class Params:
        person = Sequence(lambda n: 1000 + n)
        data = LazyAttribute(lambda o: face_photo(o.person))

    organization = SubFactory(OrganizationFactory)
    sha256 = LazyAttribute(lambda o: hashlib.sha256(o.data).hexdigest())
    size = LazyAttribute(lambda o: len(o.data))
    media_type = "image/png"
    width = 640
    height = 240
    original_path = Sequence(lambda n: f"somebody/{n:04d}.png")


def store_file(photo: Photo, data: bytes) -> Photo:
    """Write the photo's bytes; use it with the fixture `files`."""
    assert storage.put_photo(photo.organization_id, data) == photo.sha256
    return photo


class _DetectedFaceFactory(DjangoModelFactory[Any]):
    """Where a face lies and how good it is."""

    class Meta:
        abstract = True

    x1, y1, x2, y2 = 20.0, 40.0, 79.0, 99.0
    landmarks = [40.0, 60.0, 60.0, 60.0, 50.0, 75.0, 42.0, 88.0, 58.0, 88.0]
    detection_score = 0.99
    quality = 0.8
    quality_parts = {"detection": 0.99, "eye_distance": 20.0}
    detector = "fake"


class FaceImageFactory(_DetectedFaceFactory):
    class Meta:
        model = FaceImage

    identity = SubFactory(IdentityFactory)
    gallery = SelfAttribute("identity.gallery")
    organization = SelfAttribute("gallery.organization")
    photo = SubFactory(PhotoFactory, organization=SelfAttribute("..organization"))
    path = SelfAttribute("photo.original_path")


class FaceTemplateFactory(DjangoModelFactory[FaceTemplate]):
    """The template of a face of person `person`; see `tests.fakes.embedding_of`."""

    class Meta:
        model = FaceTemplate

    class Params:
        person = 1
        variant = 0

    face = SubFactory(FaceImageFactory)
    gallery = SelfAttribute("face.gallery")
    organization = SelfAttribute("face.organization")
    model_version = SelfAttribute("gallery.model_version")
    dimension = DIMENSION
    embedding = LazyAttribute(lambda o: embedding_of(o.person, o.variant))


class JobFactory(DjangoModelFactory[Job]):
    class Meta:
        model = Job

    organization = SubFactory(OrganizationFactory)
    kind = "recognition.import"
    queue = "inference"
    title = Sequence(lambda n: f"Importing {n}")
    state = JobState.QUEUED
    created_label = "somebody@example.org"


class JobLogLineFactory(DjangoModelFactory[JobLogLine]):
    class Meta:
        model = JobLogLine

    job = SubFactory(JobFactory)
    message = Sequence(lambda n: f"line {n}")


class ReviewDecisionFactory(DjangoModelFactory[ReviewDecision]):
    """An image in review that was accepted."""

    class Meta:
        model = ReviewDecision

    face = SubFactory(FaceImageFactory)
    gallery = SelfAttribute("face.gallery")
    organization = SelfAttribute("face.organization")
    action = ReviewAction.ACCEPT
    state_before = "quarantined"
    state_after = "enrolled"
    identity_before = SelfAttribute("face.identity")
    identity_after = SelfAttribute("face.identity")


class HygieneFindingFactory(DjangoModelFactory[HygieneFinding]):
    class Meta:
        model = HygieneFinding

    face = SubFactory(FaceImageFactory)
    gallery = SelfAttribute("face.gallery")
    organization = SelfAttribute("face.organization")
    identity = SelfAttribute("face.identity")
    kind = FindingKind.OUTLIER
    own = 0.1
    severity = 0.3


class ImportRunFactory(DjangoModelFactory[ImportRun]):
    class Meta:
        model = ImportRun

    gallery = SubFactory(GalleryFactory)
    organization = SelfAttribute("gallery.organization")
    job = SubFactory(JobFactory, organization=SelfAttribute("..organization"))
    name = "people.zip"
    archive = Sequence(lambda n: f"archives/{n}.zip")


class ProbeBatchFactory(DjangoModelFactory[ProbeBatch]):
    class Meta:
        model = ProbeBatch

    gallery = SubFactory(GalleryFactory)
    organization = SelfAttribute("gallery.organization")
    job = SubFactory(JobFactory, organization=SelfAttribute("..organization"))
    name = "photos.zip"
    archive = Sequence(lambda n: f"archives/batch-{n}.zip")


class ImportItemFactory(DjangoModelFactory[ImportItem]):
    class Meta:
        model = ImportItem

    run = SubFactory(ImportRunFactory)
    number = Sequence(lambda n: n + 1)
    path = Sequence(lambda n: f"somebody/{n:04d}.jpg")
    identity_name = "somebody"
    status = ItemStatus.ENROLLED


THRESHOLD = {
    "value": 0.46,
    "source": "default",
    "text": "default, not evaluated on your data: about 1 stranger in 100 would be named",
    "templates": 10,
    "fmr": 0.001,
    "expected_fpir": 0.01,
    "supported": True,
}


class ProbeFactory(DjangoModelFactory[Probe]):
    class Meta:
        model = Probe

    gallery = SubFactory(GalleryFactory)
    organization = SelfAttribute("gallery.organization")
    model_version = SelfAttribute("gallery.model_version")
    photo = SubFactory(PhotoFactory, organization=SelfAttribute("..organization"))
    name = "probe.png"
    width = 640
    height = 240
    threshold = factory.LazyFunction(lambda: dict(THRESHOLD))
    timings = factory.LazyFunction(lambda: {"decode": 1.0, "search": 2.0})


class ProbeFaceFactory(_DetectedFaceFactory):
    class Meta:
        model = ProbeFace

    probe = SubFactory(ProbeFactory)
    number = 1
    decision = Decision.UNKNOWN
    score = 0.2


class ProbeMatchFactory(DjangoModelFactory[ProbeMatch]):
    class Meta:
        model = ProbeMatch

    probe_face = SubFactory(ProbeFaceFactory)
    face = SubFactory(FaceImageFactory)
    score = 0.9
    above_threshold = True


class VerificationFactory(DjangoModelFactory[Verification]):
    """A comparison with a person."""

    class Meta:
        model = Verification

    gallery = SubFactory(GalleryFactory)
    organization = SelfAttribute("gallery.organization")
    model_version = SelfAttribute("gallery.model_version")
    identity = SubFactory(IdentityFactory, gallery=SelfAttribute("..gallery"))
    rule = "centroid"
    threshold = LazyAttribute(
        lambda o: person_threshold(o.model_version, rule=o.rule, anchors=1).as_json()
    )
    expires_at = factory.LazyFunction(lambda: timezone.now() + timedelta(days=30))


class VerificationPhotoFactory(DjangoModelFactory[VerificationPhoto]):
    class Meta:
        model = VerificationPhoto

    verification = SubFactory(VerificationFactory)
    side = 1
    photo = SubFactory(PhotoFactory, organization=SelfAttribute("..verification.organization"))
    name = "photo.png"
    width = 640
    height = 240


class VerificationFaceFactory(_DetectedFaceFactory):
    class Meta:
        model = VerificationFace

    picture = SubFactory(VerificationPhotoFactory)
    number = 1
    score = 0.7
    verdict = "same"


class VideoFactory(DjangoModelFactory[Video]):
    """A video that was looked through."""

    class Meta:
        model = Video

    gallery = SubFactory(GalleryFactory)
    organization = SelfAttribute("gallery.organization")
    model_version = SelfAttribute("gallery.model_version")
    job = SubFactory(JobFactory, organization=SelfAttribute("..organization"))
    name = "video.mp4"
    size = 1000
    info = {"width": 640, "height": 240, "seconds": 10.0}
    rate = 5.0
    threshold = factory.LazyFunction(lambda: dict(THRESHOLD))
    looked_through = True
    seconds = 10.0
    settings = {"limits": {}, "chosen": {"top": 5}}
    expires_at = factory.LazyFunction(lambda: timezone.now() + timedelta(days=30))


class TrackFactory(DjangoModelFactory[Track]):
    """A track of two sightings a second apart."""

    class Meta:
        model = Track

    video = SubFactory(VideoFactory)
    number = Sequence(lambda n: n + 1)
    first = 1.0
    last = 2.0
    sightings = 2
    path = np.array([[1, 0.1, 0.1, 0.2, 0.4], [2, 0.1, 0.1, 0.2, 0.4]], np.float32).tobytes()
    decision = Decision.UNKNOWN
    score = 0.2
    person = SelfAttribute("number")


class TrackFrameFactory(_DetectedFaceFactory):
    class Meta:
        model = TrackFrame

    track = SubFactory(TrackFactory)
    number = 1
    time = 1.0
    worth = 0.5
    factors = {"size": 0.8, "sharpness": 0.7}
    decision = Decision.UNKNOWN
    score = 0.2


class TrackMatchFactory(DjangoModelFactory[TrackMatch]):
    class Meta:
        model = TrackMatch

    track = SubFactory(TrackFactory)
    face = SubFactory(FaceImageFactory)
    score = 0.9
    above_threshold = True
