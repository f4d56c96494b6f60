"""The REST API."""

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "faceplatform.accounts.api.authentication.ApiKeyAuthentication",
        "faceplatform.accounts.api.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["faceplatform.accounts.access.PolicyPermission"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": [
        "rest_framework.parsers.JSONParser",
        "rest_framework.parsers.MultiPartParser",
    ],
    "DEFAULT_PAGINATION_CLASS": "faceplatform.core.api.pagination.IdCursorPagination",
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "DEFAULT_VERSIONING_CLASS": None,
    "EXCEPTION_HANDLER": "faceplatform.core.api.problems.problem_handler",
    "UNAUTHENTICATED_USER": None,
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
}

SPECTACULAR_SETTINGS = {
    "TITLE": "Face recognition platform",
    "DESCRIPTION": "Galleries of people, enrollment, identification, jobs.",
    "VERSION": "1",
    "SERVE_INCLUDE_SCHEMA": False,
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "COMPONENT_SPLIT_REQUEST": True,
    "ENUM_NAME_OVERRIDES": {
        "FusionRuleEnum": "recognition.vision.fusion.RULES",
        "FindingKindEnum": "recognition.models.FindingKind",
        "ImageStateEnum": "recognition.models.FaceState",
        "JobStateEnum": "faceplatform.core.models.JobState",
        "ScoreKindEnum": "recognition.models.ScoreKind",
    },
    "SCHEMA_PATH_PREFIX": r"/api/v1",
}
