"""The module on the page about published networks, run with stand-ins that have the interface of the authors' code."""

import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from detbench.results.published_networks import published_networks

PAGE = Path(__file__).parents[1] / "detbench" / "docs" / "pages" / "how-to" / "published-networks.md"

ADDS = """
import torch
class Adds(torch.nn.Module):
    '''Adds its one number, and keeps what it was given.'''
    def __init__(self, **said):
        super().__init__()
        self.amount, self.said = torch.nn.Parameter(torch.zeros(1)), said
    def forward(self, picture):
        Adds.seen, Adds.was_training = picture, self.training
        return picture + self.amount
"""
CLONES = {
    "DeblurGANv2/models/networks.py": f"""{ADDS}
def get_generator(config):
    assert config["g_name"] in ("fpn_inception", "fpn_mobilenet") and config["norm_layer"] == "instance"
    return torch.nn.DataParallel(Adds())
""",
    "NAFNet/basicsr/models/archs/NAFNet_arch.py": f"""{ADDS}
def NAFNetLocal(width, enc_blk_nums, middle_blk_num, dec_blk_nums):
    assert sum(enc_blk_nums) + middle_blk_num + sum(dec_blk_nums) == 36
    return Adds(width=width)
""",
    "Restormer/basicsr/models/archs/restormer_arch.py": f"{ADDS}\nRestormer = Adds\n",
    "MIMO-UNet/models/MIMOUNet.py": f"""{ADDS}
class Three(Adds):
    def forward(self, picture):
        return [None, None, super().forward(picture)]
def build_net(name):
    assert name in ("MIMO-UNet", "MIMO-UNetPlus")
    return Three()
""",
    "DMPHN-cvpr19-master/models.py": """
import torch
class Encoder(torch.nn.Conv2d):
    def __init__(self):
        super().__init__(3, 5, 4, stride=4)
class Decoder(torch.nn.ConvTranspose2d):
    def __init__(self):
        super().__init__(5, 3, 4, stride=4)
""",
}


@pytest.fixture
def published(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, Any]]:
    """The page's module, with stand-ins for the clones; what it imports and where it looks is undone."""
    for name, text in CLONES.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    (tmp_path / "weights").mkdir()
    path, modules = list(sys.path), dict(sys.modules)
    monkeypatch.setenv("NETWORKS", str(tmp_path))
    for name in [name for name in modules if name.split(".")[0] in ("models", "basicsr")]:
        del sys.modules[name]
    code = re.search(r'```python title="published.py"\n(.*?)^```$', PAGE.read_text(encoding="utf-8"), re.M | re.S)
    assert code
    module: dict[str, Any] = {}
    exec(compile(code[1], "published.py", "exec"), module)
    module["DEVICE"] = "cpu"
    yield module
    sys.path[:] = path
    for name in sys.modules.keys() - modules.keys():
        if name.split(".")[0] in ("models", "basicsr"):
            del sys.modules[name]


def save(folder: Path, name: str, key: str, amount: float, prefix: str = "") -> None:
    """Weights as the authors store them."""
    torch.save({key: {f"{prefix}amount": torch.tensor([amount])}}, folder / "weights" / name)


STAND_INS = (
    "models.networks",
    "models.MIMOUNet",
    "basicsr.models.archs.NAFNet_arch",
    "basicsr.models.archs.restormer_arch",
)
PICTURE = np.random.default_rng(0).integers(40, 180, (35, 50, 3), dtype=np.uint8)


