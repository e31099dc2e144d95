from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from detbench.deblurrers import network
from detbench.deblurrers.network import (
    DeblurGAN,
    DeepGenerativeFilter,
    Guided,
    HalfResolutionNAFNet,
    Nah,
    NetworkDeblurrer,
    Pix2pix,
)
from detbench.errors import UsageError, WeightsError
from detbench.nets import nafnet
from detbench.nets.deblurgan import Generator
from detbench.nets.deep_generative_filter import DenseGenerator
from detbench.nets.guided_nafnet import GuidedNAFNet
from detbench.nets.nah import MultiScaleNet
from detbench.nets.pix2pix import UNet
from detbench.nets.weights import save_weights
from detbench.types import Image

Adapter = Callable[..., NetworkDeblurrer]
Folders = dict[Adapter, Path]

ADAPTERS = pytest.mark.parametrize("adapter", [DeblurGAN, DeepGenerativeFilter, Nah, Pix2pix, HalfResolutionNAFNet])


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> Folders:
    """Make a model folder with random weights for each adapter."""
    torch.manual_seed(0)
    nets: dict[Adapter, nn.Module] = {
        DeblurGAN: Generator(),
        DeepGenerativeFilter: DenseGenerator(),
        Nah: MultiScaleNet(),
        Pix2pix: UNet(),
        HalfResolutionNAFNet: nafnet.NAFNet(),
    }
    folders = {adapter: tmp_path_factory.mktemp("model") for adapter in nets}
    for adapter, net in nets.items():
        save_weights(net, folders[adapter] / "weights.safetensors")
    return folders


class Recorder(nn.Module):
    """Stands in for a network: notes what it is given, and gives it back."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[Tensor] = []

    def forward(self, pictures: Tensor) -> Tensor:
        """Record the pictures."""
        self.seen.append(pictures)
        return pictures


class BrighterToTheRight(nn.Module):
    """Stands in for a guided network: the blurred picture, plus grey levels that rise from 0 by two a column."""

    def forward(self, pictures: Tensor) -> Tensor:
        """Add the slope."""
        slope: Tensor = pictures[:, :3] + torch.arange(pictures.shape[3]) * 4 / 255
        return slope


class Brighter(nn.Module):
    """Stands in for Nah's network: its one result is the picture plus an offset in grey levels."""

    def __init__(self, offset: float) -> None:
        super().__init__()
        self.offset = offset

    def forward(self, pictures: Tensor) -> list[Tensor]:
        """Add the offset."""
        return [pictures + self.offset / 255]


def random_picture(height: int, width: int) -> Image:
    """Noise, uint8, shape (H, W, 3)."""
    return np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)


def test_deblurgan_runs_its_generator(folders: Folders) -> None:
    """The adapter's picture is the generator's, from -1..1 to grey levels by rounding."""
    deblurrer = DeblurGAN(folders[DeblurGAN], device="cpu")
    picture = random_picture(16, 24)
    with torch.inference_mode():
        restored = deblurrer.net(torch.tensor(picture).permute(2, 0, 1)[None].float() / 127.5 - 1)
    expected = ((restored[0].permute(1, 2, 0).numpy() + 1) * 127.5).astype(np.float64)
    assert np.abs(deblurrer(picture) - expected).max() <= 0.5 + 1e-3


def test_nah_takes_the_finest_result(folders: Folders) -> None:
    """The adapter's picture is the network's first, finest result, from -0.5..0.5 to grey levels by rounding."""
    deblurrer = Nah(folders[Nah], device="cpu")
    picture = random_picture(8, 12)
    with torch.inference_mode():
        restored = deblurrer.net(torch.tensor(picture).permute(2, 0, 1)[None].float() / 255 - 0.5)[0]
    expected = (restored[0].permute(1, 2, 0).numpy() + 0.5) * 255
    assert np.abs(deblurrer(picture) - expected.clip(0, 255)).max() <= 0.5 + 1e-3


def test_values_are_rounded_and_clipped(folders: Folders) -> None:
    """0.6 of a grey level is 1, not 0, and what lies outside 0..255 ends at its bounds instead of wrapping."""
    deblurrer = Nah(folders[Nah], device="cpu")
    for offset, expected in ((0.6, 101), (-0.6, 99), (0.4, 100), (300, 255), (-300, 0)):
        deblurrer.net = Brighter(offset)
        assert (deblurrer(np.full((8, 8, 3), 100, np.uint8)) == expected).all()


@pytest.mark.parametrize(("height", "width"), [(1, 1), (2, 3), (7, 30), (9, 31), (40, 44)])
def test_pictures_are_padded_by_reflection_and_never_resized(folders: Folders, height: int, width: int) -> None:
    """The network sees the picture itself, extended to multiples of 4 by its own pixels, and the size stays."""
    deblurrer = DeblurGAN(folders[DeblurGAN], device="cpu")
    deblurrer.net = recorder = Recorder()
    picture = random_picture(height, width)
    np.testing.assert_array_equal(deblurrer(picture), picture)
    seen = recorder.seen[0][0].permute(1, 2, 0).numpy()
    assert seen.shape[0] % 4 == seen.shape[1] % 4 == 0
    assert min(seen.shape[:2]) >= 8
    np.testing.assert_allclose(seen[:height, :width], picture / 127.5 - 1, atol=1e-6)
    assert set(np.rint((seen + 1) * 127.5).ravel()) <= set(picture.astype(float).ravel())


