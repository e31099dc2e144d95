"""YOLO and RT-DETR through ultralytics (AGPL-3.0): its own checkpoints, and weights of `detbench train yolov8`."""

import json
import re
from pathlib import Path
from typing import Any

import numpy as np

from detbench.detectors.fused import fuse_activations
from detbench.detectors.ultralytics_safely import keep_threads, require_safe_loading, ultralytics
from detbench.errors import BackendError, WeightsError
from detbench.nets.weights import load_weights, weights_metadata
from detbench.types import Detections, Image


class Yolo:
    """A YOLO detector, or another of ultralytics' detection models.

    Everything that its modes default differently is passed: confidence from .001 on, so that the precision-recall
    curve is whole; non-maximum suppression at IoU .7; the 100 best boxes, which is all that COCO counts; the longer
    side scaled to 640 pixels. Weights are safetensors as `detbench train yolov8` writes them, or a `.pt` file that the
    user named; that is unpickled in safe mode.
    """

    confidence = 0.001
    nms_iou = 0.7
    max_detections = 100
    input_side_px = 640

    def __init__(self, weights: Path, device: str = "cpu") -> None:
        self.device = device
        keep_threads()
        self._model = load_yolo(weights)
        if device == "cpu":
            fuse_activations(self._model.model)

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the labels 0, 1, 2, …, as the checkpoint holds them."""
        names = self._model.names
        return tuple(names[index] for index in range(len(names)))

    def __call__(self, image: Image, /) -> Detections:
        """Boxes in the picture's own pixels, best score first."""
        result = self._model.predict(
            np.ascontiguousarray(image[..., ::-1]),  # ultralytics takes arrays as BGR
            conf=self.confidence,
            iou=self.nms_iou,
            max_det=self.max_detections,
            imgsz=self.input_side_px,
            device=self.device,
            half=False,
            augment=False,
            verbose=False,
            save=False,
        )[0].boxes
        height, width = image.shape[:2]
        boxes = (
            result.xyxy.cpu().numpy().astype(np.float64).clip(0, [width, height, width, height])
        )  # RT-DETR's reach out
        return Detections(
            boxes, result.conf.cpu().numpy().astype(np.float64), result.cls.cpu().numpy().astype(np.int64)
        )


def load_yolo(weights: Path) -> Any:
    """ultralytics' own model of a file; raises WeightsError for one that is missing or does not load safely."""
    if not weights.is_file():
        raise WeightsError(f"no YOLO checkpoint at {weights}")
    return from_safetensors(weights) if weights.suffix == ".safetensors" else _from_checkpoint(weights)


def from_safetensors(weights: Path) -> Any:
    """ultralytics' own model of the architecture and the classes that a file names, filled with its tensors."""
    metadata = weights_metadata(weights)
    architecture, classes = metadata.get("architecture", ""), metadata.get("classes", "")
    if not (re.fullmatch("yolov8[nsmlx]", architecture) and re.fullmatch(r'\[".*"\]', classes)):
        raise WeightsError(
            f"{weights}: does not name its YOLO architecture and its classes; `detbench train yolov8` writes files "
            "that do"
        )
    names = json.loads(classes)
    model = ultralytics.YOLO(f"{architecture}.yaml", task="detect", verbose=False)
    model.model = ultralytics.nn.tasks.DetectionModel(f"{architecture}.yaml", nc=len(names), verbose=False)
    load_weights(model.model, weights, "yolov8")
    model.model.names = dict(enumerate(names))
    return model


def _from_checkpoint(weights: Path) -> Any:
    require_safe_loading()
    try:
        # The whole path: of a bare name that it publishes itself, ultralytics would delete and replace a damaged file.
        model = ultralytics.YOLO(str(weights.resolve()), verbose=False)
    except Exception as error:  # whatever a damaged or hostile pickle makes torch and ultralytics raise
        raise WeightsError(f"{weights}: not an ultralytics checkpoint that loads safely ({error})") from error
    if model.task != "detect":
        raise BackendError(f"{weights}: a YOLO for {model.task!r}; detbench needs a detection checkpoint")
    return model
