"""TorchScript files and programs of `torch.export` as deblurrers.

Both are graphs with weights. Pickles in them are read for tensors alone; but a graph is a program, and torch evaluates
expressions in an exported one: name files that you trust.
"""

import os
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from detbench.core.torch_device import check_usable
from detbench.deblurrers.graphs import ValueRange, choose_output, restore_by_graph
from detbench.deblurrers.tiling import MAX_PIXELS
from detbench.errors import BackendError, WeightsError
from detbench.types import Image

Module = Callable[[torch.Tensor], Any]


class _TorchGraph:
    """RGB of shape (1, 3, H, W) in and out, `dtype` in; `value_range` is that of both.

    Of a list, a tuple or a dictionary, the restored picture is what `output` names.
    """

    def __init__(
        self,
        name: str,
        module: Module,
        *,
        fixed_size: tuple[int, int] | None,
        value_range: str,
        multiple: int,
        device: str,
        output: str | None,
        dtype: torch.dtype,
    ) -> None:
        check_usable(device, device)
        self._output, self._dtype = output, dtype
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
            made = self._module(torch.from_numpy(picture).to(self._device, self._dtype))
        restored = _chosen(made, self._output, self.name)
        restored = restored.float() if restored.is_floating_point() else restored
        values: NDArray[np.floating] = restored.cpu().numpy()
        return values


def _chosen(made: object, output: str | None, name: str) -> torch.Tensor:
    """The restored picture among what a graph gave."""
    outputs = made if isinstance(made, dict) else dict(enumerate(made if isinstance(made, list | tuple) else [made]))
    names = [str(key) for key in outputs]
    chosen = list(outputs.values())[choose_output(output, names, name)]
    if not isinstance(chosen, torch.Tensor):
        raise BackendError(f"{name}: gave {type(chosen).__name__} as its output; a deblurrer gives a tensor")
    return chosen


class TorchScriptDeblurrer(_TorchGraph):
    """A file of `torch.jit.save`; it takes pictures of any size whose sides divide by `multiple`."""

    def __init__(self, file: Path, value_range: str, multiple: int, device: str, output: str | None = None) -> None:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", FutureWarning)  # torch has moved on; people's files have not
                module = torch.jit.load(str(file), map_location=device).eval()  # type: ignore[no-untyped-call]
        except (RuntimeError, ValueError) as error:
            raise WeightsError(f"{file}: not a TorchScript file ({error}); save it with torch.jit.save") from error
        _refuse_more_inputs(module.forward.schema.arguments[1:], file)  # the first is the module
        super().__init__(
            str(file),
            module,
            fixed_size=None,
            value_range=value_range,
            multiple=multiple,
            device=device,
            output=output,
            dtype=_precision(module),
        )


class ExportedDeblurrer(_TorchGraph):
    """A file of `torch.export.save`, for a fixed size or with free sides that divide by `multiple`."""

    def __init__(self, file: Path, value_range: str, multiple: int, device: str, output: str | None = None) -> None:
        try:
            with _tensors_alone():
                program = torch.export.load(str(file))
        except Exception as error:  # a damaged archive fails in as many ways as it has layers
            raise WeightsError(f"{file}: not a program of torch.export.save ({error}); export it again") from error
        fixed_size, dtype = _input(program, file)
        super().__init__(
            str(file),
            program.module().to(device),
            fixed_size=fixed_size,
            value_range=value_range,
            multiple=multiple,
            device=device,
            output=output,
            dtype=dtype,
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


def _input(program: torch.export.ExportedProgram, file: Path) -> tuple[tuple[int, int] | None, torch.dtype]:
    """The size (height, width) of the picture that a program takes, None where it is free, and its precision."""
    names = program.graph_signature.user_inputs
    values = [node.meta["val"] for node in program.graph.nodes if node.op == "placeholder" and node.name in names]
    shape = tuple(values[0].shape) if len(values) == 1 else ()
    if len(shape) != 4 or shape[1] != 3 or (isinstance(shape[0], int) and shape[0] != 1):
        raise WeightsError(
            f"{file}: takes {len(values)} inputs ({', '.join(map(str, names))}), shape {shape}; a deblurrer takes one "
            "of (1, 3, H, W)"
        )
    height, width = shape[2:]
    size = (height, width) if isinstance(height, int) and isinstance(width, int) else None
    return size, _floating(values[0].dtype, file)


def _floating(dtype: torch.dtype, file: Path) -> torch.dtype:
    if not dtype.is_floating_point:
        raise WeightsError(f"{file}: takes {dtype}; export it with a float input")
    return dtype


def _refuse_more_inputs(arguments: Sequence[Any], file: Path) -> None:
    """Raise WeightsError where a TorchScript needs more than a picture."""
    needed = [argument.name for argument in arguments if not argument.has_default_value()]
    if len(needed) > 1:
        raise WeightsError(f"{file}: takes {', '.join(needed)}; a deblurrer takes one picture of shape (1, 3, H, W)")


def _precision(module: Any) -> torch.dtype:
    """The precision of a TorchScript's weights, which its input must have; single where it has none."""
    weights = (weight.dtype for weight in module.parameters() if weight.is_floating_point())
    return next(weights, torch.float32)
