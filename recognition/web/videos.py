"""Pages of videos: asking, the list, and who appears when."""

from collections.abc import Iterator
from typing import Any, ClassVar
from uuid import UUID

from django.conf import settings
from django.core.paginator import Paginator
from django.db.models import Model
from django.http import (
    Http404,
    HttpRequest,
    HttpResponse,
    JsonResponse,
    StreamingHttpResponse,
)
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, render
from django.urls import reverse

from faceplatform.accounts.access import PolicyView
from faceplatform.accounts.policy import Action
from faceplatform.core.errors import DomainError
from recognition.models import Identity, TrackFrame, Video
from recognition.selectors.videos import path_of, people_seen, videos_of
from recognition.services.video_enrollment import enroll_track_frame
from recognition.services.video_exports import video_csv, video_record, video_vtt
from recognition.services.video_files import ranged
from recognition.services.videos import delete_video, start_video
from recognition.web.base import fragment, go
from recognition.web.forms import EnrollFaceForm
from recognition.web.looking import searchable
from recognition.web.probes import csv_response
from recognition.web.video_cards import lanes, person_cards
from recognition.web.video_forms import VideoForm

PAGE = 30


class VideosView(PolicyView):
    """All videos, newest first."""

    actions: ClassVar[dict[str, Action]] = {"GET": Action.PROBE_VIEW}

    def get(self, request: HttpRequest) -> HttpResponse:
        page = Paginator(videos_of(self.principal), PAGE).get_page(request.GET.get("page"))
        return render(request, "recognition/videos.html", {"page": page})


class VideoNewView(PolicyView):
    """Asking a gallery about a video."""

    actions: ClassVar[dict[str, Action]] = {"GET": Action.IDENTIFY, "POST": Action.IDENTIFY}

    def get(self, request: HttpRequest) -> HttpResponse:
        form = VideoForm(galleries=searchable(self.principal))
        return render(request, "recognition/video_new.html", self._context(form))

    def post(self, request: HttpRequest) -> HttpResponse:
        form = VideoForm(request.POST, request.FILES, galleries=searchable(self.principal))
        if form.is_valid():
            upload = form.cleaned_data["video"]
            try:
                video = start_video(
                    gallery=form.cleaned_data["gallery"],
                    name=upload.name or "video",
                    content=upload,
                    actor=self.principal.actor,
                    looking=form.looking(),
                )
            except DomainError as error:
                form.refuse(error)
            else:
                return go(request, reverse("video", args=[video.pk]))
        context = self._context(form)
        if request.headers.get("HX-Request") == "true":
            return fragment(request, "recognition/parts/video_form.html", context, status=422)
        return render(request, "recognition/video_new.html", context, status=422)

    def _context(self, form: VideoForm) -> dict[str, Any]:
        return {"form": form, "max_bytes": settings.MAX_VIDEO_BYTES}


class VideoBase(PolicyView):
    """A page of one video."""

    path_models: ClassVar[dict[str, type[Model]]] = {"pk": Video}

    def video(self, pk: UUID) -> Video:
        """Return the video, 404 where it is not one of the principal's."""
        rows = Video.objects.visible_to(self.principal).defer("checkpoint")
        return get_object_or_404(
            rows.select_related("gallery__model_version", "job", "created_by"), pk=pk
        )


