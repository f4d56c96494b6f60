"""Drawn people in a gallery, measured: what the pages of evaluation are photographed with.

Their templates are random vectors, so every figure is made up; their pictures are circles.
"""

import io

import numpy as np
from PIL import Image, ImageDraw

PEOPLE, IMAGES, SIDE = 90, 4, 160
GALLERY = "Drawn people"


def measured_gallery() -> dict[str, str]:
    """Make gallery, dataset and evaluations unless they are there; return {protocol: id}."""
    from faceplatform.core.actors import SYSTEM
    from faceplatform.core.jobs import run_here
    from recognition.models import Gallery
    from training.models import Evaluation, SplitKind
    from training.services.datasets import Filters, Split, freeze_dataset
    from training.services.evaluations import Source, start_evaluation

    gallery = Gallery.objects.filter(name=GALLERY).first()
    if gallery is None:
        gallery = _gallery()
        dataset = freeze_dataset(
            name="Drawn people, 80 to 20",
            galleries=[gallery],
            filters=Filters(),
            split=Split(SplitKind.STRATIFIED),
            actor=SYSTEM,
            ring=False,
        )
        if dataset.job is not None:
            run_here(dataset.job.pk)
        whole = Source(gallery)
        for source, protocol, seed in (
            (whole, "all_pairs", 0),
            (whole, "open_set", 0),
            (whole, "balanced", 0),
            (Source(dataset=dataset), "classification", 0),
        ):
            made = start_evaluation(
                source=source, protocol=protocol, seed=seed, actor=SYSTEM, ring=False
            )
            if made.job is not None:
                run_here(made.job.pk)
    rows = Evaluation.objects.filter(organization=gallery.organization, report__isnull=False)
    return {row.protocol: str(row.pk) for row in rows.order_by("pk")}


def _gallery() -> "Gallery":  # type: ignore[name-defined]  # noqa: F821 (Django starts later)
    from faceplatform.accounts.models import Organization
    from faceplatform.core import storage
    from faceplatform.core.actors import SYSTEM
    from recognition.models import FaceImage, FaceTemplate, Identity, Photo
    from recognition.services.galleries import create_gallery

    organization = Organization.objects.earliest("pk")
    gallery = create_gallery(organization_id=organization.pk, name=GALLERY, actor=SYSTEM)
    rng = np.random.default_rng(3)
    basis = np.linalg.qr(rng.standard_normal((gallery.model_version.dimension, 24)))[0]
    for number in range(PEOPLE):
        person = Identity.objects.create(
            organization=organization,
            gallery=gallery,
            name=f"Drawn person {number + 1}",
            metadata={"row": "front" if number % 2 else "back"},
        )
        centre, colour = rng.standard_normal(24), rng.integers(60, 220, 3)
        for image in range(IMAGES):
            data = _drawing(colour, rng)
            photo = Photo.objects.create(
                organization=organization,
                sha256=storage.put_photo(organization.pk, data),
                size=len(data),
                media_type="image/png",
                width=SIDE,
                height=SIDE,
            )
            noise = rng.uniform(0.3, 1.0)
            face = FaceImage.objects.create(
                organization=organization,
                gallery=gallery,
                identity=person,
                photo=photo,
                path=f"{person.name}/{image + 1}.png",
                detector="drawn",
                detection_score=0.99,
                quality=1 - noise / 2,
                quality_parts={"sharpness": 0.5 - noise / 4, "yaw": 30 * noise},
                **_box(),
            )
            vector = basis @ (centre + noise * rng.standard_normal(24))
            FaceTemplate.objects.create(
                organization=organization,
                gallery=gallery,
                face=face,
                model_version=gallery.model_version,
                dimension=len(vector),
                embedding=(vector / np.linalg.norm(vector)).astype(np.float32),
            )
    return gallery


def _box() -> dict[str, object]:
    low, high = 0.2 * SIDE, 0.8 * SIDE
    points = [(0.4, 0.42), (0.6, 0.42), (0.5, 0.55), (0.42, 0.66), (0.58, 0.66)]
    return {
        "x1": low,
        "y1": low,
        "x2": high,
        "y2": high,
        "landmarks": [SIDE * share for point in points for share in point],
    }


def _drawing(
    colour: "np.ndarray[tuple[int], np.dtype[np.int64]]", rng: np.random.Generator
) -> bytes:
    """A PNG with a round face; no two are the same bytes."""
    shade = tuple(int(value) for value in np.clip(colour + rng.integers(-25, 25, 3), 0, 255))
    picture = Image.new("RGB", (SIDE, SIDE), tuple(int(v) for v in rng.integers(200, 250, 3)))
    draw = ImageDraw.Draw(picture)
    at = rng.uniform(-4, 4, 2)

    def ellipse(x: float, y: float, w: float, h: float, fill: object) -> None:
        left, top = x * SIDE + at[0], y * SIDE + at[1]
        box = (left - w * SIDE, top - h * SIDE, left + w * SIDE, top + h * SIDE)
        draw.ellipse(box, fill=fill)  # type: ignore[arg-type]

    ellipse(0.5, 0.5, 0.28, 0.34, shade)
    for eye in (0.4, 0.6):
        ellipse(eye, 0.42, 0.035, 0.045, (30, 30, 30))
    ellipse(0.5, 0.66, 0.1, rng.uniform(0.01, 0.05), (140, 50, 60))
    out = io.BytesIO()
    picture.save(out, format="PNG")
    return out.getvalue()
