"""Addresses below one row: what the path names is found among the caller's rows, or 404."""

from typing import ClassVar
from uuid import UUID

from django.shortcuts import get_object_or_404

from faceplatform.accounts.access import PathModels
from faceplatform.accounts.api.views import ApiView
from faceplatform.core.api.parsers import StrictMultiPartParser
from recognition.api.fields import MAX_PHOTO_BODY
from recognition.models import FaceImage, Gallery, Identity, ImportRun, Probe


class BelowGallery(ApiView):
    """Base of the addresses below one gallery."""

    path_models: ClassVar[PathModels] = {"gallery_id": Gallery}

    def gallery(self, gallery_id: UUID) -> Gallery:
        """Return the gallery."""
        rows = Gallery.objects.visible_to(self.principal).select_related("model_version")
        found: Gallery = get_object_or_404(rows, pk=gallery_id)
        return found


class BelowIdentity(ApiView):
    """Base of the addresses below one identity."""

    path_models: ClassVar[PathModels] = {"identity_id": Identity}

    def identity(self, identity_id: UUID) -> Identity:
        """Return the identity with its gallery."""
        rows = Identity.objects.visible_to(self.principal).select_related("gallery__model_version")
        found: Identity = get_object_or_404(rows, pk=identity_id)
        return found


class BelowImage(ApiView):
    """Base of the addresses below one face image."""

    path_models: ClassVar[PathModels] = {"image_id": FaceImage}

    def image(self, image_id: UUID) -> FaceImage:
        """Return the face image with its photo and person."""
        rows = FaceImage.objects.visible_to(self.principal).select_related(
            "photo", "identity", "gallery__model_version"
        )
        found: FaceImage = get_object_or_404(rows, pk=image_id)
        return found


class BelowImport(ApiView):
    """Base of the addresses below one import."""

    path_models: ClassVar[PathModels] = {"import_id": ImportRun}

    def run(self, import_id: UUID) -> ImportRun:
        """Return the import with its job."""
        rows = ImportRun.objects.visible_to(self.principal).select_related("job")
        found: ImportRun = get_object_or_404(rows, pk=import_id)
        return found


class BelowProbe(ApiView):
    """Base of the addresses below one probe."""

    path_models: ClassVar[PathModels] = {"probe_id": Probe}

    def probe(self, probe_id: UUID) -> Probe:
        """Return the probe with its gallery and photo."""
        rows = Probe.objects.visible_to(self.principal).select_related(
            "gallery__model_version", "photo"
        )
        found: Probe = get_object_or_404(rows, pk=probe_id)
        return found


class TakesPhotos(ApiView):
    """Base of the addresses that take photos as multipart/form-data."""

    parser_classes = [StrictMultiPartParser]
    max_body = MAX_PHOTO_BODY
