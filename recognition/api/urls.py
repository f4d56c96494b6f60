"""Addresses under /api/v1/ that are about galleries, people, pictures and answers."""

from django.urls import path

from recognition.api.batches import BatchCsvView, BatchesView, BatchView
from recognition.api.decisions import FaceDecisionView
from recognition.api.galleries import GalleriesView, GalleryScoringView, GalleryView
from recognition.api.hygiene import FindingView, HygieneView
from recognition.api.identities import IdentitiesView, IdentityView
from recognition.api.images import ImagesView, ImageView
from recognition.api.imports import (
    GalleryImportsView,
    ImportItemsCsvView,
    ImportItemsView,
    ImportView,
)
from recognition.api.looking import LiveView, LookAlikesView, ResemblingView
from recognition.api.models import ModelsView
from recognition.api.people_actions import (
    ConsentsView,
    ConsentWithdrawView,
    IdentityExportView,
    IdentityMergeView,
    IdentityMoveView,
    IdentitySplitView,
    MergeUndoView,
)
from recognition.api.photos import PhotosView
from recognition.api.probes import (
    GalleryProbesView,
    IdentifyManyView,
    IdentifyView,
    ProbeView,
    ReportView,
    SimilarCsvView,
    SimilarView,
)
from recognition.api.promotion import GalleryModelView
from recognition.api.review import DecisionUndoView, ImageDecisionsView, ReviewView
from recognition.api.verifications import (
    VerificationsView,
    VerificationView,
    VerifyIdentityView,
    VerifyView,
)
from recognition.api.videos import (
    GalleryVideosView,
    VideoCsvView,
    VideoEnrollView,
    VideoView,
    VideoVttView,
)

_GALLERY = "galleries/<uuid:gallery_id>"
_IDENTITY = "identities/<uuid:identity_id>"
_IMPORT = "imports/<uuid:import_id>"
_VIDEO = "videos/<uuid:video_id>"
_FACE = "probes/<uuid:probe_id>/faces/<int:number>"

urlpatterns = [
    path("galleries", GalleriesView.as_view(), name="api_galleries"),
    path(_GALLERY, GalleryView.as_view(), name="api_gallery"),
    path(f"{_GALLERY}/model", GalleryModelView.as_view(), name="api_gallery_model"),
    path(f"{_GALLERY}/scoring", GalleryScoringView.as_view(), name="api_gallery_scoring"),
    path(f"{_GALLERY}/identities", IdentitiesView.as_view(), name="api_identities"),
    path(f"{_GALLERY}/photos", PhotosView.as_view(), name="api_photos"),
    path(f"{_GALLERY}/imports", GalleryImportsView.as_view(), name="api_imports"),
    path(f"{_GALLERY}/identify", IdentifyView.as_view(), name="api_identify"),
    path("identify", IdentifyManyView.as_view(), name="api_identify_many"),
    path(f"{_GALLERY}/look-alikes", LookAlikesView.as_view(), name="api_look_alikes"),
    path(f"{_GALLERY}/live", LiveView.as_view(), name="api_live"),
    path("images/<uuid:image_id>/resembling", ResemblingView.as_view(), name="api_resembling"),
    path(f"{_GALLERY}/batches", BatchesView.as_view(), name="api_batches"),
    path("batches/<uuid:batch_id>", BatchView.as_view(), name="api_batch"),
    path("batches/<uuid:batch_id>/answers.csv", BatchCsvView.as_view(), name="api_batch_csv"),
    path(f"{_GALLERY}/videos", GalleryVideosView.as_view(), name="api_videos"),
    path(_VIDEO, VideoView.as_view(), name="api_video"),
    path(f"{_VIDEO}/people.csv", VideoCsvView.as_view(), name="api_video_csv"),
    path(f"{_VIDEO}/chapters.vtt", VideoVttView.as_view(), name="api_video_vtt"),
    path(
        f"{_VIDEO}/tracks/<int:number>/frames/<int:frame>/enroll",
        VideoEnrollView.as_view(),
        name="api_video_enroll",
    ),
    path(f"{_GALLERY}/probes", GalleryProbesView.as_view(), name="api_probes"),
    path(_IDENTITY, IdentityView.as_view(), name="api_identity"),
    path(f"{_IDENTITY}/merge", IdentityMergeView.as_view(), name="api_identity_merge"),
    path("merges/<uuid:merge_id>/undo", MergeUndoView.as_view(), name="api_merge_undo"),
    path(f"{_IDENTITY}/move", IdentityMoveView.as_view(), name="api_identity_move"),
    path(f"{_IDENTITY}/split", IdentitySplitView.as_view(), name="api_identity_split"),
    path(f"{_IDENTITY}/export", IdentityExportView.as_view(), name="api_identity_export"),
    path(f"{_IDENTITY}/consents", ConsentsView.as_view(), name="api_consents"),
    path(
        "consents/<uuid:consent_id>/withdraw",
        ConsentWithdrawView.as_view(),
        name="api_consent_withdraw",
    ),
    path(f"{_IDENTITY}/images", ImagesView.as_view(), name="api_images"),
    path("images/<uuid:image_id>", ImageView.as_view(), name="api_image"),
    path(f"{_GALLERY}/hygiene", HygieneView.as_view(), name="api_hygiene"),
    path("findings/<uuid:finding_id>", FindingView.as_view(), name="api_finding"),
    path(f"{_GALLERY}/review", ReviewView.as_view(), name="api_review"),
    path(
        "images/<uuid:image_id>/decisions",
        ImageDecisionsView.as_view(),
        name="api_image_decisions",
    ),
    path("decisions/<uuid:decision_id>/undo", DecisionUndoView.as_view(), name="api_decision_undo"),
    path(_IMPORT, ImportView.as_view(), name="api_import"),
    path(f"{_IMPORT}/items", ImportItemsView.as_view(), name="api_import_items"),
    path(f"{_IMPORT}/items.csv", ImportItemsCsvView.as_view(), name="api_import_items_csv"),
    path("probes/<uuid:probe_id>", ProbeView.as_view(), name="api_probe"),
    path(f"{_FACE}/decision", FaceDecisionView.as_view(), name="api_face_decision"),
    path(f"{_FACE}/report", ReportView.as_view(), name="api_report"),
    path(f"{_FACE}/similar", SimilarView.as_view(), name="api_similar"),
    path(f"{_FACE}/similar.csv", SimilarCsvView.as_view(), name="api_similar_csv"),
    path("verify", VerifyView.as_view(), name="api_verify"),
    path(f"{_IDENTITY}/verify", VerifyIdentityView.as_view(), name="api_verify_identity"),
    path("verifications", VerificationsView.as_view(), name="api_verifications"),
    path(
        "verifications/<uuid:verification_id>",
        VerificationView.as_view(),
        name="api_verification",
    ),
    path("models", ModelsView.as_view(), name="api_models"),
]
