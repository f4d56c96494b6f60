"""A calibration that is measured anew: templates stay, thresholds follow."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.apps import apps

from faceplatform.core.actors import SYSTEM
from faceplatform.core.errors import DomainError
from recognition.apps import adopt_calibrations as after_migrate
from recognition.models import Gallery, ModelVersion
from recognition.selectors.thresholds import threshold_of
from recognition.services.doctor import examine
from recognition.services.enrollment import enroll_photo
from recognition.services.galleries import create_gallery
from recognition.services.identification import identify
from recognition.services.identities import create_identity
from recognition.services.model_versions import adopt_calibrations, default_version
from recognition.vision import calibration
from recognition.vision.calibration import FOLDER, Calibration
from tests.factories import OrganizationFactory
from tests.fakes import FakePipeline, face_photo

pytestmark = pytest.mark.django_db(transaction=True)

NAME = "facenet-casia"


@pytest.fixture
def gallery(fake_pipeline: FakePipeline, files: Path) -> Gallery:
    """A gallery of one person with three photos."""
    made = create_gallery(
        organization_id=OrganizationFactory.create().pk, name="Staff", actor=SYSTEM
    )
    ann = create_identity(gallery=made, name="ann", actor=SYSTEM)
    for variant in range(3):
        data = face_photo(1, variant=variant)
        enroll_photo(gallery=made, identity=ann, data=data, path="a.png", actor=SYSTEM)
    made.refresh_from_db()
    return made


class Shelf:
    """A calibration in place of the project's own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.record: dict[str, Any] = json.loads((FOLDER / f"{NAME}.json").read_text())

    def put(self, **changes: Any) -> None:
        (self.folder / f"{NAME}.json").write_text(json.dumps(self.record | changes))

    def put_higher(self) -> None:
        """Measure anew: all nonmated scores lie 0.05 higher."""
        part = self.record["nonmated"]
        self.put(nonmated=part | {"first_bin": part["first_bin"] + 100})


@pytest.fixture
def shelf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shelf:
    made = Shelf(tmp_path)
    made.put()
    uncached = calibration._load.__wrapped__
    monkeypatch.setattr(calibration, "_load", lambda name, _: uncached(name, made.folder))
    return made


def test_a_new_calibration_moves_thresholds_and_parts_nobody_from_their_templates(
    gallery: Gallery, shelf: Shelf
) -> None:
    adopt_calibrations()
    version, threshold = default_version(), gallery.default_threshold
    assert version.calibration_sha256 == Calibration.load(NAME).digest
    assert threshold is not None

    shelf.put_higher()
    assert adopt_calibrations() == 1
    gallery.refresh_from_db()
    assert gallery.default_threshold == pytest.approx(threshold + 0.05, abs=0.001)
    assert gallery.default_threshold == threshold_of(gallery).value
    again = default_version()
    assert (again.pk, again.digest) == (version.pk, version.digest)
    assert again.calibration_sha256 == Calibration.load(NAME).digest
    assert adopt_calibrations() == 0
    probe = identify(gallery=gallery, data=face_photo(1, variant=9), name="a", actor=SYSTEM)
    assert probe.faces.get().decision == "identified"
    assert examine(actor=SYSTEM).clean


def test_migrating_adopts_it_and_an_older_schema_is_left_alone(
    gallery: Gallery, shelf: Shelf
) -> None:
    """Rows from before the column existed have no calibration on record."""
    ModelVersion.objects.update(calibration_sha256="")
    Gallery.objects.update(default_threshold=0.1)
    after_migrate(apps)
    gallery.refresh_from_db()
    assert gallery.default_threshold == threshold_of(gallery).value
    assert ModelVersion.objects.get().calibration_sha256 == Calibration.load(NAME).digest

    class Older:
        def get_model(self, *_: str) -> Any:
            return Gallery

    ModelVersion.objects.update(calibration_sha256="")
    after_migrate(Older())
    assert ModelVersion.objects.get().calibration_sha256 == ""


def test_a_calibration_of_another_version_is_refused(gallery: Gallery, shelf: Shelf) -> None:
    before = ModelVersion.objects.get().calibration_sha256
    moved = np.asarray(shelf.record["centring"]) + 0.001
    shelf.put(centring=moved.tolist())
    assert adopt_calibrations() == 0
    assert ModelVersion.objects.get().calibration_sha256 == before
    with pytest.raises(DomainError, match="model_damaged"):
        default_version()
    assert "model_uncalibrated" in {found.code for found in examine(actor=SYSTEM).findings}
