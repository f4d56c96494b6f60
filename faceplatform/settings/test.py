"""Settings of the test suite: quick password hashes, short leases, no manifest of static files."""

from faceplatform.settings import *  # noqa: F403
from faceplatform.settings import STORAGES

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
ALLOWED_HOSTS = ["testserver", "127.0.0.1", "localhost"]
STORAGES = STORAGES | {
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
JOB_LEASE_SECONDS = 3.0
JOB_HEARTBEAT_SECONDS = 0.5
JOB_DISPATCH_SECONDS = 0.2
JOB_RETRY_SECONDS = 0.0
JOB_PROGRESS_SECONDS = 0.0
