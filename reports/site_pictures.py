"""The pictures of the documentation site: `python reports/site_pictures.py RUN`; needs a Chromium.

RUN is the folder of the tutorial's last run. All pictures are the project's own streets.
"""

import io
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path

import cv2
import numpy as np
from deblurred import DEBLURRERS, SIDE_PX, STREET, TIMEOUT_S, Cell, encode, rows_of, sheet, strongest_texture
from numpy.typing import NDArray
from PIL import Image as PillowImage
from playwright.sync_api import sync_playwright

from detbench.blur.recipes import parse_picture_recipe
from detbench.core.images import read_image, write_atomically
from detbench.core.kernel_pictures import kernel_picture
from detbench.core.paths import shipped
from detbench.evaluation.deblurring import open_deblurrer
from detbench.plugins.backend import resolve_deblurrer
from detbench.types import Image

CLEAREST = "test-001-0.jpg"
"""The street of the tutorial's run in which the detector regains most."""

PICTURES = Path(__file__).parents[1] / "detbench" / "docs" / "pages" / "pictures"
MOST_BYTES = 95_000
WIDE_PX = 340
RECIPES = {"trajectory": "trajectory:exposure=1.0", "shake": "shake:degrees=2"}
SHOTS = {"decision": (0, 830), "boxes": ("#pictures", 680), "plots": ("#plots", 640)}
"""Parts of a report: from the top, or from an element on, so many pixels high."""


def main(run: Path) -> None:
    """Write every picture."""
    streets = shipped("datasets") / "streets"
    sharp, blurred = read_image(streets / "images" / STREET), read_image(streets / "blurred" / STREET)
    clear, moved = read_image(streets / "images" / CLEAREST), read_image(streets / "blurred" / CLEAREST)
    pictures = {
        "street": beside({"blurred": moved, "nafnet": restored("nafnet", moved)[0], "sharp": clear}),
        "by-deblurrer": by_deblurrer(),
        "blurs": blurs(sharp, blurred),
        "blind": found_by_blind(sharp),
        **shots(run / "report.html"),
    }
    for name, picture in pictures.items():
        write_atomically(PICTURES / f"{name}.webp", encode(picture, MOST_BYTES))


def restored(word: str, blurred: Image) -> tuple[Image, NDArray[np.float64] | None]:
    """A picture by a deblurrer, and the kernel that this one found."""
    found = open_deblurrer(resolve_deblurrer(word, "cpu", "fp32"), TIMEOUT_S, kernels=word == "blind").restore(blurred)
    return found.image, found.blur.kernels[0, 0] if found.blur else None


def beside(pictures: Mapping[str, Image]) -> Image:
    """Whole pictures of one size in a row, WIDE_PX wide each, under their titles."""
    height, width = next(iter(pictures.values())).shape[:2]
    size = (WIDE_PX, round(WIDE_PX * height / width))
    small = {title: cv2.resize(picture, size, interpolation=cv2.INTER_AREA) for title, picture in pictures.items()}
    return sheet([""], [[Cell(title, picture) for title, picture in small.items()]], [(0, 0)], size)


def by_deblurrer() -> Image:
    """A street as it was rendered, and one that a recipe blurred, by each deblurrer."""
    rows = list(rows_of(STREET, None, None, RECIPES["trajectory"]))
    cells = [
        [
            Cell("blurred", row.blurred),
            *(Cell(word, restored(word, row.blurred)[0]) for word in DEBLURRERS),
            Cell("sharp", row.sharp),
        ]
        for row in rows
    ]
    corners = [strongest_texture(row.blurred if row.sharp is None else row.sharp, SIDE_PX) for row in rows]
    return sheet([row.title for row in rows], cells, corners)


def blurs(sharp: Image, rendered: Image) -> Image:
    """One street, blurred in each way that detbench has."""
    made = {name: parse_picture_recipe(recipe).apply(sharp, STREET)[0] for name, recipe in RECIPES.items()}
    return beside({"sharp": sharp, **made, "streets, as rendered": rendered})


def found_by_blind(sharp: Image) -> Image:
    """A blurred street, its kernel, the kernel that `blind` finds, and the street that follows from it."""
    blurred, blur = parse_picture_recipe(RECIPES["trajectory"]).apply(sharp, STREET)
    picture, kernel = restored("blind", blurred)
    assert kernel is not None
    assert blur.kernel is not None
    corner = strongest_texture(sharp, SIDE_PX)
    shown = {"blurred": blurred, "restored": picture, "sharp": sharp}
    squares = {title: cropped(image, corner) for title, image in shown.items()}
    side = max(len(kernel), len(blur.kernel.weights))
    kernels = {"kernel": enlarged(blur.kernel.weights, side), "kernel found": enlarged(kernel, side)}
    cells = [Cell(title, image) for title, image in (squares | kernels).items()]
    return sheet([""], [cells], [(0, 0)])


def cropped(image: Image, corner: tuple[int, int]) -> Image:
    """A square of SIDE_PX."""
    top, left = corner
    return image[top : top + SIDE_PX, left : left + SIDE_PX]


def enlarged(kernel: NDArray[np.float64], side: int) -> Image:
    """A kernel's picture, SIDE_PX wide and high, with zeros around it up to `side` weights."""
    picture = kernel_picture(np.pad(kernel, (side - len(kernel)) // 2)[None, None])
    return cv2.resize(picture, (SIDE_PX, SIDE_PX), interpolation=cv2.INTER_NEAREST)


def shots(page_file: Path) -> dict[str, Image]:
    """Parts of a report as a browser shows it."""
    chromium = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1040, "height": 900}, color_scheme="light")
        page.goto(page_file.resolve().as_uri())
        taken = {}
        for name, (start, height) in SHOTS.items():
            top = start if isinstance(start, int) else page.locator(start).bounding_box()["y"]
            clip = {"x": 0, "y": top, "width": 1040, "height": height}
            data = page.screenshot(full_page=True, clip=clip)
            taken[name] = np.asarray(PillowImage.open(io.BytesIO(data)).convert("RGB"))
        browser.close()
    return taken


if __name__ == "__main__":
    main(Path(sys.argv[1]))
