"""From pixels to embeddings: detection and embedding put together.

`FacePipeline.build` is what services call; it loads what `FacePipeline.prepare` has made once.
"""

import json
import logging
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from recognition.vision import prepare as preparation
from recognition.vision import reference, registry, store
from recognition.vision.centring import FOLDER as CALIBRATIONS
from recognition.vision.centring import centring_of
from recognition.vision.detection import NETWORKS, Detector, DetectorSettings, main_face
from recognition.vision.embedding import Embedder
from recognition.vision.engines.base import Engine, prove
from recognition.vision.errors import (
    EngineRefused,
    ModelDamaged,
    ModelError,
    ModelUnavailable,
    UnknownBackbone,
)
from recognition.vision.registry import BackboneSpec
from recognition.vision.types import AnalysedFace, Floats, Pixels, VersionInfo

logger = logging.getLogger(__name__)

ENGINES = ("auto", "openvino", "torch")
_ERRORS = {e.code: e for e in (ModelUnavailable, ModelDamaged, EngineRefused, UnknownBackbone)}


class FacePipeline:
    """Detects and embeds faces with one backbone version. Safe to share between threads."""

    def __init__(self, detector: Detector, embedder: Embedder, version: VersionInfo) -> None:
        self.detector = detector
        self.embedder = embedder
        self.version = version

    @classmethod
    def prepare(
        cls,
        models_dir: Path,
        *,
        backbone: str = "facenet-casia",
        weights_file: Path | None = None,
        allow_download: bool = False,
    ) -> None:
        """Convert weights and export networks once. Safe to call again and from several processes.

        Works in a child process, because exporting needs torch. `weights_file` gives the weights
        of a backbone that no package carries; `allow_download` lets it fetch them. Raises
        ModelUnavailable or ModelDamaged.
        """
        spec = registry.get(backbone)
        if preparation.is_ready(models_dir, spec):
            return
        command = [sys.executable, "-m", preparation.__name__]
        command += ["--models-dir", str(models_dir.resolve()), "--backbone", backbone]
        if weights_file is not None:
            command += ["--weights-file", str(weights_file.resolve())]
        if allow_download:
            command.append("--allow-download")
        root = Path(__file__).resolve().parents[2]  # where `-m recognition...` is found
        done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise _child_error(done.stdout, done.stderr)

    @classmethod
    def build(
        cls,
        models_dir: Path,
        *,
        backbone: str = "facenet-casia",
        engine: str = "auto",
        threads: int = 0,
        detector: DetectorSettings | None = None,
        calibrated: bool = True,
    ) -> "FacePipeline":
        """Load a prepared pipeline. `threads` 0 means all processors this process may use.

        `engine` is one of ENGINES; "auto" takes OpenVINO and falls back to PyTorch, with a warning
        in the log, when OpenVINO is refused. `calibrated=False` leaves embeddings uncentred, for
        making the calibration file.

        Raises ModelUnavailable (not prepared), ModelDamaged (checksum) or EngineRefused.
        """
        spec = registry.get(backbone)
        if engine not in ENGINES:
            raise EngineRefused(f"There is no engine {engine!r}. Known: {', '.join(ENGINES)}.")
        if not calibrated:
            spec = replace(spec, centring="")
        threads = threads or len(os.sched_getaffinity(0))
        if engine != "torch":
            try:
                return cls._build(models_dir, spec, "openvino", threads, detector)
            except (EngineRefused, ImportError) as error:
                if engine == "openvino":
                    raise EngineRefused(str(error)) from error
                logger.warning("OpenVINO is not used, PyTorch takes over: %s", error)
        return cls._build(models_dir, spec, "torch", threads, detector)

    @classmethod
    def _build(
        cls,
        models_dir: Path,
        spec: BackboneSpec,
        engine: str,
        threads: int,
        detector: DetectorSettings | None,
    ) -> "FacePipeline":
        make = _openvino_engines if engine == "openvino" else _torch_engines
        manifest = _manifest(models_dir / spec.name, preparation.recipe_of(spec))
        network, parts = make(models_dir, spec, threads)
        inputs = spec.preprocessing.network_input(reference.crops(spec.preprocessing.size))
        prove(network, inputs, _reference(models_dir, spec))
        centring = centring_of(spec)
        settings = detector or DetectorSettings()
        version = VersionInfo(
            backbone=spec.name,
            digest=registry.version_digest(spec, manifest.weights_sha256, centring),
            dimension=spec.dimension,
            weights_sha256=manifest.weights_sha256,
            numeric_class=registry.NUMERIC_CLASS,
            detector=settings.describe(),
            engine=network.name,
            precision=network.precision,
        )
        embedder = Embedder(network, spec.preprocessing, spec.dimension, centring)
        return cls(Detector(parts, settings), embedder, version)

    def analyse(
        self,
        images: Sequence[Pixels],
        max_faces: int = 100,
        *,
        main_only: bool = False,
        timings: dict[str, float] | None = None,
    ) -> list[list[AnalysedFace]]:
        """All faces of each picture (uint8 RGB, H x W x 3), largest first, with embeddings.

        Faces of low quality are embedded too: whether to use them is the caller's decision. With
        `main_only` one face of each picture is embedded, its main subject (see
        `detection.main_face`); the embedding of the others is None. Embedding takes most of the
        time, so an import of group photos is that much faster. `timings` receives the milliseconds
        spent under `detect` and `embed`.
        """
        started = time.perf_counter()
        detected = [faces[:max_faces] for faces in self.detector.detect(images)]
        found = time.perf_counter()
        wanted = [
            (main_face(faces, image.shape[1], image.shape[0]),) if main_only else faces
            for image, faces in zip(images, detected, strict=True)
        ]
        work = [
            (image, face)
            for image, faces in zip(images, wanted, strict=True)
            for face in faces
            if face is not None
        ]
        rows = self.embedder.embed(work)
        embeddings = {id(face): row for (_, face), row in zip(work, rows, strict=True)}
        if timings is not None:
            timings["detect"] = round((found - started) * 1000, 1)
            timings["embed"] = round((time.perf_counter() - found) * 1000, 1)
        return [
            [AnalysedFace(face, embeddings.get(id(face))) for face in faces] for faces in detected
        ]


