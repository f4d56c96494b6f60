"""From pixels to embeddings: detection and embedding put together.

`FacePipeline.build` is what services call; it needs what `FacePipeline.prepare` has made once.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from recognition.vision.types import AnalysedFace, Pixels, VersionInfo

EngineChoice = Literal["auto", "openvino", "torch"]


class FacePipeline:
    """Detects and embeds faces. Safe to share between threads."""

    version: VersionInfo

    @classmethod
    def prepare(
        cls,
        models_dir: Path,
        *,
        backbone: str = "facenet-casia",
        weights_file: Path | None = None,
        allow_download: bool = False,
    ) -> None:
        """Convert weights and export networks once, in a child process. Safe to call again.

        `weights_file` is a file of the weights for a backbone whose weights no package carries.
        Raises ModelUnavailable or ModelDamaged.
        """
        raise NotImplementedError

    @classmethod
    def build(
        cls,
        models_dir: Path,
        *,
        backbone: str = "facenet-casia",
        engine: EngineChoice = "auto",
        threads: int = 0,
        min_face: int = 40,
    ) -> "FacePipeline":
        """Load a prepared pipeline. `threads` 0 means all processors this process may use.

        Raises ModelUnavailable (not prepared), ModelDamaged (checksum), EngineRefused.
        """
        raise NotImplementedError

    def analyse(self, images: Sequence[Pixels], max_faces: int = 100) -> list[list[AnalysedFace]]:
        """All faces of each picture (uint8 RGB, H x W x 3), largest first, each with embedding.

        Faces of low quality are embedded too: whether to use them is the caller's decision.
        """
        raise NotImplementedError
