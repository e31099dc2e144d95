"""A YOLO that ultralytics exported to ONNX, through onnxruntime: no ultralytics, no torch."""

import ast
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from detbench.core.onnx_sessions import open_session
from detbench.errors import BackendError, WeightsError
from detbench.types import Detections, Image

GREY = 114
"""The grey that YOLO's training pads pictures with."""


class YoloOnnx:
    """An exported detection model; its file names its classes and its input size.

    Pictures are scaled to that size with grey borders, as the export was trained. Confidence from .001 on, non-maximum
    suppression at IoU .7 within a class, the 100 best boxes; a model that suppresses by itself is not suppressed again,
    and `notes` say that it keeps back boxes below a confidence of its own. RT-DETR, whose boxes are shares, is refused.
    """

    confidence = 0.001
    nms_iou = 0.7
    max_detections = 100

    def __init__(self, file: Path, device: str = "cpu") -> None:
        self._session = open_session(file, device)
        metadata = self._session.get_modelmeta().custom_metadata_map
        if metadata.get("task") != "detect":
            raise BackendError(
                f"{file}: its task is {metadata.get('task')!r}; detbench needs a detection model that ultralytics "
                "exported (`yolo export model=… format=onnx`)"
            )
        if "rtdetr" in (metadata.get("head", "") + metadata.get("description", "")).lower().replace("-", ""):
            raise BackendError(f"{file}: an RT-DETR; detbench reads exported YOLOs, and RT-DETR as its .pt checkpoint")
        self.classes = _classes(metadata.get("names", ""), file)
        given = self._session.get_inputs()[0]
        if isinstance(given.shape[0], int) and given.shape[0] != 1:
            raise BackendError(f"{file}: takes {given.shape[0]} pictures at a time; export it with batch=1")
        self.notes = tuple(_hidden_threshold(metadata, self._session.get_outputs()[0].shape, file))
        self._input, self._type = given.name, np.float16 if "float16" in given.type else np.float32
        sides = [side if isinstance(side, int) else 640 for side in given.shape[2:]]
        self._size = (sides[0], sides[1])
        self._file = file

    def __call__(self, image: Image, /) -> Detections:
        """Boxes in the picture's own pixels, best score first."""
        canvas, scale, left_top = letterbox(image, self._size)
        given = np.ascontiguousarray(canvas.transpose(2, 0, 1)[None] / self._type(255))
        made = np.asarray(self._session.run(None, {self._input: given})[0][0], np.float64)
        boxes, scores, labels = self._read(made)
        boxes = (boxes - np.tile(left_top, 2)) / scale
        height, width = image.shape[:2]
        boxes = boxes.clip(0, [width, height, width, height])
        best = np.argsort(-scores, kind="stable")[: self.max_detections]
        return Detections(boxes[best], scores[best], labels[best])

    def _read(self, made: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.int64]]:
        """Boxes (corners on the canvas), scores and labels of what the graph gave."""
        if made.ndim == 2 and made.shape[1] == 6:
            sure = made[made[:, 4] >= self.confidence]
            return sure[:, :4], sure[:, 4], sure[:, 5].astype(np.int64)
        if made.ndim != 2 or made.shape[0] != 4 + len(self.classes):
            raise BackendError(
                f"{self._file}: gave shape {made.shape}; a YOLO of {len(self.classes)} classes gives "
                f"({4 + len(self.classes)}, N), or (N, 6) where it suppresses overlaps itself"
            )
        columns = made[:, made[4:].max(axis=0) > self.confidence]
        centre, half = columns[:2].T, columns[2:4].T / 2
        boxes = np.concatenate([centre - half, centre + half], axis=1)
        scores, labels = columns[4:].max(axis=0), columns[4:].argmax(axis=0)
        kept = self._suppressed(boxes, scores, labels)
        return boxes[kept], scores[kept], labels[kept]

    def _suppressed(
        self, boxes: NDArray[np.float64], scores: NDArray[np.float64], labels: NDArray[np.int64]
    ) -> NDArray[np.int64]:
        """Which boxes no better one of their class covers."""
        if not len(boxes):
            return np.zeros(0, np.int64)
        sizes = np.concatenate([boxes[:, :2], boxes[:, 2:] - boxes[:, :2]], axis=1)
        kept = cv2.dnn.NMSBoxesBatched(sizes.tolist(), scores.tolist(), labels.tolist(), self.confidence, self.nms_iou)
        return np.asarray(kept, np.int64).ravel()


def letterbox(image: Image, size: tuple[int, int]) -> tuple[Image, float, NDArray[np.float64]]:
    """A picture, shape (H, W, 3), scaled into a canvas of `size` (height, width) with grey around it.

    Also gives the scale, and where the picture's left top corner lies on the canvas, in pixels.
    """
    height, width = image.shape[:2]
    scale = min(size[0] / height, size[1] / width)
    inside = (max(round(width * scale), 1), max(round(height * scale), 1))
    scaled = cv2.resize(np.ascontiguousarray(image), inside, interpolation=cv2.INTER_LINEAR)
    left, top = np.rint([(size[1] - inside[0]) / 2 - 0.1, (size[0] - inside[1]) / 2 - 0.1]).astype(int)
    canvas = np.full((*size, 3), GREY, np.uint8)
    canvas[top : top + inside[1], left : left + inside[0]] = scaled
    return canvas, scale, np.array([left, top], np.float64)


def _hidden_threshold(metadata: Mapping[str, str], shape: Sequence[object], file: Path) -> Iterator[str]:
    """What is to be said of an export that suppresses overlaps itself: boxes below its threshold never leave it.

    Models that need no suppression (YOLOv10 and later, `end2end`) give their 300 best boxes whatever their confidence.
    """
    arguments = metadata.get("args", "")
    is_free = metadata.get("end2end") == "True" or (arguments and "'nms': True" not in arguments)
    if list(shape[2:]) == [6] and not is_free:
        yield (
            f"{file.name} suppresses overlaps itself, and keeps back boxes below a confidence that it does not name "
            "(ultralytics' default is .25): its mAP is lower than that of an export with nms=False"
        )


def _classes(text: str, file: Path) -> tuple[str, ...]:
    """The names as the export writes them, a Python dictionary, read without running it."""
    try:
        names = ast.literal_eval(text)
        return tuple(str(names[index]) for index in range(len(names)))
    except (ValueError, SyntaxError, KeyError, TypeError) as error:
        raise WeightsError(f"{file}: does not name its classes ({error}); export it with ultralytics") from None