def _openvino_engines(
    models_dir: Path, spec: BackboneSpec, threads: int
) -> tuple[Engine, dict[str, Engine]]:
    from recognition.vision.engines.openvino import OpenVinoEngine

    folder = models_dir / spec.name
    _check(folder, preparation.recipe_of(spec), ("network.xml", "network.bin"))
    network = OpenVinoEngine(folder / "network.xml", threads=threads, precision="auto")
    detector = models_dir / preparation.DETECTOR
    names = [f"{part}.{kind}" for part in NETWORKS for kind in ("xml", "bin")]
    _check(detector, preparation.detector_recipe(), names)
    parts: dict[str, Engine] = {
        part: OpenVinoEngine(detector / f"{part}.xml", threads=threads) for part in NETWORKS
    }
    return network, parts


def _torch_engines(
    models_dir: Path, spec: BackboneSpec, threads: int
) -> tuple[Engine, dict[str, Engine]]:
    import importlib

    from recognition.vision.backbones import mtcnn
    from recognition.vision.engines.torch import TorchEngine

    folder = models_dir / spec.name
    _check(folder, preparation.recipe_of(spec), (preparation.WEIGHTS,))
    loader = importlib.import_module(spec.loader)
    network = TorchEngine(loader.build_network(folder / preparation.WEIGHTS), threads=threads)
    return network, {name: TorchEngine(part) for name, part in mtcnn.networks().items()}


def _manifest(folder: Path, recipe: str) -> store.Manifest:
    manifest = store.read_manifest(folder)
    if manifest.recipe != recipe:
        raise ModelUnavailable(f"The model {folder.name!r} was prepared by another version.")
    return manifest


def _check(folder: Path, recipe: str, names: Sequence[str]) -> None:
    store.check_files(folder, _manifest(folder, recipe), names)


def _reference(models_dir: Path, spec: BackboneSpec) -> Floats:
    """Stored embeddings of the sixteen crops: the project's own, else those made by `prepare`."""
    if spec.reference:
        return reference.load(CALIBRATIONS / spec.reference)
    folder = models_dir / spec.name
    _check(folder, preparation.recipe_of(spec), (preparation.REFERENCE,))
    return reference.load(folder / preparation.REFERENCE)


def _child_error(stdout: str, stderr: str) -> ModelError:
    """The typed error a failed preparation reported, or one that quotes its last words."""
    lines = stdout.strip().splitlines()
    try:
        report = json.loads(lines[-1]) if lines else {}
    except ValueError:
        report = {}
    kind = _ERRORS.get(report.get("code", ""), ModelUnavailable)
    words = stderr.strip().splitlines()
    return kind(report.get("detail") or f"Preparing failed: {words[-1] if words else 'no message'}")
