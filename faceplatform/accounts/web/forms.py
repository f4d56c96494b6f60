"""Forms of the account pages."""

import datetime as dt
from typing import Any, ClassVar

from django import forms
from django.utils import timezone

from faceplatform.accounts.roles import Scope
from faceplatform.accounts.services.keys import MAX_NAME
from faceplatform.core.web.forms import PageForm


class SetupForm(PageForm):
    """The first administrator."""

    email = forms.EmailField(
        label="E-mail address",
        help_text="You log in with it.",
        widget=forms.EmailInput(attrs={"autocomplete": "email", "autofocus": True}),
    )
    name = forms.CharField(
        label="Your name",
        required=False,
        max_length=120,
        widget=forms.TextInput(attrs={"autocomplete": "name"}),
    )
    password = forms.CharField(
        strip=False,
        help_text="At least ten characters; a few words are a good password.",
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )
    organization_name = forms.CharField(
        label="Your team",
        required=False,
        max_length=120,
        help_text="Galleries, people and answers belong to it.",
        widget=forms.TextInput(attrs={"autocomplete": "organization"}),
    )


class KeyForm(PageForm):
    """A new key: what it is for, what it may do, until when."""

    refusal_fields: ClassVar[dict[str, str]] = {
        "key_name_missing": "name",
        "key_name_long": "name",
        "key_scopes_missing": "scopes",
        "key_expiry_past": "days",
    }

    name = forms.CharField(
        max_length=MAX_NAME,
        help_text="Which program uses it.",
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    scopes = forms.MultipleChoiceField(
        label="It may",
        choices=[(scope.value, scope.label) for scope in Scope],
        widget=forms.CheckboxSelectMultiple,
    )
    days = forms.TypedChoiceField(
        label="It ends",
        coerce=int,
        initial=90,
        choices=[(30, "in 30 days"), (90, "in 90 days"), (365, "in a year"), (0, "never")],
    )

    def values(self) -> dict[str, Any]:
        """Return what the service takes."""
        days = self.cleaned_data["days"]
        return {
            "name": self.cleaned_data["name"],
            "scopes": [Scope(scope) for scope in self.cleaned_data["scopes"]],
            "expires_at": timezone.now() + dt.timedelta(days=days) if days else None,
        }
