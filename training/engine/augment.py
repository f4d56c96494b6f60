"""What the network sees: pictures turned into its input, varied while it learns."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torchvision.transforms import v2

Crops = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class View:
    """How crops become input.

    `colours` is "rgb", "grey" or "binary"; `strength` "none", "light" or "strong" varies them while
    training.
    """

    colours: str = "rgb"
    strength: str = "light"

    def inputs(self, crops: Crops, *, training: bool) -> Tensor:
        """Return float (N, 3, H, W) about 0 from uint8 (N, H, W, 3) RGB.

        While training every picture is varied on its own, by PyTorch's random numbers.
        """
        pictures = torch.from_numpy(np.ascontiguousarray(crops.transpose(0, 3, 1, 2)))
        if training and self.strength != "none":
            vary = _varying(self.strength)
            pictures = torch.stack([vary(picture) for picture in pictures])
        if self.colours != "rgb":
            pictures = v2.functional.rgb_to_grayscale(pictures, num_output_channels=3)
        values = pictures.float()
        if self.colours == "binary":
            values = torch.where(values > values.mean(dim=(1, 2, 3), keepdim=True), 255.0, 0.0)
        return (values - 127.5) / 128.0


def _varying(strength: str) -> v2.Compose:
    steps: list[v2.Transform] = [v2.RandomHorizontalFlip()]
    if strength == "strong":
        steps += [
            v2.RandomAffine(degrees=12, translate=(0.06, 0.06), scale=(0.9, 1.1)),
            v2.ColorJitter(brightness=0.3, contrast=0.3, saturation=0.2),
            v2.RandomErasing(p=0.25, scale=(0.02, 0.12)),
        ]
    return v2.Compose(steps)
