"""What every benchmark needs around itself: honest arithmetic, and the record of what it ran on."""

import argparse
import os
import platform
import sys
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
DATA = ROOT.parent / "shared" / "data"
_MISLEADING = ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE")  # force numpy onto an old kernel
_PACKAGES = ("numpy", "openvino", "torch", "facenet-pytorch", "pillow")


def run_without_blas_overrides(module: str) -> None:
    """Start this module again without variables that slow numpy down, if any is set."""
    if any(name in os.environ for name in _MISLEADING):
        clean = {key: value for key, value in os.environ.items() if key not in _MISLEADING}
        os.execve(sys.executable, [sys.executable, "-m", module, *sys.argv[1:]], clean)  # noqa: S606


def hardware() -> dict[str, object]:
    """Processor, cores, the instruction sets that matter here, memory, and who else was busy."""
    text = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    lines = (line.partition(":") for line in text.splitlines())
    fields = {key.strip(): value.strip() for key, _, value in lines}
    flags = set(fields.get("flags", "").split())
    wanted = ("avx2", "avx512f", "avx512_vnni", "avx512_bf16", "amx_bf16")
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return {
        "processor": fields.get("model name", platform.processor()),
        "family": f"{fields.get('cpu family', '?')}/{fields.get('model', '?')}",
        "cores": len(os.sched_getaffinity(0)),
        "features": [flag for flag in wanted if flag in flags],
        "memory_gb": round(memory / 2**30, 1),
        "load_before": round(os.getloadavg()[0], 2),  # above 0.5, speeds mean little
    }


def record(name: str, **content: object) -> dict[str, object]:
    """What `--json` prints: a benchmark's content with date, hardware and versions."""
    return {
        "benchmark": name,
        "date": datetime.now(UTC).strftime("%Y-%m-%d"),
        "hardware": hardware(),
        "versions": {"python": platform.python_version()}
        | {package: version(package) for package in _PACKAGES},
        **content,
    }


def add_arguments(parser: argparse.ArgumentParser, *, data: Path) -> None:
    """Folders that every benchmark takes."""
    parser.add_argument("--data", type=Path, default=data, help="folder of the data set")
    parser.add_argument("--models-dir", type=Path, default=ROOT / "var" / "models")
    parser.add_argument("--cache", type=Path, default=ROOT / "var" / "benchmarks")
