"""Photos and archives in a bucket, with the real client against a server in this process."""

import io
import uuid
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.core.files.base import ContentFile
from django.core.files.storage import storages

from faceplatform.core import storage
from faceplatform.settings.storage import file_storage
from recognition.services import stored_files
from tests.core.bucket import Bucket, running_bucket

ORGANIZATION = uuid.UUID("0198c0de-0000-7000-8000-000000000001")


@pytest.fixture
def bucket(settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bucket]:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/dev/null")
    with running_bucket() as running:
        url = f"s3://faces/one?endpoint={running.url}"
        settings.STORAGES = settings.STORAGES | {"default": file_storage(url, Path("unused"))}
        vars(storages)["_storages"].clear()
        yield running
        vars(storages)["_storages"].clear()


def test_a_photo_is_stored_once_read_back_and_deleted(bucket: Bucket) -> None:
    digest = storage.put_photo(ORGANIZATION, b"a photo")
    assert storage.put_photo(ORGANIZATION, b"a photo") == digest
    key = f"/faces/one/{ORGANIZATION}/{digest[:2]}/{digest}"
    assert bucket.objects == {key: b"a photo"}
    assert bucket.seen.count("PUT") == 1
    assert storage.open_photo(ORGANIZATION, digest) == b"a photo"
    storage.delete_photo(ORGANIZATION, digest)
    assert bucket.objects == {}
    with pytest.raises(FileNotFoundError):
        storage.open_photo(ORGANIZATION, digest)


def test_nothing_is_made_public(bucket: Bucket) -> None:
    storage.put_photo(ORGANIZATION, b"a photo")
    assert [line for line in bucket.seen if "public" in line] == []


def test_an_archive_can_be_read_from_its_end(bucket: Bucket) -> None:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr("somebody/1.jpg", b"bytes")
    key = storage.put_archive(ORGANIZATION, ContentFile(content.getvalue()))
    with storage.open_archive(key) as handle, zipfile.ZipFile(handle) as archive:
        assert archive.read("somebody/1.jpg") == b"bytes"
    storage.delete_archive(key)
    with pytest.raises(FileNotFoundError):
        storage.open_archive(key)


@pytest.mark.usefixtures("bucket")
def test_what_lies_in_it_can_be_looked_through() -> None:
    digest = storage.put_photo(ORGANIZATION, b"a photo")
    key = storage.photo_key(ORGANIZATION, digest)
    assert list(stored_files.walk()) == [(str(Path(key).parent), [digest])]
    assert stored_files.content_of(key) == stored_files.Content(digest, len(b"a photo"))
    age = stored_files.age_of(key)
    assert age is not None
    assert age.total_seconds() < 60
    assert stored_files.age_of("missing") is None
    assert stored_files.content_of("missing") is None


def test_without_a_url_files_lie_in_the_folder(tmp_path: Path) -> None:
    made = file_storage("", tmp_path)
    assert made["OPTIONS"] == {"location": str(tmp_path)}


@pytest.mark.parametrize(
    "url",
    ["https://bucket", "s3:///prefix", "s3://key:secret@bucket", "s3://bucket?acl=public-read"],
)
def test_what_is_unclear_is_refused(url: str) -> None:
    with pytest.raises(ImproperlyConfigured, match="STORAGE_URL"):
        file_storage(url, Path("unused"))
