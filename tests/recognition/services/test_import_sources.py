"""Folders and hostile zips, without a database."""

import io
import os
import stat
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from faceplatform.core.errors import DomainError
from recognition.services.import_sources import (
    EntryRefused,
    FolderSource,
    ZipSource,
    identity_name_of,
)


def make_zip(fill: Callable[[zipfile.ZipFile], object]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        fill(archive)
    return out.getvalue()


def open_zip(data: bytes) -> ZipSource:
    return ZipSource(io.BytesIO(data), size=len(data))


def refusal_code(data: bytes) -> str:
    with pytest.raises(DomainError) as caught:
        open_zip(data).entries()
    return caught.value.code


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("Ann/1.jpg", "Ann"),
        ("pins_Ann Lee/1.jpg", "Ann Lee"),
        ("lfw-deepfunneled/Ann_Lee/Ann_Lee_0001.jpg", "Ann_Lee"),
        ("1.jpg", ""),
    ],
)
def test_the_folder_that_holds_an_image_names_the_person(path: str, name: str) -> None:
    assert identity_name_of(path) == name


def test_a_folder_lists_files_in_order_without_clutter(tmp_path: Path) -> None:
    for path in ("b/2.jpg", "a/1.jpg", "a/.hidden.jpg", "a/notes.txt", "__MACOSX/a/1.jpg"):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_bytes(b"x")
    source = FolderSource(tmp_path)
    assert [(e.number, e.path) for e in source.entries()] == [(1, "a/1.jpg"), (2, "b/2.jpg")]


def test_a_link_out_of_the_folder_is_refused(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_bytes(b"secret")
    (tmp_path / "people" / "ann").mkdir(parents=True)
    (tmp_path / "people" / "ann" / "1.jpg").symlink_to(secret)
    source = FolderSource(tmp_path / "people")
    (entry,) = source.entries()
    with pytest.raises(EntryRefused) as caught:
        source.read(entry)
    assert caught.value.code == "unsafe_entry"


def test_a_missing_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DomainError, match="folder_missing"):
        FolderSource(tmp_path / "nowhere")


def test_a_zip_gives_its_images_back() -> None:
    data = make_zip(lambda z: (z.writestr("ann/1.jpg", b"one"), z.writestr("bob/2.jpg", b"two")))
    source = open_zip(data)
    assert [(e.path, e.identity_name, source.read(e)) for e in source.entries()] == [
        ("ann/1.jpg", "ann", b"one"),
        ("bob/2.jpg", "bob", b"two"),
    ]


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_both_entries_of_one_name_are_kept() -> None:
    data = make_zip(lambda z: (z.writestr("ann/1.jpg", b"one"), z.writestr("ann/1.jpg", b"two")))
    source = open_zip(data)
    assert [source.read(entry) for entry in source.entries()] == [b"one", b"two"]
    assert len({entry.path for entry in source.entries()}) == 2


@pytest.mark.parametrize(
    "name", ["../out.jpg", "/etc/x.jpg", "a/../../x.jpg", "C:/x.jpg", "a\\..\\b.jpg"]
)
def test_a_path_that_leads_out_is_refused_and_the_rest_goes_on(name: str) -> None:
    data = make_zip(lambda z: (z.writestr(name, b"bad"), z.writestr("ann/1.jpg", b"good")))
    bad, good = open_zip(data).entries()
    assert bad.refusal is not None and bad.refusal.code == "unsafe_path"
    assert good.refusal is None


def test_a_symlink_entry_is_refused() -> None:
    def fill(archive: zipfile.ZipFile) -> None:
        info = zipfile.ZipInfo("ann/link.jpg")
        info.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(info, "/etc/passwd")

    (entry,) = open_zip(make_zip(fill)).entries()
    assert entry.refusal is not None and entry.refusal.code == "unsafe_entry"


def test_a_zip_bomb_is_refused_before_unpacking() -> None:
    assert refusal_code(make_zip(lambda z: z.writestr("a/1.jpg", bytes(20_000_000)))) == (
        "archive_ratio"
    )


def test_too_many_entries_are_refused(settings: object) -> None:
    settings.MAX_ARCHIVE_ENTRIES = 3  # type: ignore[attr-defined]
    data = make_zip(lambda z: [z.writestr(f"a/{n}.jpg", b"x") for n in range(4)])
    assert refusal_code(data) == "archive_entries"


def test_nothing_but_clutter_is_an_empty_archive() -> None:
    assert refusal_code(make_zip(lambda z: None)) == "archive_empty"
    assert refusal_code(make_zip(lambda z: z.writestr("__MACOSX/x.jpg", b"x"))) == "archive_empty"


def test_a_password_is_refused() -> None:
    data = bytearray(make_zip(lambda z: z.writestr("a/1.jpg", b"x")))
    central = data.index(b"PK\x01\x02")
    data[central + 8] |= 1
    assert refusal_code(bytes(data)) == "archive_encrypted"


def test_an_unknown_method_is_refused() -> None:
    data = bytearray(make_zip(lambda z: z.writestr("a/1.jpg", b"x")))
    central = data.index(b"PK\x01\x02")
    struct.pack_into("<H", data, central + 10, 99)
    assert refusal_code(bytes(data)) == "archive_method"


def test_overlapping_entries_are_refused() -> None:
    data = bytearray(
        make_zip(lambda z: (z.writestr("a/1.jpg", os.urandom(99)), z.writestr("a/2.jpg", b"y")))
    )
    second = data.index(b"PK\x01\x02", data.index(b"PK\x01\x02") + 1)
    struct.pack_into("<I", data, second + 42, 0)
    assert refusal_code(bytes(data)) == "archive_overlap"


def test_half_a_file_is_refused() -> None:
    data = make_zip(lambda z: z.writestr("a/1.jpg", os.urandom(1000)))
    assert refusal_code(data[: len(data) // 2]) == "archive_corrupt"


def test_a_damaged_entry_is_refused_by_itself() -> None:
    data = bytearray(make_zip(lambda z: z.writestr("a/1.jpg", os.urandom(1000))))
    data[100] ^= 0xFF
    source = open_zip(bytes(data))
    (entry,) = source.entries()
    with pytest.raises(EntryRefused) as caught:
        source.read(entry)
    assert caught.value.code == "archive_corrupt"


def test_nested_archives_and_long_names_are_refused() -> None:
    data = make_zip(
        lambda z: (z.writestr("a/in.zip", b"PK"), z.writestr(f"a/{'x' * 2000}.jpg", b"x"))
    )
    nested, long = open_zip(data).entries()
    assert nested.refusal is not None and nested.refusal.code == "nested_archive"
    assert long.refusal is not None and long.refusal.code == "name_too_long"
    assert len(long.path) <= 1024


GOOD_ZIP = make_zip(lambda z: (z.writestr("ann/1.jpg", b"one" * 50), z.writestr("bob/2.jpg", b"2")))


@given(st.lists(st.tuples(st.integers(0, len(GOOD_ZIP) - 1), st.integers(0, 255)), max_size=8))
def test_mutated_zips_raise_only_refusals(changes: list[tuple[int, int]]) -> None:
    data = bytearray(GOOD_ZIP)
    for position, value in changes:
        data[position] = value
    try:
        source = open_zip(bytes(data))
        for entry in source.entries():
            if entry.refusal is None:
                source.read(entry)
    except (DomainError, EntryRefused):
        pass
