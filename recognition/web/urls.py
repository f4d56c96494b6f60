"""Addresses of the recognition pages."""

from django.urls import path

from recognition.web import (
    batches,
    compare,
    decisions,
    galleries,
    hygiene,
    identify,
    identities,
    imports,
    looking,
    people_actions,
    probe_people,
    probes,
    promotion,
    review,
    unnamed,
    videos,
)
from recognition.web.pictures import PictureView

urlpatterns = [
    path("videos/", videos.VideosView.as_view(), name="videos"),
    path("videos/new/", videos.VideoNewView.as_view(), name="video_new"),
    path("videos/<uuid:pk>/", videos.VideoView.as_view(), name="video"),
    path("videos/<uuid:pk>/play.mp4", videos.VideoPlayView.as_view(), name="video_play"),
    path("videos/<uuid:pk>/paths.json", videos.VideoPathsView.as_view(), name="video_paths"),
    path("videos/<uuid:pk>/video.json", videos.VideoJsonView.as_view(), name="video_json"),
    path("videos/<uuid:pk>/video.csv", videos.VideoCsvView.as_view(), name="video_csv"),
    path("videos/<uuid:pk>/video.vtt", videos.VideoVttView.as_view(), name="video_vtt"),
    path("videos/<uuid:pk>/delete/", videos.VideoDeleteView.as_view(), name="video_delete"),
    path(
        "videos/<uuid:pk>/tracks/<int:number>/frames/<int:frame>/enroll/",
        videos.VideoEnrollView.as_view(),
        name="video_enroll",
    ),
    path("identify/", identify.IdentifyView.as_view(), name="identify"),
    path("identify/look-alikes/", looking.LookAlikesView.as_view(), name="identify_play"),
    path("identify/live/", looking.LivePageView.as_view(), name="identify_live"),
    path(
        "images/<uuid:pk>/resembling/",
        looking.ImageResemblingView.as_view(),
        name="image_resembling",
    ),
    path("galleries/<uuid:pk>/batch/", batches.BatchNewView.as_view(), name="gallery_batch"),
    path("batches/<uuid:pk>/", batches.BatchPageView.as_view(), name="probe_batch"),
    path("batches/<uuid:pk>/answers.csv", batches.BatchCsvView.as_view(), name="probe_batch_csv"),
    path("galleries/<uuid:pk>/model/", promotion.GalleryModelView.as_view(), name="gallery_model"),
    path(
        "galleries/<uuid:pk>/model/clean-up/",
        promotion.ModelCleanUpView.as_view(),
        name="gallery_model_clean_up",
    ),
    path("compare/", compare.CompareView.as_view(), name="compare"),
    path("compare/<uuid:pk>/", compare.ComparisonView.as_view(), name="comparison"),
    path(
        "compare/<uuid:pk>/delete/",
        compare.ComparisonDeleteView.as_view(),
        name="comparison_delete",
    ),
    path("probes/", probes.ProbesView.as_view(), name="probes"),
    path("probes/<uuid:pk>/", probes.ProbeView.as_view(), name="probe"),
    path("probes/<uuid:pk>/delete/", probes.ProbeDeleteView.as_view(), name="probe_delete"),
    path("probes/<uuid:pk>/again/", probes.ProbeAgainView.as_view(), name="probe_again"),
    path(
        "probes/<uuid:pk>/faces/<int:number>/enroll/",
        probes.ProbeEnrollView.as_view(),
        name="probe_enroll",
    ),
    path("probes/<uuid:pk>/people/", probe_people.ProbePeopleView.as_view(), name="probe_people"),
    path(
        "probes/<uuid:pk>/faces/<int:number>/report/",
        probes.ProbeReportView.as_view(),
        name="probe_report",
    ),
    path(
        "probes/<uuid:pk>/faces/<int:number>/decision/",
        decisions.ProbeDecisionView.as_view(),
        name="probe_decision",
    ),
    path(
        "probes/<uuid:pk>/faces/<int:number>/similar/",
        probes.ProbeSimilarView.as_view(),
        name="probe_similar",
    ),
    path(
        "probes/<uuid:pk>/faces/<int:number>/similar.csv",
        probes.ProbeSimilarCsvView.as_view(),
        name="probe_similar_csv",
    ),
    path("galleries/", galleries.GalleriesView.as_view(), name="galleries"),
    path("galleries/new/", galleries.GalleryNewView.as_view(), name="gallery_new"),
    path("galleries/<uuid:pk>/", galleries.GalleryView.as_view(), name="gallery"),
    path(
        "galleries/<uuid:pk>/settings/",
        galleries.GallerySettingsView.as_view(),
        name="gallery_settings",
    ),
    path(
        "galleries/<uuid:pk>/limits/",
        galleries.GalleryLimitsView.as_view(),
        name="gallery_limits",
    ),
    path("galleries/<uuid:pk>/hygiene/", hygiene.HygieneView.as_view(), name="hygiene"),
    path("galleries/<uuid:pk>/unnamed/", unnamed.UnnamedView.as_view(), name="unnamed"),
    path(
        "probes/<uuid:pk>/faces/<int:number>/keep/",
        unnamed.ProbeKeepView.as_view(),
        name="probe_keep",
    ),
    path(
        "findings/<uuid:pk>/dismiss/", hygiene.FindingDismissView.as_view(), name="finding_dismiss"
    ),
    path(
        "galleries/<uuid:pk>/scoring/",
        galleries.GalleryScoringView.as_view(),
        name="gallery_scoring",
    ),
    path(
        "galleries/<uuid:pk>/delete/",
        galleries.GalleryDeleteView.as_view(),
        name="gallery_delete",
    ),
    path("galleries/<uuid:pk>/import/", imports.GalleryImportView.as_view(), name="gallery_import"),
    path(
        "galleries/<uuid:pk>/identities/new/",
        identities.IdentityNewView.as_view(),
        name="identity_new",
    ),
    path("identities/<uuid:pk>/", identities.IdentityView.as_view(), name="identity"),
    path(
        "identities/<uuid:pk>/images/",
        identities.IdentityImagesView.as_view(),
        name="identity_images",
    ),
    path(
        "identities/<uuid:pk>/merge/",
        people_actions.IdentityMergeView.as_view(),
        name="identity_merge",
    ),
    path(
        "merges/<uuid:pk>/undo/",
        people_actions.MergeUndoView.as_view(),
        name="identity_merge_undo",
    ),
    path(
        "identities/<uuid:pk>/move/",
        people_actions.IdentityMoveView.as_view(),
        name="identity_move",
    ),
    path(
        "identities/<uuid:pk>/split/",
        people_actions.IdentitySplitView.as_view(),
        name="identity_split",
    ),
    path(
        "identities/<uuid:pk>/export.zip",
        people_actions.IdentityExportView.as_view(),
        name="identity_export",
    ),
    path(
        "identities/<uuid:pk>/consents/",
        people_actions.ConsentNewView.as_view(),
        name="identity_consents",
    ),
    path(
        "consents/<uuid:pk>/withdraw/",
        people_actions.ConsentWithdrawView.as_view(),
        name="identity_consent_withdraw",
    ),
    path(
        "identities/<uuid:pk>/verify/",
        compare.IdentityVerifyView.as_view(),
        name="identity_verify",
    ),
    path("identities/<uuid:pk>/edit/", identities.IdentityEditView.as_view(), name="identity_edit"),
    path(
        "identities/<uuid:pk>/erase/",
        identities.IdentityEraseView.as_view(),
        name="identity_erase",
    ),
    path("images/<uuid:pk>/delete/", identities.ImageDeleteView.as_view(), name="image_delete"),
    path("review/", review.ReviewView.as_view(), name="review"),
    path("images/<uuid:pk>/decide/", review.ImageDecideView.as_view(), name="image_decide"),
    path("decisions/<uuid:pk>/undo/", review.DecisionUndoView.as_view(), name="review_undo"),
    path("galleries/<uuid:pk>/names/", review.GalleryNamesView.as_view(), name="gallery_names"),
    path("imports/<uuid:pk>/", imports.ImportRunView.as_view(), name="import_run"),
    path(
        "imports/<uuid:pk>/items.csv", imports.ImportItemsCsvView.as_view(), name="import_items_csv"
    ),
    path("pictures/<str:token>", PictureView.as_view(), name="picture"),
]
