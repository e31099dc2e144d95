"""An ONNX graph as a deblurrer, through onnxruntime."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from detbench.core.onnx_sessions import open_session
from detbench.deblurrers.graphs import ValueRange, choose_output, restore_by_graph
from detbench.deblurrers.tiling import MAX_PIXELS
from detbench.errors import BackendError
from detbench.types import Image

TYPES = {"tensor(float)": np.float32, "tensor(float16)": np.float16}


class OnnxDeblurrer:
    """A graph with one picture in, RGB of shape (N, 3, H, W), and one of the same shape out; N is 1 or free.

    H and W are free or fixed. `value_range` is that of both pictures; `output` names the restored one where the graph
    has several. Pictures of more than `max_pixels` are restored in tiles.
    """

    def __init__(
        self,
        file: Path,
        value_range: str,
        multiple: int,
        device: str,
        output: str | None = None,
        max_pixels: int = MAX_PIXELS,
    ) -> None:
        self.name, self.max_pixels = str(file), max_pixels
        self._session = open_session(file, device)
        self._value_range, self._multiple = ValueRange.parse(value_range), multiple
        inputs = self._session.get_inputs()
        shape = inputs[0].shape if len(inputs) == 1 else []
        is_picture = len(shape) == 4 and not (isinstance(shape[0], int) and shape[0] != 1) and shape[1] in (3, None)
        if not is_picture or inputs[0].type not in TYPES:
            found = ", ".join(f"{given.name} {given.type} {given.shape}" for given in inputs)
            last = "; this one has its channels last" if len(shape) == 4 and shape[3] == 3 != shape[1] else ""
            raise BackendError(
                f"{file}: takes {found}; a deblurrer takes one float picture of shape (1, 3, H, W){last}; export it so"
            )
        self._input, self._type = inputs[0].name, TYPES[inputs[0].type]
        names = [made.name for made in self._session.get_outputs()]
        self._output = names[choose_output(output, names, self.name)]
        sides = shape[2:]
        self._fixed_size = (sides[0], sides[1]) if all(isinstance(side, int) for side in sides) else None

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
        made: NDArray[np.floating] = self._session.run([self._output], {self._input: picture.astype(self._type)})[0]
        return made
