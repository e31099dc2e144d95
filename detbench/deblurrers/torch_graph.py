"""TorchScript files and programs of `torch.export` as deblurrers.

Both are graphs with weights. Pickles in them are read for tensors alone; but a graph is a program, and torch evaluates
expressions in an exported one: name files that you trust.
"""

import os
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from detbench.core.torch_device import check_usable
from detbench.deblurrers.graphs import ValueRange, restore_by_graph
from detbench.deblurrers.tiling import MAX_PIXELS
from detbench.errors import WeightsError
from detbench.types import Image

Module = Callable[[torch.Tensor], torch.Tensor]


class _TorchGraph:
    """RGB of shape (1, 3, H, W) in and out, in single precision; `value_range` is that of both."""

    def __init__(
        self,
        name: str,
        module: Module,
        *,
        fixed_size: tuple[int, int] | None,
        value_range: str,
        multiple: int,
        device: str,
    ) -> None:
        check_usable(device, device)
        self.name, self._module, self._fixed_size = name, module, fixed_size
        self.max_pixels = MAX_PIXELS
        self._value_range, self._multiple, self._device = ValueRange.parse(value_range), multiple, device

    def __call__(self, blurred: Image) -> Image:
        """Shape (H, W, 3) in and out, any size."""
        return restore_by_graph(
            blurred,
            self._run,
            self._value_range,
            multiple=self._multiple,
            fixed_size=self._fixed_size,
            max_pixels=self.max_pixels,
            name=self.name,
        )

    def _run(self, picture: NDArray[np.float32]) -> NDArray[np.floating]:
        with torch.inference_mode(), torch.backends.cudnn.flags(enabled=True, deterministic=True, allow_tf32=False):
            made = self._module(torch.from_numpy(picture).to(self._device))
        restored: NDArray[np.floating] = made.float().cpu().numpy()
        return restored


class TorchScriptDeblurrer(_TorchGraph):
    """A file of `torch.jit.save`; it takes pictures of any size whose sides divide by `multiple`."""

    def __init__(self, file: Path, value_range: str, multiple: int, device: str) -> None:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", FutureWarning)  # torch has moved on; people's files have not
                module = torch.jit.load(str(file), map_location=device).eval()  # type: ignore[no-untyped-call]
        except (RuntimeError, ValueError) as error:
            raise WeightsError(f"{file}: not a TorchScript file ({error}); save it with torch.jit.save") from error
        super().__init__(str(file), module, fixed_size=None, value_range=value_range, multiple=multiple, device=device)


class ExportedDeblurrer(_TorchGraph):
    """A file of `torch.export.save`, for a fixed size or with free sides that divide by `multiple`."""

    def __init__(self, file: Path, value_range: str, multiple: int, device: str) -> None:
        try:
            with _tensors_alone():
                program = torch.export.load(str(file))
        except Exception as error:  # a damaged archive fails in as many ways as it has layers
            raise WeightsError(f"{file}: not a program of torch.export.save ({error}); export it again") from error
        super().__init__(
            str(file),
            program.module().to(device),
            fixed_size=_fixed_size(program, file),
            value_range=value_range,
            multiple=multiple,
            device=device,
        )


@contextmanager
def _tensors_alone() -> Iterator[None]:
    """Let torch unpickle nothing but tensors: by default, torch.export.load falls back to running what it finds."""
    key = "TORCH_FORCE_WEIGHTS_ONLY_LOAD"
    before = os.environ.get(key)
    os.environ[key] = "1"
    try:
        yield
    finally:
        if before is None:
            del os.environ[key]
        else:
            os.environ[key] = before


def _fixed_size(program: torch.export.ExportedProgram, file: Path) -> tuple[int, int] | None:
    names = program.graph_signature.user_inputs
    values = [node.meta["val"] for node in program.graph.nodes if node.op == "placeholder" and node.name in names]
    shape = tuple(values[0].shape) if len(values) == 1 else ()
    if len(shape) != 4 or shape[1] != 3:
        raise WeightsError(f"{file}: takes {len(values)} inputs, shape {shape}; a deblurrer takes one of (1, 3, H, W)")
    height, width = shape[2:]
    return (height, width) if isinstance(height, int) and isinstance(width, int) else None
