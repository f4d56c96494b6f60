"""The registry of backbones and the digest of a version."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from recognition.vision import registry
from recognition.vision.centring import FOLDER, centring_of, save
from recognition.vision.errors import ModelDamaged, UnknownBackbone


def test_names_are_unique_and_known() -> None:
    names = [spec.name for spec in registry.backbones()]
    assert names[0] == "facenet-casia"
    assert len(set(names)) == len(names)
    with pytest.raises(ValueError, match="twice"):
        registry.register(registry.get("facenet-casia"))
    with pytest.raises(UnknownBackbone, match="facenet-casia"):
        registry.get("nobody")


def test_every_backbone_says_what_it_is() -> None:
    for spec in registry.backbones():
        assert len(spec.source_sha256) == 64
        assert spec.licence
        assert spec.training_data
        assert spec.figures


def test_digest_changes_with_everything_that_changes_an_embedding() -> None:
    spec = registry.get("facenet-casia")
    centring = np.linspace(-1, 1, 512).astype(np.float32)
    base = registry.version_digest(spec, "a" * 64, centring)
    moved = centring.copy()
    moved[100] = np.nextafter(moved[100], np.float32(2))
    others = [
        registry.version_digest(spec, "b" * 64, centring),
        registry.version_digest(spec, "a" * 64, None),
        registry.version_digest(spec, "a" * 64, moved),
        *(
            registry.version_digest(
                replace(spec, preprocessing=replace(spec.preprocessing, **change)),
                "a" * 64,
                centring,
            )
            for change in ({"margin": 31}, {"flip": False}, {"size": 161}, {"mean": 127.0})
        ),
    ]
    assert len({base, *others}) == len(others) + 1
    unchanged = replace(spec, title="x", calibration="another.json")
    assert registry.version_digest(unchanged, "a" * 64, centring) == base


def test_the_version_of_existing_installations_stays_what_it_is() -> None:
    """Another digest would part every gallery from its templates."""
    spec = registry.get("facenet-casia")
    digest = registry.version_digest(spec, spec.weights_sha256, centring_of(spec))
    assert digest == "373738d62db7f5ac741ece1b0c7b0180ca4d65c0c2a5749642a4442c1424643d"


def test_a_centring_vector_that_is_missing_or_damaged(tmp_path: Path) -> None:
    spec = registry.get("facenet-casia")
    vector = centring_of(spec)
    assert vector is not None and vector.dtype == np.float32 and not vector.flags.writeable
    assert centring_of(replace(spec, centring="")) is None
    path = tmp_path / spec.centring
    for content in (None, b"", b"no array", (FOLDER / spec.centring).read_bytes()[:-4]):
        if content is not None:
            path.write_bytes(content)
        with pytest.raises(ModelDamaged):
            centring_of(spec, tmp_path)
    other = tmp_path / "other"
    other.mkdir()
    save(other / spec.centring, vector[:100])
    with pytest.raises(ModelDamaged):
        centring_of(spec, other)
    save(other / "whole.npy", vector)
    again = centring_of(replace(spec, centring="whole.npy"), other)
    assert again is not None and np.array_equal(again, vector)
