"""`detbench convert`: a dataset in another format."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from detbench.cli.console import note, print_path


def convert(
    source: Annotated[str, typer.Argument(help="A dataset's name or path, as --dataset of `detbench run` takes it.")],
    out_folder: Annotated[Path, typer.Option("--out", help="The folder to write; new or empty.")],
    to: Annotated[Literal["coco", "yolo", "voc"], typer.Option(help="The format to write.")],
    pictures: Annotated[
        Literal["sharp", "blurred"], typer.Option(help="Of sharp and blurred pairs, the pictures to copy.")
    ] = "blurred",
    repair: Annotated[
        Literal["clip", "drop"] | None, typer.Option(help="Boxes without area or outside their picture: clip or drop.")
    ] = None,
) -> None:
    """Write a dataset's boxes as COCO, YOLO or VOC have them, and copy its pictures.

    Ids and names are kept, so that converting it back gives the same annotations.

    Example:
        detbench convert data/val --to yolo --out data/val-yolo
    """
    from detbench.datasets.annotated import AnnotatedDataset
    from detbench.datasets.export import export_dataset
    from detbench.datasets.opening import open_dataset
    from detbench.errors import UsageError

    dataset = open_dataset(source, repair)
    if not isinstance(dataset, AnnotatedDataset):
        raise UsageError(f"dataset {dataset.name} has no boxes in a file that could be converted")
    export_dataset(dataset, to, out_folder, pictures)
    for sentence in dataset.notes:
        note(f"Dataset {dataset.name}: {sentence}.")
    boxes = len(dataset.found.records.annotations)
    note(f"{len(dataset)} pictures with {boxes} boxes of {len(dataset.classes)} classes written as {to.upper()}")
    print_path(out_folder)
