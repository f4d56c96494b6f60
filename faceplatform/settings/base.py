"""Django itself, accounts, storage, vision."""

from pathlib import Path
from typing import Any, Literal

from csp.constants import NONE, SELF

from faceplatform.settings import env
from faceplatform.settings.admin import ADMIN_APPS
from faceplatform.settings.storage import file_storage
from faceplatform.stack import endpoints
from faceplatform.stack.layout import Layout
from faceplatform.stack.public_url import PublicUrl

BASE_DIR = Path(__file__).resolve().parent.parent.parent
LAYOUT = Layout.of(BASE_DIR)
VAR = LAYOUT.var

PUBLIC_URL = PublicUrl.parse(env.text("PUBLIC_URL", "http://127.0.0.1:8000"))
SECRET_KEY = endpoints.secret_key()
DEBUG = False
ALLOWED_HOSTS = list(PUBLIC_URL.allowed_hosts)
CSRF_TRUSTED_ORIGINS = list(PUBLIC_URL.csrf_origins)
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if PUBLIC_URL.secure else None

INSTALLED_APPS = [
    *ADMIN_APPS,
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "django.contrib.humanize",
    "django_htmx",
    "csp",
    "allauth",
    "allauth.account",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "faceplatform.stack",
    "faceplatform.core",
    "faceplatform.accounts",
    "recognition",
    "training",
]

MIDDLEWARE = [
    "faceplatform.core.request_id.RequestIdMiddleware",
    "faceplatform.metrics.middleware.RequestsMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "faceplatform.core.web.errors.DomainErrorMiddleware",
]

ROOT_URLCONF = "faceplatform.urls"
WSGI_APPLICATION = "faceplatform.wsgi.application"
ASGI_APPLICATION = "faceplatform.asgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "faceplatform.accounts.context.principal",
            ],
        },
    },
]

DATABASES: dict[str, dict[str, Any]] = {"default": endpoints.django_database()}
SEARCH_DATABASE_URL = env.text("SEARCH_DATABASE_URL")
if SEARCH_DATABASE_URL:
    DATABASES["search"] = endpoints.django_database(
        url=SEARCH_DATABASE_URL, application_name="faceplatform-search"
    )
DATABASE_ROUTERS = ["recognition.routers.SearchRouter"]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": endpoints.redis_url(),
        "KEY_PREFIX": "cache",
    },
}

# --- accounts
AUTH_USER_MODEL = "accounts.User"
# E-mail addresses are unique by a constraint without regard to case, which this check cannot see.
SILENCED_SYSTEM_CHECKS = ["auth.W004"]
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
ACCOUNT_ADAPTER = "faceplatform.accounts.adapter.ClosedSignUpAdapter"
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*", "password2*"]
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_LOGOUT_ON_PASSWORD_CHANGE = True
ACCOUNT_SESSION_REMEMBER = False
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "home"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]
AUTH_PASSWORD_VALIDATORS[0]["OPTIONS"] = {"user_attributes": ("email", "name")}  # type: ignore[assignment]
AUTH_PASSWORD_VALIDATORS[1]["OPTIONS"] = {"min_length": 10}  # type: ignore[assignment]
PASSWORD_HASHERS = ["django.contrib.auth.hashers.ScryptPasswordHasher"]
EMAIL_BACKEND = "django.core.mail.backends.console.EmailBackend"
SETUP_LINK_HOURS = 24
# Log-ins are limited per address: without this, all people behind a proxy would share one.
ALLAUTH_TRUSTED_PROXY_COUNT = env.number("TRUSTED_PROXIES", 1 if PUBLIC_URL.secure else 0)

# --- cookies and headers
SESSION_COOKIE_AGE = 12 * 60 * 60
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = PUBLIC_URL.secure
SESSION_COOKIE_NAME = "__Host-session" if PUBLIC_URL.secure else "session"
SESSION_COOKIE_SAMESITE = "Lax"
SECURE_SSL_REDIRECT = False  # the proxy that ends TLS redirects
SECURE_HSTS_SECONDS = 31_536_000 if PUBLIC_URL.secure else 0
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "blob:"],
        "media-src": [SELF, "blob:"],
        "object-src": [NONE],
        "base-uri": [SELF],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
    },
}

# --- files
STATIC_URL = "static/"
STATICFILES_DIRS = [BASE_DIR / "static"]
STATICFILES_FINDERS = [
    "django.contrib.staticfiles.finders.FileSystemFinder",
    "django.contrib.staticfiles.finders.AppDirectoriesFinder",
    "training.staticfiles.PlotlyFinder",
]
STATIC_ROOT = VAR / "static"
STORAGES = {
    "default": file_storage(env.text("STORAGE_URL"), VAR / "files"),
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}
FILE_UPLOAD_TEMP_DIR = None
FILE_UPLOAD_HANDLERS = [
    "faceplatform.core.multipart.ReadableHeadersHandler",
    "django.core.files.uploadhandler.MemoryFileUploadHandler",
    "django.core.files.uploadhandler.TemporaryFileUploadHandler",
]
FILE_UPLOAD_PERMISSIONS = 0o600
DATA_UPLOAD_MAX_MEMORY_SIZE = 1024 * 1024
DATA_UPLOAD_MAX_NUMBER_FILES = 100
MAX_ARCHIVE_BYTES = env.number("MAX_ARCHIVE_MB", 2048, minimum=1) * 1024 * 1024
MAX_ARCHIVE_UNPACKED_BYTES = 2 * MAX_ARCHIVE_BYTES
MAX_ARCHIVE_ENTRIES = env.number("MAX_ARCHIVE_ENTRIES", 50_000, minimum=1)
MAX_VIDEO_BYTES = env.number("MAX_VIDEO_MB", 4096, minimum=1) * 1024 * 1024
MAX_VIDEO_MINUTES = env.number("MAX_VIDEO_MINUTES", 240, minimum=1)
PICTURE_LINK_SECONDS = 300

LANGUAGE_CODE = "en"
TIME_ZONE = "UTC"
USE_I18N = True
USE_TZ = True

# --- vision
MODELS_DIR = VAR / "models"
DEFAULT_BACKBONE = env.text("DEFAULT_BACKBONE", "facenet-casia")
MODEL_WEIGHTS_FILE = env.text("MODEL_WEIGHTS_FILE")
MODEL_DOWNLOADS = env.flag("MODEL_DOWNLOADS", default=True)
PREPARE_MODELS = env.flag("PREPARE_MODELS", default=True)
_ENGINES: tuple[Literal["auto", "openvino", "torch"], ...] = ("auto", "openvino", "torch")
INFERENCE_ENGINE = env.choice("INFERENCE_ENGINE", _ENGINES)
INFERENCE_THREADS = env.number("INFERENCE_THREADS", 0)
DETECTOR_MIN_FACE = env.number("DETECTOR_MIN_FACE", 40, minimum=12)
DETECTOR_LONG_SIDE = env.number("DETECTOR_LONG_SIDE", 2560, minimum=320)
# --- search
SEARCH_MEMORY_MB = env.number("SEARCH_MEMORY_MB", 256)
SEARCH_MEMORY_BYTES = SEARCH_MEMORY_MB * 1024 * 1024
INDEX_BUILD_MEMORY_MB = env.number("INDEX_BUILD_MEMORY_MB", 1024, minimum=64)
INDEX_BUILD_WORKERS = env.number("INDEX_BUILD_WORKERS", 2)
INFERENCE_CONCURRENCY = env.number("INFERENCE_CONCURRENCY", 2, minimum=1)
