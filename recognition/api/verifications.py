"""Verification: are these two the same person, is this somebody in particular?"""

from typing import Any, ClassVar
from uuid import UUID

from django.core.files.uploadedfile import UploadedFile
from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from faceplatform.accounts.access import PathModels
from faceplatform.accounts.api.views import ApiView
from faceplatform.accounts.policy import Action
from faceplatform.core.api.fields import StrictSerializer
from faceplatform.core.api.pagination import IdCursorPagination
from recognition.api.base import BelowIdentity, TakesPhotos
from recognition.api.fields import (
    MAX_PHOTO_BODY,
    NamedSerializer,
    ScoreField,
    UploadField,
    address,
    picture_or_none,
)
from recognition.api.images import BoxField, LandmarksField, QualitySerializer
from recognition.models import Verdict, Verification, VerificationFace
from recognition.selectors.verification_thresholds import (
    DEFAULT_RATE,
    RATES,
    RULE_WORDS,
)
from recognition.selectors.verifications import VerificationAnswer, verification_answer
from recognition.services.verification import (
    PhotoInput,
    delete_verification,
    verify_identity,
    verify_photos,
)

_RATES = [f"{rate:g}" for rate in RATES]
_RATE_HELP = "Share of strangers that may be taken for the same person."


class RateField(serializers.ChoiceField):
    """One of the false match rates on offer."""

    def __init__(self, **options: Any) -> None:
        default = f"{DEFAULT_RATE:g}"
        super().__init__(choices=_RATES, default=default, help_text=_RATE_HELP, **options)


class PhotoPair(StrictSerializer):
    """Two photos to compare."""

    first = UploadField()
    second = UploadField()
    fmr = RateField()


class PhotoOfPerson(StrictSerializer):
    """A photo to compare with a person."""

    image = UploadField()
    rule = serializers.ChoiceField(
        choices=list(RULE_WORDS),
        required=False,
        help_text=(
            "How the scores of the person's images become one. Without it: the gallery's rule; "
            "where it has none, centroid, or max where the gallery's scores are not plain "
            "cosines. max alone uses the gallery's kind of score."
        ),
    )
    fmr = RateField()


class VerificationThresholdSerializer(serializers.Serializer[Any]):
    """The 1:1 threshold with the evidence behind it; not the threshold of a gallery."""

    value = ScoreField(help_text="The score from which two faces count as one person.")
    pair = ScoreField(help_text="The threshold of a single pair at the same rate.")
    source = serializers.CharField()  # type: ignore[assignment] # also the name of an option
    text = serializers.CharField()
    fmr = serializers.FloatField(help_text="Stated false match rate.")
    kind = serializers.CharField(help_text="The kind of score that it is for.")
    rule = serializers.CharField(help_text="Empty for two photos.")
    anchors = serializers.IntegerField(help_text="Images of the person it was made for.")
    supported = serializers.BooleanField(
        help_text="Whether the calibration holds enough comparisons for this rate."
    )
    others = serializers.DictField(
        child=serializers.FloatField(), help_text="The threshold at every rate on offer."
    )


class VerificationFaceSerializer(serializers.Serializer[VerificationFace]):
    """A face of one of the photos."""

    number = serializers.IntegerField(help_text="From 1, largest first.")
    box = serializers.SerializerMethodField()
    landmarks = serializers.SerializerMethodField()
    quality = serializers.SerializerMethodField()
    reason = serializers.CharField(help_text="Codes of missed quality limits, with commas.")
    picture_url = serializers.SerializerMethodField()

    @extend_schema_field(BoxField)
    def get_box(self, face: VerificationFace) -> Any:
        """Return the corners."""
        return BoxField().to_representation([face.x1, face.y1, face.x2, face.y2])

    @extend_schema_field(LandmarksField)
    def get_landmarks(self, face: VerificationFace) -> Any:
        """Return the five points."""
        pairs = zip(face.landmarks[::2], face.landmarks[1::2], strict=True)
        return LandmarksField().to_representation([list(pair) for pair in pairs])

    @extend_schema_field(QualitySerializer)
    def get_quality(self, face: VerificationFace) -> Any:
        """Return score and parts."""
        return QualitySerializer({"score": face.quality, "parts": face.quality_parts}).data

    def get_picture_url(self, face: VerificationFace) -> str | None:
        """Return a link to the crop, if the photo is kept."""
        if face.picture.photo_id is None:
            return None
        return picture_or_none(self.context, kind="crop", verification_face_id=face.pk)


class VerificationPhotoSerializer(serializers.Serializer[Any]):
    """One of the photos with its faces."""

    name = serializers.CharField()
    width = serializers.IntegerField()
    height = serializers.IntegerField()
    faces = VerificationFaceSerializer(many=True, source="faces.all")


class PairSerializer(serializers.Serializer[Any]):
    """One face of the first photo against one of the second."""

    first = serializers.IntegerField(source="first.number")
    second = serializers.IntegerField(source="second.number")
    score = ScoreField()
    verdict = serializers.ChoiceField(choices=Verdict.choices)
    sentence = serializers.CharField()
    margin = serializers.CharField(help_text="How far from the other verdict.")
    stranger_rate = serializers.CharField()


class AnchorSerializer(serializers.Serializer[Any]):
    """The score with one image of the person."""

    image_id = serializers.UUIDField(source="image.pk")
    path = serializers.CharField(source="image.path")
    score = ScoreField()
    above = serializers.BooleanField(help_text="Reaches the threshold of a single pair.")
    picture_url = serializers.SerializerMethodField()

    def get_picture_url(self, anchor: Any) -> str | None:
        """Return a link to the crop."""
        return picture_or_none(self.context, kind="crop", face_id=anchor.image.pk)


