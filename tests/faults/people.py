"""Galleries, imports and enrollments under fire, and what must be left of them afterwards."""

import hashlib
import io
import itertools
import threading
import time
import uuid
import zipfile
from dataclasses import dataclass, field
from typing import Any

from tests.fakes import face_photo
from tests.faults.http import BROKEN
from tests.faults.platform import PATIENCE, Platform, until
from tests.faults.trials import Outcome

IMAGES = 48
BATCHES = 3  # of sixteen images, as an import writes them
_numbers = itertools.count(1)

# What a gallery holds, in words that are the same in every run: no ids, no times.
_FACES = """
    SELECT i.name, p.sha256, f.x1, f.y1, f.x2, f.y2, f.landmarks::text, f.state, f.quality,
           f.path, t.embedding::text, t.searchable
      FROM recognition_faceimage f
      JOIN recognition_photo p ON p.id = f.photo_id
      LEFT JOIN recognition_identity i ON i.id = f.identity_id
      LEFT JOIN recognition_facetemplate t ON t.face_id = f.id
     WHERE f.gallery_id = %s
     ORDER BY i.name, p.sha256, f.x1, t.id
"""
_ITEMS = """
    SELECT m.number, m.path, m.identity_name, m.status, m.code
      FROM recognition_importitem m JOIN recognition_importrun r ON r.id = m.run_id
     WHERE r.gallery_id = %s
     ORDER BY m.number, m.path
"""
_TWICE = """
    SELECT count(*) FROM
      (SELECT 1 FROM recognition_faceimage WHERE gallery_id = %(gallery)s
        GROUP BY photo_id, x1, y1 HAVING count(*) > 1
       UNION ALL
       SELECT 1 FROM recognition_importitem m JOIN recognition_importrun r ON r.id = m.run_id
        WHERE r.gallery_id = %(gallery)s GROUP BY m.run_id, m.path HAVING count(*) > 1
       UNION ALL
       SELECT 1 FROM recognition_facetemplate WHERE gallery_id = %(gallery)s
        GROUP BY face_id HAVING count(*) > 1) twice
"""


def photos(count: int, *, person: int = 1) -> dict[str, bytes]:
    """Photos of twelve people, from `person` on, by path."""
    return {
        f"person {person + number % 12}/{number:03}.png": face_photo(
            person + number % 12, variant=number // 12
        )
        for number in range(count)
    }


