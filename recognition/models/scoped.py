"""What a detected face consists of."""

from django.contrib.postgres.fields import ArrayField
from django.db import models


class DetectedFaceFields(models.Model):
    """Where a face lies in its photo and how good it is.

    Box and landmarks are in pixels of the upright photo. `landmarks` are x, y of left eye, right
    eye, nose, left and right corner of the mouth, as seen in the picture. `detector` records the
    detector with its settings.
    """

    x1 = models.FloatField()
    y1 = models.FloatField()
    x2 = models.FloatField()
    y2 = models.FloatField()
    landmarks = ArrayField(models.FloatField(), size=10)
    detection_score = models.FloatField()
    quality = models.FloatField()
    quality_parts = models.JSONField(default=dict)
    detector = models.CharField(max_length=120)

    class Meta:
        abstract = True
