"""`detbench blur`: make a blurred dataset, with its manifest."""

from pathlib import Path
from typing import Annotated

import typer

from detbench.cli.console import note, print_path, progress_steps


def blur(
    source: Annotated[
        Path, typer.Argument(help="A dataset, a folder of pictures, or (average) of frames, or a video.")
    ],
    out_folder: Annotated[Path, typer.Option("--out", help="The dataset folder to write.")],
    recipe: Annotated[
        str,
        typer.Option(help="trajectory, shake, average or kernels:PATH, with settings: trajectory:seed=3,sensor=camera"),
    ] = "trajectory",
) -> None:
    """Blur a dataset: sharp pictures, blurred twins, kernels, and a manifest with seed, parameters and SHA-256.

    The same command gives the same bytes; repeated after an interruption, it finishes what is missing.

    Examples:
        detbench blur photos/ --out blurred --recipe trajectory:seed=3,light=gamma
        detbench blur clip.mp4 --out averaged --recipe average
    """
    from detbench.blur.recipes import parse_recipe
    from detbench.datasets.blurred_writer import write_blurred_dataset

    with progress_steps() as steps:
        made = write_blurred_dataset(
            source, out_folder, parse_recipe(recipe), lambda done, all_: steps("blur", done, all_)
        )
    note(
        f"{made.pictures} pictures blurred, severity {made.severity_min_px:.1f} to {made.severity_max_px:.1f} px, "
        f"median {made.severity_median_px:.1f} px"
    )
    for sentence in made.notes:
        note(sentence)
    print_path(out_folder)
