from pathlib import Path

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from detbench.blur.frames import average_frames, flow_severity_px, read_frames
from detbench.core.images import encode_png
from detbench.errors import DataError


def grey(level: int, height: int = 4, width: int = 6) -> np.ndarray:
    """Frame of one grey level."""
    return np.full((height, width, 3), level, np.uint8)


def sliding_texture(step_px: int, count: int) -> list[np.ndarray]:
    """Frames of a texture that moves left by `step_px` a frame."""
    noise = np.random.default_rng(0).standard_normal((96, 300))
    texture = gaussian_filter(noise, 3)
    levels = np.interp(texture, (texture.min(), texture.max()), (0, 255)).astype(np.uint8)
    views = [levels[:, shift : shift + 160] for shift in range(0, step_px * count, step_px)]
    return [np.stack([view] * 3, axis=2) for view in views]


def test_the_plain_mean_is_the_mean() -> None:
    """Three frames of 0, 60 and 240 average to 100 in gamma values."""
    np.testing.assert_allclose(average_frames([grey(0), grey(60), grey(240)], "gamma"), 100)


def test_linear_light_averages_light() -> None:
    """Frames of 0 and 255 average to 255 * .5 ** (1 / 2.2) = 186.1, not to 127.5."""
    np.testing.assert_allclose(average_frames([grey(0), grey(255)], "linear"), 186.08, atol=0.01)


def test_equal_frames_average_to_themselves() -> None:
    """A camera and a scene at rest give the frame itself, and no severity."""
    frame = np.random.default_rng(0).integers(0, 256, (40, 50, 3), dtype=np.uint8)
    np.testing.assert_allclose(average_frames([frame] * 7, "linear"), frame, atol=1e-9)
    assert flow_severity_px([frame] * 7) < 0.01


@pytest.mark.parametrize("step_px", [1, 3])
def test_severity_follows_the_flow(step_px: int) -> None:
    """Seven frames of a texture moving d px a frame spread each point like a motion of d * sqrt(7² - 1) px."""
    severity = flow_severity_px(sliding_texture(step_px, 7))
    assert severity == pytest.approx(step_px * np.sqrt(48), rel=0.1)


@pytest.mark.parametrize(("height", "width"), [(1, 1), (3, 5), (17, 9)])
def test_tiny_frames_have_a_severity(height: int, width: int) -> None:
    """Frames smaller than the flow's patches are judged too."""
    assert flow_severity_px([grey(9, height, width)] * 3) == pytest.approx(0, abs=0.01)


def test_frames_of_unlike_size_are_named(tmp_path: Path) -> None:
    """The frame whose size differs is named with both sizes."""
    paths = [tmp_path / "a.png", tmp_path / "b.png"]
    paths[0].write_bytes(encode_png(grey(0)))
    paths[1].write_bytes(encode_png(grey(0, 5, 6)))
    with pytest.raises(DataError, match=r"b\.png is 6x5 but a\.png is 6x4.*move the odd ones out"):
        read_frames(paths)
