"""Starting, resuming and deleting training runs."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from django.db import transaction

from faceplatform.core import audit, jobs
from faceplatform.core.actors import Actor
from faceplatform.core.errors import Conflict, DomainError, Unprocessable
from recognition.models import ModelVersion
from recognition.services.names import clean_name
from training.engine import configs, recipes
from training.engine.errors import TrainingError
from training.models import Dataset, TrainingRun
from training.services.run_files import folder_of, remove_files

KIND = "training.train"
MAX_NAME = 120
MAX_COMPONENTS = 4


@dataclass(frozen=True, slots=True)
class Wanted:
    """A recipe with the settings that differ from its defaults, and the models to train on.

    Without `components` the model of the dataset's first gallery is trained on.
    """

    recipe: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    components: Sequence[ModelVersion] = ()


@transaction.atomic
def start_run(
    *,
    dataset: Dataset,
    wanted: Wanted,
    actor: Actor,
    name: str = "",
    notes: str = "",
    cloned_from: TrainingRun | None = None,
    ring: bool = True,
) -> TrainingRun:
    """Store what is to be trained with its job.

    Raises DomainError
    with the code of a recipe or setting that is none, `components_invalid`, Unprocessable
    `dataset_empty`, `dataset_unsplit` or `too_few_models`.
    """
    try:
        chosen = recipes.get(wanted.recipe)
        config = configs.parse(chosen.config, wanted.settings)
    except TrainingError as error:
        raise DomainError(error.code, error.detail) from error
    if not dataset.items.filter(part="train").exists():
        raise Unprocessable(
            "dataset_unsplit", "This dataset has no training part; freeze one with a split."
        )
    run = TrainingRun(
        organization_id=dataset.organization_id,
        name=clean_name(name or f"{chosen.title} on {dataset.name}"[:MAX_NAME], limit=MAX_NAME),
        notes=notes.strip(),
        recipe=chosen.name,
        config=asdict(config),
        components=[str(version.pk) for version in _components(chosen, dataset, wanted.components)],
        dataset=dataset,
        dataset_name=dataset.name,
        dataset_digest=dataset.digest,
        cloned_from=cloned_from,
        created_by_id=actor.user_id,
    )
    run.save()
    _enqueue(run, actor, ring=ring)
    _record(run, "training.start", actor)
    return run


@transaction.atomic
def resume_run(*, run: TrainingRun, actor: Actor, ring: bool = True) -> TrainingRun:
    """Go on where a cancelled or failed run stopped, from its last checkpoint.

    Raises Conflict `run_active`, `run_finished` or `dataset_gone`.
    """
    held = TrainingRun.objects.select_for_update().get(pk=run.pk)
    if held.result is not None:
        raise Conflict("run_finished", "This run is finished; clone it to train again.")
    if held.job is not None and held.job.is_active:
        raise Conflict("run_active", "This run is waiting or running.")
    if held.dataset_id is None:
        raise Conflict("dataset_gone", "The dataset of this run was deleted.")
    _enqueue(held, actor, ring=ring)
    _record(held, "training.resume", actor)
    return held


@transaction.atomic
def change_notes(*, run: TrainingRun, notes: str, actor: Actor) -> None:
    """Keep what somebody wants to remember of a run."""
    TrainingRun.objects.filter(pk=run.pk).update(notes=notes.strip()[:4000])
    _record(run, "training.note", actor)


@transaction.atomic
def delete_run(*, run: TrainingRun, actor: Actor) -> None:
    """Delete a run with its files and cancel its job; a version that it made stays."""
    if run.job is not None and run.job.is_active:
        jobs.cancel(run.job, actor=actor)
    _record(run, "training.delete", actor)
    run_id = run.pk
    run.delete()
    transaction.on_commit(lambda: remove_files(run_id))


def estimate_of(
    recipe: str, settings: Mapping[str, Any], dataset: Dataset, width: int
) -> recipes.Estimate:
    """Return what a run will about take. Raises DomainError as `start_run`."""
    try:
        chosen = recipes.get(recipe)
        config = configs.parse(chosen.config, settings)
    except TrainingError as error:
        raise DomainError(error.code, error.detail) from error
    items = dataset.items.filter(part="train")
    people = items.values("identity_id").distinct().count()
    return chosen.estimate(config, recipes.Sizes(items.count(), people, width))


def has_checkpoint(run: TrainingRun) -> bool:
    """Return whether a run can go on where it stopped."""
    return (folder_of(run.pk) / "last.safetensors").is_file()


def components_of_run(run: TrainingRun) -> list[ModelVersion]:
    """Return the versions that a run trains on, in order. Raises Conflict `components_gone`."""
    rows = {str(row.pk): row for row in ModelVersion.objects.filter(pk__in=run.components)}
    if len(rows) != len(set(run.components)):
        raise Conflict("components_gone", "A model that this run trains on was deleted.")
    return [rows[pk] for pk in run.components]


def _components(
    recipe: recipes.Recipe, dataset: Dataset, given: Sequence[ModelVersion]
) -> list[ModelVersion]:
    chosen = list(given)
    if not chosen:
        first = dataset.galleries.order_by("pk").first()
        if first is None:
            raise Unprocessable("dataset_empty", "The galleries of this dataset are gone.")
        version: ModelVersion = first.model_version
        chosen = [version] if not version.is_trained else [_first_component(version)]
    ids = {version.pk for version in chosen}
    if len(ids) != len(chosen) or len(chosen) > MAX_COMPONENTS:
        raise DomainError("components_invalid", f"Choose up to {MAX_COMPONENTS} different models.")
    if any(version.is_trained or not _is_backbone(version) for version in chosen):
        raise DomainError("components_invalid", "Train on models that came with the platform.")
    if len(chosen) < recipe.components:
        raise Unprocessable(
            "too_few_models", f"{recipe.title} takes {recipe.components} models or more."
        )
    return chosen


def _is_backbone(version: ModelVersion) -> bool:
    """Return whether a version embeds by itself: ensembles only add up scores."""
    return not version.ensemble_components.exists()


def _first_component(version: ModelVersion) -> ModelVersion:
    found: ModelVersion = version.ensemble_components.order_by("number")[0].version
    return found


def _enqueue(run: TrainingRun, actor: Actor, *, ring: bool) -> None:
    run.job = jobs.enqueue(
        kind=KIND,
        title=f"Training {run.name}",
        organization_id=run.organization_id,
        actor=actor,
        payload={"run": str(run.pk)},
        dedupe_key=f"train:{run.pk}",
        ring=ring,
    )
    run.save(update_fields=["job"])


def _record(run: TrainingRun, action: str, actor: Actor) -> None:
    audit.record(
        organization_id=run.organization_id,
        actor=actor,
        action=action,
        target_type="training_run",
        target_id=run.pk,
        target_label=run.name,
        data={"recipe": run.recipe, "dataset_digest": run.dataset_digest},
    )


def run_id_of(payload: Mapping[str, Any]) -> uuid.UUID:
    """Return the run that a job works on."""
    return uuid.UUID(payload["run"])
