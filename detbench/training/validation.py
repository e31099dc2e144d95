"""Every source's held-out pictures, measured apart: a network may restore streets and harm photos."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain, zip_longest
from pathlib import Path

import torch
from torch import nn

from detbench.errors import BackendError
from detbench.training.clock import Layout
from detbench.training.data.crops import HeldOutCrops
from detbench.training.data.sources import Source
from detbench.training.held_out import HeldOut, HeldOutQuality, restored
from detbench.training.held_out_detection import HeldOutDetection, detection_of
from detbench.training.loop import Precision
from detbench.training.losses.detector_features import SHIPPED
from detbench.training.recipe import Recipe
from detbench.training.training_plan import TrainingPlan
from detbench.types import Image


@dataclass(frozen=True)
class Comparison:
    """One source's held-out pictures as they were restored, as they were blurred, and, for mAP, as sharp ones."""

    restored: HeldOutQuality
    blurred: HeldOutQuality
    sharp_map: float | None = None


class Validation:
    """The held-out crops of each source by its name, and whole pictures with boxes where a source has them."""

    def __init__(
        self, held_out: Sequence[Source], recipe: Recipe, detector: Path | None, device: str, say: Callable[[str], None]
    ) -> None:
        """Without a `detector` the shipped one finds boxes."""
        crops = recipe.crops(recipe.held_out_px, Layout(1, 1))
        count = max(1, recipe.held_out_crops // len(held_out))
        self._crops = {
            source.name: HeldOut(HeldOutCrops([source], crops, recipe.seed, count), recipe.seed) for source in held_out
        }
        self._detections = _detections(held_out, recipe.held_out_pictures, detector or SHIPPED, device, say)
        self._sharp_maps = {name: each.map_of(each.sharp) for name, each in self._detections.items()}
        blurred_maps = {name: each.map_of(each.blurred) for name, each in self._detections.items()}
        self._blurred = {
            name: replace(crops.quality, map=blurred_maps.get(name)) for name, crops in self._crops.items()
        }

    @property
    def blurred(self) -> list[Image]:
        """Blurred crops, a source's first beside the others' first."""
        return _in_turns([crops.blurred for crops in self._crops.values()])

    @property
    def sharp(self) -> list[Image]:
        """The same, sharp."""
        return _in_turns([crops.sharp for crops in self._crops.values()])

    def measure(
        self, plan: TrainingPlan, net: nn.Module, device: torch.device, precision: Precision
    ) -> tuple[Mapping[str, Comparison], list[Image]]:
        """Each source's comparison by its name, and the restored crops in the order of `blurred`."""
        compared, shown = {}, []
        for name, crops in self._crops.items():
            images = restored(plan, net, crops.blurred, device, precision)
            quality, detection = crops.measure(images), self._detections.get(name)
            if detection:
                whole = restored(plan, net, detection.blurred, device, precision)
                quality = replace(quality, map=detection.map_of(whole))
            compared[name] = Comparison(quality, self._blurred[name], self._sharp_maps.get(name))
            shown.append(images)
        return compared, _in_turns(shown)


def _detections(
    held_out: Sequence[Source], most: int, file: Path, device: str, say: Callable[[str], None]
) -> dict[str, HeldOutDetection]:
    """Those of the sources that have boxes; none, with a note, where ultralytics is not installed."""
    if not (most and any(source.annotations for source in held_out)):
        return {}
    try:
        from detbench.detectors.ultralytics_yolo import Yolo
    except BackendError as error:
        say(f"no mAP of held-out pictures: {error}")
        return {}
    detector = Yolo(file, device)
    found = {source.name: detection_of(source, detector, most) for source in held_out}
    return {name: each for name, each in found.items() if each}


def _in_turns(images: Sequence[Sequence[Image]]) -> list[Image]:
    return [image for image in chain.from_iterable(zip_longest(*images)) if image is not None]
