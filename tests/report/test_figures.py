import base64
import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image as PillowImage

from detbench.metrics.matching import Counts
from detbench.report.figures import EMBEDDED_BYTES, EMBEDDED_SIDE_PX, embedded_jpeg, strips
from detbench.report.shown import ShownArm, ShownPicture
from detbench.report.view import view_of
from detbench.types import Detections, GroundTruth

Write = Callable[..., Path]
MAPS = {"sharp": 0.4, "blurred": 0.2, "wiener": 0.3}


def opened(data_uri: str) -> PillowImage.Image:
    """The picture in a data URI."""
    head, _, content = data_uri.partition(",")
    assert head == "data:image/jpeg;base64"
    return PillowImage.open(io.BytesIO(base64.b64decode(content)))


def test_a_strip_goes_from_blurred_to_sharp(write: Write) -> None:
    """Pictures come in the result's order, arms with the sharp one last, with severity and PSNR where known."""
    shown = view_of(write(maps=MAPS)).strips
    assert [(strip.file_name, strip.severity_px) for strip in shown] == [("second.png", 8.0), ("first.png", 4.0)]
    assert [(panel.arm, panel.psnr_db) for panel in shown[0].panels] == [
        ("blurred", 25.25),
        ("wiener", 25.25),
        ("sharp", None),
    ]


def test_boxes_are_found_false_or_missed(write: Write) -> None:
    """A match is found, a sure detection without one is false, a true box that only an unsure one fits is missed."""
    panel = view_of(write(maps=MAPS)).strips[0].panels[0]
    assert [(mark.kind, mark.name) for mark in panel.marks] == [
        ("found", "car 0.90"),
        ("false", "person 0.40"),
        ("missed", "car"),
    ]
    first = panel.marks[0]
    assert (first.x, first.y, first.width, first.height) == (5.0, 6.0, 20.0, 10.0)
    assert panel.counts == Counts(tp=1, fp=1, fn=1)


def test_crowd_regions_are_neither_found_nor_missed(tmp_path: Path) -> None:
    """A crowd region is not drawn, nor is what was found on it; the counts agree."""
    file = tmp_path / "p.png"
    PillowImage.new("RGB", (60, 40)).save(file)
    box = np.array([[5.0, 6.0, 25.0, 16.0]])
    truth = GroundTruth(box, np.array([1]), np.array([True]), np.array([200.0]), np.array([1]))
    found = Detections(box, np.array([0.9]), np.array([1]))
    picture = ShownPicture("p.png", None, truth, (ShownArm("blurred", file, 60, 40, None, found),))
    (panel,) = strips([picture], {1: "car"})[0].panels
    assert panel.marks == ()
    assert panel.counts == Counts(0, 0, 0)


def test_labels_never_cover_each_other(tmp_path: Path) -> None:
    """Of two boxes on one spot one is labelled; labels stay inside the picture."""
    file = tmp_path / "p.png"
    PillowImage.new("RGB", (600, 400)).save(file)
    boxes = np.array([[500.0, 0.0, 600.0, 100.0], [502.0, 1.0, 600.0, 99.0], [5.0, 200.0, 100.0, 300.0]])
    none = GroundTruth(np.zeros((0, 4)), *(np.zeros(0, kind) for kind in (np.int64, np.bool_, np.float64, np.int64)))
    arm = ShownArm("blurred", file, 600, 400, None, Detections(boxes, np.array([0.9, 0.8, 0.7]), np.array([1, 1, 1])))
    (panel,) = strips([ShownPicture("p.png", None, none, (arm,))], {1: "car"})[0].panels
    assert [label.text for label in panel.labels] == ["car 0.90", "car 0.70"]
    assert all(0 <= label.x <= 600 - label.width and label.y >= panel.label_height for label in panel.labels)


def test_a_small_picture_is_embedded_as_it_is(tmp_path: Path) -> None:
    """The bytes of a small JPEG are not encoded again."""
    file = tmp_path / "p.jpg"
    PillowImage.new("RGB", (60, 40), "red").save(file)
    assert base64.b64decode(embedded_jpeg(file).partition(",")[2]) == file.read_bytes()


def test_a_large_picture_is_scaled_down(tmp_path: Path) -> None:
    """Side and bytes stay within their limits, the shape stays."""
    file = tmp_path / "p.jpg"
    noise = np.random.default_rng(0).integers(0, 256, (600, 1200, 3), dtype=np.uint8)
    PillowImage.fromarray(noise).resize((1200, 600)).save(file, quality=95)
    small = embedded_jpeg(file)
    assert opened(small).size == (EMBEDDED_SIDE_PX, EMBEDDED_SIDE_PX // 2)
    assert len(base64.b64decode(small.partition(",")[2])) <= EMBEDDED_BYTES
