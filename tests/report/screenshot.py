"""A picture of a report's upper part, as WebP: `python tests/report/screenshot.py PAGE PICTURE`; needs a Chromium."""

import io
import shutil
import sys
from pathlib import Path

from PIL import Image
from playwright.sync_api import sync_playwright

WIDTH, HEIGHT = 1344, 1850
MOST_BYTES = 200_000


def main(page_file: Path, picture_file: Path) -> None:
    """Write the picture, as good as MOST_BYTES allow."""
    chromium = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": WIDTH, "height": HEIGHT}, color_scheme="light")
        page.goto(page_file.resolve().as_uri())
        shot = Image.open(io.BytesIO(page.screenshot()))
        browser.close()
    for quality in range(80, 0, -10):
        shot.save(picture_file, quality=quality, method=6)
        if picture_file.stat().st_size <= MOST_BYTES:
            break


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
