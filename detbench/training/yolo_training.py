"""YOLOv8 from scratch, by ultralytics' own trainer (AGPL-3.0), to safetensors with their card.

Nothing but the boxes of the given pictures goes in: no pretrained weights, no download. The held-out pictures choose
the epoch that is kept.
"""

import json
from collections.abc import Callable, Mapping
from contextlib import redirect_stdout
from dataclasses import asdict, dataclass
from io import StringIO
from math import isfinite
from pathlib import Path
from typing import Any, Literal

import torch
from torch.utils._pytree import tree_map

from detbench.core.images import write_atomically
from detbench.core.memory import keep_freed_memory
from detbench.datasets.coco import CocoFolder
from detbench.detectors.ultralytics_safely import keep_threads, require_safe_loading, ultralytics
from detbench.errors import TrainingError, UsageError
from detbench.nets.weights import FILE_NAME, load_weights, save_weights
from detbench.results.cards import write_card
from detbench.results.provenance import environment
from detbench.training.training_checkpoints import check_new_or_resumable
from detbench.training.yolo_layout import YoloLayout, write_yolo_layout

ARCHITECTURE = "yolov8n"


@dataclass(frozen=True)
class YoloSchedule:
    """How long and how finely to train: passes over the pictures, longer side in pixels (a multiple of 32), seed.

    `precision` is that of the convolutions' products; weights and optimiser stay in float32. `start` names weights to
    go on from, None starts at random. With `blurred`, a dataset of pairs is seen sharp and blurred.
    """

    epochs: int = 150
    image_px: int = 320
    batch: int = 8
    learning_rate: float = 0.001
    precision: Literal["fp32", "bf16"] = "fp32"
    seed: int = 0
    start: Path | None = None
    blurred: bool = False


@dataclass(frozen=True)
class TrainedYolo:
    """Where the weights lie and what they reach on the held-out pictures (ultralytics' mAP, .5:.95 and .5)."""

    weights: Path
    held_out_map: float
    held_out_map50: float


@dataclass(frozen=True)
class YoloEpoch:
    """One finished pass: the loss terms by name, and the held-out mAPs."""

    number: int
    of: int
    losses: Mapping[str, float]
    held_out_map: float
    held_out_map50: float


Watcher = Callable[[YoloEpoch], None]


def train_yolo(
    dataset: CocoFolder, out: Path, schedule: YoloSchedule, device: str, resume: bool, watch: Watcher
) -> TrainedYolo:
    """Train on a folder of pictures, of pairs on the sharp ones or on both; `out` gets weights, card and record.

    Stopped at any moment, it goes on with `resume` from the last finished epoch. Raises UsageError where `out` holds a
    training that would be overwritten or has none to resume, and TrainingError where a loss is no longer finite.
    """
    require_safe_loading()
    keep_freed_memory()
    record = out / "training"
    last = _check_record(out, record, schedule, resume)
    layout = write_yolo_layout(dataset, record / "data", schedule.blurred)
    with redirect_stdout(StringIO()):  # progress bars of its own; `watch` gets what matters
        trainer = _trainer(layout, record, schedule, device, last if resume else None)
    _attach(trainer, schedule, watch)
    with redirect_stdout(StringIO()):
        trainer.train()
    return _export(trainer, dataset, layout, out, schedule, device)


def _check_record(out: Path, record: Path, schedule: YoloSchedule, resume: bool) -> Path:
    """The checkpoint to go on from, once it is sure that nothing is overwritten and the schedule is the one begun."""
    last, written = record / "weights" / "last.pt", record / "schedule.json"
    settings = json.loads(json.dumps(asdict(schedule), default=str))
    if resume and last.exists() and (out / FILE_NAME).exists():
        raise UsageError(f"{out} holds a finished training; start another from its weights in a folder of its own")
    check_new_or_resumable(out, last, written, settings, resume)
    if not resume:
        write_atomically(written, json.dumps(settings).encode())
    return last


