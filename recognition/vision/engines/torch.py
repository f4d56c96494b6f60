"""PyTorch: the engine that runs wherever the training does, and the reference for the others."""

import threading

import numpy as np
import torch

from recognition.vision.types import Floats


class TorchEngine:
    """One PyTorch network in float32 on the CPU, one call at a time.

    `threads` sets PyTorch's own number for the whole process; 0 leaves it alone.
    """

    name = "torch"
    precision = "f32"

    def __init__(self, network: torch.nn.Module, *, threads: int = 0) -> None:
        if threads:
            torch.set_num_threads(threads)
        self._network = network.eval()
        self._turn = threading.Lock()

    def infer(self, batch: Floats) -> Floats:
        """See Engine.infer."""
        with self._turn, torch.inference_mode():
            values = torch.from_numpy(np.array(batch, np.float32))
            return np.asarray(self._network(values).numpy(), np.float32)
