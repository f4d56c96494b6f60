"""Forms of people: who they are, their photos, consents, and what is done with them."""

from typing import Any, ClassVar
from uuid import UUID

from django import forms
from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.template.defaultfilters import filesizeformat

from faceplatform.core.web.forms import PageForm
from recognition.services.identities import MAX_NAME as MAX_IDENTITY_NAME
from recognition.web.forms.photos import PhotosField


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


class PhotosForm(PageForm):
    """Photos to add to a person; `face` says which face of a single photo is meant."""

    photos = PhotosField(label="Photos")
    face = forms.IntegerField(required=False, min_value=1, widget=forms.HiddenInput)


class ImportForm(PageForm):
    """A zip of people; the page makes one of a chosen folder."""

    archive = forms.FileField(
        label="Zip file", widget=forms.FileInput(attrs={"accept": ".zip,application/zip"})
    )
    people = forms.FileField(
        required=False,
        label="CSV about the people",
        widget=forms.FileInput(attrs={"accept": ".csv,text/csv", "data-beside": True}),
    )
    keep_unnamed = forms.BooleanField(
        required=False,
        label="Keep faces of photos that lie in no folder",
        help_text="They are gathered by likeness and wait to be named.",
    )

    def clean_archive(self) -> UploadedFile:
        """Refuse what is too large before it is stored."""
        archive: UploadedFile = self.cleaned_data["archive"]
        if archive.size is not None and archive.size > settings.MAX_ARCHIVE_BYTES:
            limit = filesizeformat(settings.MAX_ARCHIVE_BYTES)
            raise forms.ValidationError(f"An archive has at most {limit}.", code="file_too_large")
        return archive
