"""The perceptual loss: pictures compared by the features that VGG19 sees in them.

Johnson, Alahi, Fei-Fei: "Perceptual Losses for Real-Time Style Transfer and Super-Resolution", ECCV 2016. The network
is that of Simonyan & Zisserman, arXiv 1409.1556, trained on ImageNet; its weights are met here alone.
"""

from pathlib import Path

import safetensors.torch
import torch
import torch.nn.functional as F
from safetensors import SafetensorError
from torch import Tensor, nn

from detbench.errors import UsageError, WeightsError

CONVS_PER_STAGE = (2, 2, 4, 4, 4)
LAYERS = tuple(
    f"conv{stage}_{place}" for stage, count in enumerate(CONVS_PER_STAGE, 1) for place in range(1, count + 1)
)
"""VGG19's convolutions in order; each is followed by a ReLU, and the last of a stage by 2x2 max-pooling."""

IMAGENET_MEAN, IMAGENET_DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


class VggFeatures(nn.Module):
    """Feature maps of one layer: the convolution's own output, before its ReLU, as DeblurGAN's authors take it.

    Borders are reflected. The weights are fixed; gradients pass through to the pictures.
    """

    def __init__(self, tensors: dict[str, Tensor], layer: str) -> None:
        """Take `NAME.weight` and `.bias` of `preprocess`, which 0..1 RGB goes through, and of the layers up to one."""
        super().__init__()
        self.names = ("preprocess", *LAYERS[: LAYERS.index(layer) + 1])
        for name in self.names:
            self.register_buffer(f"{name}_weight", tensors[f"{name}.weight"].float())
            self.register_buffer(f"{name}_bias", tensors[f"{name}.bias"].float())

    def forward(self, pictures: Tensor) -> Tensor:
        """RGB in -1..1, shape (N, 3, H, W), to features (N, C, H / 2^k, W / 2^k), k the stages before the layer's.

        Always in single precision: of pictures that are nearly alike, bfloat16's gradient points elsewhere.
        """
        with torch.autocast(pictures.device.type, enabled=False):
            features = self._convolved("preprocess", (pictures.float() + 1) / 2)
            for before, name in zip(self.names, self.names[1:], strict=False):
                if before != "preprocess":
                    features = F.relu(features)
                    features = F.max_pool2d(features, 2) if before[4] != name[4] else features
                features = self._convolved(name, F.pad(features, (1, 1, 1, 1), mode="reflect"))
            return features

    def _convolved(self, name: str, features: Tensor) -> Tensor:
        return F.conv2d(features, self.get_buffer(f"{name}_weight"), self.get_buffer(f"{name}_bias"))


def load_vgg(file: Path | None, layer: str) -> VggFeatures:
    """VGG19 up to `layer` from a safetensors file, or, without one, torchvision's weights, fetched once by torch.

    The file names its tensors by layer (`conv3_3.weight`) or as torchvision does (`features.14.weight`). A 1x1
    convolution `preprocess` in it takes 0..1 RGB to what its filters were trained on; without one that is ImageNet's
    mean and deviation. Raises UsageError for an unknown layer, WeightsError where the weights lack it or cannot be had.
    """
    if layer not in LAYERS:
        raise UsageError(f"VGG19 has no layer {layer!r}; its layers are {', '.join(LAYERS)}")
    tensors = _by_layer(_read(file) if file else _torchvisions())
    present = [name for name in LAYERS if f"{name}.weight" in tensors]
    if present[: LAYERS.index(layer) + 1] != list(LAYERS[: LAYERS.index(layer) + 1]):
        last = present[-1] if present else "none"
        raise WeightsError(
            f"{file}: holds no VGG19 up to {layer}; its last layer is {last}. Take that, or another file"
        )
    return VggFeatures(_imagenet_preprocess() | tensors, layer)


def _read(file: Path) -> dict[str, Tensor]:
    try:
        return safetensors.torch.load_file(file)
    except (OSError, SafetensorError) as error:
        raise WeightsError(f"{file}: no safetensors file of VGG19 ({error}); name another") from error


def _torchvisions() -> dict[str, Tensor]:
    from torchvision.models import VGG19_Weights

    try:
        fetched: dict[str, Tensor] = VGG19_Weights.IMAGENET1K_V1.get_state_dict(progress=False, weights_only=True)
    except OSError as error:
        raise WeightsError(
            f"torchvision's VGG19 cannot be fetched here ({error}); name a safetensors file of it instead"
        ) from error
    return fetched


def _by_layer(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """Tensors named `conv3_3.weight`; torchvision counts ReLUs and poolings too, and so skips numbers."""
    numbers, number = {}, 0
    for name, following in zip(LAYERS, (*LAYERS[1:], ""), strict=True):
        numbers[f"features.{number}"] = name
        number += 2 if name[4] == following[4:5] else 3
    return {
        f"{numbers.get(key.rpartition('.')[0], key.rpartition('.')[0])}.{key.rpartition('.')[2]}": tensor
        for key, tensor in tensors.items()
    }


def _imagenet_preprocess() -> dict[str, Tensor]:
    """(x - mean) / deviation as a 1x1 convolution."""
    deviation = torch.tensor(IMAGENET_DEVIATION)
    return {
        "preprocess.weight": torch.diag(1 / deviation)[:, :, None, None],
        "preprocess.bias": -torch.tensor(IMAGENET_MEAN) / deviation,
    }
