from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image as PillowImage

from detbench.blur.kernels import convolve
from detbench.blur.noise import add_noise
from detbench.datasets.levin import true_kernel
from detbench.datasets.opening import open_dataset
from detbench.errors import DataError
from detbench.types import Kernel
from tests.shakes import path_kernel


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two pictures of one scene and one shake, whose kernel is stored upright for the first, turned for the second."""
    place = tmp_path / "levin"
    (place / "gt").mkdir(parents=True)
    noise = np.random.default_rng(0).random((96, 120))
    grey = np.where(cv2.GaussianBlur(noise, (0, 0), 3) > 0.5, 200, 40).astype(np.uint8)
    kernel = Kernel(path_kernel() / path_kernel().sum(), "gamma")
    blurred = add_noise(convolve(np.dstack([grey] * 3), kernel), 0.5, np.random.default_rng(1))
    PillowImage.fromarray(grey).save(place / "gt" / "im1.png")
    for number, stored in ((1, path_kernel()), (2, path_kernel()[::-1, ::-1])):
        PillowImage.fromarray(np.ascontiguousarray(stored)).save(place / "gt" / f"kernel{number}.png")
        PillowImage.fromarray(blurred[:, :, 0]).save(place / f"im1_kernel{number}_img.png")
    return place


def test_a_picture_has_its_scene_and_its_kernel(folder: Path) -> None:
    """Each has the sharp scene as its one reference, and the kernel the right way round, whichever way it is stored."""
    dataset = open_dataset(f"levin:{folder}")
    first, second = dataset
    assert (first.file_name, second.file_name) == ("im1_kernel1_img.png", "im1_kernel2_img.png")
    for sample in (first, second):
        assert sample.benchmark is not None
        assert sample.benchmark.metric == "shifted_psnr_db"
        assert sample.benchmark.references == (sample.sharp,)
        assert sample.blur is not None
        assert sample.blur.kernel is not None
        assert sample.blur.kernel.weights.sum() == pytest.approx(1)
    assert np.array_equal(first.blur.kernel.weights, second.blur.kernel.weights)  # type: ignore[union-attr]
    assert dataset.notes == ("2 of the set's 32 pictures are here, so no mean over them is a paper's",)  # type: ignore[attr-defined]


def test_the_kernel_blurs_the_scene_into_the_picture(folder: Path) -> None:
    """The centroid lies in its middle, so the blur equation holds without a shift of more than half a pixel."""
    first = next(iter(open_dataset(f"levin:{folder}")))
    assert first.sharp is not None
    kernel = true_kernel(path_kernel()[::-1, ::-1], [(first.sharp.load(), first.blurred.load())])
    rows, columns = np.indices(kernel.weights.shape) - len(kernel.weights) // 2
    assert abs((rows * kernel.weights).sum()) <= 0.5
    assert abs((columns * kernel.weights).sum()) <= 0.5


def test_missing_files_are_named(folder: Path, tmp_path: Path) -> None:
    """A scene or a kernel that is not there is one message, and so is a folder without any picture."""
    (folder / "gt" / "kernel2.png").unlink()
    with pytest.raises(DataError, match=r"kernel2\.png: not there, and im1_kernel2_img\.png needs it"):
        open_dataset(f"levin:{folder}")
    with pytest.raises(DataError, match=r"no im1_kernel1_img\.png or the like"):
        open_dataset(f"levin:{folder / 'gt'}")


def test_the_real_set_is_whole(shared_file: Callable[[str], Path]) -> None:
    """The 32 pictures have 8 kernels, and nothing to note."""
    dataset = open_dataset(f"levin:{shared_file('data/levin32/gt/im1.png').parents[1]}")
    assert len(dataset) == 32
    assert dataset.notes == ()  # type: ignore[attr-defined]
    assert len({sample.blur.kernel.weights.tobytes() for sample in dataset}) == 8  # type: ignore[union-attr]
