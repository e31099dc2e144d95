import io
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from detbench.deblurrers.torch_graph import ExportedDeblurrer, TorchScriptDeblurrer
from detbench.errors import BackendError, WeightsError
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
    with pytest.raises(WeightsError, match=r"two\.pt2: takes 2 inputs \(pictures, others\)"):
        ExportedDeblurrer(tmp_path / "two.pt2", "0..1", 4, "cpu")


def scripted(net: nn.Module, file: Path) -> Path:
    """The network as TorchScript."""
    torch.jit.save(torch.jit.script(net), file)
    return file


IMAGE = np.random.default_rng(2).integers(0, 256, (16, 24, 3), dtype=np.uint8)


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")
def test_half_precision_gets_half(tmp_path: Path) -> None:
    """A TorchScript of half-precision weights takes its picture in half; a 1x1 convolution by one keeps its levels."""
    net = nn.Conv2d(3, 3, 1, bias=False)
    net.weight.data = torch.eye(3)[..., None, None]
    file = scripted(net.half(), tmp_path / "half.pt")
    np.testing.assert_array_equal(TorchScriptDeblurrer(file, "0..1", 4, "cpu")(IMAGE), IMAGE)


class ByName(nn.Module):
    """Gives the picture under a name, beside its mean; the second input has a default."""

    def forward(self, pictures: Tensor, gain: float = 1.0) -> dict[str, Tensor]:
        """Shape (N, 3, H, W) to the same, and to one number."""
        return {"mean": pictures.mean(), "restored": pictures * gain}


class Nested(nn.Module):
    """Gives lists in a list."""

    def forward(self, pictures: Tensor) -> list[list[Tensor]]:
        """Shape (N, 3, H, W)."""
        return [[pictures]]


class WithKernel(nn.Module):
    """Needs the kernel too."""

    def forward(self, pictures: Tensor, kernel: Tensor) -> Tensor:
        """Shape (N, 3, H, W) and (K, K)."""
        return pictures * kernel.sum()


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")
def test_outputs_and_inputs_of_torchscript(tmp_path: Path) -> None:
    """A dictionary's key is a name; inputs with defaults are left to them; other structures and inputs are refused."""
    by_name = scripted(ByName(), tmp_path / "by-name.pt")
    np.testing.assert_array_equal(TorchScriptDeblurrer(by_name, "0..1", 4, "cpu", "restored")(IMAGE), IMAGE)
    with pytest.raises(BackendError, match=r"by-name\.pt: has 2 outputs: it gives mean, restored"):
        TorchScriptDeblurrer(by_name, "0..1", 4, "cpu")(IMAGE)
    with pytest.raises(BackendError, match=r"nested\.pt: gave list as its output; a deblurrer gives a tensor"):
        TorchScriptDeblurrer(scripted(Nested(), tmp_path / "nested.pt"), "0..1", 4, "cpu")(IMAGE)
    with pytest.raises(WeightsError, match=r"kernel\.pt: takes pictures, kernel; a deblurrer takes one picture"):
        TorchScriptDeblurrer(scripted(WithKernel(), tmp_path / "kernel.pt"), "0..1", 4, "cpu")


@pytest.mark.parametrize(
    ("example", "words"),
    [
        (torch.zeros(1, 3, 8, 8, dtype=torch.uint8), r"takes torch\.uint8; export it with a float input"),
        (torch.zeros(4, 3, 8, 8), r"takes 1 inputs \(.*\), shape \(4, 3, 8, 8\)"),
        (torch.zeros(1, 8, 8, 3), r"shape \(1, 8, 8, 3\)"),
    ],
)
def test_exported_programs_of_other_inputs_are_refused(tmp_path: Path, example: Tensor, words: str) -> None:
    """Bytes, a batch of four and channels last are no picture of (1, 3, H, W)."""
    torch.export.save(torch.export.export(nn.Identity(), (example,)), tmp_path / "other.pt2")
    with pytest.raises(WeightsError, match=rf"other\.pt2: .*{words}"):
        ExportedDeblurrer(tmp_path / "other.pt2", "0..1", 4, "cpu")