def zipped(files: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for path, data in files.items():
            archive.writestr(path, data)
    return out.getvalue()


def make_gallery(platform: Platform) -> str:
    answer = platform.administrator.post("/api/v1/galleries", name=f"Gallery {next(_numbers)}")
    assert answer.status == 201, answer
    return str(answer.body["id"])


def make_person(platform: Platform, gallery: str, name: str) -> str:
    answer = platform.program.post(f"/api/v1/galleries/{gallery}/identities", name=name)
    assert answer.status == 201, answer
    return str(answer.body["id"])


@dataclass(frozen=True, slots=True)
class Import:
    """An import that was acknowledged."""

    gallery: str
    job: str
    seconds: float


def start_import(platform: Platform, archive: bytes, gallery: str = "") -> Import:
    """Upload a zip into a new gallery; the answer must be 202."""
    gallery = gallery or make_gallery(platform)
    path = f"/api/v1/galleries/{gallery}/imports"
    answer = platform.program.upload(path, "archive", "people.zip", archive)
    assert answer.status == 202, answer
    return Import(gallery, str(answer.body["job"]["id"]), answer.seconds)


def job_row(platform: Platform, job: str) -> tuple[str, int, str]:
    """Return state, attempt and error code of a job."""
    query = "SELECT state, attempt, error_code FROM core_job WHERE id = %s"
    ((state, attempt, code),) = platform.sql(query, job)
    return state, attempt, code


def ended(platform: Platform, *jobs: str) -> bool:
    query = "SELECT count(*) FROM core_job WHERE id = ANY(%s) AND finished_at IS NOT NULL"
    return bool(platform.one(query, [uuid.UUID(job) for job in jobs]) == len(jobs))


def wait_for(platform: Platform, *jobs: str, seconds: float = PATIENCE) -> None:
    """Wait until jobs have ended; all must have succeeded."""
    until(lambda: ended(platform, *jobs), f"{len(jobs)} jobs end", seconds)
    rows = {job: job_row(platform, job) for job in jobs}
    assert all(state == "succeeded" for state, _, _ in rows.values()), rows


def content_hash(platform: Platform, gallery: str, *, items: bool = True) -> str:
    """Hash what a gallery holds, in words that are the same in every run."""
    rows: list[Any] = platform.sql(_FACES, gallery)
    if items:
        rows += platform.sql(_ITEMS, gallery)
    return hashlib.sha256(repr(rows).encode()).hexdigest()


def duplicates(platform: Platform, gallery: str) -> int:
    """Count faces, templates and result lines that exist more than once."""
    return int(platform.one(_TWICE.replace("%(gallery)s", "%s"), gallery, gallery, gallery))


def damaged_files(platform: Platform) -> int:
    """Count photos whose file is missing or has another checksum."""
    query = "SELECT organization_id, sha256 FROM recognition_photo"
    folder = platform.layout.var / "files"
    wrong = 0
    for organization, sha256 in platform.sql(query):
        path = folder / str(organization) / sha256[:2] / sha256
        whole = path.exists() and hashlib.sha256(path.read_bytes()).hexdigest() == sha256
        wrong += not whole
    return wrong


def outcome_of(
    platform: Platform, imported: Import, calm: str, seconds: float | None, images: int = IMAGES
) -> Outcome:
    """Compare what an import left with what the undisturbed one left."""
    found = platform.one(
        "SELECT count(*) FROM recognition_faceimage WHERE gallery_id = %s", imported.gallery
    )
    return Outcome(
        seconds=seconds,
        lost=max(0, images - int(found)) + damaged_files(platform),
        duplicates=duplicates(platform, imported.gallery),
        equal=content_hash(platform, imported.gallery) == calm,
    )


@dataclass
class Crowd:
    """Threads that enroll photos of one person without a pause and remember the promises."""

    platform: Platform
    gallery: str
    threads: int = 3
    promised: list[str] = field(default_factory=list)
    refused: list[tuple[int, str, bool]] = field(default_factory=list)
    tried: list[tuple[str, bytes]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.person = make_person(self.platform, self.gallery, "crowd")
        self._program = self.platform.program
        self._path = f"/api/v1/identities/{self.person}/images"
        self._stop = threading.Event()
        self._numbers = itertools.count(next(_numbers) * 1500)
        self._workers = [threading.Thread(target=self._work) for _ in range(self.threads)]

    def __enter__(self) -> "Crowd":
        for worker in self._workers:
            worker.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for worker in self._workers:
            worker.join()

    def _work(self) -> None:
        while not self._stop.is_set():
            number = next(self._numbers)
            name = f"{number}.png"
            data = face_photo(777, variant=number % 150, width=640 + number // 150)
            self.tried.append((name, data))
            try:
                answer = self._program.upload(self._path, "images", name, data)
            except BROKEN:
                time.sleep(0.05)
                continue
            if answer.status == 201:
                self.promised.append(hashlib.sha256(data).hexdigest())
            else:
                patience = "Retry-After" in answer.headers
                self.refused.append((answer.status, answer.code, patience))
                time.sleep(0.05)

    def served(self) -> bool:
        """Whether something was promised since the last call."""
        before, self._seen = getattr(self, "_seen", 0), len(self.promised)
        return self._seen > before

    def outcome(self, seconds: float | None) -> Outcome:
        """Send everything again, then compare with a gallery that was filled in peace."""
        stored = {
            sha256
            for (sha256,) in self.platform.sql(
                "SELECT p.sha256 FROM recognition_photo p JOIN recognition_faceimage f"
                " ON f.photo_id = p.id WHERE f.gallery_id = %s",
                self.gallery,
            )
        }
        lost = len(set(self.promised) - stored)
        hashes = []
        for path in (self._path, self._calm_path()):
            for name, data in self.tried:
                answer = self._program.upload(path, "images", name, data)
                assert answer.status in {201, 409}, answer
            gallery = self.platform.one(
                "SELECT gallery_id FROM recognition_identity WHERE id = %s", path.split("/")[4]
            )
            hashes.append(content_hash(self.platform, gallery, items=False))
        return Outcome(
            seconds=seconds,
            lost=lost + damaged_files(self.platform),
            duplicates=duplicates(self.platform, self.gallery),
            equal=hashes[0] == hashes[1],
        )

    def _calm_path(self) -> str:
        person = make_person(self.platform, make_gallery(self.platform), "crowd")
        return f"/api/v1/identities/{person}/images"


def finished_at(platform: Platform, job: str) -> float:
    """Return when a job ended, on the wall clock that all processes share."""
    return float(
        platform.one("SELECT extract(epoch FROM finished_at) FROM core_job WHERE id = %s", job)
    )
