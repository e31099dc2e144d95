import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.signal import convolve2d

from detbench.blur.kernels import convolve, convolve_light, kernel_from_path, kernel_severity_px
from detbench.blur.trajectory import leading_part, random_trajectory, severity_px
from detbench.types import Image, Kernel, Light

ASYMMETRIC = Kernel(np.array([[0.0, 0.5, 0.0], [0.0, 0.125, 0.25], [0.0, 0.0, 0.125]]), "gamma")


def path_of(seed: int, anxiety: float = 0.005, exposure: float = 1.0) -> np.ndarray:
    """Leading part of a path of 60 px."""
    return leading_part(random_trajectory(60, anxiety, np.random.default_rng(seed)), exposure)


def centroid(weights: np.ndarray) -> complex:
    """Mean position x + iy of a kernel's weight, from its middle."""
    rows, columns = np.indices(weights.shape) - len(weights) // 2
    return complex((weights * columns).sum(), (weights * rows).sum())


def picture(height: int, width: int) -> Image:
    """Random pixels of any size."""
    return np.random.default_rng(height * 1000 + width).integers(0, 256, (height, width, 3), dtype=np.uint8)


@pytest.mark.parametrize("exposure", [0.01, 0.1, 0.5, 1.0])
@pytest.mark.parametrize("anxiety", [0, 0.0005, 0.01])
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_every_kernel_is_centred_and_sums_to_one(exposure: float, anxiety: float, seed: int) -> None:
    """At every exposure the centroid is the middle to 1e-9 and the weights sum to 1."""
    weights = kernel_from_path(path_of(seed, anxiety, exposure), "linear").weights
    assert abs(centroid(weights)) < 1e-9
    assert weights.sum() == pytest.approx(1, abs=1e-12)


@settings(deadline=None, max_examples=60)
@given(
    st.lists(st.complex_numbers(max_magnitude=100, allow_nan=False, allow_infinity=False), min_size=1, max_size=20),
    st.booleans(),
)
def test_any_points_give_a_centred_kernel(points: list[complex], rounded: bool) -> None:
    """Positions on pixel centres, between them, or all alike: always odd, non-negative, centred, of sum 1."""
    path = np.round(np.array(points)) if rounded else np.array(points)
    kernel = kernel_from_path(path.astype(complex), "gamma")
    assert abs(centroid(kernel.weights)) < 1e-9
    assert len(kernel.weights) % 2 == 1


def test_paths_as_they_come_are_off_centre() -> None:
    """Without centring, a path of half exposure would move the picture by several px: the fault centring mends."""
    off_centre = [abs(path_of(seed, 0.001, 0.5).mean()) for seed in range(20)]
    assert np.median(off_centre) > 5


def test_a_blurred_disc_stays_where_it_was() -> None:
    """The centre of a disc moves by less than .01 px under a long, bent blur in gamma values."""
    rows, columns = np.indices((121, 161))
    disc = ((rows - 60) ** 2 + (columns - 80) ** 2 <= 100).astype(np.uint8)
    blurred = convolve(np.stack([disc * 200] * 3, axis=2), kernel_from_path(path_of(1, 0.001, 0.5), "gamma"))[..., 0]
    assert (blurred * columns).sum() / blurred.sum() == pytest.approx(80, abs=0.01)
    assert (blurred * rows).sum() / blurred.sum() == pytest.approx(60, abs=0.01)


def test_a_kernel_is_just_large_enough() -> None:
    """A motionless camera gives one pixel; two points 4 px apart reach 2 px to each side, 4.2 px apart 3 px."""
    assert kernel_from_path(np.array([7 + 3j]), "gamma").weights.tolist() == [[1]]
    assert kernel_from_path(np.array([0, 4 + 0j]), "gamma").weights[2].tolist() == [0.5, 0, 0, 0, 0.5]
    assert kernel_from_path(np.array([0, 4.2 + 0j]), "gamma").weights.shape == (7, 7)


def test_a_sample_is_spread_bilinearly() -> None:
    """Points at ±(.25 + .5i) leave the known shares on the pixels around them."""
    weights = kernel_from_path(np.array([0.25 + 0.5j, -0.25 - 0.5j]), "gamma").weights
    np.testing.assert_allclose(weights, np.array([[1, 3, 0], [1, 6, 1], [0, 3, 1]]) / 16)


def test_a_kernel_lies_as_its_path_lies() -> None:
    """A motion to the right and down runs from the upper left to the lower right, rows being y."""
    weights = kernel_from_path(np.array([0, 2 + 2j, 4 + 4j]), "gamma").weights
    np.testing.assert_allclose(np.diag(weights)[[0, 2, 4]], 1 / 3)


