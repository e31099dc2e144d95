"""The card of a deblurring network's weights: what trained it on what, and how well it restores."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from detbench.backends import LossDetector, card_beside, loss_detectors
from detbench.fingerprints import file_sha256
from detbench.nets.cost import cost_of
from detbench.results.provenance import environment
from detbench.training.detector_features import SHIPPED
from detbench.training.held_out import Quality
from detbench.training.history import History
from detbench.training.job import Job, start_sha256
from detbench.training.restorers import ARCHITECTURES
from detbench.training.sources import Source


def card_of(job: Job, sources: Sequence[Source], history: History, sha256: str) -> dict[str, Any]:
    """What the card of the weights after the history's last epoch says."""
    epoch, kind = history.epochs[-1], ARCHITECTURES[job.architecture]
    place = environment(job.device)
    return {
        "architecture": job.architecture,
        "sha256": sha256,
        "paper": kind.paper,
        "trained_with": [asdict(detector) for detector in _trained_with(job)] or None,
        "cost": asdict(cost_of(kind.generator, channels=1 if kind.estimates_kernels else 3)),
        "training": {
            "data": [
                {"name": source.name, "kind": source.kind, "pictures": len(source.pictures), "weight": source.weight}
                for source in sources
            ],
            "fraction": str(job.fraction),
            "start": start_sha256(job),
            "steps": epoch.step,
            "epochs_done": epoch.epoch,
            "precision": job.precision,
            "hardware": place["device_name"],
            "commit": place["commit"],
            "dirty": place["dirty"],
            "torch": place["versions"]["torch"],
            "recipe": {key: list(v) if isinstance(v, tuple) else v for key, v in asdict(job.recipe).items()},
        },
        "held_out": {
            "crops": job.recipe.held_out_crops,
            "crop_px": job.recipe.held_out_px,
            "restored": _rounded(epoch.restored),
            "blurred": _rounded(epoch.blurred),
            "by_epoch": _by_epoch(history),
        },
    }


def _trained_with(job: Job) -> tuple[LossDetector, ...]:
    """The detectors whose features were in the loss, of this training and of that whose weights it began with."""
    before = loss_detectors(card_beside(job.start, start_sha256(job))) if job.start else ()
    if not job.recipe.detector_weight:
        return before
    file = job.detector or SHIPPED
    name = file.resolve().parent.name if file.stem == "weights" else file.stem
    return tuple(dict.fromkeys((*before, LossDetector(name, file_sha256(file)))))


def _by_epoch(history: History) -> dict[str, Any]:
    """The curves, from before the first step on; one that has a gap is left out, since TOML has no null."""
    qualities = [_rounded(epoch.restored) for epoch in history.epochs]
    psnr_db, ssim = ([quality[key] for quality in qualities] for key in ("psnr_db", "ssim"))
    return {
        "step": [epoch.step for epoch in history.epochs],
        "psnr_db": None if None in psnr_db else psnr_db,
        "ssim": None if None in ssim else ssim,
    }


def _rounded(quality: Quality) -> dict[str, float | None]:
    return {key: None if value is None else round(value, 4) for key, value in asdict(quality).items()}
