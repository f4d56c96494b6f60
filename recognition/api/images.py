"""Face images of a person: enroll, list, show, delete."""

from collections import Counter
from typing import Any
from uuid import UUID

from django.core.files.uploadedfile import UploadedFile
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import OpenApiResponse, extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from faceplatform.accounts.policy import Action
from faceplatform.core.api.fields import StrictSerializer, WholeNumberField
from faceplatform.core.api.pagination import IdCursorPagination
from faceplatform.core.api.query import StrictQuery
from faceplatform.core.api.repeats import key_of
from faceplatform.core.errors import DomainError
from recognition.api.base import BelowIdentity, BelowImage, TakesPhotos
from recognition.api.fields import (
    MAX_PHOTO_BODY,
    NamedSerializer,
    PixelField,
    ScoreField,
    UploadField,
    address,
    picture_or_none,
)
from recognition.models import FaceImage, FaceState, Identity
from recognition.services.enrollment import enroll_photo, explain
from recognition.services.identities import delete_face

MOST_AT_ONCE = 20


class Enrollment(StrictSerializer):
    """One photo or several of one person."""

    images = serializers.ListField(
        # An empty file among several is refused by itself.
        child=UploadField(allow_empty_file=True),
        min_length=1,
        max_length=MOST_AT_ONCE,
    )
    face = WholeNumberField(
        min_value=1,
        max_value=100,
        required=False,
        help_text="With one photo of several faces: which of them, from 1, largest first.",
    )


class PhotoSerializer(serializers.Serializer[Any]):
    """The file that a face is in."""

    id = serializers.UUIDField()
    width = serializers.IntegerField()
    height = serializers.IntegerField()
    size = serializers.IntegerField(help_text="Bytes.")
    media_type = serializers.CharField()


class QualitySerializer(serializers.Serializer[Any]):
    """How usable a face is."""

    score = ScoreField(help_text="0 to 1.")
    parts = serializers.DictField(child=serializers.FloatField())


class PicturesSerializer(serializers.Serializer[Any]):
    """Links to pictures; they work for minutes and for this caller only."""

    crop = serializers.CharField(allow_null=True)
    thumb = serializers.CharField(allow_null=True)


@extend_schema_field({"type": "array", "items": {"type": "number"}, "minItems": 4, "maxItems": 4})
class BoxField(serializers.ListField):
    """Left, top, right and bottom in pixels of the upright photo."""

    child = PixelField()


@extend_schema_field(
    {
        "type": "array",
        "items": {"type": "array", "items": {"type": "number"}, "minItems": 2, "maxItems": 2},
        "minItems": 5,
        "maxItems": 5,
    }
)
class LandmarksField(serializers.ListField):
    """Eyes, nose and corners of the mouth as pairs of x and y, the picture's left first."""

    child = serializers.ListField(child=PixelField())


class EvidenceSerializer(serializers.Serializer[Any]):
    """The scores behind an image's state when it was enrolled."""

    own = ScoreField(allow_null=True, help_text="Best score against the person's own images.")
    own_images = serializers.IntegerField()
    other = ScoreField(allow_null=True, help_text="Best score against somebody else.")
    other_identity = serializers.UUIDField(allow_null=True)
    low_match = ScoreField(help_text="Below this the image is not taken for the person's.")
    threshold = ScoreField(help_text="From here on the gallery takes two faces for one person.")


class ImageSerializer(serializers.Serializer[FaceImage]):
    """A face of a photo, in a gallery."""

    id = serializers.UUIDField()
    gallery_id = serializers.UUIDField()
    identity = NamedSerializer(allow_null=True)
    path = serializers.CharField(help_text="Where it came from.")
    state = serializers.ChoiceField(choices=FaceState.choices)
    reason = serializers.CharField(help_text="Code behind the state, or a remark.")
    evidence = serializers.SerializerMethodField()
    box = serializers.SerializerMethodField()
    landmarks = serializers.SerializerMethodField()
    quality = serializers.SerializerMethodField()
    photo = PhotoSerializer()
    pictures = serializers.SerializerMethodField()
    created_at = serializers.DateTimeField()

    @extend_schema_field(EvidenceSerializer(allow_null=True))
    def get_evidence(self, face: FaceImage) -> Any:
        """Return the scores, None for an image that was compared with nothing."""
        return EvidenceSerializer(face.evidence).data if face.evidence else None

    @extend_schema_field(BoxField)
    def get_box(self, face: FaceImage) -> Any:
        """Return the corners."""
        return BoxField().to_representation([face.x1, face.y1, face.x2, face.y2])

    @extend_schema_field(LandmarksField)
    def get_landmarks(self, face: FaceImage) -> Any:
        """Return the five points."""
        pairs = zip(face.landmarks[::2], face.landmarks[1::2], strict=True)
        return LandmarksField().to_representation([list(pair) for pair in pairs])

    @extend_schema_field(QualitySerializer)
    def get_quality(self, face: FaceImage) -> Any:
        """Return score and parts."""
        return QualitySerializer({"score": face.quality, "parts": face.quality_parts}).data

    @extend_schema_field(PicturesSerializer)
    def get_pictures(self, face: FaceImage) -> Any:
        """Return signed links."""
        return {
            "crop": picture_or_none(self.context, kind="crop", face_id=face.pk),
            "thumb": picture_or_none(self.context, kind="thumb", photo_id=face.photo_id),
        }


