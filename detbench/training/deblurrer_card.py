"""The card of a deblurring network's weights: what trained it on what, and how well it restores."""

from collections.abc import Sequence
from dataclasses import asdict, replace
from typing import Any

from detbench.nets.cost import cost_of
from detbench.plugins.backend import card_beside, loss_detectors
from detbench.results.provenance import environment
from detbench.training.architectures import ARCHITECTURES
from detbench.training.clock import Timetable
from detbench.training.data.sources import Source
from detbench.training.held_out import HeldOutQuality
from detbench.training.job import TrainingJob, start_sha256, trained_with
from detbench.training.state import State
from detbench.training.training_record import History


def card_of(job: TrainingJob, sources: Sequence[Source], history: History, state: State, sha256: str) -> dict[str, Any]:
    """What the card of the state's weights says; their quality is that of the history's last epoch."""
    epoch, kind = history.epochs[-1], ARCHITECTURES[job.architecture]
    place = environment(job.device)
    return {
        "architecture": job.architecture,
        "sha256": sha256,
        "paper": kind.paper,
        "trained_with": _all_trained_with(job),
        "cost": asdict(cost_of(kind.generator, channels=1 if kind.estimates_kernels else 3)),
        "training": {
            "data": [
                {"name": source.name, "kind": source.kind, "pictures": len(source.pictures), "weight": source.weight}
                for source in sources
            ],
            "fraction": str(job.fraction),
            "start": start_sha256(job),
            "steps": state.step,
            "epochs_done": epoch.epoch,
            "minutes": job.minutes,
            "laid_out": _laid_out(state.timetable),
            "precision": job.precision,
            "hardware": place["device_name"],
            "commit": place["commit"],
            "dirty": place["dirty"],
            "torch": place["versions"]["torch"],
            "recipe": _recipe(job, state.timetable),
        },
        "held_out": {name: _held_out(job, history, name) for name in epoch.held_out},
    }


def _recipe(job: TrainingJob, timetable: Timetable | None) -> dict[str, Any]:
    """The settings as TOML has them; a training by the clock repeats without one by the `steps` that it found."""
    recipe = replace(job.recipe, steps=timetable.layout.steps) if timetable else job.recipe
    return {key: list(value) if isinstance(value, tuple) else value for key, value in asdict(recipe).items()}


def _laid_out(timetable: Timetable | None) -> list[dict[str, int]] | None:
    """Each number of steps in all that a training by the clock was laid out for, and the step at which it was."""
    return [{"step": step, "steps": steps} for step, steps in timetable.totals] if timetable else None


def _all_trained_with(job: TrainingJob) -> list[dict[str, str]]:
    """The networks of this training's losses, and of those that its first weights come from, as their card says."""
    before = loss_detectors(card_beside(job.start, start_sha256(job))) if job.start else ()
    earlier = [{key: value for key, value in asdict(network).items() if value} for network in before]
    own = trained_with(job)
    return [*own, *(network for network in earlier if network not in own)]


def _held_out(job: TrainingJob, history: History, source: str) -> dict[str, Any]:
    """A source's held-out pictures after the last epoch, and by epoch."""
    last = history.epochs[-1].held_out[source]
    return {
        "crop_px": job.recipe.held_out_px,
        "restored": _rounded(last.restored),
        "blurred": _rounded(last.blurred),
        "sharp": None if last.sharp_map is None else {"map": round(last.sharp_map, 4)},
        "by_epoch": _by_epoch(history, source),
    }


def _by_epoch(history: History, source: str) -> dict[str, Any]:
    """The curves, from before the first step on; one that has a gap is left out, since TOML has no null."""
    qualities = [_rounded(epoch.held_out[source].restored) for epoch in history.epochs]
    curves = {key: [quality[key] for quality in qualities] for key in ("psnr_db", "ssim", "map")}
    steps = [epoch.step for epoch in history.epochs]
    return {"step": steps} | {key: None if None in curve else curve for key, curve in curves.items()}


def _rounded(quality: HeldOutQuality) -> dict[str, float | None]:
    return {key: None if value is None else round(value, 4) for key, value in asdict(quality).items()}
