"""Videos: ask about one, follow it, read who appears when, say who a stranger is."""

from typing import Any, ClassVar
from uuid import UUID

from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.http import StreamingHttpResponse
from django.shortcuts import get_object_or_404
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from faceplatform.accounts.access import PathModels
from faceplatform.accounts.api.views import ApiView
from faceplatform.accounts.policy import Action
from faceplatform.core.api.fields import NumberField, StrictSerializer, TextField
from faceplatform.core.api.jobs import JobSerializer
from faceplatform.core.api.pagination import IdCursorPagination
from faceplatform.core.api.parsers import StrictMultiPartParser
from recognition.api.base import BelowGallery
from recognition.api.csv_files import AlwaysCsv, CsvRenderer, csv_response
from recognition.api.fields import ScoreField, UploadField, address, picture_or_none
from recognition.models import FaceImage, Identity, TrackFrame, Video
from recognition.selectors.videos import PersonSeen, people_seen
from recognition.services.video_enrollment import enroll_track_frame
from recognition.services.video_exports import stranger_rate, video_csv, video_vtt
from recognition.services.videos import RATE, RATES, VideoOptions, delete_video, start_video

_FORM_BYTES = 64 * 1024


class NewVideo(StrictSerializer):
    """A video, and how closely it is looked through."""

    video = UploadField()
    rate = NumberField(
        required=False,
        min_value=RATES[0],
        max_value=RATES[1],
        help_text=f"Frames looked at per second; {RATE:g} if not given.",
    )


class VideoSerializer(serializers.Serializer[Video]):
    """A video asked about one gallery, with its job."""

    id = serializers.UUIDField()
    url = serializers.SerializerMethodField()
    gallery_id = serializers.UUIDField()
    name = serializers.CharField()
    seconds = serializers.FloatField(
        allow_null=True, help_text="How far it was read; None until it was looked through."
    )
    rate = serializers.FloatField()
    complete = serializers.BooleanField(source="looked_through")
    problem = serializers.CharField(
        source="partial",
        help_text="Empty, or why less was read than the file promises: `ended_early`, `damaged`, "
        "`video_too_long`, `decoder_crashed`.",
    )
    job = JobSerializer(allow_null=True)
    created_at = serializers.DateTimeField()
    expires_at = serializers.DateTimeField()

    def get_url(self, video: Video) -> str:
        """Return the video's address in the API."""
        return address("api_video", video.pk)


class SpanSerializer(serializers.Serializer[Any]):
    """A time in view, in seconds since the first frame."""

    start = serializers.FloatField()
    end = serializers.FloatField()


class TrackFrameSerializer(serializers.Serializer[TrackFrame]):
    """A kept frame: what makes it good, and what it says by itself."""

    track = serializers.IntegerField(source="track.number")
    number = serializers.IntegerField(help_text="1 is the track's best.")
    seconds = serializers.FloatField(source="time")
    worth = serializers.FloatField()
    factors = serializers.DictField(child=serializers.FloatField(), help_text="0 to 1 each.")
    decision = serializers.CharField()
    score = ScoreField(allow_null=True)
    picture_url = serializers.SerializerMethodField()

    def get_picture_url(self, frame: TrackFrame) -> str | None:
        """Return a link to the face, if its picture is kept."""
        if frame.photo_id is None:
            return None
        return picture_or_none(self.context, kind="crop", track_frame_id=frame.pk)


class PersonSerializer(serializers.Serializer[PersonSeen]):
    """One person of a video, counted from 1; `name` is theirs, or what stands for it."""

    number = serializers.IntegerField()
    name = serializers.CharField(source="label")
    decision = serializers.CharField()
    identity_id = serializers.SerializerMethodField()
    score = ScoreField(allow_null=True)
    stranger_rate = serializers.SerializerMethodField()
    intervals = serializers.SerializerMethodField()
    tracks = serializers.SerializerMethodField(help_text="Numbers of the tracks that show them.")
    votes = serializers.IntegerField(source="track.votes")
    voters = serializers.IntegerField(source="track.voters")
    frames = TrackFrameSerializer(many=True, help_text="The best of all tracks, best first.")

    def get_identity_id(self, person: PersonSeen) -> UUID | None:
        """Return the identity's id where somebody was identified."""
        return person.identity.pk if person.identity else None

    def get_stranger_rate(self, person: PersonSeen) -> str:
        """Say how rarely a stranger scores this high."""
        return stranger_rate(person.tracks[0].video, person.score)

    @extend_schema_field(SpanSerializer(many=True))
    def get_intervals(self, person: PersonSeen) -> list[dict[str, float]]:
        """Return when the person is in view."""
        return [{"start": start, "end": end} for start, end in person.intervals]

    def get_tracks(self, person: PersonSeen) -> list[int]:
        """Return the numbers of the tracks."""
        return [track.number for track in person.tracks]


class VideoAnswerSerializer(VideoSerializer):
    """A video with the people in it, named ones first."""

    people = serializers.SerializerMethodField()

    @extend_schema_field(PersonSerializer(many=True))
    def get_people(self, video: Video) -> Any:
        """Return who was seen so far."""
        people = people_seen(video)
        return [PersonSerializer(person, context=self.context).data for person in people]


