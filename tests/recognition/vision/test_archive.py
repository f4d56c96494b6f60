"""Reading zips by position: as Python's zipfile where a zip is sound, refusals elsewhere."""

import io
import struct
import zipfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recognition.vision.archive import ArchiveEntry, ReadAt, read_directory, read_entry
from recognition.vision.errors import ArchiveError

PATHS = st.lists(
    st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1).filter(
        lambda name: not name.endswith("/")
    ),
    unique=True,
    max_size=5,
)


def reader(data: bytes) -> ReadAt:
    return lambda offset, size: data[offset : offset + size]


def directory(data: bytes, max_entries: int = 100) -> list[ArchiveEntry]:
    return read_directory(reader(data), len(data), max_entries=max_entries)


def contents(data: bytes, max_entries: int = 100) -> list[bytes]:
    return [read_entry(reader(data), entry) for entry in directory(data, max_entries)]


def refusal(data: bytes, max_entries: int = 100) -> str:
    with pytest.raises(ArchiveError) as caught:
        contents(data, max_entries)
    assert caught.value.detail
    return caught.value.code


def make(
    *files: tuple[str, bytes], comment: bytes = b"", method: int = zipfile.ZIP_DEFLATED
) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        archive.comment = comment
        for name, content in files:
            archive.writestr(name, content)
    return out.getvalue()


@given(
    names=PATHS,
    bodies=st.lists(st.binary(max_size=2000), min_size=5, max_size=5),
    comment=st.binary(max_size=100),
    prefix=st.binary(max_size=50),
    method=st.sampled_from([zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED]),
)
def test_a_sound_zip_is_read_as_zipfile_reads_it(
    names: list[str], bodies: list[bytes], comment: bytes, prefix: bytes, method: int
) -> None:
    files = list(zip(names, bodies, strict=False))
    data = prefix + make(*files, comment=comment, method=method)
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        expected = [(i.orig_filename, i.file_size, archive.read(i)) for i in archive.infolist()]
    found = directory(data)
    assert [(e.name, e.size, read_entry(reader(data), e)) for e in found] == expected
    assert [e.name for e in found] == names


def test_folders_are_left_out() -> None:
    assert [e.name for e in directory(make(("a/", b""), ("a/1.jpg", b"x")))] == ["a/1.jpg"]


@pytest.fixture
def zip64(monkeypatch: pytest.MonkeyPatch) -> bytes:
    """An archive with a ZIP64 end record; zipfile writes it above 65,535 entries."""
    monkeypatch.setattr(zipfile, "ZIP_FILECOUNT_LIMIT", 2)
    data = make(("a", b"1"), ("b", b"2"), ("c", b"3"))
    assert data.count(b"PK\x06\x06") == data.count(b"PK\x06\x07") == 1
    return data


def test_zip64_is_read(zip64: bytes) -> None:
    assert contents(zip64) == [b"1", b"2", b"3"]
    assert contents(b"in front" + zip64) == [b"1", b"2", b"3"]


def test_sizes_in_the_zip64_field_are_read() -> None:
    data = bytearray(make(("a", b"content"), method=zipfile.ZIP_STORED))
    central = data.index(b"PK\x01\x02")
    extra = struct.pack("<HHQQQ", 1, 24, 7, 7, 0)
    struct.pack_into("<II", data, central + 20, 0xFFFFFFFF, 0xFFFFFFFF)
    struct.pack_into("<H", data, central + 30, len(extra))
    struct.pack_into("<I", data, central + 42, 0xFFFFFFFF)
    end = data.index(b"PK\x05\x06")
    struct.pack_into("<I", data, end + 12, end - central + len(extra))
    whole = bytes(data[:end]) + extra + bytes(data[end:])
    (entry,) = directory(whole)
    assert (entry.size, entry.packed, entry.offset) == (7, 7, 0)
    assert read_entry(reader(whole), entry) == b"content"
    short = whole.replace(struct.pack("<HH", 1, 24), struct.pack("<HH", 1, 16))
    assert refusal(short) == "archive_corrupt"


def test_two_zips_in_one_are_refused(zip64: bytes) -> None:
    """A ZIP64 locator that points elsewhere lets two readers see two archives."""
    data = bytearray(zip64)
    data[data.index(b"PK\x06\x07") + 8] ^= 0xFF
    assert refusal(bytes(data)) == "archive_corrupt"
    gone = zip64.replace(b"PK\x06\x06", b"PK\x06\x05")
    assert refusal(gone) == "archive_corrupt"


