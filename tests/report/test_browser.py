"""The pages in a real browser: a Chromium on the PATH, driven by Playwright; skipped where one of them is absent."""

import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from detbench.report.render import render_comparison, render_report
from detbench.results.folder import RunFolder
from detbench.training.held_out import HeldOutQuality
from detbench.training.training_page import render_page
from detbench.training.training_record import EpochRecord, History, IntervalRecord, write_pictures
from detbench.training.validation import Comparison
from detbench.types import Estimate

playwright = pytest.importorskip("playwright.sync_api", reason="needs Playwright: pip install 'detbench[dev]'")
axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="needs axe: pip install 'detbench[dev]'")

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
MAPS = {"sharp": 0.4, "blurred": 0.2, "wiener": 0.3}
TRUE_BOX, OTHER_BOX = [5.0, 6.0, 20.0, 10.0], [40.0, 20.0, 10.0, 15.0]
NAMES = ("gains.png", "loses.png", "keeps.png", "same.png")


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """One browser for the module's tests."""
    if CHROMIUM is None:
        pytest.skip("needs a Chromium on the PATH, and there is none")
    with playwright.sync_playwright() as driver:
        opened = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield opened
        opened.close()


@pytest.fixture
def report(write: Callable[..., Path]) -> Path:
    """A report in which wiener regains a box of the first picture and loses one of the second."""
    folder = write("job", maps=MAPS, file_names=NAMES, interval=0.02)
    found = [(1, TRUE_BOX), (1, OTHER_BOX), (3, TRUE_BOX), (4, TRUE_BOX)]
    results = [{"image_id": image, "category_id": 1, "bbox": box, "score": 0.9} for image, box in found]
    (folder / "detections" / "wiener.json").write_text(json.dumps(results))
    return render_report(folder)


@pytest.fixture
def pages(report: Path, write: Callable[..., Path], tmp_path: Path) -> dict[str, Path]:
    """One page of every kind."""
    other = write("other", maps={**MAPS, "nah": 0.25}, file_names=NAMES, interval=0.02, finds=("nah",))
    kernels = render_report(other)
    comparison = render_comparison([report.parent, other], tmp_path / "all.html")
    history = History(tmp_path, 0)
    for number in (1, 2, 3):
        history.add(IntervalRecord(number, number, 0.5, 1e-4, {"G_L1": 1 / number}))
        photos = Comparison(HeldOutQuality(24.0 + number, 0.7, 3.0), HeldOutQuality(25.0, 0.71, 3.1))
        history.add(EpochRecord(number, number, {"photos": photos}))
    images = [np.full((16, 16, 3), level, np.uint8) for level in (50, 100, 150)]
    for name in ("original", "real", "epoch-0001", "epoch-0002", "epoch-0003"):
        write_pictures(tmp_path / "pictures", name, images)
    render_page(tmp_path / "training.html", "deblurgan on photos", history, tmp_path / "pictures")
    return {"report": report, "kernels": kernels, "comparison": comparison, "training": tmp_path / "training.html"}


@pytest.fixture
def shapes(write: Callable[..., Path], pages: dict[str, Path]) -> dict[str, Path]:
    """Reports of runs of unusual shapes, with times for a megapixel, beside the usual ones."""
    long = {"x" * 200: 0.3, f"{'W' * 100} {'y' * 99}": 0.25}
    runs: dict[str, dict[str, Any]] = {
        "twenty": {"maps": {**MAPS, **{f"deblurrer-{number}": 0.15 + 0.012 * number for number in range(20)}}},
        "long": {"maps": {**MAPS, **long}, "class_names": ("a" * 200, "b")},
        "few": {"maps": MAPS, "images": 3},
        "no ceiling": {"maps": {"blurred": 0.2, "wiener": 0.21}, "interval": 0.05},
    }
    made = {name: write(name, **{"interval": 0.02, **run}) for name, run in runs.items()}
    for folder in made.values():
        files = RunFolder(folder)
        result = files.read_result()
        arms = (
            replace(arm, metrics={**arm.metrics, "restore_s_per_mpix": Estimate(0.1 * 1.3**place, 12)})
            for place, arm in enumerate(result.arms)
        )
        files.write_results(replace(result, arms=tuple(arms), failed={"broken": "no weights"}))
    return {**pages, **{name: render_report(folder, budget=1) for name, folder in made.items()}}


@pytest.fixture
def open_page(browser: Any) -> Iterator[Callable[..., Any]]:
    """Opens a file; at the end nothing may have been fetched, and the console must be empty."""
    contexts, complaints = [], []

    def fetched(request: Any) -> None:
        if not request.is_navigation_request() and not request.url.startswith("data:"):
            complaints.append(f"fetched {request.url}")

    def opened(file: Path, width: int = 1440, **settings: Any) -> Any:
        contexts.append(browser.new_context(viewport={"width": width, "height": 900}, **settings))
        page = contexts[-1].new_page()
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("request", fetched)
        page.goto(file.as_uri())
        return page

    yield opened
    for context in contexts:
        context.close()
    assert complaints == []


