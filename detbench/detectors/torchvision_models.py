"""torchvision's detectors (BSD-3-Clause): Faster R-CNN, Mask R-CNN, RetinaNet, FCOS, SSD, SSDlite.

Without weights of your own they are those that torchvision publishes, trained on COCO.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import safetensors.torch
import torch
from torchvision import models
from torchvision.models import detection

from detbench.core.fetching import fetched
from detbench.core.files import read_text
from detbench.core.published import Published
from detbench.errors import UsageError, WeightsError, did_you_mean
from detbench.types import Detections, Image

NO_CLASS = ("__background__", "N/A")
"""Torchvision's names of labels without a class."""


class TorchvisionDetector:
    """A detector by the name of torchvision's function for it, such as `fasterrcnn_resnet50_fpn_v2`.

    `weights` is a state dict (.safetensors, or a .pth that holds tensors alone); `classes` a text file with the names
    of labels 1, 2, …, a line each, COCO's otherwise. Confidence counts from .001 on, and the 100 best boxes, as for
    every other detector.
    """

    confidence = 0.001
    max_detections = 100

    def __init__(
        self, model: str, device: str = "cpu", weights: Path | None = None, classes: Path | None = None
    ) -> None:
        known = models.list_models(module=detection)
        if model not in known:
            raise UsageError(
                f"torchvision has no detector {model!r}.{did_you_mean(model, known)} It has {', '.join(known)}"
            )
        published = models.get_model_weights(model).COCO_V1
        names = tuple(published.meta["categories"]) if classes is None else (NO_CLASS[0], *_lines(classes))
        net = models.get_model(model, weights=None, weights_backbone=None, num_classes=len(names))
        _load(net, weights or fetched(Published(published.url)), len(names))
        _set_limits(net, self.confidence, self.max_detections)
        self._net = net.eval().to(device)
        self._device = device
        self._label_of = np.cumsum([name not in NO_CLASS for name in names]) - 1
        self._means_something = np.array([name not in NO_CLASS for name in names])
        self.classes = tuple(name for name in names if name not in NO_CLASS)

    def __call__(self, image: Image, /) -> Detections:
        """Boxes in the picture's own pixels, best score first."""
        picture = torch.tensor(image, device=self._device).permute(2, 0, 1).float() / 255
        with torch.inference_mode():
            found = self._net([picture])[0]
        columns = {key: found[key].cpu().numpy() for key in ("boxes", "scores", "labels")}
        kept = self._means_something[columns["labels"]]
        return Detections(
            columns["boxes"][kept].astype(np.float64),
            columns["scores"][kept].astype(np.float64),
            self._label_of[columns["labels"][kept]].astype(np.int64),
        )


def _lines(file: Path) -> list[str]:
    names = [line.strip() for line in read_text(file).splitlines() if line.strip()]
    if not names or len(set(names)) < len(names):
        raise UsageError(f"{file}: must name each class once, a line each, in the order of labels 1, 2, …")
    return names


def _load(net: torch.nn.Module, file: Path, classes: int) -> None:
    try:
        state: Mapping[str, Any] = (
            safetensors.torch.load_file(file)
            if file.suffix == ".safetensors"
            else torch.load(file, map_location="cpu", weights_only=True)
        )
        net.load_state_dict(state)
    except Exception as error:  # a damaged pickle fails in as many ways as there are bytes
        reason = " ".join(str(error).split())[:500]
        raise WeightsError(
            f"{file}: not weights of this model with {classes} labels, the background included ({reason}); name the "
            "model that they were trained as, and classes=FILE where they are not COCO's"
        ) from error


def _set_limits(net: Any, confidence: float, most: int) -> None:
    """The two-stage models keep their limits in their head, the others in themselves."""
    head = net.roi_heads if hasattr(net, "roi_heads") else net
    head.score_thresh = confidence
    head.detections_per_img = most