@pytest.mark.parametrize(
    ("name", "flag", "read"),
    [
        ("é".encode(), 0x800, "é"),
        ("é".encode(), 0, "é"),
        ("é".encode("cp437"), 0, "é"),
        (b"\xff\xfe", 0x800, "\ufffd\ufffd"),
        (b"a\0b", 0x800, "a\0b"),
    ],
)
def test_names_are_decoded_or_replaced(name: bytes, flag: int, read: str) -> None:
    place = "x" * len(name)
    data = bytearray(make((place, b"1")).replace(place.encode(), name))
    struct.pack_into("<H", data, data.index(b"PK\x01\x02") + 8, flag)
    assert [entry.name for entry in directory(bytes(data))] == [read]


def test_a_very_long_name_is_cut() -> None:
    (entry,) = directory(make(("n" * 60_000, b"1")))
    assert entry.name == "n" * 2_000


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "archive_corrupt"),
        (b"PK\x05\x06", "archive_corrupt"),
        (b"not a zip", "archive_corrupt"),
        (make(("a", bytes(999)))[:-30], "archive_corrupt"),
        (b"\x1f\x8b\x08 gzip", "unsupported_media"),
        (b"7z\xbc\xaf\x27\x1c\0\4", "unsupported_media"),
        (b"Rar!\x1a\x07\x01\0", "unsupported_media"),
        (bytes(257) + b"ustar\x00" + bytes(500), "unsupported_media"),
    ],
    ids=["empty", "end only", "text", "cut", "gzip", "7z", "rar", "tar"],
)
def test_what_is_no_zip(data: bytes, code: str) -> None:
    assert refusal(data) == code


def test_too_many_entries_stop_the_reading() -> None:
    data = make(*((str(number), b"") for number in range(50)))
    assert refusal(data, max_entries=49) == "archive_entries"
    assert len(directory(data, max_entries=50)) == 50


@pytest.mark.parametrize("size", [0, 10, 998, 1000, 2**31])
def test_a_size_that_lies_is_noticed(size: int) -> None:
    data = bytearray(make(("a", bytes(range(250)) * 3 + bytes(249))))
    struct.pack_into("<I", data, data.index(b"PK\x01\x02") + 24, size)
    assert refusal(bytes(data)) == "archive_corrupt"


def test_unpacking_stops_behind_the_declared_size(monkeypatch: pytest.MonkeyPatch) -> None:
    """A block that unpacks to 200 MB and says 10 bytes takes 11 bytes of memory."""
    from recognition.vision import archive

    data = bytearray(make(("a", bytes(20_000_000))))
    struct.pack_into("<I", data, data.index(b"PK\x01\x02") + 24, 10)
    kept = []
    inflated = archive._inflated
    monkeypatch.setattr(
        archive, "_inflated", lambda packed, size: kept.append(inflated(packed, size)) or kept[-1]
    )
    assert refusal(bytes(data)) == "archive_corrupt"
    assert [len(content) for content in kept] == [11]


def test_an_entry_beyond_the_end_is_noticed() -> None:
    data = bytearray(make(("a", b"content")))
    struct.pack_into("<I", data, data.index(b"PK\x01\x02") + 42, 2**31)
    assert refusal(bytes(data)) == "archive_corrupt"


SEEDS = [
    make(("ann/1.jpg", b"one" * 50), ("bob/2.jpg", b"2"), comment=b"hello"),
    make(("é", b"x" * 5), method=zipfile.ZIP_STORED),
]


@given(
    seed=st.sampled_from(SEEDS),
    changes=st.lists(st.tuples(st.integers(0, 400), st.integers(0, 255)), max_size=10),
    cut=st.integers(0, 400),
)
def test_mutated_zips_raise_typed_errors_only(
    seed: bytes, changes: list[tuple[int, int]], cut: int
) -> None:
    data = bytearray(seed)
    for place, value in changes:
        data[place % len(data)] = value
    mutated = bytes(data[: len(data) - cut % 60])
    try:
        for entry in directory(mutated):
            assert len(read_entry(reader(mutated), entry)) == entry.size
    except ArchiveError:
        pass
