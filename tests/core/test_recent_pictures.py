"""Pictures that were decoded last."""

from collections.abc import Callable

import numpy as np
import pytest

from detbench.core.recent_pictures import RecentPictures
from detbench.types import Image, Picture

SIDE = 10
BYTES = 3 * SIDE**2


@pytest.fixture
def decoded() -> list[str]:
    """The digests of pictures that were decoded, in order."""
    return []


@pytest.fixture
def picture(decoded: list[str]) -> Callable[[str], Picture]:
    """Make a picture of 300 bytes that notes when it is decoded."""

    def make(sha256: str) -> Picture:
        def load() -> Image:
            decoded.append(sha256)
            return np.full((SIDE, SIDE, 3), ord(sha256), np.uint8)

        return Picture(sha256, SIDE, SIDE, load)

    return make


def test_a_picture_is_decoded_once_while_it_is_recent(decoded: list[str], picture: Callable[[str], Picture]) -> None:
    """Of two that fit, the one that was read longer ago makes room for a third."""
    recent = RecentPictures(2 * BYTES)
    for sha256 in "abacab":
        np.testing.assert_array_equal(recent.load(picture(sha256)), ord(sha256))
    assert decoded == ["a", "b", "c", "b"]


def test_what_is_kept_is_not_decoded(decoded: list[str], picture: Callable[[str], Picture]) -> None:
    """A picture that was just made is read as it is."""
    recent = RecentPictures(BYTES)
    made = np.zeros((SIDE, SIDE, 3), np.uint8)
    recent.keep("a", made)
    assert recent.load(picture("a")) is made
    assert not decoded


def test_no_reader_can_spoil_a_picture_for_the_next(picture: Callable[[str], Picture]) -> None:
    """Writing to it fails."""
    with pytest.raises(ValueError, match="read-only"):
        RecentPictures().load(picture("a"))[0] = 0


def test_a_picture_that_is_too_large_is_decoded_each_time(
    decoded: list[str], picture: Callable[[str], Picture]
) -> None:
    """It pushes no other out."""
    recent = RecentPictures(BYTES)
    recent.load(picture("a"))
    large = Picture("l", SIDE, 2 * SIDE, lambda: np.zeros((SIDE, 2 * SIDE, 3), np.uint8))
    for _ in range(2):
        assert recent.load(large).shape == (SIDE, 2 * SIDE, 3)
    recent.load(picture("a"))
    assert decoded == ["a"]
