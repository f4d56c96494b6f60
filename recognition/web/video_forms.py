"""The form that asks about a video."""

from typing import Any, ClassVar

from django import forms
from django.db.models import QuerySet

from faceplatform.core.web.forms import PageForm
from recognition.models import Gallery
from recognition.services.videos import RATE, RATES, VideoOptions

_REFUSED = (
    "unsupported_media", "video_corrupt", "video_no_video_stream", "video_no_frames",
    "video_dimensions", "video_too_long", "file_too_large", "decoder_crashed",
)  # fmt: skip


class VideoForm(PageForm):
    """A video, the gallery that is asked, and how closely it is looked through."""

    refusal_fields: ClassVar[dict[str, str]] = dict.fromkeys(_REFUSED, "video") | {
        "rate_invalid": "rate"
    }

    gallery = forms.ModelChoiceField(Gallery.objects.none(), empty_label=None)
    video = forms.FileField(
        error_messages={"required": "Choose a video.", "empty": "The file is empty."}
    )
    rate = forms.FloatField(
        label="Frames looked at per second",
        min_value=RATES[0],
        max_value=RATES[1],
        initial=RATE,
        required=False,
        help_text="More finds shorter appearances and takes longer.",
        widget=forms.NumberInput(attrs={"step": "any"}),
    )
    thorough = forms.BooleanField(
        required=False,
        label="Look everywhere",
        help_text="Also where key frames at most two seconds apart show no face.",
    )

    def __init__(self, *args: Any, galleries: "QuerySet[Gallery]", **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["gallery"]
        if isinstance(field, forms.ModelChoiceField):
            field.queryset = galleries

    def looking(self) -> VideoOptions:
        """Return the choices of a valid form."""
        return VideoOptions(
            rate=self.cleaned_data.get("rate") or RATE, thorough=self.cleaned_data["thorough"]
        )
