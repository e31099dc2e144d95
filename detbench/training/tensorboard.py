"""Curves for TensorBoard, which is met here alone."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any


class Scalars:
    """Numbers by step in TensorBoard's own files; `tensorboard --logdir FOLDER` shows them."""

    def __init__(self, folder: Path, step: int) -> None:
        """Go on after `step`; what was written behind it is hidden."""
        from torch.utils.tensorboard import SummaryWriter

        self._writer: Any = SummaryWriter(str(folder), purge_step=step + 1)

    def add(self, step: int, values: Mapping[str, float]) -> None:
        """Add the values of a step by their names, and put them on disk."""
        for name, value in values.items():
            self._writer.add_scalar(name, value, step)
        self._writer.flush()

    def close(self) -> None:
        """End the file."""
        self._writer.close()
