import contextlib
import io
from pathlib import Path

import cv2
import numpy as np
import pytest
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from detbench.core.boxes import xyxy_to_xywh
from detbench.datasets.coco import CocoFolder
from detbench.detectors.blobs import Blobs
from detbench.types import Detector, Image

COLOURS = {"red disc": (200, 30, 40), "yellow square": (210, 200, 30), "green disc": (30, 170, 50)}


def straight_blur(image: Image, length_px: float) -> Image:
    """Centred straight motion along the diagonal, averaged in gamma-coded values; the nearest odd kernel is taken."""
    side = 2 * round((length_px / 2**0.5 - 1) / 2) + 1
    return np.asarray(cv2.filter2D(image, -1, np.eye(side) / side, borderType=cv2.BORDER_REFLECT), np.uint8)


def average_precision(folder: Path, length_px: float) -> float:
    """COCO's mAP of the blobs detector on a dataset whose pictures are blurred by `length_px`, by pycocotools."""
    dataset, blobs = CocoFolder(folder), Blobs()
    category_ids = {name: identity for identity, name in dataset.classes.items()}
    results = []
    for sample in dataset:
        found = blobs(straight_blur(sample.blurred.load(), length_px))
        for box, score, label in zip(xyxy_to_xywh(found.boxes), found.scores, found.labels, strict=True):
            category_id = category_ids[blobs.classes[label]]
            results.append({"image_id": sample.id, "category_id": category_id, "bbox": box.tolist(), "score": score})
    with contextlib.redirect_stdout(io.StringIO()):
        truth = COCO(str(folder / "annotations.json"))
        scorer = COCOeval(truth, truth.loadRes(results), "bbox")
        scorer.evaluate()
        scorer.accumulate()
        scorer.summarize()
    return float(scorer.stats[0])


def grey_picture() -> Image:
    """A dull picture, shape (60, 90, 3)."""
    return np.full((60, 90, 3), 128, np.uint8)


def test_it_finds_nearly_everything_that_is_sharp(drawn_dataset: Path) -> None:
    """On sharp drawn pictures its mAP is near 1."""
    assert average_precision(drawn_dataset, 1) > 0.85


@pytest.mark.parametrize("length_px", [15, 25])
def test_motion_blur_costs_a_third(drawn_dataset: Path, length_px: int) -> None:
    """Under motion blur it loses more than a third of its mAP, but not everything."""
    blurred = average_precision(drawn_dataset, length_px)
    assert 0.02 < blurred < average_precision(drawn_dataset, 1) * 2 / 3


def test_blur_lowers_the_score() -> None:
    """The same disc, blurred further and further, is found with less and less confidence, then not at all."""
    picture = grey_picture()
    cv2.circle(picture, (45, 30), 9, COLOURS["red disc"], -1)
    found = [Blobs()(straight_blur(picture, length)) for length in (1, 11, 17, 45)]
    scores = [detections.scores[0] for detections in found[:3]]
    assert scores == sorted(scores, reverse=True)
    assert len(set(scores)) == 3
    assert len(found[3]) == 0


def test_a_square_is_boxed_to_the_pixel() -> None:
    """An asymmetric box comes back as x1, y1, x2, y2, its far edges one past the last pixel, under its class."""
    picture = grey_picture()
    picture[5:22, 50:80] = COLOURS["yellow square"]
    found = Blobs()(picture)
    assert found.boxes.tolist() == [[50, 5, 80, 22]]
    assert [Blobs.classes[label] for label in found.labels] == ["yellow square"]
    assert found.scores[0] > 0.8


def test_reds_on_both_ends_of_the_hue_circle_are_red() -> None:
    """Crimson (hue 350) and vermilion (hue 10) belong to one class."""
    picture = grey_picture()
    picture[10:20, 10:20] = (220, 20, 53)
    picture[10:20, 40:50] = (220, 53, 20)
    assert {Blobs.classes[label] for label in Blobs()(picture).labels} == {"red disc"}


@pytest.mark.parametrize("shape", [(1, 1, 3), (2, 3, 3), (241, 317, 3)])
def test_nothing_in_a_dull_picture(shape: tuple[int, int, int]) -> None:
    """A picture without colour, of any size, holds nothing: empty arrays of the right shapes."""
    found = Blobs()(np.full(shape, 90, np.uint8))
    assert found.boxes.shape == (0, 4)


def test_a_picture_is_left_as_it_was(drawn_dataset: Path) -> None:
    """It changes no pixel, takes views with odd strides and read-only pictures, and repeats itself exactly."""
    picture = next(iter(CocoFolder(drawn_dataset))).blurred.load()
    mirrored = picture[:, ::-1]
    mirrored.flags.writeable = False
    before = mirrored.copy()
    first, second = Blobs()(mirrored), Blobs()(mirrored)
    np.testing.assert_array_equal(mirrored, before)
    np.testing.assert_array_equal(first.boxes, second.boxes)
    assert len(first) > 0


def test_it_is_a_detector() -> None:
    """It fulfils the contract: `classes` is a tuple that labels index."""
    detector: Detector = Blobs()
    assert set(detector.classes) == {"red disc", "green disc", "blue square", "yellow square"}
