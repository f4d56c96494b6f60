"""Forms of the recognition pages."""

from typing import Any, ClassVar
from uuid import UUID

from django import forms
from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.template.defaultfilters import filesizeformat

from faceplatform.core.web.forms import PageForm
from recognition.models import Gallery, ReviewAction
from recognition.selectors.verification_thresholds import (
    DEFAULT_PERSON_RULE,
    DEFAULT_RATE,
    RATES,
    RULE_WORDS,
)
from recognition.services.asking import MOST_CANDIDATES, Options
from recognition.services.batches import MOST_FILES
from recognition.services.galleries import MAX_NAME as MAX_GALLERY_NAME
from recognition.services.galleries import MAX_PROBE_DAYS
from recognition.services.gates import DEFAULTS, RANGES
from recognition.services.identities import MAX_NAME as MAX_IDENTITY_NAME
from recognition.services.import_sources import MAX_IMAGE_BYTES

PHOTO_TYPES = "image/jpeg,image/png,image/webp,image/heic,image/heif,.jpg,.jpeg,.png,.webp,.heic"


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
        help_text="Only people with a consent that holds are found.",
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


class IdentityForm(PageForm):
    """Who a person is."""

    refusal_fields: ClassVar[dict[str, str]] = {
        "identity_exists": "name",
        "name_invalid": "name",
        "external_id_exists": "external_id",
        "external_id_invalid": "external_id",
        "tags_invalid": "tags",
    }

    name = forms.CharField(
        max_length=MAX_IDENTITY_NAME, widget=forms.TextInput(attrs={"autocomplete": "off"})
    )
    external_id = forms.CharField(
        required=False,
        max_length=120,
        label="Number elsewhere",
        help_text="The person's number in another system, unique in this gallery.",
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    tags = forms.CharField(
        required=False,
        help_text="Separated by commas.",
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    notes = forms.CharField(required=False, widget=forms.Textarea(attrs={"rows": 3}))
    retain_until = forms.DateField(
        required=False,
        label="Keep until",
        help_text="The person is erased the night after this day. Empty: no end.",
        widget=forms.DateInput(attrs={"type": "date"}),
    )

    def clean_tags(self) -> list[str]:
        """Return the tags one by one."""
        text: str = self.cleaned_data["tags"]
        return text.split(",")


class MergeForm(PageForm):
    """Who is to become part of this person, by id."""

    source = forms.UUIDField()


class MoveForm(PageForm):
    """Another gallery."""

    gallery = forms.UUIDField()


class SplitForm(PageForm):
    """Images that become a new person."""

    refusal_fields: ClassVar[dict[str, str]] = {"identity_exists": "name", "name_invalid": "name"}

    images = forms.TypedMultipleChoiceField(coerce=UUID, choices=())
    name = forms.CharField(
        max_length=MAX_IDENTITY_NAME, widget=forms.TextInput(attrs={"autocomplete": "off"})
    )

    def __init__(self, *args: Any, images: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["images"].choices = [(pk, pk) for pk in images]  # type: ignore[attr-defined]


class ConsentForm(PageForm):
    """What a person agreed to."""

    purpose = forms.CharField(max_length=200, label="Agreed to")
    given_on = forms.DateField(label="On", widget=forms.DateInput(attrs={"type": "date"}))
    expires_on = forms.DateField(
        required=False, label="Until", widget=forms.DateInput(attrs={"type": "date"})
    )
    evidence = forms.CharField(
        required=False, max_length=500, label="Proof", help_text="Where the signed text lies."
    )
    text = forms.CharField(
        required=False, label="Wording", widget=forms.Textarea(attrs={"rows": 3})
    )


class PhotosInput(forms.FileInput):
    """A file input for several photos."""

    allow_multiple_selected = True


class PhotosField(forms.FileField):
    """Several uploaded photos; cleans to a list."""

    widget = PhotosInput(attrs={"accept": PHOTO_TYPES, "multiple": True})

    def clean(self, data: Any, initial: Any = None) -> Any:
        """Return the list of uploads."""
        uploads = data if isinstance(data, list) else [data]
        return [clean_photo(super(PhotosField, self).clean(upload, initial)) for upload in uploads]


class PhotosForm(PageForm):
    """Photos to add to a person; `face` says which face of a single photo is meant."""

    photos = PhotosField(label="Photos")
    face = forms.IntegerField(required=False, min_value=1, widget=forms.HiddenInput)


class IdentifyForm(PageForm):
    """A photo, the galleries to look in, and what is chosen for this question alone."""

    refusal_fields: ClassVar[dict[str, str]] = {"threshold_out_of_limits": "threshold"}

    gallery = forms.ModelChoiceField(queryset=Gallery.objects.none(), empty_label=None)
    photo = forms.FileField(widget=forms.FileInput(attrs={"accept": PHOTO_TYPES}))
    also = forms.ModelMultipleChoiceField(
        queryset=Gallery.objects.none(),
        required=False,
        label="Ask these too",
        help_text="Each answers with its own threshold.",
        widget=forms.CheckboxSelectMultiple,
    )
    top = forms.IntegerField(
        required=False,
        min_value=1,
        max_value=MOST_CANDIDATES,
        label="Nearest people to list",
        widget=forms.NumberInput(attrs={"placeholder": Options().top}),
    )
    min_quality = forms.FloatField(
        required=False,
        min_value=0,
        max_value=1,
        label="Least quality",
        help_text="0 to 1. A face below it is not named.",
        widget=forms.NumberInput(attrs={"step": "0.01"}),
    )
    threshold = forms.FloatField(
        required=False,
        min_value=-1,
        max_value=1,
        label="Threshold for this question",
        help_text="A score; empty takes the gallery's.",
        widget=forms.NumberInput(attrs={"step": "0.001"}),
    )

    def __init__(self, *args: Any, galleries: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in ("gallery", "also"):
            self.fields[name].queryset = galleries  # type: ignore[attr-defined]

    def galleries(self) -> list[Gallery]:
        """Return the galleries to ask, the main one first, each once."""
        chosen = [self.cleaned_data["gallery"], *self.cleaned_data["also"]]
        return list(dict.fromkeys(chosen))

    def options(self) -> Options:
        """Return what was chosen for this question."""
        cleaned = self.cleaned_data
        return Options(
            top=cleaned["top"] or Options().top,
            min_quality=cleaned["min_quality"],
            threshold=cleaned["threshold"],
        )

    def clean_photo(self) -> UploadedFile:
        """Refuse what is too large before it is read."""
        return clean_photo(self.cleaned_data["photo"])


class AskForm(PageForm):
    """A photo and one gallery, with no choices."""

    gallery = forms.ModelChoiceField(queryset=Gallery.objects.none(), empty_label=None)
    photo = forms.FileField(widget=forms.FileInput(attrs={"accept": PHOTO_TYPES}))

    def __init__(self, *args: Any, galleries: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["gallery"].queryset = galleries  # type: ignore[attr-defined]

    def clean_photo(self) -> UploadedFile:
        """Refuse what is too large before it is read."""
        return clean_photo(self.cleaned_data["photo"])


def _rate_field() -> forms.ChoiceField:
    words = [(f"{rate:g}", f"1 stranger in {round(1 / rate):,}") for rate in RATES]
    return forms.ChoiceField(
        label="May be taken for the same person", choices=words, initial=f"{DEFAULT_RATE:g}"
    )


class CompareForm(PageForm):
    """Two photos, and how many strangers may pass for one person."""

    first = forms.FileField(widget=forms.FileInput(attrs={"accept": PHOTO_TYPES}))
    second = forms.FileField(widget=forms.FileInput(attrs={"accept": PHOTO_TYPES}))
    fmr = _rate_field()

    def clean_first(self) -> UploadedFile:
        """Refuse what is too large before it is read."""
        return clean_photo(self.cleaned_data["first"])

    def clean_second(self) -> UploadedFile:
        """Refuse what is too large before it is read."""
        return clean_photo(self.cleaned_data["second"])


class VerifyPersonForm(PageForm):
    """A photo to compare with a person, and how the scores of the images become one."""

    photo = forms.FileField(widget=forms.FileInput(attrs={"accept": PHOTO_TYPES}))
    rule = forms.ChoiceField(
        label="Compare with", choices=list(RULE_WORDS.items()), initial=DEFAULT_PERSON_RULE
    )
    fmr = _rate_field()

    def clean_photo(self) -> UploadedFile:
        """Refuse what is too large before it is read."""
        return clean_photo(self.cleaned_data["photo"])


class ImportForm(PageForm):
    """A zip of people; the page makes one of a chosen folder."""

    archive = forms.FileField(
        label="Zip file", widget=forms.FileInput(attrs={"accept": ".zip,application/zip"})
    )

    def clean_archive(self) -> UploadedFile:
        """Refuse what is too large before it is stored."""
        archive: UploadedFile = self.cleaned_data["archive"]
        if archive.size is not None and archive.size > settings.MAX_ARCHIVE_BYTES:
            limit = filesizeformat(settings.MAX_ARCHIVE_BYTES)
            raise forms.ValidationError(f"An archive has at most {limit}.", code="file_too_large")
        return archive


class BatchField(PhotosField):
    """Photos, or one zip; cleans to a list."""

    widget = PhotosInput(attrs={"accept": f"{PHOTO_TYPES},.zip,application/zip", "multiple": True})

    def clean(self, data: Any, initial: Any = None) -> Any:
        """Return the list of uploads; the limit of a single file is that of an archive."""
        uploads = data if isinstance(data, list) else [data]
        cleaned = [forms.FileField.clean(self, upload, initial) for upload in uploads]
        if sum(upload.size or 0 for upload in cleaned) > settings.MAX_ARCHIVE_BYTES:
            limit = filesizeformat(settings.MAX_ARCHIVE_BYTES)
            raise forms.ValidationError(f"At most {limit} at once.", code="file_too_large")
        if len(cleaned) > MOST_FILES:
            said = f"At most {MOST_FILES} files at once; put more of them in a zip."
            raise forms.ValidationError(said, code="too_many_files")
        return cleaned


class BatchForm(PageForm):
    """Photos to ask about."""

    photos = BatchField(label="Photos or a zip")


class EnrollFaceForm(PageForm):
    """Who a face of an answer is: a new name, or the id of somebody of the gallery."""

    refusal_fields: ClassVar[dict[str, str]] = {
        "identity_exists": "name",
        "name_invalid": "name",
    }

    name = forms.CharField(
        required=False,
        max_length=MAX_IDENTITY_NAME,
        widget=forms.TextInput(attrs={"autocomplete": "off", "placeholder": "Name"}),
    )
    identity = forms.UUIDField(required=False, widget=forms.HiddenInput)

    def clean(self) -> dict[str, Any]:
        """Ask for one of the two."""
        cleaned = super().clean() or {}
        if not cleaned.get("name") and not cleaned.get("identity") and not self.errors:
            self.add_error("name", forms.ValidationError("Who is it?", code="required"))
        return cleaned


class DecisionForm(PageForm):
    """What is to be done with an image; to move it, to whom."""

    action = forms.ChoiceField(choices=ReviewAction.choices)
    identity = forms.UUIDField(required=False)
    name = forms.CharField(required=False, max_length=MAX_IDENTITY_NAME)


class NamingForm(PageForm):
    """Unnamed faces by their ids, and who they are; `reject` puts them aside."""

    faces = forms.CharField(max_length=37 * 2000)
    name = forms.CharField(required=False, max_length=MAX_IDENTITY_NAME)
    reject = forms.BooleanField(required=False)

    def clean_faces(self) -> list[UUID]:
        """Return the ids."""
        try:
            return [UUID(part) for part in self.cleaned_data["faces"].split(",")]
        except ValueError:
            raise forms.ValidationError("Not a list of ids.", code="invalid") from None

    def clean(self) -> dict[str, Any]:
        """Ask for a name unless the faces are put aside."""
        cleaned = super().clean() or {}
        if not cleaned.get("reject") and not cleaned.get("name"):
            self.add_error("name", forms.ValidationError("Who is it?", code="required"))
        return cleaned


def clean_photo(upload: UploadedFile) -> UploadedFile:
    """Return the upload; refuse one that no decoder would be given."""
    if upload.size is not None and upload.size > MAX_IMAGE_BYTES:
        limit = filesizeformat(MAX_IMAGE_BYTES)
        raise forms.ValidationError(f"A photo has at most {limit}.", code="file_too_large")
    return upload
