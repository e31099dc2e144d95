"""detbench.metrics.artefacts: each artefact raises its own alarm and no other's."""

from collections.abc import Callable

import cv2
import numpy as np
import pytest

from detbench.metrics.artefacts import clipped, colour_shift, grid_db, ringing, seams
from detbench.metrics.specs import METRICS
from detbench.types import Image

MEASURES = {"ringing": ringing, "colour_shift": colour_shift, "seams": seams, "clipped": clipped, "grid_db": grid_db}


def street(seed: int = 5) -> Image:
    """Discs and squares of middle brightness on grey with a little noise, blurred, 480×640."""
    rng = np.random.default_rng(seed)
    canvas = np.full((480, 640, 3), 128, np.uint8)
    for _ in range(40):
        colour = tuple(int(value) for value in rng.integers(80, 176, 3))
        x, y, side = (int(rng.integers(0, most)) for most in (640, 480, 70))
        cv2.circle(canvas, (x, y), 8 + side // 2, colour, -1)
        cv2.rectangle(canvas, (y, x // 2), (y + side, x // 2 + side), colour, -1)
    noisy = np.clip(canvas + rng.normal(0, 2, canvas.shape), 0, 255).astype(np.uint8)
    return np.asarray(cv2.GaussianBlur(noisy, (0, 0), 2.0), np.uint8)


def to_image(values: np.ndarray) -> Image:
    """Rounded and cut to 0..255."""
    return np.clip(np.rint(values), 0, 255).astype(np.uint8)


def chequered(picture: Image, side: int, levels: float) -> Image:
    """Squares of `side` px, alternately brighter and darker."""
    y, x = np.indices(picture.shape[:2]) // side
    return to_image(picture + np.where((x + y) % 2, levels, -levels)[..., None])


def unsharp(picture: Image) -> Image:
    """An unsharp mask that is far too strong."""
    values = picture.astype(np.float32)
    return to_image(values + 5 * (values - cv2.GaussianBlur(values, (0, 0), 4)))


ARTEFACTS: dict[str, Callable[[Image], Image]] = {
    "ringing": unsharp,
    "colour_shift": lambda picture: to_image(picture + np.array([10.0, 0, 0])),
    "seams": lambda picture: chequered(picture, 64, 4),
    "clipped": lambda picture: np.where(np.arange(640)[None, :, None] < 128, np.uint8(255), picture),
    "grid_db": lambda picture: chequered(picture, 2, 3),
}


def raised(image: Image, blurred: Image) -> set[str]:
    """The alarms of a picture."""
    return {key for key, measure in MEASURES.items() if (measure(image, blurred) or 0.0) >= METRICS[key].alarm_from}


@pytest.mark.parametrize("key", ["ringing", "colour_shift", "seams", "grid_db"])
def test_each_artefact_raises_its_own_alarm_alone(key: str) -> None:
    """Over-sharpened edges, red 10 levels up, tiles of 64 px and a 2×2 grid are each told from the others."""
    picture = street()
    assert raised(ARTEFACTS[key](picture), picture) == {key}


def test_a_white_fifth_is_clipped() -> None:
    """The share is that of the pixels at an end of the scale, and pixels that were there before do not count."""
    picture = street()
    white = ARTEFACTS["clipped"](picture)
    assert clipped(white, picture) == pytest.approx(0.2)
    assert "clipped" in raised(white, picture)
    assert clipped(white, white) == 0


def test_what_is_unchanged_is_exactly_0() -> None:
    """Identity has no artefact at all."""
    picture = street()
    assert {key: measure(picture, picture) for key, measure in MEASURES.items()} == dict.fromkeys(MEASURES, 0.0)


def test_a_mild_blur_raises_no_alarm() -> None:
    """A Gaussian of 1 px adds nothing."""
    picture = street()
    assert raised(cv2.GaussianBlur(picture, (0, 0), 1.0), picture) == set()


def test_seams_are_the_jump_in_levels() -> None:
    """Tiles of ±4 levels jump by 8, in columns as in rows, and two tiles alone are not regular."""
    grey = np.full((256, 512, 3), 128, np.uint8)
    tiled = chequered(grey, 64, 4)
    assert seams(tiled, grey) == pytest.approx(8, abs=0.1)
    assert seams(tiled.transpose(1, 0, 2).copy(), grey.transpose(1, 0, 2).copy()) == pytest.approx(8, abs=0.1)
    assert seams(chequered(grey, 256, 4), grey) == 0


def test_colour_shift_leaves_brightness_out() -> None:
    """Grey that is 10 levels brighter has the same colour."""
    grey = np.full((96, 128, 3), 128, np.uint8)
    assert colour_shift(grey + np.uint8(10), grey) < 0.1


def test_small_pictures_have_no_grid() -> None:
    """Below one tile of 64 px a grid is undefined, and the others still have a value."""
    small = street()[:40, :50].copy()
    assert grid_db(chequered(small, 2, 3), small) is None
    tiny = small[:1, :1].copy()
    assert [measure(tiny, tiny) for measure in (ringing, colour_shift, seams, clipped)] == [0, 0, 0, 0]
