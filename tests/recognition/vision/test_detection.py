"""The detector against facenet-pytorch's own, and its promises."""

import numpy as np
import pytest
from facenet_pytorch import MTCNN
from PIL import Image

from recognition.vision.detection import NETWORKS, Detector, DetectorSettings, main_face
from recognition.vision.pipeline import FacePipeline
from recognition.vision.types import Box, DetectedFace, Pixels, Quality


@pytest.mark.faces
def test_same_faces_as_facenet_pytorch(
    pipeline: FacePipeline, lfw_photos: list[Pixels], group_photo: Pixels
) -> None:
    reference = MTCNN(keep_all=True, min_face_size=40)
    photos = [*lfw_photos, group_photo]
    total = same = 0
    for photo, faces in zip(photos, pipeline.detector.detect(photos), strict=True):
        boxes, probabilities, points = reference.detect(Image.fromarray(photo), landmarks=True)
        assert len(faces) == (0 if boxes is None else len(boxes))
        for index in range(len(faces)):
            total += 1
            box = Box(*(float(value) for value in boxes[index]))
            near = max(faces, key=lambda face: face.box.iou(box))
            if near.box.iou(box) < 0.9:
                continue
            same += 1
            scale = max(1.0, max(photo.shape) / 250)
            assert np.abs(near.landmarks - points[index]).max() < scale
            assert near.probability == pytest.approx(probabilities[index], abs=1e-4)
    assert total > 80
    assert same >= 0.995 * total


@pytest.mark.faces
def test_a_batch_gives_what_single_pictures_give(
    pipeline: FacePipeline, lfw_photos: list[Pixels], group_photo: Pixels
) -> None:
    empty = np.zeros((64, 64, 3), np.uint8)
    photos = [lfw_photos[0], group_photo, lfw_photos[1], empty, *lfw_photos[2:6]]
    together = pipeline.detector.detect(photos)
    for photo, faces in zip(photos, together, strict=True):
        alone = pipeline.detector.detect([photo])[0]
        assert len(faces) == len(alone)
        for one, other in zip(faces, alone, strict=True):
            assert one.box.iou(other.box) > 0.999
    assert together[3] == []


@pytest.mark.faces
def test_a_picture_beyond_the_long_side_keeps_its_coordinates(
    pipeline: FacePipeline, group_photo: Pixels
) -> None:
    height, width = group_photo.shape[:2]
    large = np.asarray(Image.fromarray(group_photo).resize((width * 3, height * 3)))
    assert max(large.shape) > DetectorSettings().long_side
    small_faces = pipeline.detector.detect([group_photo])[0]
    large_faces = pipeline.detector.detect([large])[0]
    assert len(large_faces) == len(small_faces) == 6
    for face in small_faces:
        box = Box(face.box.x1 * 3, face.box.y1 * 3, face.box.x2 * 3, face.box.y2 * 3)
        near = max(large_faces, key=lambda other: other.box.iou(box))
        assert near.box.iou(box) > 0.8
        assert np.abs(near.landmarks - face.landmarks * 3).max() < 0.1 * box.width


@pytest.mark.faces
def test_the_smallest_face_is_a_setting(pipeline: FacePipeline, group_photo: Pixels) -> None:
    usual = pipeline.detector.detect([group_photo])[0]
    side = min(face.box.height for face in usual)
    settings = DetectorSettings(min_face=int(side * 1.3))
    networks = dict(zip(NETWORKS, pipeline.detector.networks, strict=True))
    fewer = Detector(networks, settings).detect([group_photo])[0]
    assert 0 < len(fewer) < len(usual)


@pytest.mark.faces
def test_largest_first_and_capped(pipeline: FacePipeline, group_photo: Pixels) -> None:
    faces = pipeline.detector.detect([group_photo])[0]
    areas = [face.box.area for face in faces]
    assert areas == sorted(areas, reverse=True)
    answers = pipeline.analyse([group_photo], max_faces=2)[0]
    assert [answer.face.box for answer in answers] == [face.box for face in faces[:2]]


@pytest.mark.parametrize(
    "pixels",
    [
        np.zeros((200, 300, 3), np.uint8),
        np.full((200, 300, 3), 255, np.uint8),
        np.random.default_rng(0).integers(0, 256, (300, 300, 3), dtype=np.uint8),
        np.zeros((32, 32, 3), np.uint8),
        np.zeros((32, 640, 3), np.uint8),
    ],
    ids=["black", "white", "noise", "tiny", "strip"],
)
def test_pictures_without_a_face(pipeline: FacePipeline, pixels: Pixels) -> None:
    for answer in pipeline.analyse([pixels])[0]:  # noise may fool a detector, never with NaN
        assert answer.embedding is not None
        assert np.isfinite(answer.embedding).all()
        assert 0.0 <= answer.face.quality.score <= 1.0
    assert pipeline.analyse([]) == []


def face_at(box: Box) -> DetectedFace:
    quality = Quality(1.0, 1.0, 40.0, 0.3, 0.5, 0.2, 0.0, 0.0)
    return DetectedFace(box, 0.99, np.zeros((5, 2), np.float32), quality)


def test_main_face_weighs_size_against_distance() -> None:
    middle, corner = face_at(Box(80, 80, 120, 120)), face_at(Box(0, 0, 50, 50))
    assert main_face([corner, middle], 200, 200) is middle
    large = face_at(Box(0, 0, 190, 190))
    assert main_face([middle, large], 200, 200) is large
    assert main_face([], 200, 200) is None
