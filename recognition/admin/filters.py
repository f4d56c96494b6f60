"""Filters that more than one list has."""

from faceplatform.admin.columns import RowFilter
from recognition.models import Gallery, ModelVersion


class GalleryFilter(RowFilter):
    """By gallery."""

    title = "gallery"
    parameter_name = "gallery"
    model = Gallery


class ModelVersionFilter(RowFilter):
    """By model version."""

    title = "model version"
    parameter_name = "model_version"
    model = ModelVersion
