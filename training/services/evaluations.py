"""Starting and deleting evaluations."""

import uuid
from dataclasses import dataclass

from django.db import transaction

from faceplatform.core import audit, jobs
from faceplatform.core.actors import Actor
from faceplatform.core.errors import Conflict, DomainError, Unprocessable
from recognition.models import Gallery, GalleryThreshold, ModelVersion
from recognition.selectors.evaluated import gallery_fingerprint
from training.models import Dataset, Evaluation, ProtocolKind, SplitKind
from training.selectors.faces import count_faces
from training.services.pair_files import read_pairs

KIND = "training.evaluate"
MAX_SEED = 2**31 - 1


@dataclass(frozen=True, slots=True)
class Source:
    """What is measured: a gallery, or a dataset or one part of it."""

    gallery: Gallery | None = None
    dataset: Dataset | None = None
    part: str = ""

    @property
    def row(self) -> Gallery | Dataset:
        """The one of both that is set; ValueError unless it is exactly one."""
        if self.gallery is not None and self.dataset is None:
            return self.gallery
        if self.dataset is not None and self.gallery is None:
            return self.dataset
        raise ValueError("an evaluation has either a gallery or a dataset")


@dataclass(frozen=True, slots=True)
class PairsFile:
    """An uploaded CSV of pairs; see `services.pair_files`."""

    name: str
    data: bytes


@transaction.atomic
def start_evaluation(
    *,
    source: Source,
    protocol: str,
    actor: Actor,
    model_version: ModelVersion | None = None,
    other_version: ModelVersion | None = None,
    seed: int = 0,
    pairs: PairsFile | None = None,
    ring: bool = True,
) -> Evaluation:
    """Store what is to be measured with its job.

    The model is the gallery's unless another one is named. Protocol `pairs` needs a file,
    protocol `models` a second model. Raises DomainError `protocol_unknown`, `seed_invalid`,
    `part_unknown`, `second_model_missing`, `pairs_missing` or what is wrong with the pairs,
    Unprocessable `too_few_people`, `split_missing`, Conflict `already_running`.
    """
    row = source.row
    _check(protocol, seed, source)
    evaluation = Evaluation(
        organization_id=row.organization_id,
        gallery=source.gallery,
        dataset=source.dataset,
        part=source.part,
        model_version=model_version or _version_of(source),
        other_version=other_version if protocol == ProtocolKind.MODELS else None,
        protocol=protocol,
        seed=seed,
        created_by_id=actor.user_id,
    )
    if protocol == ProtocolKind.MODELS and other_version in (None, evaluation.model_version):
        raise DomainError("second_model_missing", "Choose a second model to compare with.")
    if protocol == ProtocolKind.PAIRS:
        if pairs is None:
            raise DomainError("pairs_missing", "This protocol needs a CSV file of pairs.")
        evaluation.pairs = read_pairs(pairs.data, evaluation)
        evaluation.pairs_name = pairs.name[:255]
    if count_faces(evaluation).people < 2:
        raise Unprocessable(
            "too_few_people", "Measuring takes at least two people with enrolled images."
        )
    if source.gallery is not None:
        evaluation.fingerprint = gallery_fingerprint(source.gallery)
    evaluation.save()
    evaluation.job = jobs.enqueue(
        kind=KIND,
        title=f"Evaluating {row.name}",
        organization_id=row.organization_id,
        actor=actor,
        payload={"evaluation": str(evaluation.pk)},
        dedupe_key=_key(evaluation),
        ring=ring,
    )
    evaluation.save(update_fields=["job"])
    _record(evaluation, "evaluation.start", actor)
    return evaluation


@transaction.atomic
def cancel_evaluation(*, evaluation: Evaluation, actor: Actor) -> None:
    """Stop an evaluation that is waiting or running.

    Raises Conflict `evaluation_over` where nothing is left to stop.
    """
    if evaluation.job is None or not evaluation.job.is_active:
        raise Conflict("evaluation_over", "This evaluation is not running any more.")
    jobs.cancel(evaluation.job, actor=actor)


@transaction.atomic
def delete_evaluation(*, evaluation: Evaluation, actor: Actor) -> None:
    """Delete an evaluation and cancel its job.

    Raises Conflict `evaluation_in_use` while a gallery decides by one of its thresholds.
    """
    if GalleryThreshold.objects.filter(evaluation=evaluation.pk, active=True).exists():
        raise Conflict(
            "evaluation_in_use", "A gallery decides by this evaluation; give it another threshold."
        )
    if evaluation.job is not None and evaluation.job.is_active:
        jobs.cancel(evaluation.job, actor=actor)
    _record(evaluation, "evaluation.delete", actor)
    evaluation.delete()


def _check(protocol: str, seed: int, source: Source) -> None:
    if protocol not in ProtocolKind.values:
        known = ", ".join(ProtocolKind.values)
        raise DomainError("protocol_unknown", f"Protocols are {known}.")
    if not 0 <= seed <= MAX_SEED:
        raise DomainError("seed_invalid", f"A seed is a whole number from 0 to {MAX_SEED}.")
    part, dataset = source.part, source.dataset
    if part and (dataset is None or not dataset.items.filter(part=part).exists()):
        raise DomainError("part_unknown", f"There is no part {part!r} in what is measured.")
    if protocol == ProtocolKind.CLASSIFICATION:
        if dataset is None or dataset.split_kind != SplitKind.STRATIFIED:
            raise Unprocessable(
                "split_missing", "Naming images needs a dataset with every person in every part."
            )
        if part:
            raise DomainError("part_unknown", "Naming images takes all parts of a dataset.")


def _version_of(source: Source) -> ModelVersion:
    """Return the gallery's model, or that of the dataset's first gallery."""
    if source.gallery is not None:
        return source.gallery.model_version
    first = source.dataset.galleries.order_by("pk").first() if source.dataset else None
    if first is None:
        raise Unprocessable("dataset_empty", "The galleries of this dataset are gone.")
    version: ModelVersion = first.model_version
    return version


def _key(evaluation: Evaluation) -> str:
    """Name the same work with the same key, so that it does not run twice at once."""
    what = evaluation.gallery_id or evaluation.dataset_id
    which = f"{evaluation.protocol}:{evaluation.part}:{evaluation.seed}"
    models = f"{evaluation.model_version_id}:{evaluation.other_version_id}"
    name = f"{what}:{models}:{which}:{evaluation.pairs_name}"
    return f"evaluate:{uuid.uuid5(uuid.NAMESPACE_OID, name)}"


def _record(evaluation: Evaluation, action: str, actor: Actor) -> None:
    audit.record(
        organization_id=evaluation.organization_id,
        actor=actor,
        action=action,
        target_type="evaluation",
        target_id=evaluation.pk,
        target_label=str(evaluation),
        data={"protocol": evaluation.protocol, "model_version": str(evaluation.model_version_id)},
    )
