"""The vector of a face under one model version."""

from django.db import models
from django.db.models import F, Func, Q
from django.db.models.lookups import GreaterThanOrEqual, LessThanOrEqual
from pgvector.django import HalfVectorField

from recognition.models.face_image import FaceImage
from recognition.models.gallery import Gallery
from recognition.models.model_version import ModelVersion


class VectorLength(Func):
    """Number of elements of a halfvec."""

    function = "vector_dims"
    output_field = models.IntegerField()


class VectorNorm(Func):
    """Euclidean length of a halfvec."""

    function = "l2_norm"
    output_field = models.FloatField()


class FaceTemplate(models.Model):
    """A unit vector. A zero vector would vanish from an index, so the database refuses it.

    `gallery` repeats the face's gallery for the search index; `searchable` follows the face's
    state. Queries on `embedding` live in `selectors.templates` alone.
    """

    id = models.BigAutoField(primary_key=True)
    organization = models.ForeignKey(
        "accounts.Organization", on_delete=models.CASCADE, related_name="+"
    )
    gallery = models.ForeignKey(Gallery, on_delete=models.CASCADE, related_name="+")
    face = models.ForeignKey(FaceImage, on_delete=models.CASCADE, related_name="templates")
    model_version = models.ForeignKey(
        ModelVersion, on_delete=models.PROTECT, related_name="templates"
    )
    dimension = models.PositiveSmallIntegerField()
    embedding = HalfVectorField()
    searchable = models.BooleanField(default=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["face", "model_version"], name="template_once"),
            models.CheckConstraint(
                condition=Q(dimension=VectorLength(F("embedding"))), name="template_length"
            ),
            models.CheckConstraint(
                condition=Q(GreaterThanOrEqual(VectorNorm(F("embedding")), 0.99))
                & Q(LessThanOrEqual(VectorNorm(F("embedding")), 1.01)),
                name="template_norm",
            ),
        ]
        indexes = [
            models.Index(
                fields=["gallery", "model_version"],
                name="template_search",
                condition=Q(searchable=True),
            ),
        ]

    def __str__(self) -> str:
        return f"template {self.pk} of {self.face_id}"
