"""What scores are normalised with, and what versions an ensemble has."""

from django.db import models
from django.db.models import Q

from recognition.models.gallery import Gallery
from recognition.models.model_version import ModelVersion
from recognition.models.template import FaceTemplate


class EnsembleComponent(models.Model):
    """A version whose scores are part of an ensemble's. Number 0 finds the candidates."""

    ensemble = models.ForeignKey(
        ModelVersion, on_delete=models.CASCADE, related_name="ensemble_components"
    )
    version = models.ForeignKey(ModelVersion, on_delete=models.PROTECT, related_name="+")
    number = models.PositiveSmallIntegerField()

    class Meta:
        ordering = ["number"]
        constraints = [
            models.UniqueConstraint(fields=["ensemble", "number"], name="component_number"),
        ]

    def __str__(self) -> str:
        return f"component {self.number} of {self.ensemble_id}"


class Cohort(models.Model):
    """A sample of a gallery's people under one version: one template of each, drawn by a seed.

    It stays as it is while the gallery grows, so that stored statistics stay true; a job draws
    another one when the gallery has doubled. `people` is how many the gallery had then. One cohort
    per gallery and version is active; a new one becomes active when every template is measured.
    """

    gallery = models.ForeignKey(Gallery, on_delete=models.CASCADE, related_name="cohorts")
    model_version = models.ForeignKey(ModelVersion, on_delete=models.PROTECT, related_name="+")
    seed = models.PositiveBigIntegerField()
    people = models.PositiveIntegerField()
    active = models.BooleanField(default=False)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["gallery", "model_version"],
                name="cohort_active_once",
                condition=Q(active=True),
            ),
        ]

    def __str__(self) -> str:
        return f"cohort {self.pk} of {self.gallery_id}"


class CohortMember(models.Model):
    """A template in a cohort; it goes when the template goes."""

    cohort = models.ForeignKey(Cohort, on_delete=models.CASCADE, related_name="members")
    template = models.ForeignKey(FaceTemplate, on_delete=models.CASCADE, related_name="+")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["cohort", "template"], name="cohort_member_once"),
        ]

    def __str__(self) -> str:
        return f"template {self.template_id} in cohort {self.cohort_id}"


class TemplateNorm(models.Model):
    """Mean and deviation of a template's scores with its nearest strangers of a cohort."""

    cohort = models.ForeignKey(Cohort, on_delete=models.CASCADE, related_name="norms")
    template = models.ForeignKey(FaceTemplate, on_delete=models.CASCADE, related_name="norms")
    mean = models.FloatField()
    deviation = models.FloatField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["template", "cohort"], name="template_norm_once"),
        ]

    def __str__(self) -> str:
        return f"norm of template {self.template_id}"
