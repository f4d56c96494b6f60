"""Forms that show a service's refusal next to what was entered."""

from typing import Any, ClassVar

from django import forms
from django.core.exceptions import ValidationError

from faceplatform.core.errors import DomainError


class PageForm(forms.Form):
    """A form of the pages.

    `refusal_fields` says under which field a refusal's code belongs; others stand above the form.
    """

    refusal_fields: ClassVar[dict[str, str]] = {}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for field in self.fields.values():
            kinds = (forms.CheckboxInput, forms.CheckboxSelectMultiple, forms.FileInput)
            if not isinstance(field.widget, kinds):
                field.widget.attrs.setdefault("class", "input")

    def refuse(self, error: DomainError) -> None:
        """Show a refusal where it belongs."""
        shown = False
        for wrong in error.errors:
            if wrong.field in self.fields:
                self.add_error(wrong.field, ValidationError(wrong.detail, code=wrong.code))
                shown = True
        if shown:
            return
        field = self.refusal_fields.get(error.code)
        self.add_error(field, ValidationError(error.detail, code=error.code))
