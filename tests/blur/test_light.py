import numpy as np
import pytest

from detbench.blur.light import to_levels, to_light
from detbench.types import Light

EVERY_LEVEL = np.arange(256, dtype=np.uint8).reshape(16, 16, 1).repeat(3, axis=2)


@pytest.mark.parametrize("light", ["linear", "gamma"])
def test_there_and_back_keeps_every_level(light: Light) -> None:
    """All 256 levels survive the way to light and back."""
    np.testing.assert_allclose(to_levels(to_light(EVERY_LEVEL, light), light), EVERY_LEVEL, atol=1e-9)


def test_linear_light_is_the_power_2_2() -> None:
    """Level 128 is (128 / 255) ** 2.2 of full light, and .502 of the full stored value."""
    grey = np.full((1, 1, 3), 128, np.uint8)
    assert to_light(grey, "linear")[0, 0, 0] == pytest.approx((128 / 255) ** 2.2)
    assert to_light(grey, "gamma")[0, 0, 0] == pytest.approx(128 / 255)


def test_rounding_errors_below_black_are_black() -> None:
    """A value a hair below 0 or above 1 becomes 0 or 255, not a NaN."""
    assert to_levels(np.array([-1e-17, 1 + 1e-12]), "linear").tolist() == [0, 255]
