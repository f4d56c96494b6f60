"""Forms of galleries."""

from typing import Any, ClassVar

from django import forms

from faceplatform.core.web.forms import PageForm
from recognition.selectors.verification_thresholds import RULE_WORDS
from recognition.services.galleries import MAX_NAME as MAX_GALLERY_NAME
from recognition.services.galleries import MAX_PROBE_DAYS
from recognition.services.gates import DEFAULTS, RANGES

_LIMITS = {
    "detection": ("Certainty of the detector, at least", "0 to 1."),
    "eye_distance": ("Pixels between the eyes, at least", "In the original photo."),
    "sharpness": ("Sharpness, at least", "Edges relative to contrast; 0.05 is soft, 0.3 crisp."),
    "brightness_low": ("Brightness, at least", "0 is black, 1 is white."),
    "brightness_high": ("Brightness, at most", "0 is black, 1 is white."),
    "contrast": ("Contrast, at least", "0 to 0.5."),
    "yaw": ("Turned to the side, at most", "Degrees; 0 is frontal, 90 a profile."),
    "score": ("Overall quality, at least", "0 to 1, the product of all parts; 0 asks for none."),
}


class GalleryForm(PageForm):
    """Name and purpose of a gallery, and how long photos asked about are kept."""

    refusal_fields: ClassVar[dict[str, str]] = {
        "gallery_exists": "name",
        "name_invalid": "name",
        "probe_days_invalid": "probe_days",
    }

    name = forms.CharField(
        max_length=MAX_GALLERY_NAME, widget=forms.TextInput(attrs={"autocomplete": "off"})
    )
    description = forms.CharField(
        required=False,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="What it is for, and where the photos come from.",
    )
    probe_days = forms.IntegerField(
        label="Keep photos that are asked about for … days",
        min_value=0,
        max_value=MAX_PROBE_DAYS,
        initial=30,
        help_text="0 keeps the answer and drops the photo at once.",
    )


class GallerySettingsForm(GalleryForm):
    """The same, and whether the gallery may be searched."""

    searchable = forms.BooleanField(
        required=False,
        label="May be searched",
        help_text="Without this the gallery keeps its people and answers no question.",
    )
    consent_required = forms.BooleanField(
        required=False,
        label="Requires consent",
        help_text="Only people with a consent that holds are found. Their images are compared with "
        "each other only until then, not with anybody else's: look at Hygiene afterwards.",
    )
    fusion_rule = forms.ChoiceField(
        required=False,
        label="Scores of several images of a person",
        choices=[
            ("", "Nearest image to identify, mean face to verify"),
            *RULE_WORDS.items(),
        ],
        help_text="The threshold stays that of the nearest image, at which the other rules name "
        "fewer strangers; rules that average also miss more people whose images differ.",
    )


class LimitsForm(PageForm):
    """What a face must have to be enrolled. An empty field means the default."""

    def __init__(self, *args: Any, limits: dict[str, float], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, (low, high) in RANGES.items():
            label, text = _LIMITS[name]
            self.fields[name] = forms.FloatField(
                required=False,
                min_value=low,
                max_value=high,
                initial=limits[name],
                label=label,
                help_text=f"{text} Default {getattr(DEFAULTS, name):g}.",
                widget=forms.NumberInput(attrs={"step": "any"}),
            )

    def limits(self) -> dict[str, float]:
        """Return the limits that were filled in."""
        return {name: value for name, value in self.cleaned_data.items() if value is not None}
