"""Every address of the platform."""

from django.urls import include, path

urlpatterns = [
    path("", include("faceplatform.web.urls")),
    path("", include("faceplatform.accounts.web.urls")),
    path("", include("recognition.web.urls")),
    path("", include("training.web.urls")),
    path("", include("faceplatform.api.urls")),
    path("api/v1/", include("recognition.api.urls")),
    path("api/v1/", include("training.api.urls")),
    path("admin/", include("faceplatform.admin.urls")),
]

handler400 = "faceplatform.core.web.errors.bad_request"
handler403 = "faceplatform.core.web.errors.not_allowed"
handler404 = "faceplatform.core.web.errors.not_found"
handler500 = "faceplatform.core.web.errors.server_error"