class EnrolledItem(serializers.Serializer[Any]):
    """What became of one photo of several.

    `code` and `detail` say why it was refused or held back (quarantined), or remark on it.
    """

    name = serializers.CharField()
    status = serializers.ChoiceField(choices=["enrolled", "quarantined", "refused"])
    code = serializers.CharField()
    detail = serializers.CharField()
    image = ImageSerializer(allow_null=True)


class EnrolledItems(serializers.Serializer[Any]):
    """What became of several photos, in the order in which they were sent."""

    enrolled = serializers.IntegerField()
    quarantined = serializers.IntegerField(help_text="Stored, held back for review.")
    refused = serializers.IntegerField()
    results = EnrolledItem(many=True)


class ImageQuery(StrictQuery):
    """Which images to list."""

    state = serializers.ChoiceField(choices=FaceState.choices, required=False)


class ImagesView(TakesPhotos, BelowIdentity):
    """The images of one person."""

    actions = {"GET": Action.IDENTITY_VIEW, "POST": Action.IDENTITY_ENROLL}
    query_serializer_class = ImageQuery
    pagination_class = IdCursorPagination
    repeatable = True
    max_body = MAX_PHOTO_BODY * MOST_AT_ONCE

    @extend_schema(responses=ImageSerializer(many=True))
    def get(self, request: Request, identity_id: UUID) -> Response:
        """List a person's images, newest first."""
        rows = self.identity(identity_id).faces.select_related("photo", "identity")
        return self.page(ImageSerializer, rows.filter(**self.query))

    @extend_schema(
        operation_id="images_enroll",
        request={"multipart/form-data": Enrollment},
        responses={
            201: OpenApiResponse(ImageSerializer, "One photo was sent and enrolled."),
            200: OpenApiResponse(EnrolledItems, "Several photos were sent."),
        },
    )
    def post(self, request: Request, identity_id: UUID) -> Response:
        """Enroll one photo or several; they are searchable at once.

        A photo that looks like somebody else is stored with the state `quarantined` and waits for
        a person's decision; `evidence` has the scores.

        One photo answers 201 with the image, or the problem: 422 `no_face`, `multiple_faces`
        (its `errors` name the boxes; send `face`), `low_quality`, 409 `duplicate_image`, or the
        code of an unusable file. Several answer 200 with one result each; thousands are better
        sent as an import.
        """
        identity = self.identity(identity_id)
        body = self.body(Enrollment)
        uploads: list[UploadedFile] = body["images"]
        if len(uploads) == 1:
            return self.make(
                lambda: self._enroll(identity, uploads[0], body.get("face")).pk,
                lambda pk: self._created(identity, pk),
            )
        if "face" in body:
            raise DomainError("face_ambiguous", "`face` needs exactly one photo.")
        if key_of(request) is not None:
            raise DomainError("idempotency_ambiguous", "Idempotency-Key needs exactly one photo.")
        results = [self._try(identity, upload) for upload in uploads]
        ends = Counter(result["status"] for result in results)
        counts = {status: ends[status] for status in ("enrolled", "quarantined", "refused")}
        return self.answer(EnrolledItems, counts | {"results": results})

    def _created(self, identity: Identity, pk: UUID) -> Response:
        rows = identity.faces.select_related("photo", "identity")
        response = self.answer(ImageSerializer, get_object_or_404(rows, pk=pk), status=201)
        response["Location"] = address("api_image", pk)
        return response

    def _try(self, identity: Identity, upload: UploadedFile) -> dict[str, Any]:
        """Enroll one of several photos; a refusal is a result like any other."""
        result: dict[str, Any] = {"name": upload.name, "code": "", "detail": "", "image": None}
        try:
            image = self._enroll(identity, upload, None)
        except DomainError as refusal:
            if refusal.status >= 500:
                raise  # nothing is wrong with the photo
            return result | {"status": "refused", "code": refusal.code, "detail": refusal.detail}
        detail = f"{explain((image.reason,)).capitalize()}." if image.reason else ""
        return result | {
            "status": image.state,
            "code": image.reason,
            "detail": detail,
            "image": image,
        }

    def _enroll(self, identity: Identity, upload: UploadedFile, face: int | None) -> FaceImage:
        return enroll_photo(
            gallery=identity.gallery,
            identity=identity,
            data=upload.read(),
            path=upload.name or "",
            actor=self.principal.actor,
            face_number=face,
        )


class ImageView(BelowImage):
    """One face image."""

    actions = {"GET": Action.IDENTITY_VIEW, "DELETE": Action.IDENTITY_CHANGE}

    @extend_schema(responses=ImageSerializer)
    def get(self, request: Request, image_id: UUID) -> Response:
        """Show a face image."""
        return self.answer(ImageSerializer, self.image(image_id))

    @extend_schema(responses={204: None})
    def delete(self, request: Request, image_id: UUID) -> Response:
        """Delete a face image with its template, and its photo if nobody else is in it."""
        delete_face(face=self.image(image_id), actor=self.principal.actor)
        return Response(status=204)
