"""Forms of questions: who is this, and is it the same person."""

from typing import Any, ClassVar

from django import forms
from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.template.defaultfilters import filesizeformat

from faceplatform.core.web.forms import PageForm
from recognition.models import Gallery
from recognition.selectors.verification_thresholds import (
    DEFAULT_PERSON_RULE,
    DEFAULT_RATE,
    RATES,
    RULE_WORDS,
)
from recognition.services.asking import MOST_CANDIDATES, Options
from recognition.services.batches import MOST_FILES
from recognition.web.forms.photos import PHOTO_TYPES, PhotosField, PhotosInput, clean_photo


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
