"""Forms of training runs: the settings' fields are made from the recipe's configuration."""

from typing import Any, ClassVar

from django import forms
from django.db.models import QuerySet

from faceplatform.accounts.principal import Principal
from faceplatform.core.web.forms import PageForm
from recognition.models import ModelVersion
from training.models import Dataset
from training.selectors.training_runs import RecipeInfo
from training.services.training import MAX_NAME, Wanted
from training.web.forms import ChoosingForm

_PREFIX = "set_"


class RunForm(ChoosingForm):
    """What is trained on what."""

    rows = ("dataset", "components")
    refusal_fields: ClassVar[dict[str, str]] = {
        "dataset_unsplit": "dataset",
        "dataset_empty": "dataset",
        "name_invalid": "name",
        "components_invalid": "components",
        "too_few_models": "components",
    }

    dataset = forms.ModelChoiceField(queryset=Dataset.objects.none(), empty_label=None)
    name = forms.CharField(
        required=False, max_length=MAX_NAME, widget=forms.TextInput(attrs={"autocomplete": "off"})
    )
    components = forms.ModelMultipleChoiceField(
        queryset=ModelVersion.objects.none(),
        required=False,
        label="Models to train on",
        widget=forms.CheckboxSelectMultiple,
        help_text="None: the one that the dataset's gallery uses.",
    )
    notes = forms.CharField(required=False, widget=forms.Textarea(attrs={"rows": 2}))

    def __init__(self, *args: Any, principal: Principal, recipe: RecipeInfo, **kwargs: Any) -> None:
        self._recipe = recipe
        super().__init__(*args, **kwargs)
        dataset: Any = self.fields["dataset"]
        dataset.queryset = Dataset.objects.visible_to(principal).order_by("-pk")
        components: Any = self.fields["components"]
        components.queryset = backbones_of(principal)
        for option in recipe.options:
            field = _field(option)
            field.initial = option.default
            if not isinstance(field.widget, forms.CheckboxInput):
                field.widget.attrs.setdefault("class", "input")
            self.fields[_PREFIX + option.name] = field

    @property
    def settings_fields(self) -> list[Any]:
        """Return the bound fields of the recipe's settings."""
        return [self[name] for name in self.fields if name.startswith(_PREFIX)]

    def arguments(self) -> dict[str, Any]:
        """Return what `start_run` asks for."""
        data = self.cleaned_data
        given = {
            name.removeprefix(_PREFIX): value
            for name, value in data.items()
            if name.startswith(_PREFIX)
        }
        return {
            "dataset": data["dataset"],
            "wanted": Wanted(self._recipe.name, given, tuple(data["components"])),
            "name": data["name"],
            "notes": data["notes"],
        }


class NotesForm(PageForm):
    """What somebody wants to remember of a run."""

    notes = forms.CharField(
        required=False, max_length=4000, widget=forms.Textarea(attrs={"rows": 3})
    )


def backbones_of(principal: Principal) -> "QuerySet[ModelVersion]":
    """Return the versions that can be trained on: those of the platform that embed."""
    rows = ModelVersion.objects.visible_to(principal).filter(organization=None)
    return rows.filter(ensemble_components=None).order_by("name")


def _field(option: Any) -> forms.Field:
    common = {"label": option.label, "help_text": option.help}
    if option.kind == "bool":
        return forms.BooleanField(required=False, **common)
    if option.choices:
        return forms.ChoiceField(choices=[(one, one) for one in option.choices], **common)
    if option.kind == "int":
        return forms.IntegerField(min_value=int(option.low), max_value=int(option.high), **common)
    attrs = {"step": "any"}
    return forms.FloatField(
        min_value=option.low,
        max_value=option.high,
        widget=forms.NumberInput(attrs=attrs),
        **common,
    )