def _trainer(layout: YoloLayout, record: Path, schedule: YoloSchedule, device: str, last: Path | None) -> Any:
    """Everything that its modes default differently, or by what is installed, is passed."""
    settings = {
        "model": f"{ARCHITECTURE}.yaml",
        "pretrained": False,
        "data": str(layout.yaml),
        "epochs": schedule.epochs,
        "imgsz": schedule.image_px,
        "batch": schedule.batch,
        "nbs": schedule.batch,  # one optimiser step a batch, rather than one for every 64 pictures
        "optimizer": "AdamW",
        "lr0": schedule.learning_rate,
        "momentum": 0.9,
        "cos_lr": True,
        "close_mosaic": schedule.epochs // 8,
        "patience": schedule.epochs,
        "amp": False,  # its own is for CUDA alone, and takes the loss along
        "cache": "ram",
        "seed": schedule.seed,
        "deterministic": True,
        "device": device,
        "plots": False,
        "verbose": False,
        "project": str(record.parent.resolve()),
        "name": record.name,
        "exist_ok": True,
        "resume": str(last) if last else False,
    }
    keep_threads()
    trainer = ultralytics.models.yolo.detect.DetectionTrainer(overrides=settings)
    # It loads in the training's own process where that runs on the processor; beside it, it costs no time.
    trainer.args.workers = max(trainer.args.workers, 1)
    return trainer


def _attach(trainer: Any, schedule: YoloSchedule, watch: Watcher) -> None:
    """Hang our own steps on the trainer's events."""

    def begin(trainer: Any) -> None:
        if schedule.start is not None and trainer.start_epoch == 0:
            load_weights(trainer.model, schedule.start, "yolov8")
            trainer.ema.ema.load_state_dict(trainer.model.state_dict())
        if schedule.precision == "bf16":
            _mix_precision(trainer.model, trainer.device.type)

    def end_epoch(trainer: Any) -> None:
        if trainer.epoch >= trainer.epochs:  # called once more, after the kept epoch was measured again
            return
        number = trainer.epoch + 1
        watch(YoloEpoch(number, trainer.epochs, finite_losses(trainer.tloss, number), *_held_out(trainer)))

    trainer.add_callback("on_train_start", begin)
    trainer.add_callback("on_fit_epoch_end", end_epoch)


def finite_losses(terms: Mapping[str, Any], epoch: int) -> dict[str, float]:
    """Loss terms as plain numbers; raises TrainingError that names the first one that is not finite."""
    losses = {name: float(value) for name, value in terms.items()}
    for name, value in losses.items():
        if not isfinite(value):
            raise TrainingError(f"epoch {epoch}: {name} is {value}; train again with --precision fp32 or another seed")
    return losses


def _mix_precision(net: Any, device_type: str) -> None:
    """Multiply in bfloat16, and take the loss in float32: a box's place does not fit into 8 bits."""
    net.to(memory_format=torch.channels_last)  # 1.8 times the speed of fp32 with it, 1.1 times without
    predict = net.predict

    def mixed(*arguments: Any, **options: Any) -> Any:
        with torch.autocast(device_type, torch.bfloat16):
            return tree_map(lambda leaf: leaf.float(), predict(*arguments, **options))

    net.predict = mixed


def _held_out(trainer: Any) -> tuple[float, float]:
    return float(trainer.metrics["metrics/mAP50-95(B)"]), float(trainer.metrics["metrics/mAP50(B)"])


def _export(
    trainer: Any, dataset: CocoFolder, layout: YoloLayout, out: Path, schedule: YoloSchedule, device: str
) -> TrainedYolo:
    """Write the kept epoch as safetensors, then its card."""
    net, _ = ultralytics.nn.tasks.load_checkpoint(trainer.best)
    weights = out / FILE_NAME
    sha256 = save_weights(net, weights, {"architecture": ARCHITECTURE, "classes": json.dumps(layout.classes)})
    held_out_map, held_out_map50 = _held_out(trainer)
    place = environment(device)
    batches = -(-layout.training_pictures // schedule.batch)
    write_card(
        weights,
        {
            "architecture": ARCHITECTURE,
            "classes": list(layout.classes),
            "sha256": sha256,
            "licence": "AGPL-3.0, as the ultralytics code that trained it",
            "training": {
                "data": dataset.name,
                "data_fingerprint": dataset.fingerprint,
                "pictures": layout.training_pictures,
                "boxes": layout.training_boxes,
                "steps": batches * schedule.epochs,
                **{key: str(value) if isinstance(value, Path) else value for key, value in asdict(schedule).items()},
                "hardware": place["device_name"],
                "commit": place["commit"],
                "ultralytics": place["versions"]["ultralytics"],
                "torch": place["versions"]["torch"],
            },
            "held_out": {
                "pictures": layout.held_out_pictures,
                "map": round(held_out_map, 4),
                "map50": round(held_out_map50, 4),
                "measure": "ultralytics' own mAP at IoU .5:.95 and .5; the epoch was chosen by it",
            },
        },
    )
    return TrainedYolo(weights, held_out_map, held_out_map50)
