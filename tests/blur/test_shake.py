import numpy as np
import pytest

from detbench.blur.shake import average_of_warps, homographies, random_motion, shake_severity_px
from detbench.types import Light


def shake(degrees: float, seed: int, height: int = 90, width: int = 160) -> np.ndarray:
    """Warps of one random shake."""
    return homographies(random_motion(degrees, np.random.default_rng(seed)), height, width)


def moved(warps: np.ndarray, x: float, y: float) -> np.ndarray:
    """How far each warp moves the point (x, y), as complex pixels."""
    u, v, w = (warps @ (x, y, 1)).T
    return (u + 1j * v) / w - (x + 1j * y)


def yaw_only(degrees: float) -> np.ndarray:
    """Motion that only turns left and right, with the spread of a uniform turn of so many degrees."""
    motion = np.zeros((4, 6))
    motion[0, 1] = np.radians(degrees) / np.sqrt(6)
    return motion


@pytest.mark.parametrize("seed", range(5))
def test_no_place_is_moved_on_average(seed: int) -> None:
    """Averaged over the exposure, corners and middle stay within .5 px while they spread over tens of px."""
    warps = shake(3, seed, 480, 640)
    places = [moved(warps, x, y) for x in (0, 319.5, 639) for y in (0, 239.5, 479)]
    assert max(abs(place.mean()) for place in places) < 0.5
    assert max(abs(place).max() for place in places) > 8


@pytest.mark.parametrize("seed", range(3))
def test_the_picture_is_not_moved_on_average(seed: int) -> None:
    """Averaged over exposure and picture, the displacement is 0."""
    warps = shake(3, seed, 480, 640)
    mean = np.mean([moved(warps, x, y) for x in np.linspace(0, 639, 9) for y in np.linspace(0, 479, 9)])
    assert abs(mean) < 1e-9


@pytest.mark.parametrize(("degrees", "seed"), [(0.3, 0), (1, 1), (5, 2)])
def test_consecutive_warps_are_about_a_pixel_apart(degrees: float, seed: int) -> None:
    """No corner leaves a gap between two warps, and few warps suffice for a small shake."""
    warps = shake(degrees, seed, 480, 640)
    steps = [np.abs(np.diff(moved(warps, x, y))).max() for x in (0, 639) for y in (0, 479)]
    assert max(steps) < 1.1
    assert len(warps) >= 8


def test_a_turn_moves_the_middle_by_the_focal_length() -> None:
    """A turn of 1° is as severe in the middle as a motion of 1.2 * 640 px * tan 1° = 13.4 px, and more so outside."""
    warps = homographies(yaw_only(1), 480, 640)
    assert shake_severity_px(warps, 480, 640) == pytest.approx(13.4, rel=0.15)
    path = moved(warps, 319.5, 239.5)
    assert np.sqrt(12 * path.real.var()) == pytest.approx(1.2 * 640 * np.tan(np.radians(1)), rel=0.01)
    assert np.abs(path.imag).max() < 0.05


def test_degrees_are_the_spread_of_the_turn() -> None:
    """Summed over the three axes, the angles have the variance of a uniform turn over `degrees`."""
    motion = random_motion(2, np.random.default_rng(4))
    moments = (np.arange(1000) + 0.5) / 1000
    angles = np.degrees(np.cos(np.pi * np.outer(moments, [1, 2, 3, 4])) @ motion[:, :3])
    assert np.sqrt(12 * angles.var(axis=0).sum()) == pytest.approx(2)


def test_a_roll_blurs_corners_and_not_the_middle() -> None:
    """The blur varies over the picture: a camera that rolls keeps the middle of a point pattern sharp."""
    motion = np.zeros((4, 6))
    motion[0, 2] = np.radians(4)
    points = np.zeros((121, 161, 3), np.uint8)
    points[[60, 10], [80, 10]] = 255
    blurred = average_of_warps(points, homographies(motion, 121, 161), "gamma")
    assert blurred[59:62, 79:82, 0].max() > 200
    assert blurred[:30, :30, 0].max() < 100


@pytest.mark.parametrize("light", ["linear", "gamma"])
def test_a_constant_picture_stays_constant(light: Light) -> None:
    """Borders are reflected: a grey wall stays grey to its edges."""
    wall = np.full((60, 81, 3), 90, np.uint8)
    np.testing.assert_allclose(average_of_warps(wall, shake(5, 0, 60, 81), light), 90, atol=0.01)


def test_a_camera_at_rest_changes_nothing() -> None:
    """Without motion the average of the warps is the picture."""
    image = np.random.default_rng(0).integers(0, 256, (20, 31, 3), dtype=np.uint8)
    warps = homographies(np.zeros((4, 6)), 20, 31)
    np.testing.assert_allclose(average_of_warps(image, warps, "linear"), image, atol=0.01)
    assert shake_severity_px(warps, 20, 31) < 1e-9


def test_warps_average_as_their_light_says() -> None:
    """Black and white in equal parts are 127.5 in gamma values and 186.1 in linear light."""
    pair = np.array([[[0] * 3, [255] * 3]], np.uint8).repeat(4, axis=0)
    there_and_swapped = np.stack([np.eye(3), np.array([[1.0, 0, 1], [0, 1, 0], [0, 0, 1]])])
    assert average_of_warps(pair, there_and_swapped, "gamma")[1, 0] == pytest.approx([127.5] * 3, abs=0.01)
    assert average_of_warps(pair, there_and_swapped, "linear")[1, 0] == pytest.approx([186.08] * 3, abs=0.01)


@pytest.mark.parametrize(("height", "width"), [(1, 1), (3, 5), (1, 40)])
def test_tiny_pictures_can_be_shaken(height: int, width: int) -> None:
    """Any size is blurred to its own size, with finite values."""
    image = np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)
    blurred = average_of_warps(image, shake(5, 0, height, width), "linear")
    assert blurred.shape == image.shape
    assert np.isfinite(blurred).all()
