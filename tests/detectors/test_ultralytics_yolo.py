import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from pycocotools import mask

from detbench.core.boxes import xyxy_to_xywh
from detbench.core.images import encode_png, read_image
from detbench.detectors import ultralytics_yolo as yolo
from detbench.detectors.ultralytics_yolo import Yolo
from detbench.errors import BackendError, WeightsError
from detbench.nets.weights import save_weights
from detbench.types import Detections, Image

PHOTO = "000000017627.jpg"  # a street, 640 × 480; below, some of its objects as COCO annotates them
CARS = [(264.65, 235.3, 375.22, 302.59), (479.23, 234.76, 569.44, 285.23), (168.49, 237.08, 270.37, 297.89)]
PERSON = (150.04, 224.0, 169.05, 295.72)


@pytest.fixture(scope="module")
def checkpoint(shared_file: Callable[[str], Path]) -> Path:
    """The genuine YOLOv8n."""
    return shared_file("weights/yolov8n.pt")


@pytest.fixture(scope="module")
def detector(checkpoint: Path) -> Yolo:
    """YOLOv8n on the processor."""
    return Yolo(checkpoint)


@pytest.fixture(scope="module")
def photo(shared_file: Callable[[str], Path]) -> Image:
    """The street."""
    return read_image(shared_file(f"data/coco-val-128/images/{PHOTO}"))


def sure_of(detector: Yolo, found: Detections, name: str) -> Detections:
    """The boxes of one class from confidence .25 on."""
    kept = (found.scores >= 0.25) & (found.labels == detector.classes.index(name))
    return Detections(found.boxes[kept], found.scores[kept], found.labels[kept])


def test_it_knows_cocos_80_classes(detector: Yolo) -> None:
    """Labels 0, 1, 2, … mean COCO's classes, in the checkpoint's order."""
    assert len(detector.classes) == len(set(detector.classes)) == 80
    assert (detector.classes[0], detector.classes[2], detector.classes[79]) == ("person", "car", "toothbrush")


def test_it_finds_people_and_cars(detector: Yolo, photo: Image) -> None:
    """In a photo that is not square, cars and a person are found where COCO annotates them."""
    found = detector(photo)
    for name, boxes in (("car", CARS), ("person", [PERSON])):
        overlaps = mask.iou(
            *map(xyxy_to_xywh, (sure_of(detector, found, name).boxes, np.array(boxes))), [0] * len(boxes)
        )
        assert (overlaps.max(axis=0) >= 0.8).all(), name


def test_boxes_lie_inside_the_picture(detector: Yolo, photo: Image) -> None:
    """Boxes are pixels of the picture itself, at most 100 of them, surest first, from confidence .001 on."""
    found = detector(photo[:301, :444])
    assert 0 < len(found) <= 100
    assert found.boxes.min() >= 0
    assert found.boxes[:, [0, 2]].max() <= 444
    assert found.boxes[:, [1, 3]].max() <= 301
    assert (found.boxes[:, 2:] > found.boxes[:, :2]).all()
    assert (np.diff(found.scores) <= 0).all()
    assert 0.001 <= found.scores.min() < 0.25


def test_colours_arrive_as_they_are(detector: Yolo, checkpoint: Path, photo: Image, tmp_path: Path) -> None:
    """RGB pixels give what ultralytics itself finds in the same picture as a file, but for rounding: it has activations
    after its convolutions, not within.
    """
    (tmp_path / "photo.png").write_bytes(encode_png(photo))
    settings: dict[str, Any] = {"conf": 0.001, "iou": 0.7, "max_det": 100, "imgsz": 640, "device": "cpu"}
    theirs = yolo.ultralytics.YOLO(str(checkpoint)).predict(tmp_path / "photo.png", verbose=False, **settings)
    found = detector(photo)
    np.testing.assert_array_equal(found.labels, theirs[0].boxes.cls.numpy())
    np.testing.assert_allclose(found.boxes, theirs[0].boxes.xyxy.numpy(), rtol=0, atol=0.01)
    np.testing.assert_allclose(found.scores, theirs[0].boxes.conf.numpy(), rtol=0, atol=1e-5)


def test_the_same_picture_gives_the_same_boxes(detector: Yolo, photo: Image) -> None:
    """Detection repeats exactly, takes pictures that may only be read, and leaves them as they are."""
    picture, before = photo[40:300, 50:350], photo[40:300, 50:350].copy()
    picture.setflags(write=False)
    first, second = detector(picture), detector(picture)
    np.testing.assert_array_equal(first.boxes, second.boxes)
    np.testing.assert_array_equal(first.scores, second.scores)
    np.testing.assert_array_equal(picture, before)


def test_in_nothing_it_finds_next_to_nothing(detector: Yolo) -> None:
    """A tiny flat picture is no error; whatever is found has the contract's shapes."""
    found = detector(np.full((3, 5, 3), 127, np.uint8))
    assert found.boxes.shape == (len(found), 4)
    assert not (found.scores >= 0.25).any()


