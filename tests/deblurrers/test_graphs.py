"""Graphs of other tools as deblurrers: ONNX, TorchScript and exported programs behave alike."""

import io
import warnings
import zipfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from detbench.deblurrers.network import DeblurGAN
from detbench.errors import BackendError, WeightsError
from detbench.nets.deblurgan import Generator
from detbench.nets.weights import save_weights
from detbench.plugins.backend import resolve_deblurrer
from detbench.types import Deblurrer, Image

KINDS = {"onnx": "onnx", "torchscript": "pt", "exported": "pt2"}


class Darker(nn.Module):
    """Half of every value, whatever the scale; a 3x3 mean with the picture continued tells where borders are."""

    def forward(self, pictures: Tensor) -> Tensor:
        """Shape (N, 3, H, W) in and out."""
        bordered = nn.functional.pad(pictures, (1, 1, 1, 1), mode="reflect")
        return nn.functional.avg_pool2d(bordered, 3, stride=1) * 0.5


class Smaller(nn.Module):
    """A network without padding: it gives back less than it takes."""

    def forward(self, pictures: Tensor) -> Tensor:
        """Shape (N, 3, H, W) to (N, 3, H - 2, W - 2)."""
        return nn.functional.avg_pool2d(pictures, 3, stride=1)


def write(kind: str, net: nn.Module, file: Path, size: tuple[int, int] = (64, 48), free: bool = True) -> None:
    """Save a network for pictures of a size (height, width), or of any."""
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


@pytest.fixture(params=KINDS)
def graph(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[..., Deblurrer]:
    """Makes a deblurrer of a network, as each kind of file."""

    def make(net: nn.Module, settings: str = "", **how: Any) -> Deblurrer:
        file = tmp_path / f"net.{KINDS[request.param]}"
        write(request.param, net, file, **how)
        built: Deblurrer = resolve_deblurrer(f"{request.param}:{file}{settings}", "cpu", "fp32").build()
        return built

    return make


def picture(height: int, width: int) -> Image:
    """Noise, shape (H, W, 3)."""
    return np.random.default_rng(height).integers(0, 256, (height, width, 3), dtype=np.uint8)


def expected(image: Image) -> Image:
    """What `Darker` makes of a picture on the scale 0..1."""
    shares = torch.from_numpy(image).permute(2, 0, 1)[None].float() / 255
    return (Darker()(shares)[0].permute(1, 2, 0) * 255).round().byte().numpy()


@pytest.mark.parametrize("size", [(1, 1), (37, 26), (64, 48), (120, 90)])
def test_any_size_goes_through(graph: Callable[..., Deblurrer], size: tuple[int, int]) -> None:
    """Pictures are continued to what the graph takes and cropped again; within that border every pixel is right."""
    image = picture(*size)
    before = image.copy()
    restored = graph(Darker(), ",multiple=4")(image)
    assert (restored.shape, restored.dtype) == (image.shape, np.uint8)
    np.testing.assert_array_equal(image, before)
    if min(size) > 1:
        np.testing.assert_allclose(restored[:-1, :-1].astype(int), expected(image)[:-1, :-1], atol=1)


@pytest.mark.parametrize("kind", ["onnx", "exported"])
@pytest.mark.parametrize("size", [(20, 30), (64, 48), (150, 101), (48, 200)])
def test_a_graph_of_one_size_sees_tiles(tmp_path: Path, kind: str, size: tuple[int, int]) -> None:
    """A graph for 64x48 pixels restores smaller pictures continued and larger ones in tiles that show no seam."""
    file = tmp_path / f"net.{KINDS[kind]}"
    write(kind, Darker(), file, free=False)
    restored = resolve_deblurrer(f"{kind}:{file}", "cpu", "fp32").build()(picture(*size))
    np.testing.assert_allclose(restored.astype(int)[:-1, :-1], expected(picture(*size))[:-1, :-1], atol=1)


def test_the_range_is_the_graphs_own(graph: Callable[..., Deblurrer]) -> None:
    """Half of white is grey on 0..1 and on 0..255, and on -1..1 a quarter below white."""
    white = np.full((16, 16, 3), 255, np.uint8)
    levels = {
        value_range: graph(Darker(), f",range={value_range}")(white)[8, 8, 0] for value_range in ("0..1", "-1..1")
    }
    assert levels == {"0..1": 128, "-1..1": 191}
    assert graph(Darker(), ",range=0..255")(white)[8, 8, 0] in (127, 128)


def test_another_size_is_refused(graph: Callable[..., Deblurrer]) -> None:
    """A graph that loses its borders says which shapes it was given and gave."""
    with pytest.raises(BackendError, match=r"gave shape \(1, 3, 62, 62\) for \(1, 3, 64, 64\); a deblurrer keeps"):
        graph(Smaller())(picture(64, 64))


@pytest.mark.parametrize("kind", KINDS)
def test_files_that_are_no_graphs(tmp_path: Path, kind: str) -> None:
    """Other bytes are named as what they should have been."""
    if kind == "onnx":
        pytest.importorskip("onnxruntime")
    file = tmp_path / "net"
    file.write_bytes(b"this is text")
    with pytest.raises(WeightsError, match=rf"{file}: not "):
        resolve_deblurrer(f"{kind}:{file}", "cpu", "fp32").build()


def test_a_hostile_pickle_in_an_exported_program_runs_no_code(tmp_path: Path) -> None:
    """A pickle that hides in the archive in place of its example inputs is refused before any of it runs."""
    canary, good, file = tmp_path / "canary", tmp_path / "good.pt2", tmp_path / "hostile.pt2"

    class Hostile:
        """Runs `canary.touch()` where it is unpickled without care."""

        def __reduce__(self) -> tuple[Any, ...]:
            return Path.touch, (canary,)

    write("exported", Darker(), good, free=True)
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


@pytest.mark.parametrize("kind", ["onnx", "exported"])
def test_deblurgan_exported_gives_the_native_pictures(tmp_path: Path, kind: str) -> None:
    """DeblurGAN's generator, exported, restores a picture as its adapter does, to one grey level; as ONNX it is made of
    ordinary convolutions.
    """
    torch.manual_seed(3)
    save_weights(Generator(), tmp_path / "weights.safetensors")
    native = DeblurGAN(tmp_path / "weights.safetensors", "cpu")
    write(kind, native.net.to(memory_format=torch.contiguous_format), tmp_path / "net", size=(32, 24))
    word = f"{kind}:{tmp_path / 'net'},range=-1..1,multiple=4"
    image = picture(37, 50)
    restored = resolve_deblurrer(word, "cpu", "fp32").build()(image)
    assert np.abs(restored.astype(int) - native(image)).max() <= 1
    assert np.abs(restored.astype(int) - image).max() > 20
    if kind == "onnx":
        nodes = Counter(node.op_type for node in pytest.importorskip("onnx").load(tmp_path / "net").graph.node)
        assert (nodes["Conv"], nodes["ConvTranspose"], nodes["MatMul"]) == (22, 2, 0)
