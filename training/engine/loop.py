"""The one training loop: every recipe that learns by steps goes through `fit`.

Randomness is drawn anew at every step from (seed, epoch, step), so a run that was stopped anywhere
and resumed from its checkpoint ends with the same weights, bit for bit on a CPU.
"""

import csv
import io
import json
import math
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor, nn

from training.engine import checkpoints
from training.engine.data import Ints
from training.engine.errors import Cancelled, TrainingError
from training.engine.processes import ALONE, Processes

LAST, BEST = "last.safetensors", "best.safetensors"
DIVERGED = 10.0
"""A mean loss so many times that of the first epoch, and above it in number, ends the run."""
PLATEAU_FACTOR = 0.3


class Task(Protocol):
    """What is learned: a network with its data."""

    @property
    def module(self) -> nn.Module:
        """The network that learns."""
        ...

    def order(self, epoch: int, seed: int, batch: int) -> Ints:
        """Return the rows of one epoch in the order of their batches."""
        ...

    def loss(self, rows: Tensor) -> tuple[Tensor, float]:
        """Return the mean loss of some rows, and how many of them were right (0 if no matter)."""
        ...

    def measure(self) -> dict[str, float]:
        """Return figures on the rows that were held out, `val_loss` and others."""
        ...


@dataclass(frozen=True, slots=True)
class LoopSettings:
    """How the loop steps. `stages` are learning rates, each for at most `epochs` epochs.

    `metric` names the figure that decides about the best epoch, early stopping (after `patience`
    epochs without a better one; 0 never stops) and schedule `plateau`; figures whose name holds
    "loss" or "eer" are better when lower.
    """

    epochs: int
    batch: int
    stages: tuple[float, ...]
    optimizer: str = "adam"
    decay: float = 0.0
    schedule: str = "constant"
    patience: int = 0
    metric: str = "val_loss"
    seed: int = 0
    clip: float = 5.0
    keep: str = "best"
    bf16: bool = False


@dataclass(slots=True)
class State:
    """Where a run is. Everything here and the tensors are all that a resumed run needs."""

    epoch: int = 0
    step: int = 0
    stage: int = 0
    stage_epoch: int = 0
    best_epoch: int = -1
    best_value: float | None = None
    waited: int = 0
    factor: float = 1.0
    loss_sum: float = 0.0
    right: float = 0.0
    seen: int = 0
    reason: str = ""
    history: list[dict[str, float]] = field(default_factory=list)

    @property
    def finished(self) -> bool:
        """Whether nothing is left to do."""
        return bool(self.reason)


@dataclass(frozen=True, slots=True)
class Step:
    """What a listener hears after every step, with `row` after an epoch."""

    epoch: int
    epochs: int
    step: int
    steps: int
    loss: float
    row: dict[str, float] | None = None


Listener = Callable[[Step], None]


def fit(
    task: Task,
    settings: LoopSettings,
    *,
    folder: Path,
    listener: Listener = lambda step: None,
    should_stop: Callable[[], bool] = lambda: False,
    resume: bool = False,
    processes: Processes = ALONE,
) -> State:
    """Train until the epochs are done or nothing gets better; the module then has the best weights.

    Files in `folder`: `last` and `best` checkpoints, `epoch-NNN` with `keep="all"`, `history.csv`.
    Raises Cancelled (after storing where it was) and TrainingError `diverged`, `disk_full`,
    `too_few_images`, or `checkpoint_damaged` on resuming.
    """
    run = _Run(task, settings, folder, processes)
    state = run.load() if resume and (folder / LAST).is_file() else State()
    processes.align(task.module)
    with torch.random.fork_rng():
        while not state.finished:
            run.epoch(state, listener, should_stop)
    run.take_best()
    return state