def titles(page: Any) -> list[str]:
    """The pictures that are to be seen, in their order."""
    strips = page.locator(".strip:not([hidden])")
    return [str(strips.nth(index).get_attribute("data-title")) for index in range(strips.count())]


WIDTHS = (360, 390, 768, 1100, 1440, 2560)
COVERED = """() => {
    const found = [];
    for (const plot of document.querySelectorAll("svg.plot")) {
        const frame = plot.getBoundingClientRect();
        const texts = [...plot.querySelectorAll("text")];
        const words = texts.map((text) => [text.textContent, text.getBoundingClientRect()]);
        words.forEach(([one, a], place) => {
            if (a.left < frame.left - 1 || a.right > frame.right + 1
                || a.top < frame.top - 1 || a.bottom > frame.bottom + 1) found.push(`${one} leaves its plot`);
            for (const [other, b] of words.slice(place + 1))
                if (Math.min(a.right, b.right) - Math.max(a.left, b.left) > 1
                    && Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top) > 3) found.push(`${one} on ${other}`);
        });
    }
    return found;
}"""
"""What stands on other words in a plot, or beyond its edge; lines of text may touch."""
SMALL = """() => {
    const found = [];
    for (const plot of document.querySelectorAll("svg.plot")) {
        const scale = plot.getBoundingClientRect().width / plot.viewBox.baseVal.width;
        for (const text of plot.querySelectorAll("text"))
            if (parseFloat(getComputedStyle(text).fontSize) * scale < 11.99) found.push(text.textContent);
    }
    for (const each of document.querySelectorAll("main *")) {
        const isText = [...each.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim());
        const isSmall = parseFloat(getComputedStyle(each).fontSize) < 12;
        if (isText && isSmall && !each.closest("svg")) found.push(each.outerHTML);
    }
    return found;
}"""
"""Words below 12 pixels at the size they are shown, those on pictures aside."""


def test_pages_are_laid_out_at_every_width(shapes: dict[str, Path], open_page: Callable[..., Any]) -> None:
    """From phone to wall: a page scrolls downwards only; no word in a plot covers another, none is too small."""
    for name, file in shapes.items():
        page = open_page(file)
        for width in WIDTHS:
            page.set_viewport_size({"width": width, "height": 900})
            assert page.evaluate("document.documentElement.scrollWidth") <= width, (name, width)
            assert page.evaluate(COVERED) == [], (name, width)
            assert page.evaluate(SMALL) == [], (name, width)


def test_dark_pages_are_no_wider(pages: dict[str, Path], open_page: Callable[..., Any]) -> None:
    """On a phone every page opens in the dark without complaint and scrolls downwards only."""
    for name, file in pages.items():
        page = open_page(file, 390, color_scheme="dark")
        assert page.evaluate("document.documentElement.scrollWidth") <= 390, name


def test_the_decision_is_on_the_first_screen(report: Path, open_page: Callable[..., Any]) -> None:
    """On a desk the sentence, the tiles and the clearest picture need no scrolling; the picture has its boxes."""
    page = open_page(report)
    assert page.locator("h1").inner_text().startswith("Yes: wiener gains .100 mAP")
    for part in (".tiles", ".gauge", ".crops"):
        box = page.locator(part).bounding_box()
        assert box["y"] + box["height"] <= 900, part
    assert page.locator(".crop figcaption b").inner_text() == "found 1 → 2 of 2"
    assert page.locator(".crops svg").nth(1).locator("rect.regained").count() == 1


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_no_serious_fault(pages: dict[str, Path], open_page: Callable[..., Any], scheme: str) -> None:
    """Contrast, names, roles and tables of every page pass axe-core, with everything unfolded."""
    for name, file in pages.items():
        page = open_page(file, color_scheme=scheme)
        page.evaluate("document.querySelectorAll('details').forEach((fold) => { fold.open = true; })")
        found = axe.Axe().run(page).response["violations"]
        serious = [
            (fault["id"], fault["nodes"][0]["html"][:200], fault["nodes"][0]["failureSummary"])
            for fault in found
            if fault["impact"] in ("serious", "critical")
        ]
        assert serious == [], name


def test_the_slider_moves_by_key_and_by_mouse(report: Path, open_page: Callable[..., Any]) -> None:
    """The edge between the two pictures follows the arrow keys and the pointer; either side can be chosen."""
    page = open_page(report)
    stage, slider = page.locator(".compare .stage"), page.locator(".compare input[type=range]")
    at = "(stage) => Number(stage.style.getPropertyValue('--at'))"
    slider.focus()
    slider.press("ArrowRight")
    assert stage.evaluate(at) == 0.51
    slider.press("Home")
    assert stage.evaluate(at) == 0
    # By way of the slider, which lies over the pictures: the driver then waits until it has stopped moving.
    slider.click(position={"x": 0.8 * slider.bounding_box()["width"], "y": 20})
    assert 0.75 < stage.evaluate(at) < 0.85
    page.locator(".compare select").last.select_option(label="sharp")
    assert "| sharp 1 found" in page.locator(".compare .told").inner_text()


