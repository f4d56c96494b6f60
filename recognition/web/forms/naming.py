"""Forms of decisions: who a face is, and what becomes of an image."""

from typing import Any, ClassVar
from uuid import UUID

from django import forms

from faceplatform.core.web.forms import PageForm
from recognition.models import ReviewAction
from recognition.services.identities import MAX_NAME as MAX_IDENTITY_NAME


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
