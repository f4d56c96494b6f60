"""What decoding in a process of its own costs: photos of LFW here and in a child, by turns.

python -m benchmarks.decoding            two lines
python -m benchmarks.decoding --json     one JSON record
"""

import argparse
import json
import statistics
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks import environment, lfw
from recognition.vision import images, sandbox
from recognition.vision.types import DecodedImage

SAMPLE = 800


def measure(decode: Callable[[bytes], DecodedImage], files: list[bytes]) -> dict[str, float]:
    """Median and 90th percentile of the time for one photo, in milliseconds."""
    times = []
    for data in files:
        began = time.perf_counter()
        decode(data)
        times.append((time.perf_counter() - began) * 1e3)
    ninetieth = statistics.quantiles(times, n=10)[-1]
    return {"median_ms": round(statistics.median(times), 3), "p90_ms": round(ninetieth, 3)}


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=environment.DATA / "lfw")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    names = lfw.image_names(options.data)
    chosen = names[:: max(1, len(names) // SAMPLE)][:SAMPLE]
    files = [(options.data / "lfw-deepfunneled" / name).read_bytes() for name in chosen]
    began = time.perf_counter()
    sandbox.decode_image(files[0])
    first = round((time.perf_counter() - began) * 1e3)
    results = {"here": measure(images.decode_image, files)}
    results["in a child"] = measure(sandbox.decode_image, files)
    if options.json:
        record = environment.record("decoding", photos=len(files), first_ms=first, results=results)
        print(json.dumps(record, indent=1))
        return
    for where, figures in results.items():
        print(f"{where}: median {figures['median_ms']} ms, 90 % within {figures['p90_ms']} ms")
    print(f"first photo, with the start of the child: {first} ms")


if __name__ == "__main__":
    environment.run_without_blas_overrides("benchmarks.decoding")
    main()
