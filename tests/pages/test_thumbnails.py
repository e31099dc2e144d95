import base64
import io
from pathlib import Path

import numpy as np
from PIL import Image as PillowImage

from detbench.pages.thumbnails import THUMBNAIL_BYTES, THUMBNAIL_SIDE_PX, thumbnail, thumbnails


def opened(data_uri: str) -> PillowImage.Image:
    """The picture in a data URI."""
    head, _, content = data_uri.partition(",")
    assert head == "data:image/webp;base64"
    return PillowImage.open(io.BytesIO(base64.b64decode(content)))


def test_a_large_picture_is_scaled_down(tmp_path: Path) -> None:
    """Side and bytes stay within their limits for the worst of pictures, noise; the shape stays."""
    file = tmp_path / "p.png"
    noise = np.random.default_rng(0).integers(0, 256, (600, 1200, 3), dtype=np.uint8)
    PillowImage.fromarray(noise).save(file)
    small = thumbnail(file)
    assert opened(small).size == (THUMBNAIL_SIDE_PX, THUMBNAIL_SIDE_PX // 2)
    assert len(base64.b64decode(small.partition(",")[2])) <= THUMBNAIL_BYTES
    assert len(small) <= 40_000


def test_a_small_picture_keeps_its_size(tmp_path: Path) -> None:
    """Nothing is scaled up, and equal pictures give equal text."""
    file = tmp_path / "p.jpg"
    PillowImage.new("RGB", (60, 40), "red").save(file)
    assert opened(thumbnail(file)).size == (60, 40)
    assert thumbnail(file) == thumbnail(file)


def test_many_come_in_order(tmp_path: Path) -> None:
    """However many threads make them."""
    files = [tmp_path / f"{number}.png" for number in range(9)]
    for number, file in enumerate(files):
        PillowImage.new("RGB", (60, 40), (20 * number, 0, 0)).save(file)
    assert list(thumbnails(files)) == [thumbnail(file) for file in files]
