"""Features of a YOLO: what the first layers of a frozen detector make of pictures."""

from collections.abc import Sequence
from pathlib import Path
from typing import cast

from torch import Tensor, nn

from detbench.core.paths import shipped
from detbench.errors import BackendError, WeightsError

SHIPPED = shipped("models") / "yolov8n-streets" / "weights.safetensors"
"""The detector whose features are compared where none is named."""

DEPTHS = (2, 4, 6)
"""Layers of a YOLOv8's backbone whose features count: the last at strides 4, 8 and 16."""


class DetectorFeatures(nn.Module):
    """Feature maps at DEPTHS. The weights are fixed; gradients pass through to the pictures."""

    def __init__(self, layers: Sequence[nn.Module]) -> None:
        """Take the backbone's layers in order, as far as the last of DEPTHS."""
        super().__init__()
        self.layers = nn.ModuleList(layers).eval().requires_grad_(False)

    def forward(self, pictures: Tensor) -> list[Tensor]:
        """RGB in -1..1, shape (N, 3, H, W), H and W multiples of 16, to features (N, C, H / 4, W / 4), …"""
        features, kept = (pictures + 1) / 2, []
        for depth, layer in enumerate(self.layers):
            features = layer(features)
            if depth in DEPTHS:
                kept.append(features)
        return kept


def load_detector_features(file: Path | None) -> DetectorFeatures:
    """Those of a YOLO's checkpoint (.pt or .safetensors), without one of the shipped detector.

    Raises WeightsError for a file that is no checkpoint, and for a network that does not begin as YOLOv8 does;
    BackendError without ultralytics.
    """
    try:
        from detbench.detectors.ultralytics_yolo import load_yolo  # it need not be there where no detector is used
    except BackendError as error:
        raise BackendError(f"detector_weight: {error}; a recipe with detector_weight = 0 does without") from error

    net = load_yolo(file or SHIPPED).model
    net.fuse(verbose=False)
    layers = list(net.model[: DEPTHS[-1] + 1])
    if [type(layer).__name__ for layer in layers] != ["Conv", "Conv", "C2f", "Conv", "C2f", "Conv", "C2f"]:
        raise WeightsError(f"{file}: does not begin as YOLOv8 does; take a yolov8n, s, m, l or x")
    return DetectorFeatures(cast(Sequence[nn.Module], layers))