class FaceVerdictSerializer(serializers.Serializer[Any]):
    """One face against the person."""

    number = serializers.IntegerField(source="face.number")
    score = ScoreField(help_text="Fused over the person's images.")
    verdict = serializers.ChoiceField(choices=Verdict.choices)
    sentence = serializers.CharField()
    margin = serializers.CharField(help_text="How far from the other verdict.")
    votes = serializers.IntegerField(help_text="Images that reach the level of `above`.")
    anchors = AnchorSerializer(many=True)


class VerificationSerializer(serializers.Serializer[VerificationAnswer]):
    """The answer. With two photos `pairs` has a row per face of the first; else `faces`."""

    id = serializers.UUIDField(source="verification.pk")
    sentence = serializers.CharField()
    identity = NamedSerializer(allow_null=True)
    threshold = VerificationThresholdSerializer()
    photos = VerificationPhotoSerializer(many=True)
    pairs = serializers.ListField(child=PairSerializer(many=True))
    best = PairSerializer(allow_null=True)
    faces = FaceVerdictSerializer(many=True)
    timings = serializers.DictField(
        child=serializers.FloatField(),
        source="verification.timings",
        help_text="Milliseconds per step.",
    )
    created_at = serializers.DateTimeField(source="verification.created_at")
    expires_at = serializers.DateTimeField(source="verification.expires_at")


class VerificationRowSerializer(serializers.Serializer[Verification]):
    """A verification in a list."""

    id = serializers.UUIDField()
    url = serializers.SerializerMethodField()
    identity = NamedSerializer(allow_null=True)
    rule = serializers.CharField()
    created_at = serializers.DateTimeField()
    expires_at = serializers.DateTimeField()

    def get_url(self, verification: Verification) -> str:
        """Return the address in the API."""
        return address("api_verification", verification.pk)


def stored(principal: Any) -> "QuerySet[Verification]":
    """Return the caller's verifications."""
    return Verification.objects.visible_to(principal).select_related("identity", "model_version")


class _Verifies(TakesPhotos):
    """Base of the two ways to ask."""

    repeatable = True

    def show(self, pk: UUID) -> Response:
        """Answer with the stored verification."""
        found = get_object_or_404(stored(self.principal), pk=pk)
        return self.answer(VerificationSerializer, verification_answer(found))


class VerifyView(_Verifies):
    """Comparing two photos."""

    actions = {"POST": Action.VERIFY}
    max_body = 2 * MAX_PHOTO_BODY

    @extend_schema(
        operation_id="verify",
        request={"multipart/form-data": PhotoPair},
        responses={200: VerificationSerializer},
    )
    def post(self, request: Request) -> Response:
        """Compare every face of one photo with every face of the other.

        A photo without a face answers 422 `no_face`.
        """
        organization_id = self.principal.organization_id
        if organization_id is None:  # the policy table lets nobody here without one
            raise AssertionError
        body = self.body(PhotoPair)

        def make() -> UUID:
            return verify_photos(
                organization_id=organization_id,
                first=_input(body["first"]),
                second=_input(body["second"]),
                fmr=float(body["fmr"]),
                actor=self.principal.actor,
            ).pk

        return self.make(make, self.show)


class VerifyIdentityView(_Verifies, BelowIdentity):
    """Comparing a photo with a person."""

    actions = {"POST": Action.VERIFY}

    @extend_schema(
        operation_id="verify_identity",
        request={"multipart/form-data": PhotoOfPerson},
        responses={200: VerificationSerializer},
    )
    def post(self, request: Request, identity_id: UUID) -> Response:
        """Compare every face of a photo with all searchable images of a person.

        A photo without a face answers 422 `no_face`, a person without images 409 `no_images`.
        """
        identity = self.identity(identity_id)
        body = self.body(PhotoOfPerson)

        def make() -> UUID:
            return verify_identity(
                identity=identity,
                photo=_input(body["image"]),
                rule=body.get("rule"),
                fmr=float(body["fmr"]),
                actor=self.principal.actor,
            ).pk

        return self.make(make, self.show)


class VerificationsView(ApiView):
    """What was compared."""

    actions = {"GET": Action.PROBE_VIEW}
    pagination_class = IdCursorPagination

    @extend_schema(responses=VerificationRowSerializer(many=True))
    def get(self, request: Request) -> Response:
        """List verifications, newest first."""
        return self.page(VerificationRowSerializer, stored(self.principal))


class VerificationView(ApiView):
    """One verification."""

    path_models: ClassVar[PathModels] = {"verification_id": Verification}
    actions = {"GET": Action.PROBE_VIEW, "DELETE": Action.PROBE_DELETE}

    @extend_schema(responses=VerificationSerializer)
    def get(self, request: Request, verification_id: UUID) -> Response:
        """Show the answer again."""
        found = get_object_or_404(stored(self.principal), pk=verification_id)
        return self.answer(VerificationSerializer, verification_answer(found))

    @extend_schema(responses={204: None})
    def delete(self, request: Request, verification_id: UUID) -> Response:
        """Delete a verification, and its photos if nothing else refers to them."""
        found = get_object_or_404(stored(self.principal), pk=verification_id)
        delete_verification(verification=found, actor=self.principal.actor)
        return Response(status=204)


def _input(upload: UploadedFile) -> PhotoInput:
    return PhotoInput(data=upload.read(), name=upload.name or "")
