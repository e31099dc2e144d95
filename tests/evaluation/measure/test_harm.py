"""Which sharp pictures are deblurred."""

import pytest

from detbench.errors import UsageError
from detbench.evaluation.measure.harm import harm_places


def test_a_sample_is_every_fourth_picture() -> None:
    """From 40 pictures on, the first one among them; `all` has every picture and `none` has none."""
    assert list(harm_places("sample", 40)) == [0, 4, 8, 12, 16, 20, 24, 28, 32, 36]
    assert len(harm_places("sample", 5000)) == 1250
    assert list(harm_places("all", 3)) == [0, 1, 2]
    assert list(harm_places("none", 40)) == []


def test_a_small_sample_has_ten_pictures() -> None:
    """Where every fourth would be fewer than ten, every third or second is taken, or all; they reach to the end."""
    counts = {images: len(harm_places("sample", images)) for images in range(1, 60)}
    assert all(count >= min(10, images) for images, count in counts.items())
    assert [counts[images] for images in (3, 12, 19, 20, 30, 39)] == [3, 12, 19, 10, 10, 13]
    assert all(images - 1 - harm_places("sample", images)[-1] < 4 for images in counts)


def test_another_word_is_refused() -> None:
    """The message names the three."""
    with pytest.raises(UsageError, match="harm is measured on all, sample, none, not 'some'"):
        harm_places("some", 40)