@pytest.mark.parametrize(
    ("factory", "weights", "key", "prefix", "scale", "side"),
    [
        ("deblurgan_v2_inception", "fpn_inception.h5", "model", "module.", 2, (64, 64)),
        ("deblurgan_v2_mobilenet", "fpn_mobilenet.h5", "model", "module.", 2, (64, 64)),
        ("nafnet_width32", "NAFNet-GoPro-width32.pth", "params", "", 1, (35, 50)),
        ("nafnet_width64", "NAFNet-GoPro-width64.pth", "params", "", 1, (35, 50)),
        ("restormer", "motion_deblurring.pth", "params", "", 1, (40, 56)),
        ("mimo_unet", "MIMO-UNet.pkl", "model", "", 1, (40, 56)),
        ("mimo_unet_plus", "MIMO-UNetPlus.pkl", "model", "", 1, (40, 56)),
    ],
)
def test_each_network_gets_its_scale_and_its_padding(
    published: dict[str, Any],
    tmp_path: Path,
    factory: str,
    weights: str,
    key: str,
    prefix: str,
    scale: int,
    side: tuple[int, int],
) -> None:
    """What a network adds in its own scale comes out as grey levels, in the picture's own size."""
    save(tmp_path, weights, key, scale * 20 / 255, prefix)
    restored = published[factory]()(PICTURE)
    assert restored.dtype == np.uint8
    assert np.array_equal(restored, PICTURE + 20)
    stand_in = next(sys.modules[name] for name in STAND_INS if name in sys.modules).Adds
    assert stand_in.seen.shape[2:] == side
    assert stand_in.was_training is factory.startswith("deblurgan")
    if scale == 2:
        assert stand_in.seen.min() >= -1
        assert stand_in.seen[0, :, -1].abs().max() == 0  # grey, as the authors pad


def test_deblurgan_v2_pads_whole_multiples_too(published: dict[str, Any], tmp_path: Path) -> None:
    """The authors add 32 pixels to a side of 32, which their norms' statistics see."""
    save(tmp_path, "fpn_inception.h5", "model", 0.0, "module.")
    published["deblurgan_v2_inception"]()(PICTURE[:32, :31])
    assert sys.modules["models.networks"].Adds.seen.shape[2:] == (64, 32)


def by_the_authors_script(encode: Callable[..., Any], decode: Callable[..., Any], image: Any) -> Any:
    """DMPHN_1_2_4_8_test.py's order of steps, part by part."""
    height, width = image.shape[2:]
    halves = image[:, :, : height // 2], image[:, :, height // 2 :]
    quarters = [part for half in halves for part in (half[..., : width // 2], half[..., width // 2 :])]
    fourth = [
        torch.cat((encode(4, part[:, :, : height // 4]), encode(4, part[:, :, height // 4 :])), 2) for part in quarters
    ]
    top, bottom = torch.cat(fourth[:2], 3), torch.cat(fourth[2:], 3)
    third = [encode(3, part + decode(4, found)) for part, found in zip(quarters, fourth, strict=True)]
    third_top, third_bottom = torch.cat(third[:2], 3) + top, torch.cat(third[2:], 3) + bottom
    whole = torch.cat((third_top, third_bottom), 2)
    second = [encode(2, half + decode(3, found)) for half, found in zip(halves, (third_top, third_bottom), strict=True)]
    found = torch.cat(second, 2) + whole
    return decode(1, encode(1, image + decode(2, found)) + found)


def test_dmphn_restores_from_the_smallest_parts_up(published: dict[str, Any], tmp_path: Path) -> None:
    """With random encoders and decoders it is what the authors' script computes, to a grey level."""
    sys.path.insert(0, str(tmp_path / "DMPHN-cvpr19-master"))
    import models  # type: ignore[import-not-found]

    torch.manual_seed(0)
    folder = tmp_path / "DMPHN-cvpr19-master" / "checkpoints" / "DMPHN_1_2_4_8"
    folder.mkdir(parents=True)
    parts = {(kind, level): getattr(models, kind)() for kind in ("Encoder", "Decoder") for level in (1, 2, 3, 4)}
    for (kind, level), part in parts.items():
        torch.save(part.state_dict(), folder / f"{kind.lower()}_lv{level}.pkl")
    picture = PICTURE[:32, :48]
    with torch.no_grad():
        image = torch.from_numpy(picture.copy()).permute(2, 0, 1)[None].float() / 255 - 0.5
        expected = by_the_authors_script(
            lambda level, part: parts["Encoder", level](part), lambda level, part: parts["Decoder", level](part), image
        )
    levels = ((expected[0] + 0.5).clamp(0, 1) * 255).round().permute(1, 2, 0).numpy()
    restored = published["dmphn"]()(picture)
    assert np.abs(restored - levels).max() <= 1
    assert levels.std() > 5


def test_the_list_names_functions_of_the_page(published: dict[str, Any]) -> None:
    """Every network that runs by the page's module has its function there."""
    words = [network.run for network in published_networks().values() if network.run.startswith("python:")]
    assert len(words) == 8
    for word in words:
        assert callable(published[word.removeprefix("python:published:")])