def test_a_missing_checkpoint_is_named(tmp_path: Path) -> None:
    """A path that leads nowhere is not searched for elsewhere."""
    with pytest.raises(WeightsError, match=r"^no YOLO checkpoint at .*none\.pt$"):
        Yolo(tmp_path / "none.pt")


@pytest.mark.parametrize("content", [b"", b"no checkpoint at all", b"PK\x03\x04 half a zip"])
def test_a_file_that_is_no_checkpoint_is_refused(tmp_path: Path, content: bytes) -> None:
    """Something else under a checkpoint's name is an error that names the file."""
    (tmp_path / "mine.pt").write_bytes(content)
    with pytest.raises(WeightsError, match=r"mine\.pt: not an ultralytics checkpoint that loads safely"):
        Yolo(tmp_path / "mine.pt")


def test_tensors_alone_are_no_detector(tmp_path: Path) -> None:
    """A sound file of torch that holds no YOLO is refused like any other."""
    torch.save({"weight": torch.zeros(3)}, tmp_path / "mine.pt")
    with pytest.raises(WeightsError, match=r"mine\.pt: not an ultralytics checkpoint"):
        Yolo(tmp_path / "mine.pt")


def test_a_damaged_file_of_the_user_is_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A broken yolov8n.pt in the working folder is refused: ultralytics neither deletes it nor fetches another."""
    monkeypatch.chdir(tmp_path)
    Path("yolov8n.pt").write_bytes(b"PK\x03\x04 half a zip")
    with pytest.raises(WeightsError, match=r"yolov8n\.pt: not an ultralytics checkpoint"):
        Yolo(Path("yolov8n.pt"))
    assert Path("yolov8n.pt").read_bytes() == b"PK\x03\x04 half a zip"


def test_another_task_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A YOLO that segments or classifies is named for what it is."""
    monkeypatch.setattr(yolo.ultralytics, "YOLO", lambda *_, **__: SimpleNamespace(task="segment"))
    (tmp_path / "mine.pt").write_bytes(b"")
    with pytest.raises(BackendError, match=r"mine\.pt: a YOLO for 'segment'; detbench needs a detection checkpoint"):
        Yolo(tmp_path / "mine.pt")


def saved(path: Path, metadata: dict[str, str]) -> Path:
    """Weights of an untrained YOLOv8n of two classes."""
    save_weights(yolo.ultralytics.nn.tasks.DetectionModel("yolov8n.yaml", nc=2, verbose=False), path, metadata)
    return path


def test_weights_trained_here_need_no_pickle(tmp_path: Path) -> None:
    """A safetensors file says itself which YOLO it is and which classes it knows."""
    metadata = {"architecture": "yolov8n", "classes": '["car", "bus"]'}
    detector = Yolo(saved(tmp_path / "mine.safetensors", metadata))
    assert detector.classes == ("car", "bus")
    assert detector(np.full((48, 64, 3), 127, np.uint8)).boxes.shape[1] == 4


@pytest.mark.parametrize(
    "metadata",
    [
        {},
        {"architecture": "yolov8n"},
        {"architecture": "yolov8n", "classes": "["},
        {"architecture": "../mine", "classes": '["car", "bus"]'},
    ],
)
def test_weights_that_do_not_say_what_they_are_are_refused(tmp_path: Path, metadata: dict[str, str]) -> None:
    """Without architecture and classes, tensors are no detector."""
    with pytest.raises(WeightsError, match=r"mine\.safetensors: does not name its YOLO architecture"):
        Yolo(saved(tmp_path / "mine.safetensors", metadata))


def test_weights_of_other_classes_are_refused(tmp_path: Path) -> None:
    """Three names for the tensors of two classes do not fit."""
    metadata = {"architecture": "yolov8n", "classes": '["car", "bus", "truck"]'}
    with pytest.raises(WeightsError, match="not the architecture of yolov8"):
        Yolo(saved(tmp_path / "mine.safetensors", metadata))


def test_a_damaged_weights_file_is_refused(tmp_path: Path) -> None:
    """Something else under a safetensors file's name is an error that names it."""
    (tmp_path / "mine.safetensors").write_bytes(b"no tensors")
    with pytest.raises(WeightsError, match=r"mine\.safetensors: damaged or no safetensors file"):
        Yolo(tmp_path / "mine.safetensors")


def test_threads_are_kept(tmp_path: Path) -> None:
    """ultralytics would take a core from every network in the process, and all but one from OpenCV and from programs
    that are started later.
    """
    path = saved(tmp_path / "mine.safetensors", {"architecture": "yolov8n", "classes": '["car", "bus"]'})
    program = f"""
import os, cv2, numpy, torch
from pathlib import Path
cv2.setNumThreads(2)
from detbench.detectors.ultralytics_yolo import Yolo
torch.set_num_threads(2)
detector = Yolo(Path({str(path)!r}))
detector(numpy.zeros((48, 64, 3), numpy.uint8))
print(torch.get_num_threads(), cv2.getNumThreads(), os.environ.get("OMP_NUM_THREADS"))
"""
    environment = {key: value for key, value in os.environ.items() if key != "OMP_NUM_THREADS"}
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, env=environment)
    assert done.stdout == "2 2 None\n"
