"""Galleries, people, photos, faces and model versions in the admin.

Templates are not listed: they are counted where they belong.
"""

from recognition.admin.answers import ProbeAdmin
from recognition.admin.consents import ConsentAdmin
from recognition.admin.faces import FaceImageAdmin
from recognition.admin.galleries import GalleryAdmin
from recognition.admin.identities import IdentityAdmin
from recognition.admin.model_versions import ModelVersionAdmin
from recognition.admin.photos import PhotoAdmin
from recognition.admin.thresholds import GalleryThresholdAdmin

__all__ = [
    "ConsentAdmin",
    "FaceImageAdmin",
    "GalleryAdmin",
    "GalleryThresholdAdmin",
    "IdentityAdmin",
    "ModelVersionAdmin",
    "PhotoAdmin",
    "ProbeAdmin",
]
