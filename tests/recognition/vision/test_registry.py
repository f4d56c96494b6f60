"""The registry of backbones and the digest of a version."""

from dataclasses import replace

import numpy as np
import pytest

from recognition.vision import registry
from recognition.vision.errors import UnknownBackbone


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
    assert registry.version_digest(replace(spec, title="x"), "a" * 64, centring) == base
