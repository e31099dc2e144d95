"""`detbench export`: a deblurrer as a file that other programs run."""

import re
from pathlib import Path
from typing import Annotated, Literal

import typer

from detbench.cli.console import note, print_path
from detbench.errors import UsageError


def export(
    deblurrer: Annotated[
        str, typer.Argument(help="A network of detbench's own: nafnet, or nafnet:FILE with weights of yours.")
    ],
    out_file: Annotated[Path, typer.Option("--out", help="The file to write.")],
    to: Annotated[Literal["onnx"], typer.Option(help="The format to write.")] = "onnx",
    size: Annotated[
        str | None,
        typer.Option(
            help="WIDTHxHEIGHT of the only pictures that it is to take, which some compilers want.",
            show_default="pictures of any size",
        ),
    ] = None,
) -> None:
    """Write a network as one ONNX file, which `--deblurrer onnx:FILE` runs, and so do programs on other devices.

    It takes RGB in 0..1, float32, shape (1, 3, height, width), and gives the same, to be clipped. Which number its
    sides divide by stands in its metadata.

    Examples:
        detbench export nafnet --out nafnet.onnx
        detbench export nafnet --size 1280x720 --out nafnet-720.onnx
    """
    sides = None if size is None else parse_size(size)
    from detbench.plugins.backend import resolve_deblurrer
    from detbench.training.onnx_export import export_onnx

    metadata = export_onnx(resolve_deblurrer(deblurrer, "cpu", "fp32"), out_file, sides)
    note(f"written as {to.upper()}: {', '.join(f'{key} {value}' for key, value in metadata.items())}")
    note(f"run it: detbench run --deblurrer onnx:{out_file}")
    print_path(out_file)


def parse_size(text: str) -> tuple[int, int]:
    """Height and width in pixels of a size as it is typed, 1280x720; raises UsageError for anything else."""
    found = re.fullmatch(r"([1-9][0-9]{0,4})[x×]([1-9][0-9]{0,4})", text)
    if found is None:
        raise UsageError(f"--size is {text!r}, but must be WIDTHxHEIGHT in pixels, such as 1280x720")
    return int(found[2]), int(found[1])
