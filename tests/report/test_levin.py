"""The script that makes the page of Levin et al.'s pictures."""

from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image as PillowImage

from detbench.blur.kernels import convolve
from detbench.blur.noise import add_noise
from detbench.errors import DataError
from detbench.types import Image, Kernel
from tests.shakes import path_kernel


@pytest.fixture
def levin(script: Callable[..., ModuleType]) -> ModuleType:
    """The script."""
    return script("levin", "levin.md.j2")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two pictures of one scene and two shakes, the second kernel stored turned by 180°."""
    place = tmp_path / "pictures"
    (place / "gt").mkdir(parents=True)
    noise = np.random.default_rng(0).random((96, 120))
    grey = np.where(cv2.GaussianBlur(noise, (0, 0), 3) > 0.5, 200, 40).astype(np.uint8)
    save(grey, place / "gt" / "im1.png")
    for number, stored in ((1, path_kernel()), (2, path_kernel()[::-1, ::-1])):
        save(stored, place / "gt" / f"kernel{number}.png")
        save(blurred(np.dstack([grey] * 3))[:, :, 0], place / f"im1_kernel{number}_img.png")
    return place


def blurred(sharp: Image) -> Image:
    """A sharp picture blurred along the path, with a little noise."""
    kernel = Kernel(path_kernel() / path_kernel().sum(), "gamma")
    return add_noise(convolve(sharp, kernel), 0.5, np.random.default_rng(1))


def save(grey: NDArray[np.uint8], path: Path) -> None:
    """As a grey PNG."""
    PillowImage.fromarray(grey).save(path)


def test_the_page_has_every_deblurrer_and_the_published_figures(
    levin: ModuleType, folder: Path, tmp_path: Path
) -> None:
    """Each deblurrer's row has the numbers of its run, the best first, and the published ones stand apart."""
    levin.main(folder, ["identity", "wiener", "blind"])
    page = (tmp_path / "levin.md").read_text()
    assert page.startswith("# Real camera shake")
    assert "2 grey pictures of 120×96: 1 scene, 2 real shakes" in page
    assert page.index("| `wiener` (told the kernel) |") < page.index("| `identity` | ")
    assert "| 0.00 | 0.00 (im1, kernel 1) | 0 of 2 | – |" in page
    assert page.index("## As published") < page.index("| SelfDeblur | 33.07 |")
    assert "## `blind` by kernel" in page
    assert "| PSNR dB | kernel 1 | kernel 2 |" in page
    assert "blind` gains " in page


def test_kernels_are_told_the_right_way_round(levin: ModuleType, folder: Path) -> None:
    """One stored as it is and one stored turned are the same kernel, centred, and both explain their pictures."""
    first, second = levin.read_shakes(folder)
    np.testing.assert_array_equal(first.truth.weights, second.truth.weights)
    rows, columns = np.indices(first.truth.weights.shape) - len(first.truth.weights) // 2
    for places in (rows, columns):
        assert abs((first.truth.weights * places).sum()) <= 0.5
    assert levin.agreement(first, "gamma") > 45 > levin.agreement(first, "linear")
    assert levin.similarity_of(first.truth, None) is None


def test_a_tint_does_not_count(levin: ModuleType, folder: Path) -> None:
    """A picture is scored by its grey values, whatever colours a network gave it."""
    shake = levin.read_shakes(folder)[0]
    grey = cv2.cvtColor(shake.blurred, cv2.COLOR_RGB2GRAY)
    tinted = np.dstack([grey, grey, grey + np.uint8(3)])
    assert levin.decibels_of(tinted, shake.sharp) == pytest.approx(shake.blurred_db, abs=0.2)


def test_published_figures_around_a_result(levin: ModuleType) -> None:
    """The next one below and the next one above, none beyond the ends."""
    below, above = levin.neighbours(31)
    assert (below.method, above.method) == ("Levin et al. 2011", "Xu and Jia")
    assert levin.neighbours(10)[0] is None
    assert levin.neighbours(99)[1] is None


def test_a_folder_without_pictures_is_refused(levin: ModuleType, tmp_path: Path) -> None:
    """The message names the folder and what should lie in it."""
    with pytest.raises(DataError, match=r"im1_kernel1_img\.png"):
        levin.read_shakes(tmp_path / "nowhere")
