"""The shipped NAFNet on a street: in tiles as in one piece, and in bfloat16 as in single precision."""

import tomllib
from itertools import islice

import numpy as np
import pytest

from detbench.core.paths import shipped
from detbench.datasets.opening import open_dataset
from detbench.deblurrers.network import HalfResolutionNAFNet
from detbench.types import Image


@pytest.fixture(scope="module")
def blurred() -> Image:
    """One of the test streets."""
    (sample,) = islice(open_dataset("streets"), 5, 6)
    return sample.blurred.load()


def test_tiles_give_what_the_whole_gives(blurred: Image, monkeypatch: pytest.MonkeyPatch) -> None:
    """Cut into tiles of 400x400, a picture is the same to a fifth of a grey level on average, and nowhere far off.

    Attention sees windows, which tiles leave whole but at their border.
    """
    deblur = HalfResolutionNAFNet(device="cpu")
    whole = deblur(blurred)
    monkeypatch.setattr(deblur, "max_pixels", 400 * 400)
    difference = np.abs(deblur(blurred).astype(int) - whole)
    assert 0 < difference.mean() < 0.2
    assert difference.max() <= 16


def test_half_precision_is_close(blurred: Image) -> None:
    """A sixth of a grey level on average, where the restoration changes several."""
    full, half = (HalfResolutionNAFNet(device="cpu", precision=precision)(blurred) for precision in ("fp32", "bf16"))
    assert 0 < np.abs(full.astype(int) - half).mean() < 0.17
    assert np.abs(full.astype(int) - blurred).mean() > 1


def test_the_card_names_the_detectors_of_its_training() -> None:
    """The embedded one is among them, by the digest of the weights that ship."""
    cards = [
        tomllib.loads((shipped("models") / name / "card.toml").read_text()) for name in ("nafnet", "yolov8n-streets")
    ]
    assert cards[1]["sha256"] in {detector["sha256"] for detector in cards[0]["trained_with"]}
