"""All bad inputs as files, to try by hand: python -m tests.bad_inputs.generate FOLDER."""

import re
import sys
from pathlib import Path

from tests.bad_inputs.archives import ARCHIVES
from tests.bad_inputs.pictures import PICTURES


def main(arguments: list[str]) -> int:
    """Write every picture and archive into the folder; the name says what its answer must be."""
    if len(arguments) != 1:
        sys.stderr.write("usage: python -m tests.bad_inputs.generate FOLDER\n")
        return 2
    folder = Path(arguments[0])
    folder.mkdir(parents=True, exist_ok=True)
    for sample in PICTURES:
        _write(folder, f"{sample}-{sample.code or 'accepted'}", sample.filename, sample.make())
    for archive in ARCHIVES:
        _write(folder, f"{archive}-{archive.code or 'accepted'}", "a.zip", archive.make())
    return 0


def _write(folder: Path, name: str, filename: str, data: bytes) -> None:
    plain = re.sub(r"[^A-Za-z0-9]+", "-", name)
    (folder / f"{plain}{Path(filename).suffix}").write_bytes(data)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
