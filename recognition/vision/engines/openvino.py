"""OpenVINO: the fast engine on a CPU. Imports no torch."""

import queue
from pathlib import Path

import numpy as np
import openvino

from recognition.vision.errors import EngineRefused
from recognition.vision.types import Floats


class OpenVinoEngine:
    """One exported network on the CPU.

    At most `requests` calls run at the same time, others wait for their turn: that bounds memory
    in a process with many threads. `threads` is the number of processors one call may use, 0 for
    all. `precision` is "f32", or "auto" for bfloat16 where the processor computes in it.
    """

    name = "openvino"

    def __init__(
        self, path: Path, *, threads: int = 0, requests: int = 1, precision: str = "f32"
    ) -> None:
        core = openvino.Core()
        # A mapped file that is cut short later takes the whole process down (SIGBUS).
        core.set_property({"ENABLE_MMAP": False})
        self.precision = self._choose(core, precision)
        options: dict[str, object] = {
            "INFERENCE_PRECISION_HINT": self.precision,
            "NUM_STREAMS": 1,
        }
        if threads:
            options["INFERENCE_NUM_THREADS"] = threads
        try:
            compiled = core.compile_model(core.read_model(path), "CPU", options)
        except RuntimeError as error:
            raise EngineRefused(f"OpenVINO cannot load {path.name}: {error}") from error
        self._free: queue.SimpleQueue[openvino.InferRequest] = queue.SimpleQueue()
        for _ in range(max(1, requests)):
            self._free.put(compiled.create_infer_request())

    @staticmethod
    def _choose(core: openvino.Core, precision: str) -> str:
        if precision != "auto":
            return precision
        capabilities = core.get_property("CPU", "OPTIMIZATION_CAPABILITIES")
        return "bf16" if "BF16" in capabilities else "f32"

    def infer(self, batch: Floats) -> Floats:
        """See Engine.infer. The result is a copy and stays valid."""
        request = self._free.get()
        try:
            request.infer({0: np.ascontiguousarray(batch, np.float32)}, share_inputs=True)
            return np.array(request.get_output_tensor(0).data, np.float32)
        finally:
            self._free.put(request)
