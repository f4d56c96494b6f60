"""Uploaded photos: one, several, and what no decoder would be given."""

from typing import Any

from django import forms
from django.core.files.uploadedfile import UploadedFile
from django.template.defaultfilters import filesizeformat

from recognition.services.import_sources import MAX_IMAGE_BYTES

PHOTO_TYPES = "image/jpeg,image/png,image/webp,image/heic,image/heif,.jpg,.jpeg,.png,.webp,.heic"


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


def clean_photo(upload: UploadedFile) -> UploadedFile:
    """Return the upload; refuse one that no decoder would be given."""
    if upload.size is not None and upload.size > MAX_IMAGE_BYTES:
        limit = filesizeformat(MAX_IMAGE_BYTES)
        raise forms.ValidationError(f"A photo has at most {limit}.", code="file_too_large")
    return upload
