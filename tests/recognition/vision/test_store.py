"""The models folder: nothing half-made is used, nothing changed is used."""

from pathlib import Path

import pytest

from recognition.vision import store
from recognition.vision.errors import ModelDamaged, ModelUnavailable


def finished(folder: Path) -> store.Manifest:
    folder.mkdir()
    (folder / "a.bin").write_bytes(b"weights" * 1000)
    return store.write_manifest(
        folder, recipe="r1", weights_sha256="0" * 64, names=["a.bin"], made_with={"torch": "2"}
    )


def test_a_finished_folder_reads_back(tmp_path: Path) -> None:
    made = finished(tmp_path / "net")
    read = store.read_manifest(tmp_path / "net")
    assert read == made
    store.check_files(tmp_path / "net", read, ["a.bin"])


def test_an_unfinished_folder_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ModelUnavailable, match="not prepared"):
        store.read_manifest(tmp_path)


@pytest.mark.parametrize("harm", ["flip", "cut", "delete"])
def test_a_changed_file_is_refused(tmp_path: Path, harm: str) -> None:
    made = finished(tmp_path / "net")
    path = tmp_path / "net" / "a.bin"
    content = bytearray(path.read_bytes())
    if harm == "flip":
        content[500] ^= 1
        path.write_bytes(content)
    elif harm == "cut":
        path.write_bytes(content[:-1])
    else:
        path.unlink()
    with pytest.raises(ModelDamaged):
        store.check_files(tmp_path / "net", made, ["a.bin"])


@pytest.mark.parametrize("text", ["", "{", "[]", '{"recipe": 1}', "null"])
def test_a_torn_manifest_is_damage(tmp_path: Path, text: str) -> None:
    (tmp_path / "manifest.json").write_text(text, encoding="utf-8")
    with pytest.raises(ModelDamaged):
        store.read_manifest(tmp_path)


def test_a_failed_write_leaves_the_old_file(tmp_path: Path) -> None:
    target = tmp_path / "file"
    target.write_text("old", encoding="utf-8")

    def fail() -> None:
        with store.replacing(target) as draft:
            draft.write_text("half", encoding="utf-8")
            raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        fail()
    assert target.read_text(encoding="utf-8") == "old"
    assert list(tmp_path.iterdir()) == [target]
