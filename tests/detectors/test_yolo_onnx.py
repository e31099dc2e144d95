import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from detbench.detectors.ultralytics_safely import ultralytics
from detbench.errors import BackendError, WeightsError
from detbench.types import Detections, Image

onnx = pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

from detbench.detectors.yolo_onnx import YoloOnnx, letterbox  # noqa: E402  (after the check that it can be)


def noisy(model: Any) -> Any:
    """Weights that find something everywhere: an untrained head is sure of nothing."""
    torch.manual_seed(4)
    for parameter in model.model.parameters():
        if parameter.ndim == 1:
            parameter.data += 0.05 * torch.randn_like(parameter)
    for branch in model.model.model[-1].cv3:
        branch[-1].bias.data.fill_(-1.0)
        branch[-1].weight.data.mul_(4)
    return model


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny YOLOv8 with random weights as ultralytics exports it, for 160x160 pixels."""
    folder = tmp_path_factory.mktemp("yolo")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = noisy(ultralytics.YOLO("yolov8n.yaml", task="detect"))
        model.save(folder / "tiny.pt")
        return Path(ultralytics.YOLO(folder / "tiny.pt").export(format="onnx", imgsz=160, verbose=False))


def picture(height: int, width: int) -> Image:
    """Smooth colours, shape (H, W, 3)."""
    rows, columns = np.mgrid[:height, :width]
    return np.stack([rows * 255 // height, columns * 255 // width, (rows + columns) % 256], axis=2).astype(np.uint8)


@pytest.mark.parametrize(("height", "width"), [(96, 128), (200, 111), (1, 1), (2, 3)])
def test_any_size_gives_detections(exported: Path, height: int, width: int) -> None:
    """Boxes lie in the picture, labels are named, at most 100, best first, twice the same."""
    detector, image = YoloOnnx(exported), picture(height, width)
    before = image.copy()
    found, again = detector(image), detector(image)
    assert isinstance(found, Detections)
    np.testing.assert_array_equal(image, before)
    np.testing.assert_array_equal(found.boxes, again.boxes)
    assert len(detector.classes) == 80
    assert len(found) <= 100
    assert (np.diff(found.scores) <= 0).all()
    if len(found):
        assert found.boxes.min() >= 0
        assert (found.boxes.max(axis=0) <= [width, height, width, height]).all()


def test_it_finds_what_ultralytics_finds(exported: Path) -> None:
    """Boxes, scores and classes are those of ultralytics' own run of the same file."""
    image = picture(120, 150)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = (
            ultralytics.YOLO(exported, task="detect")
            .predict(
                np.ascontiguousarray(image[..., ::-1]), conf=0.001, iou=0.7, max_det=100, imgsz=160, verbose=False
            )[0]
            .boxes
        )
    found = YoloOnnx(exported)(image)
    assert len(found) == len(theirs) > 20
    np.testing.assert_allclose(found.scores, theirs.conf.numpy(), atol=1e-4)
    np.testing.assert_array_equal(found.labels, theirs.cls.numpy())
    np.testing.assert_allclose(found.boxes, theirs.xyxy.numpy(), atol=0.05)


def test_the_picture_lies_amid_grey() -> None:
    """A wide picture fills the width, with grey above and below; scale and place lead back."""
    canvas, scale, left_top = letterbox(np.zeros((20, 80, 3), np.uint8), (40, 40))
    assert (canvas.shape, scale, left_top.tolist()) == ((40, 40, 3), 0.5, [0, 15])
    assert (canvas[15:25] == 0).all()
    assert (canvas[:15] == 114).all()
    assert (canvas[25:] == 114).all()


def rewritten(exported: Path, folder: Path, **metadata: str) -> Path:
    """A copy of the export that says other things of itself."""
    graph = onnx.load(exported)
    for entry in graph.metadata_props:
        entry.value = metadata.get(entry.key, entry.value)
    onnx.save(graph, folder / "other.onnx")
    return folder / "other.onnx"


