"""Quality moves the way a person would say it does."""

import numpy as np
import pytest
from PIL import Image, ImageEnhance, ImageFilter

from recognition.vision import quality
from recognition.vision.pipeline import FacePipeline
from recognition.vision.types import Box, Pixels, Quality, QualityLimits

FRONTAL = np.array([[30, 40], [70, 40], [50, 60], [35, 80], [65, 80]], np.float32)


def test_pose_from_landmarks() -> None:
    assert quality.pose(FRONTAL) == pytest.approx((40.0, 0.0, 0.0))
    to_the_right = FRONTAL.copy()
    to_the_right[2, 0] += 15
    assert 25 < quality.pose(to_the_right)[1] < 40
    to_the_left = FRONTAL.copy()
    to_the_left[2, 0] -= 15
    assert quality.pose(to_the_left)[1] == pytest.approx(-quality.pose(to_the_right)[1])


def test_yaw_does_not_change_when_the_picture_is_turned() -> None:
    angle = np.radians(30)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    turned = (FRONTAL @ turn.T).astype(np.float32)
    distance, yaw, roll = quality.pose(turned)
    assert (distance, yaw, roll) == pytest.approx((40.0, 0.0, 30.0), abs=1e-3)


def test_eyes_in_one_place_are_a_profile() -> None:
    assert quality.pose(np.zeros((5, 2), np.float32)) == (0.0, 90.0, 0.0)


@pytest.mark.faces
def test_spoilt_photographs_score_lower(pipeline: FacePipeline, lfw_photos: list[Pixels]) -> None:
    blurred = darker = flatter = 0
    for photo in lfw_photos[:10]:
        face = pipeline.detector.detect([photo])[0][0]
        image = Image.fromarray(photo)

        def of(changed: Image.Image, face=face) -> Quality:
            return quality.measure(np.asarray(changed), face.box, face.probability, face.landmarks)

        good = of(image)
        assert 0.0 <= good.score <= 1.0
        blurred += of(image.filter(ImageFilter.GaussianBlur(5))).sharpness < 0.5 * good.sharpness
        darker += of(ImageEnhance.Brightness(image).enhance(0.1)).score < good.score
        flatter += of(ImageEnhance.Contrast(image).enhance(0.1)).score < good.score
    assert (blurred, darker, flatter) == (10, 10, 10)


def test_a_box_outside_has_no_quality(picture: Pixels) -> None:
    found = quality.measure(picture, Box(900, 900, 950, 950), 0.99, FRONTAL)
    assert (found.score, found.brightness, found.sharpness) == (0.0, 0.0, 0.0)


def test_reasons_name_every_limit_missed() -> None:
    good = Quality(0.9, 0.99, 40, 0.5, 0.5, 0.2, 5, 0)
    assert good.reasons(QualityLimits()) == ()
    bad = Quality(0.0, 0.5, 5, 0.0, 0.01, 0.01, -89, 0)
    assert bad.reasons(QualityLimits()) == (
        "uncertain_detection",
        "too_small",
        "blurred",
        "too_dark",
        "low_contrast",
        "turned_away",
    )
    assert good.reasons(QualityLimits(score=0.95)) == ("low_score",)
    assert good.reasons(QualityLimits(brightness_high=0.4)) == ("too_bright",)
