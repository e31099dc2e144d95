"""A measured run in small, whose numbers can be counted by hand."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pytest

from detbench.core.arm import Arm
from detbench.evaluation.measure.measured import ArmPicture, Basis, DeblurrerFacts, Measurements, PackedDetections
from detbench.evaluation.measure.steps import Restored
from detbench.types import Blur, Detections, GroundTruth, Picture, Sample

WIDTH, HEIGHT = 100, 80
CLASSES = {3: "car", 7: "bus"}
SEVERITIES_PX = {9: 6.0, 4: 18.0}
TRUE_BOXES = {
    9: {21: (3, (10, 10, 30, 40)), 22: (7, (50, 20, 90, 60))},
    4: {23: (3, (0, 0, 40, 20))},
}
"""By picture and annotation id: category and x1, y1, x2, y2. The pictures are not in the order of their ids."""


@pytest.fixture
def make_measured() -> Callable[..., Measurements]:
    """Makes the measurements of two pictures: `finds` names, for each arm, the true boxes that it finds.

    `score` is that of every found box; `quality`, `restore_ms` and `detect_ms` are by arm, the pictures in their order.
    """

    def make(
        finds: Mapping[str, Sequence[int]],
        *,
        score: float = 0.9,
        quality: Mapping[str, Sequence[Mapping[str, float | None]]] | None = None,
        restore_ms: Mapping[str, Sequence[float | None]] | None = None,
        detect_ms: Mapping[str, Sequence[float | None]] | None = None,
        resamples: int = 0,
        truth: str = "labels",
        kept: set[int] | None = None,
    ) -> Measurements:
        samples = [_sample(number, "sharp" in finds) for number in TRUE_BOXES]
        rows = {
            Arm.named(name): [
                ArmPicture(
                    Arm.named(name),
                    sample,
                    delivered := _picture(name, sample.id),
                    _found(sample.id, found, score),
                    (quality or {}).get(name, ({}, {}))[place],
                    None if name in ("sharp", "blurred") else _restored(delivered, name, restore_ms, place),
                    (detect_ms or {}).get(name, (None, None))[place],
                )
                for place, sample in enumerate(samples)
            ]
            for name, found in finds.items()
        }
        deblurrers = [arm.name for arm in rows if arm.is_restored_blurred]
        return Measurements(_basis(deblurrers, truth, resamples), samples, rows, kept=kept)

    return make


def _picture(name: str, number: int) -> Picture:
    sha256 = hashlib.sha256(f"{name} {number}".encode()).hexdigest()
    return Picture(sha256, WIDTH, HEIGHT, lambda: np.full((HEIGHT, WIDTH, 3), int(sha256[:2], 16), np.uint8))


def _sample(number: int, has_sharp: bool) -> Sample:
    labels, boxes = zip(*TRUE_BOXES[number].values(), strict=True)
    count = len(boxes)
    truth = GroundTruth(
        np.array(boxes, np.float64),
        np.array(labels, np.int64),
        np.zeros(count, np.bool_),
        np.full(count, 500.0),
        np.array(list(TRUE_BOXES[number]), np.int64),
    )
    sharp = _picture("sharp", number) if has_sharp else None
    blur = Blur("trajectory", {"seed": 3}, SEVERITIES_PX[number])
    return Sample(number, f"{number}.png", sharp, _picture("blurred", number), truth, blur)


def _found(number: int, ids: Sequence[int], score: float) -> PackedDetections:
    found = [each for box_id, each in TRUE_BOXES[number].items() if box_id in ids]
    boxes = np.array([box for _, box in found], np.float64).reshape(-1, 4)
    labels = np.array([label for label, _ in found], np.int64)
    return PackedDetections.of(Detections(boxes, np.full(len(found), score), labels))


def _restored(
    picture: Picture, name: str, restore_ms: Mapping[str, Sequence[float | None]] | None, place: int
) -> Restored:
    return Restored(picture, (restore_ms or {}).get(name, (None, None))[place], told_kernel=False)


def _basis(deblurrers: Sequence[str], truth: str, resamples: int) -> Basis:
    specification: dict[str, Any] = {"dataset": "tiny", "truth": truth, "resamples": resamples}
    facts = {name: DeblurrerFacts({"name": name}, {}) for name in deblurrers}
    return Basis(
        specification, {}, "tiny", "c0ffee", len(TRUE_BOXES), (), CLASSES, (), ("kite",), {"name": "blobs"}, facts
    )
