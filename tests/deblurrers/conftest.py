"""A small network, and its file as each kind of graph."""

import warnings
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn


class Darker(nn.Module):
    """Half of every value, whatever the scale; a 3x3 mean with the picture continued tells where borders are."""

    def forward(self, pictures: Tensor) -> Tensor:
        """Shape (N, 3, H, W) in and out."""
        bordered = nn.functional.pad(pictures, (1, 1, 1, 1), mode="reflect")
        return nn.functional.avg_pool2d(bordered, 3, stride=1) * 0.5


@pytest.fixture
def darker() -> nn.Module:
    """Halves a picture; see Darker."""
    return Darker()


@pytest.fixture
def write() -> Callable[..., None]:
    """Saves a network as a kind of graph, for pictures of a size (height, width), or of any."""
    return write_graph


def write_graph(kind: str, net: nn.Module, file: Path, size: tuple[int, int] = (64, 48), free: bool = True) -> None:
    """Save a network as onnx, torchscript or exported."""
    example = (torch.rand(1, 3, *size),)
    height, width = torch.export.Dim("height", min=2, max=4096), torch.export.Dim("width", min=2, max=4096)
    shapes = ({2: 4 * height, 3: 4 * width},) if free else None
    with warnings.catch_warnings(), torch.inference_mode(False):
        warnings.simplefilter("ignore")
        if kind == "torchscript":
            torch.jit.save(torch.jit.trace(net, example), file)
            return
        program = torch.export.export(net, example, dynamic_shapes=shapes)
        if kind == "exported":
            torch.export.save(program, file)
        else:
            pytest.importorskip("onnx")
            pytest.importorskip("onnxscript")
            pytest.importorskip("onnxruntime")
            torch.onnx.export(program, external_data=False, verbose=False).save(file)  # type: ignore[union-attr]