class NewName(StrictSerializer):
    """Who a stranger is: a new person's name, or the id of somebody of the gallery."""

    name = TextField(required=False, max_length=200)
    identity = serializers.UUIDField(required=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Take exactly one of the two."""
        if ("name" in attrs) == ("identity" in attrs):
            message = "Give either a name or an identity."
            raise serializers.ValidationError({"name": [message]}, code="required")
        return attrs


class EnrolledSerializer(serializers.Serializer[FaceImage]):
    """The image that was made of a kept frame."""

    image_id = serializers.UUIDField(source="pk")
    identity_id = serializers.UUIDField()
    state = serializers.CharField()
    reason = serializers.CharField()


class GalleryVideosView(BelowGallery):
    """The videos asked about one gallery."""

    actions = {"GET": Action.PROBE_VIEW, "POST": Action.IDENTIFY}
    pagination_class = IdCursorPagination
    repeatable = True
    parser_classes = [StrictMultiPartParser]
    max_body: ClassVar[int] = settings.MAX_VIDEO_BYTES + _FORM_BYTES

    @extend_schema(operation_id="videos_list", responses=VideoSerializer(many=True))
    def get(self, request: Request, gallery_id: UUID) -> Response:
        """List videos, newest first."""
        rows = Video.objects.visible_to(self.principal).select_related("job").defer("checkpoint")
        return self.page(VideoSerializer, rows.filter(gallery=self.gallery(gallery_id)))

    @extend_schema(
        operation_id="identify_video",
        request={"multipart/form-data": NewVideo},
        responses={202: VideoSerializer},
    )
    def post(self, request: Request, gallery_id: UUID) -> Response:
        """Ask who appears in a video, and when.

        Answers at once; `job` tells how far it is and can be cancelled. The video's own address
        shows who was found so far.
        """
        gallery = self.gallery(gallery_id)
        body = self.body(NewVideo)
        upload: UploadedFile = body["video"]

        def make() -> UUID:
            return start_video(
                gallery=gallery,
                name=upload.name or "video",
                content=upload,
                actor=self.principal.actor,
                looking=VideoOptions(rate=body.get("rate", RATE)),
            ).pk

        def show(pk: UUID) -> Response:
            rows = Video.objects.visible_to(self.principal).select_related("job")
            response = self.answer(VideoSerializer, get_object_or_404(rows, pk=pk), status=202)
            response["Location"] = address("api_video", pk)
            return response

        return self.make(make, show)


class BelowVideo(ApiView):
    """Base of the addresses below one video."""

    path_models: ClassVar[PathModels] = {"video_id": Video}

    def video(self, video_id: UUID) -> Video:
        """Return the video with its gallery and job."""
        rows = Video.objects.visible_to(self.principal).select_related(
            "gallery__model_version", "job"
        )
        found: Video = get_object_or_404(rows.defer("checkpoint"), pk=video_id)
        return found


class VideoView(BelowVideo):
    """One video."""

    actions = {"GET": Action.PROBE_VIEW, "DELETE": Action.PROBE_DELETE}

    @extend_schema(operation_id="video_retrieve", responses=VideoAnswerSerializer)
    def get(self, request: Request, video_id: UUID) -> Response:
        """Show who appears in a video, and when; while the job runs, who was found so far."""
        return self.answer(VideoAnswerSerializer, self.video(video_id))

    @extend_schema(operation_id="video_delete", responses={204: None})
    def delete(self, request: Request, video_id: UUID) -> Response:
        """Delete a video with its files, answer and pictures; a job that runs is cancelled."""
        delete_video(video=self.video(video_id), actor=self.principal.actor)
        return Response(status=204)


class VideoCsvView(BelowVideo):
    """The intervals of a video as a file."""

    actions = {"GET": Action.PROBE_VIEW}
    renderer_classes = [CsvRenderer]
    content_negotiation_class = AlwaysCsv

    @extend_schema(operation_id="video_csv", responses={(200, "text/csv"): OpenApiTypes.STR})
    def get(self, request: Request, video_id: UUID) -> StreamingHttpResponse:
        """Send one line per person and interval."""
        video = self.video(video_id)
        return csv_response(video_csv(video), f"video-{video.pk}.csv")


class VttRenderer(CsvRenderer):
    """Names the media type for the schema; the view streams by itself."""

    media_type = "text/vtt"
    format = "vtt"


class VideoVttView(BelowVideo):
    """The intervals of a video as chapters."""

    actions = {"GET": Action.PROBE_VIEW}
    renderer_classes = [VttRenderer]
    content_negotiation_class = AlwaysCsv

    @extend_schema(operation_id="video_vtt", responses={(200, "text/vtt"): OpenApiTypes.STR})
    def get(self, request: Request, video_id: UUID) -> StreamingHttpResponse:
        """Send one WebVTT cue per interval."""
        lines = video_vtt(self.video(video_id))
        return StreamingHttpResponse(lines, content_type="text/vtt; charset=utf-8")


class VideoEnrollView(BelowVideo):
    """Saying who a stranger of a video is."""

    actions = {"POST": Action.IDENTITY_ENROLL}

    @extend_schema(
        operation_id="video_enroll", request=NewName, responses={201: EnrolledSerializer}
    )
    def post(self, request: Request, video_id: UUID, number: int, frame: int) -> Response:
        """Enroll the face of a kept frame of a track; the gates of enrollment apply."""
        video = self.video(video_id)
        rows = TrackFrame.objects.select_related("photo", "track__video__gallery__model_version")
        found = get_object_or_404(rows, track__video=video, track__number=number, number=frame)
        body = self.body(NewName)
        identity = None
        if "identity" in body:
            people = Identity.objects.visible_to(self.principal)
            identity = get_object_or_404(people, pk=body["identity"], gallery=video.gallery_id)
        image = enroll_track_frame(
            frame=found, actor=self.principal.actor, name=body.get("name", ""), identity=identity
        )
        return self.answer(EnrolledSerializer, image, status=201)
