"""`detbench train deblurgan`, `nah`, …: a deblurring network from folders of pictures."""

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Annotated, Literal

import typer

from detbench.cli.console import note, print_path
from detbench.errors import UsageError

TRAINED = {
    "deblurgan": "DeblurGAN: Kupyn et al., CVPR 2018.",
    "deblurgan-resize": "DeblurGAN with resize-convolutions, which leave no checkerboard; not the paper's.",
    "nah": "The multi-scale network of Nah et al., CVPR 2017.",
    "deep_generative_filter": "The densely connected generator of Ramakrishnan et al., 2017.",
    "pix2pix": "The U-Net of Isola et al., CVPR 2017, narrowed to 36–192 channels.",
    "nafnet": "NAFNet of Chen et al., ECCV 2022, at half resolution; content losses alone.",
    "blind": "The network that estimates blur kernels for the deblurrer blind; sharp pictures alone.",
}
"""What can be trained as a deblurrer, and what it is."""

HELP = """
Train a deblurrer. {summary}

The last tenth of each folder is held out, whole streets of it; every epoch reports each folder's PSNR and SSIM beside
those of the blurred pictures, a detector's mAP where there are boxes, and writes weights and card.
`detbench run --deblurrer {name}:OUT/weights.safetensors` uses them.

Example:
    detbench train {name} --data photos --out mine --minutes 60
"""


def train_help(name: str, summary: str) -> str:
    """The help of a command that trains one of TRAINED."""
    return HELP.format(name=name, summary=summary)


def train_command(architecture: str) -> Callable[..., None]:
    """The command that trains one of TRAINED; all take the same options."""

    def command(
        data: Annotated[
            list[Path],
            typer.Option(
                help="A folder of sharp pictures, which are blurred on the fly, or of pairs: images/ and blurred/, or "
                "GoPro's clips with sharp/ and blur_gamma/ or blur/. Repeat it to mix several."
            ),
        ],
        out_folder: Annotated[Path, typer.Option("--out", help="Where weights, card, page and checkpoint go.")],
        recipe: Annotated[
            Path | None,
            typer.Option(help="Settings in TOML; `detbench train recipe-keys` lists them. Else they are the authors'."),
        ] = None,
        mix: Annotated[
            str | None, typer.Option(help="How often each --data is drawn: 2:1. Else each picture as often as any.")
        ] = None,
        fraction: Annotated[str, typer.Option(help="Share of the pictures to use, such as 1/6.")] = "1",
        vgg: Annotated[
            Path | None,
            typer.Option(help="VGG19 as safetensors, for the perceptual loss; else torchvision's is fetched."),
        ] = None,
        detector: Annotated[
            list[Path] | None,
            typer.Option(
                rich_help_panel="How to train",
                help="A YOLO whose features a detector_weight compares (.pt or .safetensors); else the shipped one. "
                "Repeat it: several alternate, one a step.",
            ),
        ] = None,
        backbone: Annotated[
            Path | None,
            typer.Option(help="MobileNetV2 as torchvision names it (.pt or .safetensors), which alternates with them."),
        ] = None,
        start: Annotated[
            Path | None,
            typer.Option(help="Weights to begin with (safetensors), a warm start and no resume; else random ones."),
        ] = None,
        device: Annotated[
            str, typer.Option(help="auto, cpu, cuda or cuda:N; torchrun gives each process its own.")
        ] = "auto",
        precision: Annotated[
            Literal["auto", "fp32", "bf16"],
            typer.Option(help="Arithmetic of the networks; auto is bf16 where the hardware multiplies in it."),
        ] = "auto",
        workers: Annotated[int, typer.Option(min=0, help="Processes that prepare pictures; 0 does it in between.")] = 1,
        minutes: Annotated[
            float | None,
            typer.Option(
                min=0, help="End when so many minutes are over, however fast the machine is; epochs are even parts."
            ),
        ] = None,
        resume: Annotated[bool, typer.Option("--resume", help="Go on exactly where the last checkpoint is.")] = False,
    ) -> None:
        from detbench.core.devices import resolve_device
        from detbench.core.torch_device import check_usable, resolve_precision
        from detbench.training.architectures import ARCHITECTURES
        from detbench.training.job import TrainingJob
        from detbench.training.recipe import read_recipe
        from detbench.training.train import train_deblurrer

        resolved = resolve_device(device)
        check_usable(resolved, device)
        job = TrainingJob(
            architecture=architecture,
            recipe=read_recipe(recipe, ARCHITECTURES[architecture].recipe),
            folders=tuple(data),
            out=out_folder,
            device=resolved,
            precision=resolve_precision(precision, resolved),
            mix=_weights(mix) if mix else None,
            fraction=_fraction(fraction),
            vgg=vgg,
            detectors=tuple(detector or ()),
            backbone=backbone,
            start=start,
            workers=workers,
            minutes=minutes,
            resume=resume,
        )
        try:
            weights = train_deblurrer(job, note)
        except KeyboardInterrupt:
            note("Interrupted and saved; repeat the command with --resume to go on.")
            raise typer.Exit(130) from None
        if weights:
            print_path(weights)

    return command


def _weights(text: str) -> tuple[float, ...]:
    try:
        return tuple(float(part) for part in text.split(":"))
    except ValueError:
        raise UsageError(f"--mix {text!r}: give a number for each --data, such as 2:1") from None


def _fraction(text: str) -> Fraction:
    try:
        return Fraction(text)
    except (ValueError, ZeroDivisionError):
        raise UsageError(f"--fraction {text!r}: give a share such as 1/6 or .5") from None
