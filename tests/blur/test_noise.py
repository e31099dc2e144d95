import numpy as np
import pytest

from detbench.blur.noise import add_noise, to_image


def test_levels_are_rounded_not_truncated() -> None:
    """99.6 becomes 100 and 99.4 becomes 99."""
    assert to_image(np.array([99.6, 99.4])).tolist() == [100, 99]


def test_levels_are_clipped() -> None:
    """Below black is black and above white is white; nothing wraps around."""
    assert to_image(np.array([-3.0, 258.0])).tolist() == [0, 255]
    assert to_image(np.array([0.0])).dtype == np.uint8


def test_noise_has_its_sigma_and_no_bias() -> None:
    """Noise of 5 grey levels on mid grey has deviation 5 (and rounding's .29) and mean 0, alike in all channels."""
    noisy = add_noise(np.full((200, 200, 3), 128.0), 5, np.random.default_rng(0)).astype(float)
    assert noisy.std(axis=(0, 1)) == pytest.approx([5] * 3, rel=0.02)
    assert noisy.mean(axis=(0, 1)) == pytest.approx([128] * 3, abs=0.1)


def test_channels_have_noise_of_their_own() -> None:
    """Red, green and blue noise are uncorrelated."""
    noisy = add_noise(np.full((100, 100, 3), 128.0), 5, np.random.default_rng(0)).reshape(-1, 3)
    assert np.abs(np.corrcoef(noisy.T) - np.eye(3)).max() < 0.05


def test_no_noise_is_only_rounding() -> None:
    """Sigma 0 leaves the rounded levels."""
    assert add_noise(np.full((2, 3, 3), 41.7), 0, np.random.default_rng(0)).tolist() == [[[42] * 3] * 3] * 2
