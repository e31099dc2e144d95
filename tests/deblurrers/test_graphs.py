"""Graphs of other tools as deblurrers: ONNX, TorchScript and exported programs behave alike."""

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from detbench.deblurrers.graphs import ValueRange, choose_output, restore_by_graph
from detbench.deblurrers.network import DeblurGAN
from detbench.errors import BackendError, WeightsError
from detbench.nets.deblurgan import Generator
from detbench.nets.weights import save_weights
from detbench.plugins.backend import resolve_deblurrer
from detbench.types import Deblurrer, Image

Write = Callable[..., None]
KINDS = {"onnx": "onnx", "torchscript": "pt", "exported": "pt2"}


class Smaller(nn.Module):
    """A network without padding: it gives back less than it takes."""

    def forward(self, pictures: Tensor) -> Tensor:
        """Shape (N, 3, H, W) to (N, 3, H - 2, W - 2)."""
        return nn.functional.avg_pool2d(pictures, 3, stride=1)


@pytest.fixture(params=KINDS)
def graph(request: pytest.FixtureRequest, tmp_path: Path, write: Write) -> Callable[..., Deblurrer]:
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


def expected(image: Image, darker: nn.Module) -> Image:
    """What `darker` makes of a picture on the scale 0..1."""
    shares = torch.from_numpy(image).permute(2, 0, 1)[None].float() / 255
    return (darker(shares)[0].permute(1, 2, 0) * 255).round().byte().numpy()


@pytest.mark.parametrize("size", [(1, 1), (37, 26), (64, 48), (120, 90)])
def test_any_size_goes_through(graph: Callable[..., Deblurrer], darker: nn.Module, size: tuple[int, int]) -> None:
    """Pictures are continued to what the graph takes and cropped again; within that border every pixel is right."""
    image = picture(*size)
    before = image.copy()
    restored = graph(darker, ",multiple=4")(image)
    assert (restored.shape, restored.dtype) == (image.shape, np.uint8)
    np.testing.assert_array_equal(image, before)
    if min(size) > 1:
        np.testing.assert_allclose(restored[:-1, :-1].astype(int), expected(image, darker)[:-1, :-1], atol=1)


@pytest.mark.parametrize("kind", ["onnx", "exported"])
@pytest.mark.parametrize("size", [(20, 30), (64, 48), (150, 101), (48, 200)])
def test_a_graph_of_one_size_sees_tiles(
    tmp_path: Path, write: Write, darker: nn.Module, kind: str, size: tuple[int, int]
) -> None:
    """A graph for 64x48 pixels restores smaller pictures continued and larger ones in tiles that show no seam."""
    file = tmp_path / f"net.{KINDS[kind]}"
    write(kind, darker, file, free=False)
    restored = resolve_deblurrer(f"{kind}:{file}", "cpu", "fp32").build()(picture(*size))
    np.testing.assert_allclose(restored.astype(int)[:-1, :-1], expected(picture(*size), darker)[:-1, :-1], atol=1)


def test_the_range_is_the_graphs_own(graph: Callable[..., Deblurrer], darker: nn.Module) -> None:
    """Half of white is grey on 0..1 and on 0..255, and on -1..1 a quarter below white."""
    white = np.full((16, 16, 3), 255, np.uint8)
    levels = {value_range: graph(darker, f",range={value_range}")(white)[8, 8, 0] for value_range in ("0..1", "-1..1")}
    assert levels == {"0..1": 128, "-1..1": 191}
    assert graph(darker, ",range=0..255")(white)[8, 8, 0] in (127, 128)


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


@pytest.mark.parametrize("kind", ["onnx", "exported"])
def test_deblurgan_exported_gives_the_native_pictures(tmp_path: Path, write: Write, kind: str) -> None:
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


def test_a_range_maps_black_and_white_both_ways() -> None:
    """-1..1 takes 0 to -1 and 255 to 1, channels first, and gives shares of white back."""
    black_and_white = np.array([[[0, 255, 51], [255, 0, 204]]], np.uint8)
    value_range = ValueRange.parse("-1..1")
    values = value_range.of_image(black_and_white)
    assert values.shape == (1, 3, 1, 2)
    np.testing.assert_allclose(values[0, :, 0, 0], [-1, 1, -0.6], atol=1e-6)
    np.testing.assert_allclose(value_range.to_shares(values) * 255, black_and_white, atol=1e-4)


def test_numbers_that_are_not_finite_are_refused() -> None:
    """A graph that gives NaN, as one of another range may, is an error that names the setting."""
    with pytest.raises(BackendError, match=r"mine: gave numbers that are not finite; is its range right"):
        restore_by_graph(
            picture(16, 16),
            lambda values: values * np.nan,
            ValueRange(0, 1),
            multiple=4,
            fixed_size=None,
            max_pixels=10**6,
            name="mine",
        )


