"""The script that makes a sheet of pictures by deblurrer."""

from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from PIL import Image as PillowImage

from detbench.errors import NotEvaluableError


@pytest.fixture
def deblurred(script: Callable[..., ModuleType]) -> ModuleType:
    """The script."""
    return script("deblurred")


def test_the_square_with_most_texture_is_shown(deblurred: ModuleType) -> None:
    """It is found where the noise is, and is the whole side of a picture that has no room for it."""
    image = np.full((90, 140, 3), 128, np.uint8)
    image[30:60, 80:110] = np.random.default_rng(0).integers(0, 256, (30, 30, 3), np.uint8)
    top, left = deblurred.strongest_texture(image, 30)
    assert abs(top - 30) <= 2
    assert abs(left - 80) <= 2
    assert deblurred.strongest_texture(image[:20], 30)[0] == 0
    assert deblurred.strongest_texture(image[:20, :20], 30) == (0, 0)


def test_a_sheet_has_a_row_a_picture_and_a_column_a_deblurrer(deblurred: ModuleType, tmp_path: Path) -> None:
    """The same square of each stands one to one below its label; where nothing is sharp, its place says so."""
    noise = np.random.default_rng(1).integers(0, 256, (230, 240, 1), np.uint8).repeat(3, axis=2)
    rows = [deblurred.Row("known", 255 - noise, noise), deblurred.Row("shake", noise, None)]
    deblurred.main(rows, ["identity"], tmp_path / "sheet.webp")
    side, step = deblurred.SIDE_PX, deblurred.SIDE_PX + deblurred.GAP_PX
    with PillowImage.open(tmp_path / "sheet.webp") as opened:
        shown = np.asarray(opened.convert("RGB")).astype(int)
    assert shown.shape == (deblurred.LABEL_PX + 2 * step - deblurred.GAP_PX, 3 * step - deblurred.GAP_PX, 3)
    top, left = deblurred.strongest_texture(noise, side)
    sharp = shown[deblurred.LABEL_PX : deblurred.LABEL_PX + side, 2 * step :]
    assert np.corrcoef(sharp.ravel(), noise[top : top + side, left : left + side].ravel())[0, 1] > 0.8
    assert shown[-40:, 2 * step :].min() > 240  # white but for the words in the middle
    assert (tmp_path / "sheet.webp").stat().st_size <= deblurred.MOST_BYTES


def test_rows_are_the_street_the_photo_and_the_shake(deblurred: ModuleType, tmp_path: Path) -> None:
    """A photo is blurred by the recipe; without one a sharp street is; only the real shake has no sharp twin."""
    noise = np.random.default_rng(2).integers(0, 256, (64, 64, 3), np.uint8)
    for name in ("b.png", "a.png"):
        PillowImage.fromarray(noise).save(tmp_path / name)
    assert deblurred.first_picture(tmp_path).name == "a.png"
    rows = list(deblurred.rows_of(deblurred.STREET, tmp_path, tmp_path / "b.png", "trajectory:exposure=1"))
    assert [row.title for row in rows] == ["street", "photo", "real shake"]
    assert [row.sharp is None for row in rows] == [False, False, True]
    assert rows[1].blurred.std() < noise.std()
    assert len(list(deblurred.rows_of(deblurred.STREET, None, None, deblurred.RECIPE))) == 2
    (tmp_path / "empty").mkdir()
    with pytest.raises(NotEvaluableError, match="no picture in it"):
        deblurred.first_picture(tmp_path / "empty")
