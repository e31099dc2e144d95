"""How well pictures are restored that training never sees, beside how well they were before."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean

import numpy as np
import torch
from torch import Tensor, nn

from detbench.core.images import pad_to_multiple
from detbench.metrics.checkerboard import checkerboard_db
from detbench.metrics.quality import psnr_db, ssim
from detbench.training.data.blur_batch import blur_batch, collate
from detbench.training.data.crops import HeldOutCrops
from detbench.training.loop import Precision
from detbench.training.training_plan import TrainingPlan
from detbench.types import Image


@dataclass(frozen=True)
class HeldOutQuality:
    """Means over the held-out crops; each is None where it is undefined for all of them.

    `map` is COCO's mAP in whole pictures, 0..1, where there are any with boxes.
    """

    psnr_db: float | None
    ssim: float | None
    checkerboard_db: float | None
    map: float | None = None


class HeldOut:
    """Held-out crops, blurred once: `sharp` and `blurred` pictures, and the `quality` of the blurred ones."""

    def __init__(self, crops: HeldOutCrops, seed: int) -> None:
        generator = torch.Generator().manual_seed(seed)
        self.sharp, self.blurred, self._is_blurred = [], [], []
        for index in range(len(crops)):
            batch = collate([crops[index]])
            noise = torch.randn(batch.sharp.permute(0, 3, 1, 2).shape, generator=generator)
            blurred, sharp = blur_batch(batch, noise)
            self.sharp.append(_image(sharp))
            self.blurred.append(_image(blurred))
            still, _ = blur_batch(batch, torch.zeros_like(noise))
            self._is_blurred.append(not np.array_equal(_image(still), _image(sharp)))
        self.quality = self.measure(self.blurred)

    def measure(self, images: list[Image]) -> HeldOutQuality:
        """The quality of the crops as a network restored them, in their order.

        Crops that were not blurred do not count: without noise their PSNR is undefined until a network changes them,
        and with a little of it so high that it outweighs all others.
        """
        each = zip(images, self.sharp, self._is_blurred, strict=True)
        pairs = [(image, sharp) for image, sharp, is_blurred in each if is_blurred]
        return HeldOutQuality(
            *(_mean([measure(*pair) for pair in pairs]) for measure in (psnr_db, ssim, checkerboard_db))
        )


def restored(
    plan: TrainingPlan, net: nn.Module, blurred: Sequence[Image], device: torch.device, precision: Precision
) -> list[Image]:
    """Pictures of any size through a net, one at a time; the net is left in the mode it was in."""
    training = net.training
    net.eval()
    images = []
    with torch.inference_mode(), torch.autocast(device.type, torch.bfloat16, enabled=precision == "bf16"):
        for image in blurred:
            padded = _pictures(pad_to_multiple(image, plan.multiple)).to(device)
            images.append(_image(plan.restored(net, padded))[: image.shape[0], : image.shape[1]])
    net.train(training)
    return images


def _mean(values: list[float | None]) -> float | None:
    defined = [value for value in values if value is not None]
    return fmean(defined) if defined else None


def _pictures(image: Image) -> Tensor:
    """(H, W, 3), 0..255, to (1, 3, H, W), -1..1; it is channels_last as it lies."""
    return torch.from_numpy(image).permute(2, 0, 1)[None].float() / 127.5 - 1


def _image(pictures: Tensor) -> Image:
    """The inverse: rounded, as truncation would darken by half a level."""
    levels = ((pictures[0].float().cpu() + 1) * 127.5).round().clamp(0, 255)
    image: Image = levels.byte().permute(1, 2, 0).contiguous().numpy()
    return image