def test_files_that_are_no_detectors(exported: Path, tmp_path: Path) -> None:
    """Another task, names that are code, classes that do not fit, and text are each refused with the file's name."""
    with pytest.raises(BackendError, match=r"other\.onnx: its task is 'segment'"):
        YoloOnnx(rewritten(exported, tmp_path, task="segment"))
    with pytest.raises(WeightsError, match=r"other\.onnx: does not name its classes"):
        YoloOnnx(rewritten(exported, tmp_path, names="__import__('os').system('false')"))
    with pytest.raises(BackendError, match=r"gave shape \(84, 525\); a YOLO of 2 classes gives \(6, N\)"):
        YoloOnnx(rewritten(exported, tmp_path, names="{0: 'car', 1: 'bus'}"))(picture(32, 32))
    (tmp_path / "text.onnx").write_text("text")
    with pytest.raises(WeightsError, match=r"text\.onnx: not an ONNX graph"):
        YoloOnnx(tmp_path / "text.onnx")


def fixed(file: Path, rows: list[list[float]], batch: int = 1, **metadata: str) -> Path:
    """A model for 32x32 pixels that finds the same boxes everywhere, x1, y1, x2, y2, score, class, padded to 300."""
    table = np.zeros((1, 300, 6), np.float32)
    table[0, : len(rows)] = np.reshape(rows, (-1, 6))
    node = onnx.helper.make_node("Constant", [], ["output0"], value=onnx.numpy_helper.from_array(table))
    image = onnx.helper.make_tensor_value_info("images", 1, (batch, 3, 32, 32))
    made = onnx.helper.make_tensor_value_info("output0", 1, (1, 300, 6))
    model = onnx.helper.make_model(onnx.helper.make_graph([node], "yolo", [image], [made]), ir_version=8)
    model.opset_import[0].version = 15
    onnx.helper.set_model_props(model, {"task": "detect", "names": "{0: 'car', 1: 'bus'}", **metadata})
    onnx.save(model, file)
    return file


@pytest.mark.parametrize(
    ("metadata", "is_noted"),
    [
        ({"args": "{'batch': 1, 'nms': True}", "end2end": "False"}, True),
        ({}, True),
        ({"args": "{'batch': 1, 'nms': None}", "end2end": "True"}, False),
        ({"args": "{'batch': 1, 'half': False}"}, False),
    ],
)
def test_a_model_that_suppresses_itself_hides_a_threshold(
    tmp_path: Path, metadata: dict[str, str], is_noted: bool
) -> None:
    """An export with nms=True is noted; YOLOv10's 300 best boxes hide none. Boxes of both are read as corners."""
    detector = YoloOnnx(fixed(tmp_path / "own.onnx", [[4, 8, 20, 24, 0.5, 1], [0, 0, 9, 9, 0.3, 0]], **metadata))
    found = detector(picture(64, 64))
    assert (found.boxes.tolist(), found.labels.tolist()) == ([[8, 16, 40, 48], [0, 0, 18, 18]], [1, 0])
    assert [note.split(",")[0] for note in detector.notes] == ["own.onnx suppresses overlaps itself"] * is_noted


def test_a_plain_export_has_no_notes(exported: Path) -> None:
    """What gives every candidate keeps nothing back."""
    assert YoloOnnx(exported).notes == ()


def test_other_heads_and_batches_are_refused(tmp_path: Path) -> None:
    """RT-DETR of two classes gives 300 rows of six too, but shares of the picture; a batch of four is no picture."""
    with pytest.raises(BackendError, match=r"a\.onnx: an RT-DETR"):
        YoloOnnx(fixed(tmp_path / "a.onnx", [], head="RTDETRDecoder"))
    with pytest.raises(BackendError, match=r"a\.onnx: takes 4 pictures at a time; export it with batch=1"):
        YoloOnnx(fixed(tmp_path / "a.onnx", [], batch=4))
