"""What the loop learns: a head on frozen embeddings, or a network on pictures."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from recognition.vision.types import Floats
from training.engine.augment import View
from training.engine.data import Ints, Part
from training.engine.figures import unit, verification
from training.engine.loop import shuffled
from training.engine.losses import MarginHead, contrastive_loss, triplet_loss
from training.engine.samplers import balanced, class_weights, people_in_batches

_CHUNK = 256
PAIR_LOSSES: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "contrastive": contrastive_loss,
    "triplet": triplet_loss,
}


class Recogniser(nn.Module):
    """A body that turns inputs into features, dropout, and a layer that names classes, if any."""

    def __init__(self, body: nn.Module, head: nn.Module | None, dropout: float) -> None:
        super().__init__()
        self.body, self.dropout = body, nn.Dropout(dropout)
        self.head = head

    def forward(self, inputs: Tensor) -> Tensor:
        """Return features (N, width)."""
        found: Tensor = self.body(inputs)
        return found


@dataclass(frozen=True, slots=True)
class Learning:
    """How classes or pairs are learned; see the recipes' settings."""

    loss: str = "softmax"
    balance: str = "none"
    each: int = 4


class RecognitionTask:
    """Learns people from images, by naming them or by their distances. See `loop.Task`.

    `train` and `watched` hold class numbers 0..C-1 where `module.head` names classes. What is
    watched is measured by the cosines of its features, and by its classes where it has the same.
    """

    def __init__(
        self,
        module: Recogniser,
        train: Part,
        watched: Part,
        learning: Learning,
        *,
        view: View | None = None,
        same_people: bool = True,
    ) -> None:
        self.module: Recogniser = module
        self._train, self._watched, self._learning = train, watched, learning
        self._view, self._same = view, same_people and module.head is not None
        self._labels = torch.from_numpy(train.labels)
        self._weights: Tensor | None = None
        if learning.balance == "weights" and module.head is not None:
            classes = int(train.labels.max()) + 1
            self._weights = torch.from_numpy(class_weights(train.labels, classes))

    def order(self, epoch: int, seed: int, batch: int) -> Ints:
        """See Task."""
        labels = self._train.labels
        if self._learning.loss in PAIR_LOSSES:
            return people_in_batches(labels, batch, self._learning.each, epoch, seed)
        if self._learning.balance == "sampler":
            return balanced(labels, epoch, seed)
        return shuffled(len(labels), epoch, seed)

    def loss(self, rows: Tensor) -> tuple[Tensor, float]:
        """See Task."""
        labels = self._labels[rows]
        features = self.module(self._inputs(self._train, rows.numpy(), training=True))
        if self._learning.loss in PAIR_LOSSES:
            pair_loss = PAIR_LOSSES[self._learning.loss]
            return pair_loss(functional.normalize(features), labels), 0.0
        features = self.module.dropout(features)
        head = self.module.head
        if isinstance(head, MarginHead) and self._weights is None:
            found, cosines = head.loss(features, labels)
            own = cosines.shape[1] == head.classes
            right = (cosines.argmax(1) == labels).sum() if own else torch.zeros(())
            return found, float(right)
        logits = self._logits(features)
        right = (logits.detach().argmax(1) == labels).sum()
        return functional.cross_entropy(logits, labels, self._weights), float(right)

    def measure(self) -> dict[str, float]:
        """See Task."""
        if not len(self._watched):
            return {}
        features = self.features(self._watched)
        figures: dict[str, float] = {}
        labels = torch.from_numpy(self._watched.labels)
        if self._same:
            logits = self._logits(features)
            figures["val_loss"] = float(functional.cross_entropy(logits, labels))
            figures["val_accuracy"] = float((logits.argmax(1) == labels).float().mean())
        elif self._learning.loss in PAIR_LOSSES:
            loss = PAIR_LOSSES[self._learning.loss]
            figures["val_loss"] = float(loss(functional.normalize(features), labels))
        rows = unit(features.numpy())
        return figures | verification(rows, self._watched.labels)

    @torch.no_grad()
    def features(self, part: Part) -> Tensor:
        """Return the features of a part, float (N, width), as the trained network gives them."""
        self.module.eval()
        rows = np.arange(len(part))
        return torch.cat(
            [
                self.module(
                    self._inputs(part, rows[start : start + _CHUNK], training=False)
                ).float()
                for start in range(0, len(rows), _CHUNK)
            ]
        )

    def embeddings(self, part: Part) -> Floats:
        """Return the features as unit rows, float32 (N, width)."""
        return unit(self.features(part).numpy())

    @torch.no_grad()
    def scores(self, part: Part) -> Floats:
        """Return the score of every class, float32 (N, C)."""
        return np.asarray(self._logits(self.features(part)).numpy(), np.float32)

    def _logits(self, features: Tensor) -> Tensor:
        head = self.module.head
        if head is None:
            raise ValueError("this network names no classes")
        found: Tensor = head(features)
        return found * head.scale if isinstance(head, MarginHead) else found

    def _inputs(self, part: Part, rows: Ints, *, training: bool) -> Tensor:
        chosen = part.inputs[rows]
        if self._view is None:
            return torch.from_numpy(np.asarray(chosen, np.float32))
        return self._view.inputs(chosen, training=training)
