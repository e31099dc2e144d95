"""Neural deblurrers: a picture in, through a network of `detbench.nets`, a picture out."""

from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from detbench.core.devices import resolve_device
from detbench.core.images import pad_to_multiple
from detbench.core.paths import shipped
from detbench.core.torch_device import check_usable
from detbench.deblurrers.blind import Blind
from detbench.deblurrers.tiling import MAX_PIXELS, OVERLAP, FloatImage, restore_tiled
from detbench.errors import UsageError
from detbench.nets import nafnet, pix2pix
from detbench.nets.accelerate import accelerate, fuse
from detbench.nets.deblurgan import Generator, ResizeGenerator
from detbench.nets.deep_generative_filter import DenseGenerator
from detbench.nets.guided_nafnet import GuidedNAFNet
from detbench.nets.nah import MultiScaleNet
from detbench.nets.weights import FILE_NAME, load_weights, weights_metadata
from detbench.types import Image, Restoration

SMALLEST_SIDE = 8
"""DeblurGAN reflects one pixel at a quarter of the size, which takes two to begin with."""

PRECISIONS = {"fp32": torch.float32, "bf16": torch.bfloat16}


class NetworkDeblurrer:
    """What the networks share: weights, device, precision, padding, tiles and rounding.

    `device` is the resolved one (`cpu`, `cuda` or `cuda:N`). `precision` is `fp32`, IEEE single (on CUDA too, so
    that devices agree), or `bf16`, mixed. Large pictures are tiled: a network that normalises by the statistics of
    what it sees then goes by those of each tile. A subclass says what sides its network's pictures must divide by,
    and how many pixels it takes at once.
    """

    multiple = 4
    max_pixels = MAX_PIXELS

    def __init__(self, net: nn.Module, name: str, weights: Path | None, device: str, precision: str) -> None:
        """Load the weights, by default those shipped as `models/<name>`.

        Raises UsageError for an unknown device or precision, WeightsError where weights are missing or wrong.
        """
        if precision not in PRECISIONS:
            raise UsageError(f"no precision {precision!r}: use {' or '.join(PRECISIONS)}")
        self.device = resolve_device(device)
        check_usable(self.device, device)
        self.precision = precision
        load_weights(net, weights or shipped("models") / name, name)
        self.net = accelerate(net).eval().to(self.device).to(memory_format=torch.channels_last)
        self._is_cast = precision == "bf16"
        """Whether autocast chooses the type of each step."""

    def __call__(self, blurred: Image) -> Image:
        """Shape (H, W, 3) in and out, any size."""
        height, width = blurred.shape[:2]
        # A reflection of the reflection is still one, so a tiny picture can be padded twice.
        image = pad_to_multiple(blurred, SMALLEST_SIDE) if min(height, width) < SMALLEST_SIDE else blurred
        restored: FloatImage = restore_tiled(image, self._restore_tile, self.max_pixels, OVERLAP, self.multiple)
        levels: FloatImage = np.rint(restored[:height, :width].clip(0, 1) * 255)
        return levels.astype(np.uint8)

    def _restore(self, pictures: Tensor) -> Tensor:
        """Through the network, which takes and gives -1..1: values 0..1, shape (1, 3, H, W), in and out."""
        restored: Tensor = self.net(pictures * 2 - 1)
        return (restored + 1) / 2

    def _restore_tile(self, tile: Image) -> FloatImage:
        """Shape (H, W, 3), 0..255, to 0..1 (about), with H and W multiples of `multiple`."""
        # Deterministic and without TF32: the same picture gives the same pixels, and fp32 means what it says.
        with (
            torch.inference_mode(),
            torch.backends.cudnn.flags(enabled=True, deterministic=True, allow_tf32=False),
            torch.autocast(self.device.partition(":")[0], torch.bfloat16, enabled=self._is_cast),
        ):
            # A transposed (H, W, 3) picture is channels_last as it lies.
            pictures = torch.tensor(tile, device=self.device).permute(2, 0, 1)[None].float() / 255
            restored = self._restore(pictures)[0].permute(1, 2, 0).float().cpu()
        return restored.numpy()


