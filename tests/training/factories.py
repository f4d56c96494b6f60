"""Rows of datasets, evaluations and thresholds for tests."""

import functools
import uuid
from typing import Any

import factory
from django.utils import timezone
from factory import SelfAttribute, Sequence, SubFactory
from factory.django import DjangoModelFactory

from recognition.models import GalleryThreshold
from tests.factories import GalleryFactory, OrganizationFactory
from training.models import (
    Dataset,
    DatasetItem,
    Evaluation,
    ProtocolKind,
    SplitKind,
    TrainingRun,
)


@functools.lru_cache(maxsize=1)
def generated_record() -> dict[str, Any]:
    """Return what the row of an evaluation of 36 generated images keeps."""
    from tests.training.people import measured_vectors

    return measured_vectors(people=12, images=3)


class DatasetFactory(DjangoModelFactory[Dataset]):
    """A dataset of the faces given as `faces`."""

    class Meta:
        model = Dataset
        skip_postgeneration_save = True

    organization = SubFactory(OrganizationFactory)
    name = Sequence(lambda n: f"Dataset {n}")
    split_kind = SplitKind.NONE
    digest = "0" * 64
    images = 1
    identities = 1

    @factory.post_generation
    def faces(dataset: Any, create: bool, faces: Any, **more: Any) -> None:  # noqa: N805
        """Put the faces in, and the galleries they are of."""
        for face in faces or ():
            dataset.galleries.add(face.gallery)
            DatasetItem.objects.create(
                dataset=dataset, face=face, identity=face.identity, part=more.get("part", "test")
            )


class EvaluationFactory(DjangoModelFactory[Evaluation]):
    """A finished evaluation of a gallery, with the report of other, generated people."""

    class Meta:
        model = Evaluation

    gallery = SubFactory(GalleryFactory)
    organization = SelfAttribute("gallery.organization")
    model_version = SelfAttribute("gallery.model_version")
    protocol = ProtocolKind.ALL_PAIRS
    report = factory.LazyFunction(generated_record)
    finished_at = factory.LazyFunction(timezone.now)


class GalleryThresholdFactory(DjangoModelFactory[GalleryThreshold]):
    class Meta:
        model = GalleryThreshold

    gallery = SubFactory(GalleryFactory)
    organization = SelfAttribute("gallery.organization")
    model_version = SelfAttribute("gallery.model_version")
    value = 0.46
    target = "fpir"
    target_rate = 0.01
    fmr = 0.001
    fpir = 0.01
    fpir_low = 0.004
    fpir_high = 0.02
    misses = 0.05
    misses_low = 0.03
    misses_high = 0.07
    supported = True
    templates = 300
    strangers = factory.LazyFunction(lambda: {"bins": 4, "first_bin": 1, "counts": [100, 190, 10]})
    nonmated = factory.LazyFunction(lambda: {"bins": 4, "first_bin": 1, "counts": [9, 90, 1]})
    evaluation = factory.LazyFunction(uuid.uuid4)
    evaluation_label = "Every image with every other"
    evaluated_at = factory.LazyFunction(timezone.now)
    fingerprint = "0" * 32


class TrainingRunFactory(DjangoModelFactory[TrainingRun]):
    """A run that was asked for and has not begun."""

    class Meta:
        model = TrainingRun

    dataset = SubFactory(DatasetFactory)
    organization = SelfAttribute("dataset.organization")
    name = Sequence(lambda n: f"Run {n}")
    recipe = "metric"
    dataset_name = SelfAttribute("dataset.name")
    dataset_digest = SelfAttribute("dataset.digest")
