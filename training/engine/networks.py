"""Networks for pictures: any of torchvision's classifiers, and a small one for slow machines."""

import urllib.error
from collections import OrderedDict

import torch
import torchvision
from torch import Tensor, nn

from training.engine.errors import TrainingError

SMALL = "small-cnn"
WEIGHTS = ("scratch", "imagenet")


def build(name: str, *, weights: str = "scratch", seed: int = 0) -> tuple[nn.Module, int]:
    """Return a network without its last layer, and the length of its features.

    Weights from scratch are Xavier's (Glorot & Bengio, 2010), drawn by the seed; `imagenet` loads
    torchvision's own. Raises TrainingError `network_unknown` or `weights_unavailable`.
    """
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        if name == SMALL:
            if weights != "scratch":
                raise TrainingError("weights_unavailable", f"{SMALL} has no pretrained weights.")
            network: nn.Module = SmallCnn()
            width = SmallCnn.width
        else:
            network, width = _torchvision(name, weights)
        if weights == "scratch":
            network.apply(_xavier)
    return network, width


class SmallCnn(nn.Module):
    """Four blocks of convolution, normalisation and pooling: learns on a CPU in minutes."""

    width = 256

    def __init__(self) -> None:
        super().__init__()
        layers: list[tuple[str, nn.Module]] = []
        before = 3
        for number, after in enumerate((32, 64, 128, self.width)):
            layers += [
                (f"conv{number}", nn.Conv2d(before, after, 3, padding=1, bias=False)),
                (f"norm{number}", nn.BatchNorm2d(after)),
                (f"relu{number}", nn.ReLU(inplace=True)),
                (f"pool{number}", nn.MaxPool2d(2)),
            ]
            before = after
        self.layers = nn.Sequential(OrderedDict(layers))

    def forward(self, pictures: Tensor) -> Tensor:
        """Return features (N, width) of pictures, float (N, 3, H, W)."""
        found: Tensor = self.layers(pictures).mean(dim=(2, 3))
        return found


def freeze(network: nn.Module, tune: str) -> None:
    """Let all, the last third (`part`) or none (`head`) of a network's weights learn."""
    parameters = list(network.parameters())
    kept = {"all": 0, "part": 2 * len(parameters) // 3, "head": len(parameters)}[tune]
    for number, parameter in enumerate(parameters):
        parameter.requires_grad = number >= kept


def _torchvision(name: str, weights: str) -> tuple[nn.Module, int]:
    if name not in torchvision.models.list_models(module=torchvision.models):
        raise TrainingError("network_unknown", f"torchvision has no classifier {name!r}.")
    options = {} if name not in {"googlenet", "inception_v3"} else {"aux_logits": False}
    try:
        network = torchvision.models.get_model(
            name, weights="DEFAULT" if weights == "imagenet" else None, **options
        )
    except (urllib.error.URLError, TimeoutError, ConnectionError, RuntimeError) as error:
        raise TrainingError(
            "weights_unavailable",
            f"The pretrained weights of {name} could not be loaded ({error}). Start from scratch, "
            "or put torchvision's file into its cache.",
        ) from error
    last = [key for key, module in network.named_modules() if isinstance(module, nn.Linear)][-1]
    width = int(network.get_submodule(last).in_features)
    network.set_submodule(last, nn.Identity())
    return network, width


def _xavier(module: nn.Module) -> None:
    if isinstance(module, nn.Conv2d | nn.Linear):
        nn.init.xavier_uniform_(module.weight)
        if module.bias is not None:
            nn.init.zeros_(module.bias)