def test_a_picture_opens_large(report: Path, open_page: Callable[..., Any]) -> None:
    """A click or Enter on a picture opens the large view, arrows go on to the next one, Escape closes it."""
    page = open_page(report)
    viewer = page.locator("dialog.viewer")
    page.locator(".strip .frame").nth(1).click()
    assert viewer.is_visible()
    assert viewer.locator(".layer img").count() == 2
    assert viewer.locator(".name").inner_text() == "gains.png"
    viewer.get_by_label("Next picture").click()
    assert viewer.locator(".name").inner_text() == "loses.png"
    page.keyboard.press("Escape")
    assert not viewer.is_visible()
    page.locator(".strip .frame").first.press("Enter")
    assert viewer.is_visible()


@pytest.mark.parametrize(
    ("name", "label", "shown"),
    [
        ("kind", "regained", ["gains.png"]),
        ("kind", "lost", ["loses.png"]),
        ("kind", "missed", ["loses.png", "same.png", "keeps.png"]),
        ("order", "largest loss first", ["loses.png", "same.png", "keeps.png", "gains.png"]),
        ("order", "strongest blur first", ["same.png", "keeps.png", "loses.png", "gains.png"]),
        ("blur", "0 to 8 px", ["gains.png"]),
    ],
)
def test_pictures_can_be_ordered_and_filtered(
    report: Path, open_page: Callable[..., Any], name: str, label: str, shown: list[str]
) -> None:
    """A choice shows the pictures that it is about, says how many they are, and Reset shows all as they were."""
    page = open_page(report)
    everything = titles(page)
    page.locator(f"select[name={name}]").select_option(label=label)
    assert titles(page) == shown
    assert page.locator(".filters output").inner_text() == f"{len(shown)} of 4 pictures"
    page.get_by_text("Reset").click()
    # The form is as it was only after its reset event, so the page follows a moment later.
    page.wait_for_function(
        """(everything) => JSON.stringify(everything) === JSON.stringify(
            Array.from(document.querySelectorAll(".strip:not([hidden])"), (strip) => strip.dataset.title))""",
        arg=everything,
    )
    assert everything == ["gains.png", "loses.png", "same.png", "keeps.png"]
    assert page.locator(".filters output").inner_text() == "4 of 4 pictures"


def test_kernels_fit_their_panel(write: Callable[..., Path], open_page: Callable[..., Any]) -> None:
    """On a phone and on a desk both kernels stand within the panel; the words beside the slider leave them out."""
    page_file = render_report(write("kernels", maps={**MAPS, "blind": 0.35}, finds=("blind",)))
    for width in (390, 1440):
        page = open_page(page_file, width)
        panel = page.locator(".strip[data-title='first.png'] .panel[data-title=blind]")
        panel.scroll_into_view_if_needed()
        frame = panel.bounding_box()
        kernels = [panel.locator(".insets img").nth(place).bounding_box() for place in (0, 1)]
        assert all(box["width"] > 60 for box in kernels)
        assert all(frame["x"] <= box["x"] <= box["x"] + box["width"] <= frame["x"] + frame["width"] for box in kernels)
        assert page.locator(".compare .layer img").count() == 2
        assert "kernel" not in page.locator(".compare .told").inner_text()


def test_a_filter_dims_the_other_boxes(report: Path, open_page: Callable[..., Any]) -> None:
    """Of a picture that is shown for its regained box, the boxes of other kinds step back."""
    page = open_page(report)
    page.locator("select[name=kind]").select_option(label="regained")
    after = page.locator(".strip:not([hidden]) .panel[data-role=after]")
    assert after.locator("rect.dim").count() == after.locator("rect:not(.regained)").count() == 1


def test_without_scripts_everything_can_be_read(pages: dict[str, Path], open_page: Callable[..., Any]) -> None:
    """Pictures, plots and tables are there; controls that would do nothing are not; full pictures are linked."""
    page = open_page(pages["report"], java_script_enabled=False)
    assert page.locator(".strip img").count() == 4 * 3
    assert page.locator("svg.plot").count() >= 6
    assert not page.locator(".filters").is_visible()
    assert not page.locator(".compare").is_visible()
    assert page.locator(".strip a").first.is_visible()


def test_print_leaves_controls_out(report: Path, open_page: Callable[..., Any]) -> None:
    """On paper there are no filters and no slider, and what is folded is unfolded."""
    page = open_page(report)
    page.emulate_media(media="print")
    assert not page.locator(".filters").is_visible()
    assert not page.locator(".compare").is_visible()
    assert page.locator("#provenance .pairs").first.is_visible()