class _Run:
    """The loop's tools: optimizer and files."""

    def __init__(
        self, task: Task, settings: LoopSettings, folder: Path, processes: Processes
    ) -> None:
        self._task, self._settings, self._processes = task, settings, processes
        self._folder = folder
        self._optimizer = _optimizer(task.module, settings)

    def epoch(self, state: State, listener: Listener, should_stop: Callable[[], bool]) -> None:
        """Go through the data once, from the step where the state is, and measure."""
        settings, task = self._settings, self._task
        started = time.perf_counter()
        batch = settings.batch * self._processes.count
        order = torch.from_numpy(task.order(state.epoch, settings.seed, batch))
        steps = math.ceil(len(order) / batch)
        while state.step < steps:
            if should_stop():
                self._store(state)
                raise Cancelled
            rows = order[state.step * batch : (state.step + 1) * batch]
            torch.manual_seed(_mixed(settings.seed, state.epoch, state.step, self._processes.rank))
            loss = self._step(state, rows, (state.step + 1) / steps)
            state.step += 1
            listener(Step(state.epoch, self._epochs, state.step, steps, loss))
        self._end_epoch(state, started, listener, steps)

    def _step(self, state: State, rows: Tensor, share: float) -> float:
        settings, task, processes = self._settings, self._task, self._processes
        rate = _rate(settings, state, share)
        for group in self._optimizer.param_groups:
            group["lr"] = rate
        task.module.train()
        self._optimizer.zero_grad(set_to_none=True)
        own = processes.share(rows)
        found, right = 0.0, 0.0
        if len(own):
            with torch.autocast("cpu", torch.bfloat16, enabled=settings.bf16):
                loss, right = task.loss(own)
            weighted = loss * (len(own) / len(rows))
            weighted.backward()  # type: ignore[no-untyped-call]
            found = float(weighted.detach())
        found, right = processes.add([found, right])
        if not math.isfinite(found):
            raise TrainingError(
                "diverged",
                f"The loss is no longer a number (epoch {state.epoch + 1}, step {state.step + 1}). "
                "Try a lower learning rate.",
            )
        processes.add_gradients(task.module)
        if settings.clip:
            nn.utils.clip_grad_norm_(task.module.parameters(), settings.clip)
        self._optimizer.step()
        state.loss_sum += found * len(rows)
        state.right += right
        state.seen += len(rows)
        return found

    def _end_epoch(self, state: State, started: float, listener: Listener, steps: int) -> None:
        self._task.module.eval()
        with torch.no_grad():
            figures = self._task.measure()
        mean = state.loss_sum / max(1, state.seen)
        row = {
            "epoch": float(state.epoch + 1),
            "stage": float(state.stage + 1),
            "learning_rate": _rate(self._settings, state, 1.0),
            "train_loss": mean,
            "train_accuracy": state.right / max(1, state.seen),
            **figures,
            "seconds": round(time.perf_counter() - started, 3),
        }
        first = state.history[0]["train_loss"] if state.history else mean
        if mean > DIVERGED * max(first, 1.0):
            raise TrainingError(
                "diverged",
                f"The loss rose from {first:.3g} to {mean:.3g} (epoch {state.epoch + 1}). "
                "Try a lower learning rate.",
            )
        state.history.append(row)
        better = self._judge(state, row)
        state.epoch += 1
        state.stage_epoch += 1
        state.step, state.loss_sum, state.right, state.seen = 0, 0.0, 0.0, 0
        self._move_on(state)
        self._store(state, best=better)
        listener(Step(state.epoch - 1, self._epochs, steps, steps, mean, row))

    def _judge(self, state: State, row: dict[str, float]) -> bool:
        """Note whether this epoch is the best so far."""
        settings = self._settings
        name = self._deciding(row)
        value, lower = row[name], "loss" in name or "eer" in name
        best = state.best_value
        if best is None or (value < best if lower else value > best):
            state.best_value, state.best_epoch, state.waited = value, state.epoch, 0
            return True
        state.waited += 1
        if settings.schedule == "plateau" and state.waited % max(1, settings.patience // 2) == 0:
            state.factor *= PLATEAU_FACTOR
        return False

    def _deciding(self, row: dict[str, float]) -> str:
        """Return the name of what decides: as asked for, or the loss where that has no pairs."""
        for name in (self._settings.metric, "val_loss"):
            if name in row:
                return name
        raise TrainingError(
            "too_few_images", "Too few images are held out to tell whether training gets better."
        )

    def _move_on(self, state: State) -> None:
        """Begin the next stage, or end the run, when this stage is over."""
        settings = self._settings
        tired = bool(settings.patience) and state.waited >= settings.patience
        if not tired and state.stage_epoch < settings.epochs:
            return
        if state.stage + 1 < len(settings.stages):
            state.stage, state.stage_epoch = state.stage + 1, 0
            state.waited, state.factor = 0, 1.0
            return
        name = self._deciding(state.history[-1])
        best = f"{name} was best in epoch {state.best_epoch + 1}"
        state.reason = f"stopped early: {best}" if tired else f"all epochs done: {best}"

    def _store(self, state: State, *, best: bool = False) -> None:
        if not self._processes.leads:
            return
        module = {f"module.{k}": v for k, v in self._task.module.state_dict().items()}
        record = {"loop": asdict(state), "settings": asdict(self._settings)}
        if best:
            checkpoints.write(self._folder / BEST, module, record)
        if self._settings.keep == "all" and state.step == 0:
            checkpoints.write(self._folder / f"epoch-{state.epoch:03d}.safetensors", module, record)
        everything = module | checkpoints.optimizer_tensors(self._optimizer)
        checkpoints.write(self._folder / LAST, everything, record)
        checkpoints.write_bytes(self._folder / "history.csv", history_csv(state.history).encode())

    def load(self) -> State:
        """Take up where the last checkpoint ends."""
        found = checkpoints.read(self._folder / LAST)
        if json.loads(json.dumps(asdict(self._settings))) != found.state["settings"]:
            raise TrainingError(
                "settings_changed", "This checkpoint was made with other settings; start anew."
            )
        self._take(found)
        checkpoints.restore_optimizer(self._optimizer, found.tensors)
        return State(**found.state["loop"])

    def take_best(self) -> None:
        """Put the weights of the best epoch into the module."""
        if self._processes.leads and (self._folder / BEST).is_file():
            self._take(checkpoints.read(self._folder / BEST))
        self._processes.align(self._task.module)
        self._task.module.eval()

    def _take(self, found: checkpoints.Checkpoint) -> None:
        weights = {
            name.removeprefix("module."): value
            for name, value in found.tensors.items()
            if name.startswith("module.")
        }
        try:
            self._task.module.load_state_dict(weights)
        except RuntimeError as error:
            raise TrainingError(
                "checkpoint_damaged", "The checkpoint belongs to another network."
            ) from error

    @property
    def _epochs(self) -> int:
        return self._settings.epochs * len(self._settings.stages)


def shuffled(count: int, epoch: int, seed: int) -> Ints:
    """Return the rows 0..count-1 in an order of their own for every epoch."""
    return np.random.default_rng([seed, epoch]).permutation(count).astype(np.int64)


def history_csv(history: list[dict[str, float]]) -> str:
    """Return the figures of every epoch as CSV, a head first."""
    out = io.StringIO()
    if history:
        columns = list(history[0])
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows([f"{row[column]:.6g}" for column in columns] for row in history)
    return out.getvalue()


def _optimizer(module: nn.Module, settings: LoopSettings) -> torch.optim.Optimizer:
    wanted = [parameter for parameter in module.parameters() if parameter.requires_grad]
    rate, decay = settings.stages[0], settings.decay
    if settings.optimizer == "sgd":
        return torch.optim.SGD(wanted, lr=rate, momentum=0.9, weight_decay=decay)
    if settings.optimizer == "adamw":
        return torch.optim.AdamW(wanted, lr=rate, weight_decay=decay)
    return torch.optim.Adam(wanted, lr=rate, weight_decay=decay)


def _rate(settings: LoopSettings, state: State, share: float) -> float:
    rate = settings.stages[state.stage]
    if settings.schedule == "cosine":
        done = (state.stage_epoch + share) / settings.epochs
        return rate * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * min(1.0, done))))
    return rate * state.factor


def _mixed(*numbers: int) -> int:
    """Return one seed of several numbers."""
    return int(np.random.SeedSequence(list(numbers)).generate_state(1)[0])


def jsonable(values: dict[str, Any]) -> dict[str, Any]:
    """Return figures with numbers that JSON knows; what is not finite becomes null."""
    return {
        key: None if isinstance(value, float) and not math.isfinite(value) else value
        for key, value in values.items()
    }
