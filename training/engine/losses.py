"""Losses that make distances mean something."""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional


class MarginHead(nn.Module):
    """Classes as unit vectors, with a margin on the true one.

    `arcface` adds the margin to the angle (Deng et al., "ArcFace", 2019), `cosface` subtracts it
    from the cosine (Wang et al., "CosFace", 2018), `softmax` has none. A class may have several
    `centres`, of which the nearest counts (Deng et al., "Sub-center ArcFace", 2020). With
    `sampled` below 1 a random share of the other classes takes part in each step (An et al.,
    "Partial FC", 2021), for very many people.
    """

    def __init__(
        self,
        width: int,
        classes: int,
        *,
        kind: str = "arcface",
        margin: float = 0.4,
        scale: float = 32.0,
        centres: int = 1,
        sampled: float = 1.0,
    ) -> None:
        super().__init__()
        self.kind, self.margin, self.scale = kind, margin, scale
        self.centres, self.classes, self.sampled = centres, classes, sampled
        self.weight = nn.Parameter(torch.empty(classes * centres, width))
        nn.init.xavier_uniform_(self.weight)

    def forward(self, features: Tensor) -> Tensor:
        """Return cosines with every class, float (N, classes), from features (N, width)."""
        return self._cosines(features, self.weight)

    def loss(self, features: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        """Return the mean cross-entropy, and the cosines without margin of the classes used."""
        weight, labels = self._chosen(labels)
        cosines = self._cosines(features, weight)
        return functional.cross_entropy(self.scale * self._with_margin(cosines, labels), labels), (
            cosines.detach()
        )

    def _cosines(self, features: Tensor, weight: Tensor) -> Tensor:
        found = functional.linear(functional.normalize(features), functional.normalize(weight))
        if self.centres == 1:
            return found
        return found.view(len(found), -1, self.centres).amax(dim=2)

    def _chosen(self, labels: Tensor) -> tuple[Tensor, Tensor]:
        """Return the centres of this step's classes, and the labels among them."""
        wanted = math.ceil(self.sampled * self.classes)
        present = torch.unique(labels)
        wanted = max(len(present), wanted)
        if wanted >= self.classes:
            return self.weight, labels
        chance = torch.rand(self.classes)
        chance[present] = 2.0
        chosen = chance.topk(wanted).indices.sort().values
        rows = self.weight.view(self.classes, self.centres, -1)[chosen]
        return rows.reshape(wanted * self.centres, -1), torch.searchsorted(chosen, labels)

    def _with_margin(self, cosines: Tensor, labels: Tensor) -> Tensor:
        if self.kind == "softmax":
            return cosines
        own = cosines.gather(1, labels[:, None]).clamp(-1 + 1e-6, 1 - 1e-6)
        if self.kind == "cosface":
            moved = own - self.margin
        else:
            angle = torch.acos(own)
            # Past pi the cosine would rise again; there the penalty goes on as a straight line.
            beyond = own - self.margin * math.sin(self.margin)
            moved = torch.where(
                angle + self.margin < math.pi, torch.cos(angle + self.margin), beyond
            )
        return cosines.scatter(1, labels[:, None], moved)


def contrastive_loss(features: Tensor, labels: Tensor, margin: float = 1.0) -> Tensor:
    """Return the contrastive loss of all pairs of a batch, mated and nonmated weighing the same.

    `features` (N, d), Euclidean distances; Hadsell et al., "Dimensionality Reduction by Learning
    an Invariant Mapping" (2006).
    """
    distances = _distances(features)
    upper = torch.ones_like(distances, dtype=torch.bool).triu(1)
    mated = (labels[:, None] == labels[None, :]) & upper
    nonmated = (labels[:, None] != labels[None, :]) & upper
    pull = distances[mated].square().sum() / mated.sum().clamp(min=1)
    push = (margin - distances[nonmated]).clamp(min=0).square().sum() / nonmated.sum().clamp(min=1)
    return pull + push


def triplet_loss(features: Tensor, labels: Tensor, margin: float = 0.3) -> Tensor:
    """Return the triplet loss with the hardest mate and the hardest stranger of every image.

    Schroff et al., "FaceNet" (2015); batch-hard mining: Hermans et al. (2017).
    """
    distances = _distances(features)
    same = labels[:, None] == labels[None, :]
    itself = torch.eye(len(labels), dtype=torch.bool)
    hardest_mate = distances.masked_fill(~same | itself, -math.inf).amax(dim=1)
    hardest_stranger = distances.masked_fill(same, math.inf).amin(dim=1)
    usable = hardest_mate.isfinite() & hardest_stranger.isfinite()
    losses = (hardest_mate - hardest_stranger + margin).clamp(min=0)
    return torch.where(usable, losses, torch.zeros_like(losses)).sum() / usable.sum().clamp(min=1)


def _distances(features: Tensor) -> Tensor:
    """Return Euclidean distances (N, N); a little is added under the root for its gradient."""
    squares = features.square().sum(dim=1)
    found = squares[:, None] + squares[None, :] - 2 * features @ features.T
    return (found.clamp(min=0) + 1e-8).sqrt()
