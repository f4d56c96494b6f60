"""Galleries, the people in them, their pictures and what was asked about them."""

from recognition.models.cohort import Cohort, CohortMember, EnsembleComponent, TemplateNorm
from recognition.models.consent import Consent
from recognition.models.face_image import FaceImage, FaceState
from recognition.models.gallery import Gallery, ScoreKind
from recognition.models.gallery_threshold import GalleryThreshold
from recognition.models.hygiene import FindingKind, HygieneFinding, HygieneRun
from recognition.models.identity import Identity
from recognition.models.identity_merge import IdentityMerge
from recognition.models.import_run import ImportItem, ImportRun, ItemStatus
from recognition.models.model_version import ModelVersion
from recognition.models.photo import Photo
from recognition.models.probe import Decision, Probe, ProbeFace, ProbeMatch
from recognition.models.probe_batch import ProbeBatch, ProbeBatchItem
from recognition.models.review import ReviewAction, ReviewDecision
from recognition.models.search import SearchIndex, TemplateChange
from recognition.models.template import FaceTemplate
from recognition.models.trained import TrainedHead
from recognition.models.verification import (
    Verdict,
    Verification,
    VerificationAnchor,
    VerificationFace,
    VerificationPhoto,
)
from recognition.models.video import Track, TrackFrame, TrackMatch, Video

__all__ = [
    "Cohort",
    "CohortMember",
    "Consent",
    "Decision",
    "EnsembleComponent",
    "FaceImage",
    "FaceState",
    "FaceTemplate",
    "FindingKind",
    "Gallery",
    "GalleryThreshold",
    "HygieneFinding",
    "HygieneRun",
    "Identity",
    "IdentityMerge",
    "ImportItem",
    "ImportRun",
    "ItemStatus",
    "ModelVersion",
    "Photo",
    "Probe",
    "ProbeBatch",
    "ProbeBatchItem",
    "ProbeFace",
    "ProbeMatch",
    "ReviewAction",
    "ReviewDecision",
    "ScoreKind",
    "SearchIndex",
    "TemplateChange",
    "TemplateNorm",
    "Track",
    "TrackFrame",
    "TrackMatch",
    "TrainedHead",
    "Verdict",
    "Verification",
    "VerificationAnchor",
    "VerificationFace",
    "VerificationPhoto",
    "Video",
]