class VideoView(VideoBase):
    """Who appears in a video, when, and in which frame best."""

    actions: ClassVar[dict[str, Action]] = {"GET": Action.PROBE_VIEW}

    def get(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        video = self.video(pk)
        context = answer_context(self.principal, video)
        template = "recognition/video.html"
        if request.headers.get("HX-Target") == "video-answer":
            template = "recognition/parts/video_answer.html"
        return render(request, template, context)


class VideoPathsView(VideoBase):
    """Where every face is at every moment, for the player."""

    actions: ClassVar[dict[str, Action]] = {"GET": Action.PROBE_VIEW}

    def get(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        video = self.video(pk)
        tracks = []
        for person in people_seen(video):
            for track in person.tracks:
                label = {"label": person.label, "decision": person.decision}
                tracks.append(label | {"number": person.number, "path": path_of(track)})
        return JsonResponse({"step": 1 / video.rate, "tracks": tracks})


class VideoPlayView(VideoBase):
    """The copy for players; browsers ask for parts of it."""

    actions: ClassVar[dict[str, Action]] = {"GET": Action.PICTURE_VIEW}

    def get(self, request: HttpRequest, pk: UUID) -> HttpResponseBase:
        video = self.video(pk)
        part = ranged(video.proxy, request.headers.get("Range", ""))
        if part is None:
            raise Http404
        body: Iterator[bytes] = part.chunks
        response = StreamingHttpResponse(body, status=part.status, content_type="video/mp4")
        response["Accept-Ranges"] = "bytes"
        response["Cache-Control"] = "private, max-age=300"
        response["X-Content-Type-Options"] = "nosniff"
        response["Content-Length"] = str(part.length)
        if part.content_range:
            response["Content-Range"] = part.content_range
        return response


class VideoJsonView(VideoBase):
    """The answer as JSON."""

    actions: ClassVar[dict[str, Action]] = {"GET": Action.PROBE_VIEW}

    def get(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        response = JsonResponse(video_record(self.video(pk)), json_dumps_params={"indent": 2})
        response["Content-Disposition"] = 'attachment; filename="video.json"'
        return response


class VideoCsvView(VideoBase):
    """The intervals as CSV."""

    actions: ClassVar[dict[str, Action]] = {"GET": Action.PROBE_VIEW}

    def get(self, request: HttpRequest, pk: UUID) -> StreamingHttpResponse:
        return csv_response(video_csv(self.video(pk)), "video.csv")


class VideoVttView(VideoBase):
    """The intervals as WebVTT chapters."""

    actions: ClassVar[dict[str, Action]] = {"GET": Action.PROBE_VIEW}

    def get(self, request: HttpRequest, pk: UUID) -> StreamingHttpResponse:
        lines = video_vtt(self.video(pk))
        response = StreamingHttpResponse(lines, content_type="text/vtt; charset=utf-8")
        response["Content-Disposition"] = 'attachment; filename="video.vtt"'
        return response


class VideoDeleteView(VideoBase):
    """Forgetting a video."""

    actions: ClassVar[dict[str, Action]] = {"POST": Action.PROBE_DELETE}

    def post(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        delete_video(video=self.video(pk), actor=self.principal.actor)
        return go(request, reverse("videos"), said="The video was deleted.")


class VideoEnrollView(VideoBase):
    """Saying who the face of a kept frame is."""

    actions: ClassVar[dict[str, Action]] = {"POST": Action.IDENTITY_ENROLL}

    def post(self, request: HttpRequest, pk: UUID, number: int, frame: int) -> HttpResponse:
        video = self.video(pk)
        rows = TrackFrame.objects.select_related("photo", "track__video__gallery__model_version")
        found = get_object_or_404(rows, track__video=video, track__number=number, number=frame)
        form = EnrollFaceForm(request.POST)
        if form.is_valid():
            try:
                enrolled = enroll_track_frame(
                    frame=found,
                    actor=self.principal.actor,
                    name=form.cleaned_data["name"],
                    identity=self._person(video, form.cleaned_data["identity"]),
                )
            except DomainError as error:
                form.refuse(error)
            else:
                said = (
                    f"Enrolled as {enrolled.identity.name}." if enrolled.identity else "Enrolled."
                )
                if enrolled.state != "enrolled":
                    said = "It waits in review, because it looks like somebody else."
                return go(request, reverse("video", args=[pk]), said=said)
        if request.headers.get("HX-Request") == "true":
            again = {"enroll_url": request.path, "number": number, "form": form}
            return fragment(request, "recognition/parts/enroll_form.html", again, status=422)
        context = answer_context(self.principal, video) | {"form": form}
        return render(request, "recognition/video.html", context, status=422)

    def _person(self, video: Video, pk: UUID | None) -> Identity | None:
        if pk is None:
            return None
        people = Identity.objects.visible_to(self.principal)
        return get_object_or_404(people, pk=pk, gallery=video.gallery_id)


def answer_context(principal: Any, video: Video) -> dict[str, Any]:
    """Return what the page of a video shows, and the part of it that renews itself."""
    people = people_seen(video)
    seconds = video.seconds or video.info.get("seconds")
    return {
        "video": video,
        "job": video.job,
        "gallery": video.gallery,
        "threshold": video.threshold,
        "seconds": seconds,
        "cards": person_cards(principal, video, people),
        "lanes": lanes(people, seconds or max((p.intervals[-1][1] for p in people), default=0.0)),
        "identified": sum(person.decision == "identified" for person in people),
        "strangers": sum(person.decision == "unknown" for person in people),
    }
