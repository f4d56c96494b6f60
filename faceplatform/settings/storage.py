"""Where photos and archives are kept: a folder, or a bucket by `STORAGE_URL`."""

from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured

_IN_MEMORY = 16 * 1024 * 1024  # what is read of a larger file goes to the disk


def file_storage(url: str, folder: Path) -> dict[str, Any]:
    """Return `STORAGES["default"]` for `s3://bucket/prefix?endpoint=...`, or the folder.

    Keys and region come from where boto3 looks for them: `AWS_ACCESS_KEY_ID`,
    `AWS_SECRET_ACCESS_KEY` and `AWS_DEFAULT_REGION`, or the machine's role.
    """
    if not url:
        return {
            "BACKEND": "faceplatform.core.storage.AtomicFileSystemStorage",
            "OPTIONS": {"location": str(folder)},
        }
    parts = urlsplit(url)
    query = dict(parse_qsl(parts.query, keep_blank_values=True))
    if parts.scheme != "s3" or not parts.netloc:
        raise ImproperlyConfigured("STORAGE_URL must look like s3://bucket/prefix")
    if "@" in parts.netloc:
        raise ImproperlyConfigured("STORAGE_URL must not hold keys: use AWS_ACCESS_KEY_ID")
    if unknown := sorted(query.keys() - {"endpoint"}):
        raise ImproperlyConfigured(f"STORAGE_URL has unknown options: {', '.join(unknown)}")
    options: dict[str, Any] = {
        "bucket_name": parts.netloc,
        "location": unquote(parts.path.strip("/")),
        "default_acl": None,  # the bucket's own rules; never public
        "file_overwrite": True,  # a name is the content's checksum
        "max_memory_size": _IN_MEMORY,
        "signature_version": "s3v4",
    }
    if "endpoint" in query:
        options |= {"endpoint_url": query["endpoint"], "addressing_style": "path"}
    return {"BACKEND": "faceplatform.core.bucket.BucketStorage", "OPTIONS": options}