def test_networks_run_as_channels_last(folders: Folders) -> None:
    """Weights and pictures lie channels last."""
    deblurrer = DeblurGAN(folders[DeblurGAN], device="cpu")
    assert deblurrer.net.get_parameter("down2.weight").is_contiguous(memory_format=torch.channels_last)
    deblurrer.net = recorder = Recorder()
    deblurrer(random_picture(12, 16))
    assert recorder.seen[0].is_contiguous(memory_format=torch.channels_last)


def test_large_pictures_are_tiled(folders: Folders, monkeypatch: pytest.MonkeyPatch) -> None:
    """A picture over the budget reaches the network in several pieces, each within it."""
    monkeypatch.setattr(DeblurGAN, "max_pixels", 64 * 64)
    monkeypatch.setattr(network, "OVERLAP", 16)
    deblurrer = DeblurGAN(folders[DeblurGAN], device="cpu")
    deblurrer.net = recorder = Recorder()
    picture = random_picture(101, 150)
    np.testing.assert_array_equal(deblurrer(picture), picture)
    assert len(recorder.seen) > 1
    assert all(tile.shape[2] * tile.shape[3] <= 64 * 64 for tile in recorder.seen)


@ADAPTERS
def test_bf16_is_close_to_fp32(adapter: Adapter, folders: Folders) -> None:
    """Mixed precision changes a picture by less than a grey level on average."""
    picture = random_picture(32, 40)
    full = adapter(folders[adapter], "cpu", "fp32")(picture)
    mixed = adapter(folders[adapter], "cpu", "bf16")(picture)
    difference = np.abs(full.astype(int) - mixed)
    assert 0 < difference.mean() < 1.5
    assert difference.max() <= 16


def test_deblurgan_in_bf16_is_computed_in_it_on_a_processor(folders: Folders) -> None:
    """No step falls back to single precision, which autocast would have it do at every border."""
    deblurrer = DeblurGAN(folders[DeblurGAN], "cpu", "bf16")
    types = set()
    for module in deblurrer.net.modules():
        module.register_forward_hook(lambda *call: types.add(call[2].dtype))
    deblurrer(random_picture(16, 20))
    assert types == {torch.bfloat16, torch.float32}  # float32 is the picture's own, as it comes out
    types.clear()
    deblurrer.net.blocks(torch.zeros(1, 256, 8, 8, dtype=torch.bfloat16))
    assert types == {torch.bfloat16}


@ADAPTERS
def test_dropout_is_off(adapter: Adapter, folders: Folders) -> None:
    """A deblurrer's network is in eval mode."""
    assert not adapter(folders[adapter], "cpu").net.training


def test_device_and_precision_are_kept_for_the_record(folders: Folders) -> None:
    """`auto` is recorded as the device that it became."""
    deblurrer = Nah(folders[Nah], precision="bf16")
    assert deblurrer.device == ("cuda" if torch.cuda.is_available() else "cpu")
    assert deblurrer.precision == "bf16"


@ADAPTERS
@pytest.mark.parametrize("wrong", [{"device": "gpu"}, {"device": "cuda:99"}, {"precision": "fp16"}])
def test_unknown_settings_are_refused(adapter: Adapter, wrong: dict[str, str]) -> None:
    """A device or precision that is not there is an error of usage, before any weights are read."""
    with pytest.raises(UsageError, match="|".join(wrong.values())):
        adapter(Path("nowhere"), **wrong)


def test_a_torch_that_cannot_use_cuda_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the driver shows a device that torch cannot use, the message says so instead of failing inside torch."""
    monkeypatch.setattr(network, "resolve_device", lambda _: "cuda")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(UsageError, match="cannot use CUDA here; use cpu"):
        Nah(Path("nowhere"))


@ADAPTERS
def test_missing_weights_say_how_to_train_them(
    adapter: Adapter, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without weights of its own a deblurrer takes the shipped ones; where they lack, it names file and command."""
    monkeypatch.setattr(network, "shipped", lambda kind: tmp_path / kind)
    names = ("deblurgan", "deep_generative_filter", "nah", "pix2pix", "nafnet")
    name = dict(zip((DeblurGAN, DeepGenerativeFilter, Nah, Pix2pix, HalfResolutionNAFNet), names, strict=True))[adapter]
    with pytest.raises(WeightsError, match=f"detbench train {name}") as caught:
        adapter(device="cpu")
    assert str(tmp_path / "models" / name) in str(caught.value)


def test_guided_takes_the_mean_over_the_mirror_image(tmp_path: Path) -> None:
    """What a network adds on the right it adds to the mirror image on the left: the mean is even."""
    save_weights(GuidedNAFNet(), tmp_path / "weights.safetensors")
    deblurrer = Guided(tmp_path, device="cpu")
    deblurrer.net = BrighterToTheRight()
    picture = np.full((32, 33, 3), 100, np.uint8)
    np.testing.assert_array_equal(deblurrer(picture)[:, :16], np.full((32, 16, 3), 147))  # 33 columns become 48
