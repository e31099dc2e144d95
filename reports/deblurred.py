"""A sheet of pictures beside each other: blurred, by each deblurrer, and sharp where that is known.

`python reports/deblurred.py [--photo PATH] [--shake PATH] [--deblurrer WORD …] [--out FILE]`

Rows are a shipped street; a sharp photo, blurred here by a recipe; and a photo with real shake, whose sharp twin nobody
has. PATH is a picture, or a folder whose first picture is taken. Without --photo a sharp street is blurred instead.
Each row shows one square of its picture, pixel by pixel: that with most texture, in the sharp picture if there is one.
"""

import argparse
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from PIL import Image as PillowImage
from PIL import ImageDraw, ImageFont

from detbench.blur.recipes import parse_picture_recipe
from detbench.core.images import picture_files, read_image, write_atomically
from detbench.core.paths import shipped
from detbench.errors import NotEvaluableError
from detbench.evaluation.deblurring import open_deblurrer
from detbench.plugins.backend import resolve_deblurrer
from detbench.types import Image

HERE = Path(__file__).parent
DEBLURRERS = ("guided", "blind", "nafnet", "deblurgan")
RECIPE = "trajectory:exposure=0.5"
STREET = "test-012-3.jpg"
SIDE_PX = 220
GAP_PX = 4
LABEL_PX = 20
MOST_BYTES = 700_000
TIMEOUT_S = 600


@dataclass(frozen=True, eq=False)
class Row:
    """A picture (H, W, 3): what stands beside it, blurred, and sharp where that is known."""

    title: str
    blurred: Image
    sharp: Image | None


@dataclass(frozen=True, eq=False)
class Cell:
    """A square of a picture, with what stands above it."""

    title: str
    picture: Image | None


def main(rows: Sequence[Row], words: Sequence[str], out: Path) -> None:
    """Restore every row by every deblurrer, and write the sheet."""
    deblurrers = [open_deblurrer(resolve_deblurrer(word, "cpu", "fp32"), TIMEOUT_S, kernels=False) for word in words]
    cells = [
        [
            Cell("blurred", row.blurred),
            *(Cell(each.name, each.restore(row.blurred).image) for each in deblurrers),
            Cell("sharp", row.sharp),
        ]
        for row in rows
    ]
    corners = [strongest_texture(row.blurred if row.sharp is None else row.sharp, SIDE_PX) for row in rows]
    write_atomically(out, encode(sheet([row.title for row in rows], cells, corners)))


def strongest_texture(image: Image, side: int) -> tuple[int, int]:
    """Top and left of the square with the largest mean gradient; the corner where the picture is no larger."""
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY).astype(np.float32)
    strength = np.sqrt(np.abs(cv2.Laplacian(grey, cv2.CV_32F)))
    height, width = strength.shape
    sums = cv2.integral(strength)
    tall, wide = min(side, height), min(side, width)
    squares = sums[tall:, wide:] - sums[:-tall, wide:] - sums[tall:, :-wide] + sums[:-tall, :-wide]
    top, left = np.unravel_index(int(squares.argmax()), squares.shape)
    return int(top), int(left)


def sheet(
    titles: Sequence[str],
    rows: Sequence[Sequence[Cell]],
    corners: Sequence[tuple[int, int]],
    size: tuple[int, int] = (SIDE_PX, SIDE_PX),
) -> Image:
    """Rows of cells (all as many, `size` wide and high), labels on top of each column, each row's title, where it has
    one, in its first cell.
    """
    wide, high = size
    step, down = wide + GAP_PX, high + GAP_PX
    canvas = PillowImage.new("RGB", (len(rows[0]) * step - GAP_PX, LABEL_PX + len(rows) * down - GAP_PX), "white")
    draw, font = ImageDraw.Draw(canvas), ImageFont.load_default(14)
    for column, cell in enumerate(rows[0]):
        draw.text((column * step + wide / 2, LABEL_PX / 2), cell.title, "black", font, anchor="mm")
    for place, (title, cells, (top, left)) in enumerate(zip(titles, rows, corners, strict=True)):
        y = LABEL_PX + place * down
        for x, cell in zip(range(0, canvas.width, step), cells, strict=True):
            if cell.picture is None:
                draw.text((x + wide / 2, y + high / 2), "not known", "grey", font, anchor="mm")
            else:
                canvas.paste(PillowImage.fromarray(cell.picture[top : top + high, left : left + wide]), (x, y))
        if title:
            _write_title(draw, title, y, font)
    return np.asarray(canvas)


def _write_title(
    draw: ImageDraw.ImageDraw, title: str, y: int, font: ImageFont.FreeTypeFont | ImageFont.ImageFont
) -> None:
    """White on black in the upper left corner of a row."""
    place = (6, y + 4)
    left, top, right, bottom = draw.textbbox(place, title, font)
    draw.rectangle((left - 6, top - 4, right + 6, bottom + 4), "black")
    draw.text(place, title, "white", font)


def encode(picture: Image, most_bytes: int = MOST_BYTES) -> bytes:
    """WebP of the best quality that keeps within `most_bytes`."""
    for quality in range(92, 0, -6):
        stream = io.BytesIO()
        PillowImage.fromarray(picture).save(stream, "WEBP", quality=quality, method=6)
        if stream.tell() <= most_bytes:
            return stream.getvalue()
    raise NotEvaluableError(f"{len(picture)} rows of pixels do not fit into {most_bytes:,} bytes; ask for fewer rows")


def rows_of(street: str, photo: Path | None, shake: Path | None, recipe: str) -> Iterator[Row]:
    """The sheet's rows in their order."""
    streets = shipped("datasets") / "streets"
    yield Row("street", read_image(streets / "blurred" / street), read_image(streets / "images" / street))
    file = first_picture(photo) if photo else streets / "images" / street
    sharp = read_image(file)
    yield Row("photo" if photo else "sharp street, blurred here", blurred_by(recipe, sharp, file.name), sharp)
    if shake:
        yield Row("real shake", read_image(first_picture(shake)), None)


def blurred_by(recipe: str, sharp: Image, key: str) -> Image:
    """A sharp picture blurred as `detbench run --blur` would."""
    return parse_picture_recipe(recipe).apply(sharp, key)[0]


def first_picture(place: Path) -> Path:
    """A picture itself, or a folder's first one."""
    files = picture_files(place.iterdir()) if place.is_dir() else [place]
    if not files:
        raise NotEvaluableError(f"{place}: no picture in it; name one, or a folder that holds some")
    return files[0]


def parsed() -> argparse.Namespace:
    """What is asked for on the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--street", default=STREET, help="a file of datasets/streets/images")
    parser.add_argument("--photo", type=Path, help="a sharp photo, or a folder of them")
    parser.add_argument("--shake", type=Path, help="a photo with real camera shake, or a folder of them")
    parser.add_argument("--blur", default=RECIPE, help="the recipe that blurs the photo")
    parser.add_argument("--deblurrer", action="append", help="as `detbench run` takes it; may be repeated")
    parser.add_argument("--out", type=Path, default=HERE / "deblurred.webp")
    return parser.parse_args()


if __name__ == "__main__":
    asked = parsed()
    pictures = rows_of(asked.street, asked.photo, asked.shake, asked.blur)
    main(list(pictures), asked.deblurrer or DEBLURRERS, asked.out)
