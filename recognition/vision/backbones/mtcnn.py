"""The three networks of MTCNN, from facenet-pytorch, each with a single output.

Zhang et al., "Joint Face Detection and Alignment Using Multitask Cascaded Convolutional Networks",
2016. The weights are in facenet-pytorch's wheel.
"""

import torch
from facenet_pytorch.models.mtcnn import ONet, PNet, RNet


class Stacked(torch.nn.Module):
    """Joins a network's outputs along the channels, face probability first.

    facenet-pytorch's networks answer (regression, [points,] probabilities of no face and face);
    here that is one tensor: probability of a face, four regressions, ten coordinates if any.
    """

    def __init__(self, network: torch.nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, batch: torch.Tensor) -> torch.Tensor:
        regression, *points, probabilities = self.network(batch)
        return torch.cat([probabilities[:, 1:2], regression, *points], dim=1)


def networks() -> dict[str, torch.nn.Module]:
    """Name to network in eval mode.

    pnet: float32 (N, 3, h, w) to (N, 5, h', w'); rnet: (N, 3, 24, 24) to (N, 5);
    onet: (N, 3, 48, 48) to (N, 15). Inputs are (x - 127.5) / 128.
    """
    parts: dict[str, torch.nn.Module] = {"pnet": PNet(), "rnet": RNet(), "onet": ONet()}
    return {name: Stacked(part).eval() for name, part in parts.items()}


INPUT_SHAPES = {"pnet": (-1, 3, -1, -1), "rnet": (-1, 3, 24, 24), "onet": (-1, 3, 48, 48)}
"""What each exported network accepts; -1 is any size."""
