"""Two arms with the same weights, the differences of their features, and one number."""

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from recognition.vision.types import Floats
from training.engine.augment import View
from training.engine.baseline import draw_pairs
from training.engine.data import Ints, Part

_CHUNK = 64
WATCHED_PAIRS = 1000


class Twins(nn.Module):
    """The body of both arms, and a dense layer on |f(a) - f(b)|; its logit says "mated"."""

    def __init__(self, body: nn.Module, width: int) -> None:
        super().__init__()
        self.body, self.dense = body, nn.Linear(width, 1)
        nn.init.xavier_uniform_(self.dense.weight)
        nn.init.zeros_(self.dense.bias)

    def forward(self, first: Tensor, second: Tensor) -> Tensor:
        """Return logits (N,) of pairs of pictures, each float (N, 3, H, W)."""
        features = self.body(torch.cat([first, second]))
        half = len(first)
        found: Tensor = self.dense((features[:half] - features[half:]).abs())
        return found.squeeze(1)


class TwinTask:
    """Learns to tell mated from nonmated pairs. See `loop.Task`.

    The rows of a batch are pairs, one image after the other.
    """

    def __init__(self, module: Twins, train: Part, watched: Part, view: View, seed: int) -> None:
        self.module: Twins = module
        self._train, self._watched, self._view = train, watched, view
        self._labels = torch.from_numpy(train.labels)
        self._pairs = draw_pairs(watched.labels, WATCHED_PAIRS, seed=seed)

    def order(self, epoch: int, seed: int, batch: int) -> Ints:
        """See Task: as many images as there are, in pairs, half of them mated, mixed."""
        labels = self._train.labels
        mixed = np.random.SeedSequence([seed, epoch]).generate_state(1)[0]
        first, second, _ = draw_pairs(labels, len(labels) // 2, seed=int(mixed))
        places = np.random.default_rng([seed, epoch]).permutation(len(first))
        return np.stack([first[places], second[places]], axis=1).reshape(-1)

    def loss(self, rows: Tensor) -> tuple[Tensor, float]:
        """See Task; what was right counts twice, once for each image."""
        pairs = rows[: len(rows) // 2 * 2].view(-1, 2)
        mated = (self._labels[pairs[:, 0]] == self._labels[pairs[:, 1]]).float()
        first, second = (
            self._view.inputs(self._train.inputs[pairs[:, side].numpy()], training=True)
            for side in (0, 1)
        )
        logits = self.module(first, second)
        right = ((logits.detach() > 0) == (mated > 0.5)).sum()
        return functional.binary_cross_entropy_with_logits(logits, mated), 2.0 * float(right)

    def measure(self) -> dict[str, float]:
        """See Task."""
        first, second, mated = self._pairs
        if not len(mated):
            return {}
        logits = torch.from_numpy(self.scores(self._watched, first, second))
        truth = torch.from_numpy(mated)
        loss = functional.binary_cross_entropy_with_logits(logits, truth.float())
        right = ((logits > 0) == truth).float().mean()
        return {"val_loss": float(loss), "val_accuracy": float(right)}

    @torch.no_grad()
    def scores(self, part: Part, first: Ints, second: Ints) -> Floats:
        """Return the logit of every pair of rows of a part, float32 (P,)."""
        self.module.eval()
        found = [
            self.module(
                self._view.inputs(part.inputs[first[start : start + _CHUNK]], training=False),
                self._view.inputs(part.inputs[second[start : start + _CHUNK]], training=False),
            )
            for start in range(0, len(first), _CHUNK)
        ]
        return np.asarray(torch.cat(found).numpy(), np.float32)
