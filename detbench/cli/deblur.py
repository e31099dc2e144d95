"""`detbench deblur`: restore a person's own pictures."""

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from detbench.cli.console import note, print_path, progress_steps, say_error
from detbench.cli.run import SOME_FAILED

if TYPE_CHECKING:
    from collections.abc import Sequence

    from detbench.evaluation.deblurring import Job, Outcome, PictureDeblurrer


def deblur(
    pictures: Annotated[list[Path], typer.Argument(help="Pictures, and folders of pictures at any depth.")],
    deblurrer: Annotated[str, typer.Option(help="A deblurrer, as `detbench run` takes it.")],
    out_folder: Annotated[
        Path, typer.Option("--out", help="The folder to write into; paths within a given folder are kept.")
    ],
    kernels: Annotated[
        bool, typer.Option("--kernels", help="Write the blur kernels that were found, as NAME.kernel.png.")
    ] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Write over what an earlier run wrote.")] = False,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or cuda:N.")] = "auto",
    precision: Annotated[Literal["fp32", "bf16"], typer.Option(help="Arithmetic of the networks.")] = "fp32",
    timeout: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="Seconds that the deblurrer may take for a picture.",
            show_default="300 for command:, 3600 for others",
        ),
    ] = None,
) -> None:
    """Deblur pictures of your own: each keeps its name, its format, EXIF, colour profile and transparency.

    PNG, BMP, TIFF and lossless WebP stay lossless, JPEG is written at quality 95. Pictures come out upright. One that
    fails is named, the others are done, and the exit code is 4. Other codes: 0 all is well, 2 the request is wrong, 3
    there is no picture, 130 interrupted.

    Examples:
        detbench deblur holiday/ --deblurrer nafnet --out sharp
        detbench deblur a.jpg b.jpg --deblurrer blind --kernels --out sharp
    """
    from detbench.core.devices import resolve_device
    from detbench.core.images import check_writable
    from detbench.core.memory import keep_freed_memory
    from detbench.evaluation.deblurring import notes_on, open_deblurrer, plan_jobs
    from detbench.plugins.backend import resolve_deblurrer

    backend = resolve_deblurrer(deblurrer, resolve_device(device), precision)
    jobs = plan_jobs(pictures, out_folder, kernels=kernels, overwrite=overwrite)
    keep_freed_memory()
    opened = open_deblurrer(backend, timeout, kernels=kernels)
    check_writable(out_folder)
    begun = time.perf_counter()
    outcomes = _deblur(jobs, opened, out_folder)
    done = sum(outcome.failure is None for outcome in outcomes)
    left = sum(not outcome.is_explained for outcome in outcomes)
    if left:
        note(f"{left} pictures were left as they are: no blur kernel explains them")
    for sentence in notes_on(pictures):
        note(sentence)
    note(f"{done} of {len(jobs)} pictures deblurred in {time.perf_counter() - begun:.1f} s, written to {out_folder}")
    print_path(out_folder)
    if done < len(jobs):
        raise typer.Exit(SOME_FAILED)


def _deblur(jobs: "Sequence[Job]", deblurrer: "PictureDeblurrer", out_folder: Path) -> "list[Outcome]":
    """Do the jobs, show how far they are, and name each picture that failed at once."""
    from detbench.evaluation.deblurring import deblur

    outcomes: list[Outcome] = []
    try:
        with progress_steps(each="picture") as steps:
            steps("deblur", 0, len(jobs))
            for outcome in deblur(jobs, deblurrer):
                outcomes.append(outcome)
                if outcome.failure:
                    say_error(outcome.failure)
                steps("deblur", len(outcomes), len(jobs))
    except KeyboardInterrupt:
        done = sum(outcome.failure is None for outcome in outcomes)
        note(f"Interrupted; the {done} pictures that are finished stay in {out_folder}")
        raise typer.Exit(130) from None
    return outcomes
