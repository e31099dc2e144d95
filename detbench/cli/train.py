"""`detbench train`: one command per network that can be trained."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from detbench.cli.console import note, print_path, print_table
from detbench.cli.help import Command, Group
from detbench.cli.train_deblurrer import TRAINED, train_command, train_help

if TYPE_CHECKING:
    from detbench.training.yolo_training import YoloEpoch

train = typer.Typer(
    cls=Group,
    help="Train a network on your own pictures; weights and card land in one folder.\n\n"
    "Example:\n    detbench train yolov8 --data data/train --out mine",
    no_args_is_help=True,
)
for name, summary in TRAINED.items():
    train.command(name, cls=Command, help=train_help(name, summary))(train_command(name))


@train.command("yolov8", cls=Command)
def yolov8(
    data: Annotated[
        Path,
        typer.Option(help="A dataset of sharp pictures: annotations.json and images/, and blurred/ for --blurred."),
    ],
    out_folder: Annotated[Path, typer.Option("--out", help="Where weights, card and the training's record go.")],
    epochs: Annotated[int, typer.Option(min=1, help="Passes over the pictures.")] = 150,
    image_px: Annotated[int, typer.Option(min=32, help="Longer side while training; a multiple of 32.")] = 320,
    learning_rate: Annotated[float, typer.Option(min=0, help="AdamW's first rate; it falls to a hundredth.")] = 0.001,
    start: Annotated[
        Path | None, typer.Option(help="Weights to go on from (safetensors); else training starts from nothing.")
    ] = None,
    blurred: Annotated[
        bool,
        typer.Option("--blurred", help="Of pairs, see the blurred pictures too, with the boxes of the sharp ones."),
    ] = False,
    seed: Annotated[int, typer.Option(help="Of the first weights and of the order of the pictures.")] = 0,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or cuda:N.")] = "auto",
    precision: Annotated[
        Literal["fp32", "bf16"], typer.Option(help="Arithmetic of the convolutions; bf16 pays where hardware has it.")
    ] = "fp32",
    resume: Annotated[bool, typer.Option("--resume", help="Go on after the last finished epoch.")] = False,
) -> None:
    """Train the detector YOLOv8n from scratch, on boxes of sharp pictures.

    The last tenth of the pictures is held out and chooses the epoch that is kept. `detbench run --detector
    OUT/weights.safetensors` uses the result.

    Example:
        detbench train yolov8 --data data/train --out mine --epochs 50
    """
    from detbench.core.devices import resolve_device
    from detbench.datasets.coco import CocoFolder
    from detbench.errors import UsageError
    from detbench.training.yolo_training import YoloSchedule, train_yolo

    if image_px % 32:
        raise UsageError(f"--image-px {image_px}: take a multiple of 32, such as {round(image_px / 32) * 32}")
    schedule = YoloSchedule(
        epochs=epochs,
        image_px=image_px,
        learning_rate=learning_rate,
        precision=precision,
        seed=seed,
        start=start,
        blurred=blurred,
    )
    try:
        trained = train_yolo(CocoFolder(data), out_folder, schedule, resolve_device(device), resume, _say_epoch)
    except KeyboardInterrupt:
        note("Interrupted; repeat the command with --resume to go on after the last finished epoch.")
        raise typer.Exit(130) from None
    note(f"held out: mAP {trained.held_out_map:.3f}, mAP50 {trained.held_out_map50:.3f}")
    print_path(trained.weights)


@train.command("recipe-keys", cls=Command)
def recipe_keys(
    network: Annotated[str, typer.Argument(help="The network whose own settings are shown.")] = "deblurgan",
) -> None:
    """List the settings that a file for `--recipe` may have: each with its default, its range, and what it is.

    Example:
        detbench train recipe-keys nafnet
    """
    from detbench.errors import UsageError, did_you_mean
    from detbench.training.architectures import ARCHITECTURES
    from detbench.training.recipe import recipe_rows

    if network not in TRAINED:
        raise UsageError(
            f"no network {network!r} has a recipe.{did_you_mean(network, TRAINED)} Networks: {', '.join(TRAINED)}"
        )
    print_table(["key", "default", "range", "what it is"], list(recipe_rows(ARCHITECTURES[network].recipe)))


def _say_epoch(epoch: "YoloEpoch") -> None:
    losses = ", ".join(f"{name.removesuffix('_loss')} {value:.3f}" for name, value in epoch.losses.items())
    note(f"epoch {epoch.number}/{epoch.of}: {losses}; held-out mAP {epoch.held_out_map:.3f}")
