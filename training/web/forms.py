"""Forms of datasets and evaluations."""

from typing import Any, ClassVar

from django import forms
from django.http import Http404

from faceplatform.accounts.principal import Principal
from faceplatform.core.web.forms import PageForm
from recognition.models import Gallery, ModelVersion
from training.evaluation.export import FileFormat, Selection
from training.models import Dataset, InputKind, ProtocolKind, SplitKind
from training.services.datasets import MAX_NAME, Filters, Split
from training.services.evaluations import MAX_SEED, PairsFile, Source

SEED_HELP = "The same seed draws the same again."


class ChoosingForm(PageForm):
    """A form in which rows are chosen: one that is not the asker's is not found."""

    rows: ClassVar[tuple[str, ...]] = ()

    def is_valid(self) -> bool:
        """Raise Http404 for the id of a row that is not offered."""
        valid = super().is_valid()
        for name in self.rows:
            if self.has_error(name, "invalid_choice") or self.has_error(name, "invalid_pk_value"):
                raise Http404
        return valid


class EvaluationForm(ChoosingForm):
    """What is measured, and how."""

    rows = ("source", "model", "other_model")
    refusal_fields: ClassVar[dict[str, str]] = {
        "too_few_people": "source",
        "split_missing": "source",
        "part_unknown": "part",
        "second_model_missing": "other_model",
        "pairs_missing": "pairs",
        "pairs_unreadable": "pairs",
        "pairs_unknown": "pairs",
        "pairs_one_sided": "pairs",
        "file_too_large": "pairs",
        "seed_invalid": "seed",
    }

    source = forms.ChoiceField(label="What to measure")
    part = forms.ChoiceField(
        required=False,
        label="Part of the dataset",
        choices=[("", "All of it"), ("train", "train"), ("val", "val"), ("test", "test")],
    )
    protocol = forms.ChoiceField(
        choices=ProtocolKind.choices, widget=forms.RadioSelect, initial=ProtocolKind.ALL_PAIRS
    )
    model = forms.ModelChoiceField(
        required=False,
        queryset=ModelVersion.objects.none(),
        label="Model",
        empty_label="The one in use",
        help_text="Another model reads the stored photos again, which takes longer.",
    )
    other_model = forms.ModelChoiceField(
        required=False,
        queryset=ModelVersion.objects.none(),
        label="Second model",
        empty_label="None",
        help_text="For the protocol of two models.",
    )
    pairs = forms.FileField(
        required=False,
        label="Pairs",
        help_text="CSV: image, image, mated or nonmated; an image by its path or its id.",
        widget=forms.FileInput(attrs={"accept": ".csv,text/csv"}),
    )
    seed = forms.IntegerField(
        min_value=0, max_value=MAX_SEED, initial=1, required=False, help_text=SEED_HELP
    )

    def __init__(self, *args: Any, principal: Principal, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._galleries = Gallery.objects.visible_to(principal).order_by("name")
        self._datasets = Dataset.objects.visible_to(principal).order_by("name")
        source: Any = self.fields["source"]
        source.choices = [
            ("Galleries", [(f"gallery:{g.pk}", g.name) for g in self._galleries]),
            ("Datasets", [(f"dataset:{d.pk}", d.name) for d in self._datasets]),
        ]
        versions = ModelVersion.objects.visible_to(principal).order_by("name")
        for name in ("model", "other_model"):
            field: Any = self.fields[name]
            field.queryset = versions

    def arguments(self) -> dict[str, Any]:
        """Return what `start_evaluation` asks for."""
        data = self.cleaned_data
        kind, _, pk = data["source"].partition(":")
        upload = data["pairs"]
        return {
            "source": Source(
                gallery=self._galleries.filter(pk=pk).first() if kind == "gallery" else None,
                dataset=self._datasets.filter(pk=pk).first() if kind == "dataset" else None,
                part=data["part"] if kind == "dataset" else "",
            ),
            "protocol": data["protocol"],
            "model_version": data["model"],
            "other_version": data["other_model"],
            "seed": data["seed"] or 0,
            "pairs": PairsFile(upload.name, upload.read()) if upload else None,
        }


class DatasetForm(ChoosingForm):
    """Which images, and how they are shared out."""

    rows = ("galleries",)
    refusal_fields: ClassVar[dict[str, str]] = {
        "dataset_exists": "name",
        "name_invalid": "name",
        "galleries_missing": "galleries",
        "dataset_empty": "min_images",
        "split_invalid": "train",
    }

    name = forms.CharField(
        max_length=MAX_NAME, widget=forms.TextInput(attrs={"autocomplete": "off"})
    )
    description = forms.CharField(required=False, widget=forms.Textarea(attrs={"rows": 2}))
    galleries = forms.ModelMultipleChoiceField(
        queryset=Gallery.objects.none(), widget=forms.CheckboxSelectMultiple
    )
    min_images = forms.IntegerField(
        min_value=1, max_value=10_000, initial=1, label="Images a person must have"
    )
    max_images = forms.IntegerField(
        required=False,
        min_value=1,
        max_value=10_000,
        label="Images per person at most",
        help_text="The best by quality are kept.",
    )
    min_quality = forms.FloatField(
        required=False, min_value=0, max_value=1, label="Quality at least", help_text="0 to 1."
    )
    added_from = forms.DateField(
        required=False, label="Added from", widget=forms.DateInput(attrs={"type": "date"})
    )
    added_to = forms.DateField(
        required=False, label="Added until", widget=forms.DateInput(attrs={"type": "date"})
    )
    input_kind = forms.ChoiceField(
        label="Pictures are", choices=InputKind.choices, initial=InputKind.PHOTO
    )
    split_kind = forms.ChoiceField(
        label="Split", choices=SplitKind.choices, widget=forms.RadioSelect, initial=SplitKind.NONE
    )
    train = forms.IntegerField(min_value=0, max_value=100, initial=80, required=False)
    val = forms.IntegerField(min_value=0, max_value=100, initial=0, required=False)
    test = forms.IntegerField(min_value=0, max_value=100, initial=20, required=False)
    seed = forms.IntegerField(
        min_value=0, max_value=MAX_SEED, initial=1, required=False, help_text=SEED_HELP
    )

    def __init__(self, *args: Any, principal: Principal, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        galleries: Any = self.fields["galleries"]
        galleries.queryset = Gallery.objects.visible_to(principal).order_by("name")

    def arguments(self) -> dict[str, Any]:
        """Return what `freeze_dataset` asks for."""
        data = self.cleaned_data
        shares = {part: data[part] for part in ("train", "val", "test") if data[part]}
        return {
            "name": data["name"],
            "description": data["description"],
            "galleries": list(data["galleries"]),
            "filters": Filters(
                min_images=data["min_images"],
                max_images=data["max_images"],
                min_quality=data["min_quality"] or 0.0,
                added_from=data["added_from"],
                added_to=data["added_to"],
            ),
            "input_kind": data["input_kind"],
            "split": Split(SplitKind(data["split_kind"]), shares, data["seed"] or 0),
        }


class PairSelectionForm(PageForm):
    """Which pairs a file shall hold."""

    kind = forms.ChoiceField(
        label="Pairs",
        initial="all",
        choices=[("all", "All"), ("mated", "Of one person"), ("nonmated", "Of two people")],
    )
    low = forms.FloatField(label="Score from", min_value=-1, max_value=1, initial=-1)
    high = forms.FloatField(label="Score to", min_value=-1, max_value=1, initial=1)
    file_format = forms.ChoiceField(
        label="Format",
        initial="csv.gz",
        choices=[("csv.gz", "CSV, packed"), ("parquet", "Parquet")],
    )

    def selection(self) -> tuple[Selection, FileFormat]:
        """Return what was chosen."""
        data = self.cleaned_data
        return Selection(data["kind"], data["low"], data["high"]), data["file_format"]


class ApplyForm(forms.Form):
    """The rate that somebody chose on a report: `fpir:0.01`."""

    choice = forms.RegexField(r"\A(fpir|fmr):[0-9.e-]{1,12}\Z")

    def clean_choice(self) -> tuple[str, float]:
        """Return target and rate."""
        target, _, rate = self.cleaned_data["choice"].partition(":")
        try:
            return target, float(rate)
        except ValueError as error:
            raise forms.ValidationError("This is no rate.", code="target_invalid") from error


class LabelForm(forms.Form):
    """The face whose label is wrong."""

    face = forms.UUIDField()
