"""What `--precision auto` means on this machine, for these networks and these pictures."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from detbench.core.arm import Arm
from detbench.core.boxes import xyxy_to_xywh
from detbench.core.devices import multiplies_in_bf16
from detbench.errors import ArmError
from detbench.evaluation.measure.detection import DetectionSource
from detbench.evaluation.measure.measuring import Pictures
from detbench.evaluation.measure.steps import Stages
from detbench.evaluation.request import WHOLE, Share
from detbench.evaluation.run_plan import RunPlan, in_precision
from detbench.metrics.columns import overlaps
from detbench.plugins.backend import Backend
from detbench.types import Detections, Sample

CHECKED = 2
"""Pictures that are restored in both precisions."""

MOST_PSNR_DB = 0.05
"""A larger change of PSNR against the sharp picture is a difference."""

SURE, SAME_IOU = 0.5, 0.75
"""Boxes of at least this confidence are compared, and two of one class that overlap by so much are the same."""


@dataclass(frozen=True)
class Restoration:
    """One picture by one deblurrer: PSNR in dB against the sharp picture, None without one, and the boxes found."""

    psnr_db: float | None
    found: Detections


def settled(
    plan: RunPlan, share: Share, pictures: Pictures, stages: Stages, source: DetectionSource
) -> tuple[RunPlan, tuple[str, ...]]:
    """The plan in the precision that `auto` means, and a note that says why; as it is for another word.

    That is bfloat16 for the networks where the machine multiplies in it, if on the run's first pictures none of them
    restores or lets the detector find anything else than in single precision; else single precision. Shares of a run
    are always worked on in single precision, since other machines work on the others.
    """
    if plan.spec.precision != "auto" or share != WHOLE or not multiplies_in_bf16(plan.device):
        return plan, ()
    if not any("precision" in backend.entry.options for backend in plan.deblurrers):
        return plan, ()
    fast = in_precision(plan, "bf16")
    changed = [each for each in zip(plan.deblurrers, fast.deblurrers, strict=True) if each[0].key != each[1].key]
    samples = list(pictures.at(range(min(CHECKED, plan.images))))
    for exact, quick in changed:
        try:
            reason = _difference(_restored(exact, samples, stages, source), _restored(quick, samples, stages, source))
        except ArmError:  # the run comes to it again, and says so
            return plan, ()
        if reason:
            return plan, (f"Networks ran in single precision: in bfloat16 {reason} by {exact.name}",)
    of_pictures = f"the first {len(samples)} pictures" if len(samples) > 1 else "the first picture"
    return fast, (
        f"Networks ran in bfloat16, which changed nothing on {of_pictures}: PSNR by at most {MOST_PSNR_DB} dB, and no "
        f"box of confidence {SURE} or more. --precision fp32 is slower, and the same on every machine",
    )


def _restored(
    backend: Backend, samples: Sequence[Sample], stages: Stages, source: DetectionSource
) -> list[Restoration]:
    """Each picture by one deblurrer, which is built for it and given up."""
    apart = stages.beside()
    return list(_restorations(backend, samples, apart, source))


def _restorations(
    backend: Backend, samples: Sequence[Sample], stages: Stages, source: DetectionSource
) -> Iterator[Restoration]:
    for sample in samples:
        restored = stages.restore(backend, sample.blurred, sample.blur.kernel if sample.blur else None)
        quality = stages.image_quality(restored.picture, sample.sharp)
        yield Restoration(quality["psnr_db"], source(Arm("blurred", backend.name), sample, restored.picture))


def _difference(exact: Sequence[Restoration], quick: Sequence[Restoration]) -> str:
    """What differs between the pictures of two precisions, in words; empty where nothing does."""
    for number, (one, other) in enumerate(zip(exact, quick, strict=True), start=1):
        if one.psnr_db is not None and other.psnr_db is not None:
            change = other.psnr_db - one.psnr_db if other.psnr_db != one.psnr_db else 0.0  # both may be infinite
            if abs(change) > MOST_PSNR_DB:
                return f"the PSNR of picture {number} changed by {change:+.2f} dB"
        if not (_all_in(one.found, other.found) and _all_in(other.found, one.found)):
            return f"other boxes were found in picture {number}"
    return ""


def _all_in(some: Detections, others: Detections) -> bool:
    """Whether each sure box of some has its like among others."""
    sure = np.flatnonzero(some.scores >= SURE)
    mine, theirs = (grid.ravel() for grid in np.meshgrid(sure, np.arange(len(others)), indexing="ij"))
    one, other = (xyxy_to_xywh(each.boxes.astype(np.float64)) for each in (some, others))
    overlap = overlaps(one[mine], other[theirs], np.zeros(len(mine), np.bool_))
    alike = (overlap >= SAME_IOU) & (some.labels[mine] == others.labels[theirs])
    return set(mine[alike].tolist()) == set(sure.tolist())