def test_a_straight_kernel_is_as_long_as_its_motion() -> None:
    """The weights of a 60 px motion spread like it does, to 2 % with the bilinear splat's own width."""
    path = path_of(0, anxiety=0)
    weights = kernel_from_path(path, "gamma").weights
    rows, columns = np.indices(weights.shape)
    covariance = np.cov(columns.ravel(), rows.ravel(), ddof=0, aweights=weights.ravel())
    assert np.sqrt(12 * np.linalg.eigvalsh(covariance)[-1]) == pytest.approx(60, rel=0.02)
    assert severity_px(path) == pytest.approx(60, rel=0.02)


def test_a_point_becomes_the_kernel_as_it_stands() -> None:
    """In a non-square picture a bright point turns into an asymmetric kernel, not into its mirror image."""
    point = np.zeros((7, 11, 3), np.uint8)
    point[2, 7] = 240
    expected = np.zeros((7, 11))
    expected[1:4, 6:9] = 240 * ASYMMETRIC.weights
    np.testing.assert_allclose(convolve(point, ASYMMETRIC)[..., 1], expected, atol=1e-9)


def test_a_point_in_linear_light_is_the_kernel_in_linear_light() -> None:
    """A full-bright point in linear light has 255 * weight ** (1 / 2.2), far brighter tails than in gamma values."""
    point = np.zeros((5, 6, 3), np.uint8)
    point[2, 3] = 255
    blurred = convolve(point, Kernel(ASYMMETRIC.weights, "linear"))
    np.testing.assert_allclose(blurred[1:4, 2:5, 0], 255 * ASYMMETRIC.weights ** (1 / 2.2), atol=1e-6)


def test_two_pixels_average_as_their_light_says() -> None:
    """Black and white average to 127.5 in gamma values and to 255 * .5 ** (1 / 2.2) = 186.1 in linear light."""
    halves = np.array([[0.0, 0.0, 0.0], [0.0, 0.5, 0.5], [0.0, 0.0, 0.0]])
    pair = np.array([[[0] * 3, [255] * 3]], np.uint8)
    assert convolve(pair, Kernel(halves, "gamma"))[0, 1] == pytest.approx([127.5] * 3)
    assert convolve(pair, Kernel(halves, "linear"))[0, 1] == pytest.approx([186.08] * 3, abs=0.01)


@pytest.mark.parametrize("light", ["linear", "gamma"])
@pytest.mark.parametrize("level", [0, 1, 77, 255])
def test_a_constant_picture_stays_constant(light: Light, level: int) -> None:
    """Borders darken nothing: they are reflected, not filled with black."""
    flat = np.full((40, 33, 3), level, np.uint8)
    np.testing.assert_allclose(convolve(flat, kernel_from_path(path_of(0), light)), level, atol=1e-3)


@pytest.mark.parametrize(("height", "width"), [(1, 1), (1, 8), (3, 5), (2, 90), (40, 70)])
def test_borders_reflect_without_repeating_the_edge(height: int, width: int) -> None:
    """Pictures of any size, also far smaller than the kernel, equal a plain convolution of NumPy's reflection."""
    image, kernel = picture(height, width), kernel_from_path(path_of(1, 0.0005), "gamma")
    radius = len(kernel.weights) // 2
    assert radius > 20
    padded = np.pad(image, ((radius, radius), (radius, radius), (0, 0)), mode="reflect").astype(float)
    expected = np.stack([convolve2d(padded[..., c], kernel.weights, mode="valid") for c in range(3)], axis=2)
    np.testing.assert_allclose(convolve(image, kernel), expected, atol=1e-9)


def test_convolving_leaves_its_picture_alone() -> None:
    """The sharp picture is read, never written."""
    image = picture(9, 7)
    before = image.copy()
    convolve(image, ASYMMETRIC)
    assert np.array_equal(image, before)


def test_a_kernel_is_as_strong_as_its_path() -> None:
    """Its severity is that of the path that it was made of, but for the spread over neighbouring pixels."""
    for seed in range(3):
        path = path_of(seed)
        assert kernel_severity_px(kernel_from_path(path, "gamma").weights) == pytest.approx(severity_px(path), rel=0.02)


def test_light_above_white_is_added_up() -> None:
    """A point of light 4 becomes four times the kernel, and nothing is cut off."""
    scene = np.zeros((9, 9, 3))
    scene[4, 4] = 4
    blurred = convolve_light(scene, ASYMMETRIC.weights)
    assert blurred[3:6, 3:6, 0] == pytest.approx(4 * ASYMMETRIC.weights)
