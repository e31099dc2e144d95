import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as PillowImage
from scipy.io import savemat

from detbench.blur.kernel_files import read_kernels
from detbench.errors import DataError

SHAKE = np.zeros((9, 12))
SHAKE[3, 4:8], SHAKE[4:6, 7] = (10, 20, 40, 60), (30, 20)


def grey(weights: np.ndarray) -> np.ndarray:
    """Weights as 8-bit values."""
    return weights.astype(np.uint8)


def test_the_three_formats_hold_the_same_kernel(tmp_path: Path) -> None:
    """A grey picture, an .npy and a .mat of Levin's layout with the same weights give the same kernel, in order."""
    PillowImage.fromarray(grey(SHAKE)).save(tmp_path / "k10.png")
    np.save(tmp_path / "k2.npy", SHAKE)
    savemat(tmp_path / "im05_flit01.mat", {"x": np.ones((20, 20)), "y": np.ones((20, 20)), "f": SHAKE / SHAKE.sum()})
    (tmp_path / "README.txt").write_text("not a kernel")
    kernels = read_kernels(tmp_path).kernels
    assert [name for name, _ in kernels] == ["im05_flit01.mat", "k2.npy", "k10.png"]
    for _, weights in kernels:
        assert weights == pytest.approx(kernels[0][1], abs=1e-12)


def test_a_kernel_is_square_odd_and_centred(tmp_path: Path) -> None:
    """Any size becomes an odd square of sum 1 whose centroid is within half a pixel of its middle, unturned."""
    np.save(tmp_path / "k.npy", SHAKE)
    ((_, weights),) = read_kernels(tmp_path / "k.npy").kernels
    assert weights.shape == (5, 5)
    assert weights.sum() == pytest.approx(1)
    middle = (np.indices((5, 5)) * weights).sum((1, 2)) - 2
    assert np.abs(middle).max() <= 0.5
    assert weights[2, :4].tolist() == pytest.approx([10 / 180, 20 / 180, 40 / 180, 60 / 180])


def test_an_npy_may_hold_several(tmp_path: Path) -> None:
    """An (N, H, W) array is N kernels, each with its place in its name."""
    np.save(tmp_path / "k.npy", np.stack([SHAKE, SHAKE.T[:9].repeat(2, 1)[:, :12]]))
    assert [name for name, _ in read_kernels(tmp_path).kernels] == ["k.npy[0]", "k.npy[1]"]


def test_the_digest_changes_with_the_files(tmp_path: Path) -> None:
    """A weight that changes by one grey level changes the digest; reading again does not."""
    np.save(tmp_path / "k.npy", SHAKE)
    before = read_kernels(tmp_path).sha256
    assert read_kernels(tmp_path).sha256 == before
    np.save(tmp_path / "k.npy", SHAKE + 1)
    assert read_kernels(tmp_path).sha256 != before


def mat_of(**variables: np.ndarray) -> bytes:
    """Bytes of a .mat file."""
    stream = io.BytesIO()
    savemat(stream, variables)
    return stream.getvalue()


def npy_of(array: np.ndarray) -> bytes:
    """Bytes of an .npy file."""
    stream = io.BytesIO()
    np.save(stream, array)
    return stream.getvalue()


def png_of(pixels: np.ndarray) -> bytes:
    """Bytes of a PNG file."""
    stream = io.BytesIO()
    PillowImage.fromarray(pixels).save(stream, "PNG")
    return stream.getvalue()


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("k.npy", npy_of(SHAKE - 1), r"k\.npy: has negative weights, down to -1;"),
        ("k.npy", npy_of(SHAKE * 0), "all weights are 0"),
        ("k.npy", npy_of(SHAKE * np.nan), "no finite number"),
        ("k.npy", npy_of(np.stack([SHAKE, -SHAKE])), r"k\.npy\[1\]: has negative weights"),
        ("k.npy", npy_of(np.ones(5)), r"float64 of shape \(5,\) is no kernel; it is \(H, W\)"),
        ("k.npy", npy_of(np.ones((0, 5))), "is no kernel"),
        ("k.npy", npy_of(np.ones((3, 3)) * 1j), "complex128"),
        ("k.npy", npy_of(np.array([{}], object)), "not a NumPy file that can be read"),
        ("k.npy", b"nothing", "not a NumPy file that can be read"),
        ("k.mat", mat_of(x=SHAKE, kernel=SHAKE), "has no variable f, the kernel in Levin's files; it has x, kernel"),
        ("k.mat", mat_of(f=np.array(["words"])), "is no kernel"),
        ("k.mat", b"MATLAB 7.3 MAT-file" + b" " * 200, "not a .mat file that can be read"),
        ("k.png", png_of(np.array([[[9, 0, 0]]], np.uint8)), "a picture in colours is no kernel"),
        ("k.png", png_of(grey(SHAKE))[:60], "damaged picture"),
    ],
)
def test_what_is_no_kernel_is_refused_by_name(tmp_path: Path, name: str, content: bytes, message: str) -> None:
    """Wrong weights, shapes and files have one message that names the file and says what a kernel is."""
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError, match=message) as refused:
        read_kernels(tmp_path)
    assert str(tmp_path / "k.") in str(refused.value)


def test_there_must_be_a_kernel(tmp_path: Path) -> None:
    """An empty folder, and a path that is not there, are refused."""
    with pytest.raises(DataError, match="holds no kernel"):
        read_kernels(tmp_path)
    with pytest.raises(DataError, match=r"gone\.npy: cannot be read"):
        read_kernels(tmp_path / "gone.npy")