def street(height: int = 96, width: int = 128) -> Image:
    """Dark ground, a light sky and sharp stripes, shape (H, W, 3)."""
    rows, columns = np.mgrid[:height, :width]
    grey = np.where(rows < height // 3, 210, 40) + np.where((columns // 8) % 4 == 0, 45, 0)
    return np.repeat(grey[..., None], 3, axis=2).astype(np.uint8)


def through(run: Callable[[Any], Any], image: Image, value_range: tuple[float, float] = (0, 1)) -> Image:
    """A picture through a function in place of a graph."""
    return restore_by_graph(
        image, run, ValueRange(*value_range), multiple=4, fixed_size=None, max_pixels=10**6, name="mine"
    )


@pytest.mark.parametrize(
    ("value_range", "run", "words"),
    [
        (
            (0, 1),
            lambda values: values * 255,
            r"gave values 40\.\.255 \(mean .*\) for a picture of values 0\.15.*0\.\.1",
        ),
        ((0, 1), lambda values: values * 2 - 1, r"gave values -0\.68"),
        ((-1, 1), lambda values: (values + 1) / 2, r"gave values 0\.15.*not of the range -1\.\.1"),
        ((-1, 1), lambda values: (values + 1) * 127.5, r"gave values 40\.\.255"),
        ((0, 255), lambda values: values / 255, r"gave values 0\.15.*not of the range 0\.\.255"),
        ((0, 255), lambda values: values / 127.5 - 1, r"gave values -0\.68"),
    ],
)
def test_an_output_of_another_range_is_refused(
    value_range: tuple[float, float], run: Callable[[Any], Any], words: str
) -> None:
    """Each of the three ranges in place of each other is seen in a picture of light and dark, with the numbers."""
    with pytest.raises(BackendError, match=rf"mine: {words}"):
        through(run, street(), value_range)


def test_another_range_shows_in_a_night_picture() -> None:
    """A black picture with one lamp on 0..255 has few values above white, but those far above."""
    night = np.zeros((64, 64, 3), np.uint8)
    night[30:34, 30:34] = 240
    with pytest.raises(BackendError, match=r"gave values 0\.\.240"):
        through(lambda values: values * 255, night)


def test_overshoot_is_clipped() -> None:
    """Sharpening that passes black and white by half the range at each edge is the network's own work."""

    def sharpened(values: Any) -> Any:
        return values + 6 * (values - np.roll(values, 1, axis=3)).clip(-0.2, 0.2)

    image = street()
    values = sharpened(ValueRange(0, 1).of_image(image))
    assert (values.min() < -0.25, values.max() > 1.25) == (True, True)
    expected_levels = (values[0].transpose(1, 2, 0).clip(0, 1) * 255).round()
    np.testing.assert_allclose(through(sharpened, image), expected_levels, atol=1)
    for flat in (0, 255):
        assert through(lambda values: values, np.full((16, 16, 3), flat, np.uint8)).mean() == flat


def test_bytes_are_refused() -> None:
    """An output of uint8 is of the range 0..255 whatever was announced."""
    with pytest.raises(BackendError, match="mine: gave uint8 values; export it with a float output"):
        through(lambda values: (values * 255).astype(np.uint8), street())


def test_an_output_by_name_or_place() -> None:
    """One needs no name; of several one must be named; a name wins over a place."""
    assert choose_output(None, ["only"], "mine") == 0
    assert [choose_output(word, ["a", "1", "c"], "mine") for word in ("c", "0", "1")] == [2, 0, 1]
    with pytest.raises(BackendError, match=r"mine: has 2 outputs: it gives stage1, final; .* ,output=NAME"):
        choose_output(None, ["stage1", "final"], "mine")
    with pytest.raises(BackendError, match=r"mine: has no output '2': it gives stage1, final"):
        choose_output("2", ["stage1", "final"], "mine")


class Stages(nn.Module):
    """A first stage that is black, and the picture at half of its values, as a list."""

    def forward(self, pictures: Tensor) -> list[Tensor]:
        """Shape (N, 3, H, W) to two of it."""
        return [pictures * 0, pictures * 0.5]


def test_one_of_several_outputs(graph: Callable[..., Deblurrer]) -> None:
    """The second of two equal-sized outputs is taken where it is named, and none where none is."""
    image = picture(16, 16)
    np.testing.assert_allclose(graph(Stages(), ",output=1,multiple=4")(image), image / 2, atol=1)
    with pytest.raises(BackendError, match="has 2 outputs"):
        graph(Stages(), ",multiple=4")(image)
