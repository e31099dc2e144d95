"""A trained deblurrer of detbench's own as an ONNX graph, which carries what a program must know to run it."""

import warnings
from pathlib import Path
from typing import cast

import torch
from torch import Tensor, nn

from detbench.core.fingerprints import installed_version
from detbench.core.images import write_atomically
from detbench.errors import UsageError
from detbench.nets.weights import load_weights, weights_metadata
from detbench.plugins.backend import Backend
from detbench.plugins.builtin import DEBLURRERS
from detbench.plugins.kinds import RANGES
from detbench.training.architectures import ARCHITECTURES
from detbench.training.training_plan import Forward, finest

DISTRIBUTIONS = ("onnx", "onnxscript")
"""What torch's exporter needs besides torch."""

INPUT, OUTPUT = "blurred", "restored"

_EXAMPLE_PX = 64
"""Sides of the picture that is traced, about: torch takes a side that is 1 for a fixed one."""


class PictureGraph(nn.Module):
    """A generator for pictures in 0..1, RGB, shape (N, 3, H, W), to the same, not clamped to it."""

    def __init__(self, generator: nn.Module, forward: Forward) -> None:
        super().__init__()
        self.generator, self._run = generator, forward

    def forward(self, pictures: Tensor) -> Tensor:
        """Every network here learned on pictures in -1..1."""
        return (finest(self._run(self.generator, pictures * 2 - 1), pictures) + 1) / 2


def export_onnx(deblurrer: Backend, file: Path, size: tuple[int, int] | None = None) -> dict[str, str]:
    """Write the network of a deblurrer as one ONNX file, and return the metadata in it: `detbench.range`, the values of
    black and white; `detbench.multiple`, which sides of pictures divide by; `detbench.max_pixels`, above which
    detbench restores in tiles.

    The graph takes pictures of `size` (height, width) alone, without it of any. Raises UsageError where the deblurrer
    is no network of detbench's own, a side does not divide, or a package is missing; WeightsError where its weights
    are; OutputError where the file cannot be written.
    """
    weights = _weights(deblurrer)
    _check_installed()
    adapter = deblurrer.entry.import_target()
    multiple: int = adapter.multiple
    if size is not None and any(side % multiple for side in size):
        fitting = "x".join(str(-(-side // multiple) * multiple) for side in reversed(size))
        raise UsageError(
            f"--size {size[1]}x{size[0]}: {deblurrer.name} takes sides that divide by {multiple}; pad pictures to "
            f"{fitting}"
        )
    metadata = {"range": RANGES[0], "multiple": str(multiple), "max_pixels": str(adapter.max_pixels)}
    metadata = {f"detbench.{key}": value for key, value in metadata.items()}
    program = _exported(_graph(deblurrer, weights), multiple, size)
    program.model.metadata_props.update(metadata)
    program.model.doc_string = (
        f"{deblurrer.name}: RGB in 0..1, float32, (1, 3, height, width), in and out. Pad by reflection to sides that "
        f"divide by {multiple}; clip what comes out to 0..1."
    )
    write_atomically(file, program.model_proto.SerializeToString())
    return metadata


def _weights(deblurrer: Backend) -> Path:
    """The file of its weights."""
    ours = {entry.name: entry for entry in DEBLURRERS.entries() if entry.network in ARCHITECTURES}
    networks = [name for name, entry in ours.items() if not ARCHITECTURES[entry.network].estimates_kernels]
    if deblurrer.entry.network not in networks or deblurrer.entry.is_foreign:
        raise UsageError(
            f"{deblurrer.name} is no network that could be exported. These are: {', '.join(networks)}, and NAME:FILE "
            "with weights of your own"
        )
    return Path(deblurrer.entry.options["weights"])


def _check_installed() -> None:
    missing = [name for name in DISTRIBUTIONS if installed_version(name) is None]
    if missing:
        raise UsageError(f"--to onnx needs {', '.join(missing)}, not installed here: pip install 'detbench[onnx]'")


def _graph(deblurrer: Backend, weights: Path) -> PictureGraph:
    """The network as its paper has it, without what makes it faster on a processor."""
    own, network = weights_metadata(weights).get("architecture", ""), deblurrer.entry.network
    kind = ARCHITECTURES[own if own in ARCHITECTURES else network]
    generator = kind.generator()
    load_weights(generator, weights, network)
    return PictureGraph(generator, kind.forward).eval()


def _exported(graph: PictureGraph, multiple: int, size: tuple[int, int] | None) -> torch.onnx.ONNXProgram:
    cells = max(2, _EXAMPLE_PX // multiple)
    sides = size or (cells * multiple, (cells + 1) * multiple)
    height, width = torch.export.Dim("height"), torch.export.Dim("width")
    free = ({2: multiple * height, 3: multiple * width},) if multiple > 1 else ({2: height, 3: width},)
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")  # of the exporter's own, on its own parts
        program = torch.onnx.export(
            graph,
            (torch.rand(1, 3, *sides),),
            dynamo=True,
            dynamic_shapes=None if size else free,
            input_names=[INPUT],
            output_names=[OUTPUT],
            external_data=False,
            verbose=False,
        )
    return cast(torch.onnx.ONNXProgram, program)
