import io
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from detbench.deblurrers.torch_graph import ExportedDeblurrer
from detbench.errors import WeightsError
from detbench.plugins.backend import resolve_deblurrer


def test_a_hostile_pickle_in_an_exported_program_runs_no_code(
    tmp_path: Path, write: Callable[..., None], darker: nn.Module
) -> None:
    """A pickle that hides in the archive in place of its example inputs is refused before any of it runs."""
    canary, good, file = tmp_path / "canary", tmp_path / "good.pt2", tmp_path / "hostile.pt2"

    class Hostile:
        """Runs `canary.touch()` where it is unpickled without care."""

        def __reduce__(self) -> tuple[Any, ...]:
            return Path.touch, (canary,)

    write("exported", darker, good, free=True)
    stream, spoiled = io.BytesIO(), 0
    torch.save(Hostile(), stream)
    with zipfile.ZipFile(good) as source, zipfile.ZipFile(file, "w") as target:
        for name in source.namelist():
            is_pickle = source.read(name)[:2] == b"PK"
            spoiled += is_pickle
            target.writestr(name, stream.getvalue() if is_pickle else source.read(name))
    assert spoiled
    with pytest.raises(WeightsError, match=r"hostile\.pt2: not a program"):
        resolve_deblurrer(f"exported:{file}", "cpu", "fp32").build()
    assert not canary.exists()


def test_an_export_with_two_inputs_is_refused(tmp_path: Path) -> None:
    """A program that also takes the kernel is no blind deblurrer; the message shows what it takes."""

    class Two(nn.Module):
        """The sum of two pictures."""

        def forward(self, pictures: Tensor, others: Tensor) -> Tensor:
            """Shape (N, 3, H, W) in and out."""
            return pictures + others

    torch.export.save(
        torch.export.export(Two(), (torch.rand(1, 3, 8, 8), torch.rand(1, 3, 8, 8))), tmp_path / "two.pt2"
    )
    with pytest.raises(WeightsError, match=r"two\.pt2: takes 2 inputs"):
        ExportedDeblurrer(tmp_path / "two.pt2", "0..1", 4, "cpu")