class DeblurGAN(NetworkDeblurrer):
    """Kupyn et al., "DeblurGAN", CVPR 2018, arXiv 1711.07064.

    Weights whose file names the architecture `deblurgan-resize` bring its generator with them.
    """

    def __init__(self, weights: Path | None = None, device: str = "auto", precision: str = "fp32") -> None:
        place = weights or shipped("models") / "deblurgan"
        file = place / FILE_NAME if place.is_dir() else place
        architecture = weights_metadata(file).get("architecture") if file.is_file() else None
        net = ResizeGenerator() if architecture == "deblurgan-resize" else Generator()
        super().__init__(net, "deblurgan", weights, device, precision)
        if self.device == "cpu" and self._is_cast:
            # On processors autocast reflects borders and normalises in single precision, which takes half of the time.
            self.net.to(torch.bfloat16)
            self._is_cast = False


class DeepGenerativeFilter(NetworkDeblurrer):
    """Ramakrishnan et al., "Deep Generative Filter for Motion Deblurring", 2017, arXiv 1709.03481."""

    multiple = 1
    max_pixels = MAX_PIXELS // 6
    """It holds up to 900 feature maps at full resolution: 4 GB."""

    def __init__(self, weights: Path | None = None, device: str = "auto", precision: str = "fp32") -> None:
        super().__init__(DenseGenerator(), "deep_generative_filter", weights, device, precision)


class Pix2pix(NetworkDeblurrer):
    """Isola et al., "Image-to-Image Translation with Conditional Adversarial Networks", CVPR 2017, arXiv 1611.07004."""

    multiple = pix2pix.MULTIPLE

    def __init__(self, weights: Path | None = None, device: str = "auto", precision: str = "fp32") -> None:
        super().__init__(pix2pix.UNet(), "pix2pix", weights, device, precision)


class HalfResolutionNAFNet(NetworkDeblurrer):
    """Chen et al., "Simple Baselines for Image Restoration", ECCV 2022, arXiv 2204.04676; at half resolution."""

    multiple = nafnet.MULTIPLE

    def __init__(self, weights: Path | None = None, device: str = "auto", precision: str = "fp32") -> None:
        net = nafnet.NAFNet()
        super().__init__(net, "nafnet", weights, device, precision)
        if self.device == "cpu":
            self.net = fuse(net, PRECISIONS[precision])


class Guided(NetworkDeblurrer):
    """`blind` deconvolves the picture, and a NAFNet at half resolution decides where to trust it and adds its own part.

    Deconvolution undoes what one kernel explains, such as the shake of a camera; the network does the rest, such as
    depth and moving things.
    """

    multiple = nafnet.MULTIPLE

    def __init__(self, weights: Path | None = None, device: str = "auto", precision: str = "fp32") -> None:
        net = GuidedNAFNet()
        super().__init__(net, "guided", weights, device, precision)
        if self.device == "cpu":
            self.net = fuse(net, PRECISIONS[precision])
        self.blind = Blind(device=device, precision=precision)

    def __call__(self, blurred: Image) -> Image:
        """Shape (H, W, 3) in and out, any size."""
        return self.restore(blurred).image

    def restore(self, blurred: Image) -> Restoration:
        """The picture restored, (H, W, 3), and the kernel that `blind` found."""
        found = self.blind.restore(blurred)
        return Restoration(super().__call__(np.concatenate([blurred, found.image], axis=2)), found.blur)

    def _restore(self, pictures: Tensor) -> Tensor:
        """The mean over the pictures and their mirror images, mirrored back: .1 dB for little time."""
        mirrored: Tensor = super()._restore(pictures.flip(3)).flip(3)
        return (super()._restore(pictures) + mirrored) / 2


class Nah(NetworkDeblurrer):
    """Nah et al., "Deep Multi-scale CNN for Dynamic Scene Deblurring", CVPR 2017, arXiv 1612.02177."""

    def __init__(self, weights: Path | None = None, device: str = "auto", precision: str = "fp32") -> None:
        super().__init__(MultiScaleNet(), "nah", weights, device, precision)

    def _restore(self, pictures: Tensor) -> Tensor:
        restored: list[Tensor] = self.net(pictures - 0.5)
        return restored[0] + 0.5
