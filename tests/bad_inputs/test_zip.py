"""Every bad archive at the API and on the page, and every bad picture inside a zip."""

import zipfile
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as examples
from hypothesis import strategies as st

from faceplatform.core.models import Job
from recognition.models import FaceImage, Identity, ImportRun
from tests.bad_inputs.archives import ARCHIVES, GOOD, Archive, good, packed
from tests.bad_inputs.conftest import World
from tests.bad_inputs.pictures import PICTURES
from tests.bad_inputs.results import Results

pytestmark = pytest.mark.django_db(transaction=True)

STATUS = {"archive_ratio": 413, "archive_entries": 413, "unsupported_media": 415}


@pytest.mark.parametrize("archive", ARCHIVES, ids=str)
def test_archive(archive: Archive, world: World, results: Results) -> None:
    data = archive.make()
    by_api, by_page = world.import_zip(data), None
    status = STATUS.get(archive.code, 422) if archive.code else 202
    answered = f"{by_api.status_code} {by_api.json().get('code', '')}".strip()
    expected = f"{status} {archive.code}".strip()
    results.check(archive.row, archive.name, "api", expected=expected, answered=answered)
    if archive.code:
        by_page = world.import_on_page(data)
        assert not Job.objects.exists()
    else:
        _check_items(archive, world, results)
        by_page = world.import_on_page(data)
        world.run_import()
        assert FaceImage.objects.count() == list(archive.items.values()).count("")
    _check_page(archive, by_page, results)
    assert world.still_works()


def _check_items(archive: Archive, world: World, results: Results) -> None:
    found = {path: code for path, (_, code) in world.run_import().items()}
    results.check(
        archive.row,
        archive.name,
        "zip",
        expected=_summary(archive.items),
        answered=_summary(found),
    )
    assert found == archive.items


def _summary(items: dict[str, str]) -> str:
    """What became of the items: each code once, "enrolled" for those without."""
    return ", ".join(sorted({code or "enrolled" for code in items.values()}))


def _check_page(archive: Archive, response: Any, results: Results) -> None:
    if archive.code:
        errors = response.context["form"].errors.as_data()
        answered = f"{response.status_code} {next(iter(errors.values()))[0].code}"
        expected = f"422 {archive.code}"
    else:
        answered, expected = str(response.status_code), "302"
    results.check(archive.row, archive.name, "page", expected=expected, answered=answered)


def test_every_picture_in_one_zip(world: World, results: Results) -> None:
    """Each ends by itself, with the code it has everywhere else."""
    inside = {f"{number}/{sample.filename}": sample for number, sample in enumerate(PICTURES)}
    data = packed(
        *((path, sample.make()) for path, sample in inside.items()), method=zipfile.ZIP_STORED
    )
    assert world.import_zip(data).status_code == 202
    found = world.run_import()
    assert list(found) == list(inside)
    for path, sample in inside.items():
        noted = "type_mismatch" if sample.row == 21 else ""
        expected = ("failed", sample.code) if sample.code else ("enrolled", noted)
        results.check(
            sample.row,
            sample.name,
            "zip",
            expected=" ".join(expected).strip(),
            answered=" ".join(found[path]).strip(),
        )
    assert FaceImage.objects.count() == sum(not sample.code for sample in PICTURES)
    assert world.still_works()


def test_importing_again_changes_nothing(world: World, results: Results) -> None:
    data = packed(("a/1.jpg", good(1)), ("b/2.jpg", good(2)))
    for expected in (("enrolled", ""), ("skipped", "duplicate_image")):
        assert world.import_zip(data).status_code == 202
        assert set(world.run_import().values()) == {expected}
    answered = f"{FaceImage.objects.count()} images of {Identity.objects.count() - 1} people"
    results.check(27, "same file twice", "zip", expected="2 images of 2 people", answered=answered)


def test_nothing_is_written_outside(world: World, temp: Any) -> None:
    """No name of an archive is ever a name on the disk."""
    before = {path for path in temp.parent.rglob("*") if "files" not in path.parts}
    names = ["../../../x.jpg", "/tmp/x-from-zip.jpg", "a/../../../../x.jpg", GOOD]
    world.import_zip(packed(*((name, good(n)) for n, name in enumerate(names))))
    world.run_import()
    assert {path for path in temp.parent.rglob("*") if "files" not in path.parts} == before
    stored = [path for path in (temp.parent / "files").rglob("*") if path.is_file()]
    assert [len(path.name) for path in stored] == [64]  # one photo, under its checksum


def test_changed_at_random(world: World, results: Results) -> None:
    """Whatever is changed in a sound zip, it is refused as a whole, or imported item by item."""
    sound = packed(("a/1.jpg", good(1)), ("b/2.jpg", good(2)), (GOOD, good()))
    directory = sound.index(b"PK\x01\x02")
    statuses: set[int] = set()

    @examples(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
    @given(
        changes=st.lists(
            st.tuples(
                st.one_of(st.integers(0, len(sound) - 1), st.integers(directory, len(sound) - 1)),
                st.integers(0, 255),
            ),
            min_size=1,
            max_size=8,
        )
    )
    def send(changes: list[tuple[int, int]]) -> None:
        content = bytearray(sound)
        for place, value in changes:
            content[place] = value
        response = world.import_zip(bytes(content))
        statuses.add(response.status_code)
        if response.status_code == 202:
            world.run_import()

    send()
    strange = sorted(statuses - {202, 413, 415, 422})
    results.check(
        0, "zip, changed at random", "zip", expected="0 unexpected",
        answered=f"{len(strange)} unexpected",
    )  # fmt: skip
    assert not ImportRun.objects.exclude(job__state="succeeded").exists()
    assert world.still_works()
