"""The pages in a real browser: a Chromium on the PATH, driven by Playwright; skipped where one of them is absent."""

import json
import re
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
        "five": {"maps": {**MAPS, **{f"net-{number}": 0.15 + 0.05 * number for number in range(4)}}},
        "ten": {"maps": {**MAPS, **{f"net-{number}": 0.3 - 0.02 * number for number in range(9)}}},
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
    for part in (".headline", ".gauge", ".crops"):
        box = page.locator(part).bounding_box()
        assert box["y"] + box["height"] <= 900, part
    assert page.locator(".clearest figcaption b").inner_text() == "found 1 → 2 of 2"
    assert page.locator(".crops svg").nth(1).locator("rect.regained").count() == 1
    assert page.locator(".crops rect.None").count() == 0  # boxes that are not drawn at the stated confidence


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_no_serious_fault(pages: dict[str, Path], open_page: Callable[..., Any], scheme: str) -> None:
    """Contrast, names, roles and tables of every page pass axe-core, with everything unfolded."""
    for name, file in pages.items():
        page = open_page(file, color_scheme=scheme)
        page.evaluate("document.querySelectorAll('details').forEach((fold) => { fold.open = true; })")
        assert serious_faults(page) == [], name


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_no_serious_fault_in_the_large_view(
    pages: dict[str, Path], open_page: Callable[..., Any], scheme: str
) -> None:
    """Every control of the large view has a name, of a report's and of a training's, zoomed and with the loupe."""
    for name in ("report", "training"):
        page = open_page(pages[name], color_scheme=scheme)
        page.locator(".strip .frame").nth(1).click()
        page.keyboard.press("+")
        page.locator("[data-loupe]").click()
        assert serious_faults(page) == [], name


def serious_faults(page: Any) -> list[tuple[str, str, str]]:
    """What axe-core calls serious or critical: rule, element and what is wrong."""
    return [
        (fault["id"], fault["nodes"][0]["html"][:200], fault["nodes"][0]["failureSummary"])
        for fault in axe.Axe().run(page).response["violations"]
        if fault["impact"] in ("serious", "critical")
    ]


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
    assert "\nsharp 1 found" in page.locator(".compare .told").inner_text()


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
    assert after.locator("rect.dim").count() == after.locator("rect:not(.regained):not(.off)").count() == 1


def drawn(page: Any, panel: str) -> list[str]:
    """The kinds of the boxes that are to be seen in an arm's picture of gains.png, or wherever the selector points."""
    return sorted(
        page.locator(panel).evaluate_all(
            """(boxes) => boxes.filter((box) => getComputedStyle(box).display !== "none")
                .map((box) => box.classList[0])"""
        )
    )


def panel(arm: str, title: str = "gains.png") -> str:
    """A selector of the boxes in one panel."""
    return f".strip[data-title='{title}'] .panel[data-title={arm}] rect"


def set_range(page: Any, selector: str, value: float) -> None:
    """Move a slider as a user does."""
    page.locator(selector).evaluate(
        "(slider, value) => { slider.value = value; slider.dispatchEvent(new Event('input', { bubbles: true })); }",
        value,
    )


def test_the_confidence_slider_redraws_boxes_and_counts(report: Path, open_page: Callable[..., Any]) -> None:
    """At .05 the blurred arm's unsure box on the second true one counts, so nothing is regained; at .5 the false box
    is gone; at the stated confidence again the page is as it was.
    """
    page = open_page(report)
    at_first = page.locator("#pictures").evaluate("(section) => section.querySelector('.group').innerHTML")
    counts = page.locator(".strip[data-title='gains.png'] .counts")
    cells = page.locator(".totals tr[data-arm=wiener] td")
    assert drawn(page, panel("blurred")) == ["false", "found", "missed"]
    assert drawn(page, panel("wiener")) == ["found", "regained"]
    assert cells.all_inner_texts() == ["4", "1", "1", "4", "0"]
    set_range(page, ".aside [data-confidence]", 0.05)
    assert drawn(page, panel("blurred")) == ["false", "found", "found"]
    assert drawn(page, panel("wiener")) == ["found", "found"]
    assert counts.nth(1).inner_text().replace("\xa0", " ") == "2 found · 0 false · 0 missed · 0 regained · 0 lost"
    assert cells.all_inner_texts() == ["4", "0", "4", "4", "0"]
    assert page.locator("#pictures .lead .at-confidence").first.inner_text() == "0.05"
    assert "blurred 2 found · 1 false · 0 missed" in page.locator(".compare .told").inner_text()
    set_range(page, ".aside [data-confidence]", 0.5)
    assert drawn(page, panel("blurred")) == ["found", "missed"]
    assert "found" in drawn(page, ".compare .layer:not(.upper) rect")
    assert "false" not in drawn(page, ".compare .layer:not(.upper) rect")
    set_range(page, ".aside [data-confidence]", 0.25)
    at_last = page.locator("#pictures").evaluate("(section) => section.querySelector('.group').innerHTML")
    assert re.sub("<title>.*?</title>", "", at_last) == re.sub("<title>.*?</title>", "", at_first)


def test_what_is_regained_at_a_confidence_orders_the_pictures(report: Path, open_page: Callable[..., Any]) -> None:
    """Filters and order follow the slider: at .05 the blurred arm misses nothing, so nothing is regained."""
    page = open_page(report)
    page.locator("select[name=kind]").select_option(label="regained")
    assert titles(page) == ["gains.png"]
    set_range(page, ".aside [data-confidence]", 0.05)
    assert titles(page) == []
    assert page.locator(".filters output").inner_text() == "0 of 4 pictures"
    page.get_by_text("Reset").click()
    # The slider is back before the boxes are drawn.
    page.locator(f"{panel('wiener')}.regained").wait_for()
    assert drawn(page, panel("wiener")) == ["found", "regained"]
    assert page.locator(".aside [data-confidence]").input_value() == "0.25"


def test_kinds_of_boxes_can_be_left_out(report: Path, open_page: Callable[..., Any]) -> None:
    """A toggle hides its kind everywhere, in the large view as well, and its swatch in the legend stays."""
    page = open_page(report)
    page.locator(".aside [data-kind=regained]").uncheck()
    assert drawn(page, panel("wiener")) == ["found"]
    assert drawn(page, panel("blurred")) == ["false", "found", "missed"]
    assert page.locator(".aside .legend rect.regained").is_visible()
    page.locator(".strip .frame").nth(1).click()
    assert drawn(page, ".viewer .layer.upper rect") == ["found"]
    page.locator(".viewer [data-kind=regained]").check()
    assert drawn(page, ".viewer .layer.upper rect") == ["found", "regained"]
    assert page.locator(".aside [data-kind=regained]").is_checked()


def places(page: Any, selector: str) -> list[list[float]]:
    """Where each plate stands in its window: left and top edge and width, in shares of the window's width."""
    found: list[list[float]] = page.locator(selector).evaluate_all(
        """(plates) => plates.map((plate) => {
            const own = plate.getBoundingClientRect(), out = plate.parentElement.getBoundingClientRect();
            return [own.left - out.left, own.top - out.top, own.width].map((each) => each / out.width);
        })"""
    )
    return found


def assert_in_step(page: Any, *expected: float) -> None:
    """Both layers and the tiles of all three arms show the same part."""
    found = places(page, ".viewer .plate")
    assert len(found) == 2 + 3
    for place in found:
        assert place == pytest.approx(expected, abs=0.02)


@pytest.mark.parametrize("width", [390, 1440])
def test_all_arms_zoom_and_pan_in_step(report: Path, open_page: Callable[..., Any], width: int) -> None:
    """Keys, buttons and a drag move every arm's picture alike, never past its edges; the knob still moves the edge."""
    page = open_page(report, width)
    page.locator(".strip .frame").nth(1).click()
    viewer, ratio = page.locator(".viewer"), 40 / 60
    assert_in_step(page, 0, 0, 1)
    page.keyboard.press("+")
    assert_in_step(page, -0.25, -0.25 * ratio, 1.5)
    page.keyboard.press("ArrowRight")
    assert viewer.locator(".name").inner_text() == "gains.png"
    assert_in_step(page, -0.35, -0.25 * ratio, 1.5)
    for _ in range(5):
        page.keyboard.press("ArrowDown")
    assert_in_step(page, -0.35, -0.5 * ratio, 1.5)
    stage = viewer.locator(".stage").bounding_box()
    x, y = stage["x"] + 0.2 * stage["width"], stage["y"] + 0.2 * stage["height"]
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 0.1 * stage["width"], y, steps=4)
    page.mouse.up()
    assert_in_step(page, -0.25, -0.5 * ratio, 1.5)
    knob = stage["x"] + 0.5 * stage["width"], stage["y"] + 0.5 * stage["height"]
    page.mouse.move(*knob)
    page.mouse.down()
    page.mouse.move(knob[0] + 0.2 * stage["width"], knob[1], steps=4)
    page.mouse.up()
    assert float(viewer.locator("input[type=range]").first.input_value()) > 60
    assert_in_step(page, -0.25, -0.5 * ratio, 1.5)
    viewer.get_by_label("Zoom in").click()
    assert viewer.locator("[data-zoom]").inner_text() == "2.3×"
    viewer.get_by_role("button", name="Fit").click()
    assert_in_step(page, 0, 0, 1)
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_the_wheel_zooms_at_the_pointer(report: Path, open_page: Callable[..., Any]) -> None:
    """What lies under the pointer stays under it; back at the whole picture nothing is shifted."""
    page = open_page(report)
    page.locator(".strip .frame").nth(1).click()
    stage = page.locator(".viewer .stage").bounding_box()
    page.mouse.move(stage["x"] + 0.25 * stage["width"], stage["y"] + 0.5 * stage["height"])
    for _ in range(2):
        page.mouse.wheel(0, -100)
    page.wait_for_function("document.querySelector('.viewer [data-zoom]').textContent === '1.5×'")
    assert_in_step(page, -0.125, -0.25 * 40 / 60, 1.5)
    for _ in range(3):
        page.mouse.wheel(0, 100)
    page.wait_for_function("document.querySelector('.viewer [data-zoom]').textContent === '1.0×'")
    assert_in_step(page, 0, 0, 1)


def test_the_loupe_magnifies_every_arm_under_the_pointer(report: Path, open_page: Callable[..., Any]) -> None:
    """With the loupe the tiles are at four times the zoom around the pointer, all alike; the large picture stays."""
    page = open_page(report)
    page.locator(".strip .frame").nth(1).click()
    page.locator("[data-loupe]").click()
    stage = page.locator(".viewer .stage").bounding_box()
    page.mouse.move(stage["x"] + 0.25 * stage["width"], stage["y"] + 0.5 * stage["height"])
    for place in places(page, ".viewer .tiles .plate"):
        assert place == pytest.approx([0.5 - 4 * 0.25, 40 / 60 * (0.5 - 4 * 0.5), 4], abs=0.03)
    assert places(page, ".viewer .layer .plate") == [pytest.approx([0, 0, 1], abs=0.01)] * 2
    page.locator("[data-loupe]").click()
    assert_in_step(page, 0, 0, 1)


def test_b_flips_between_the_two_pictures(report: Path, open_page: Callable[..., Any]) -> None:
    """Each press shows one of the two in full: the right one, then the left one."""
    page = open_page(report)
    page.locator(".strip .frame").nth(1).click()
    edge = "(edge) => parseFloat(getComputedStyle(edge).left) / edge.parentElement.clientWidth"
    edges = []
    for _ in range(3):
        page.keyboard.press("b")
        edges.append(page.locator(".viewer .edge").evaluate(edge))
    assert edges == pytest.approx([0, 1, 0], abs=0.005)


def test_arrows_go_to_the_next_picture_and_a_tile_chooses_the_arm(report: Path, open_page: Callable[..., Any]) -> None:
    """At no zoom the arrow keys step through the pictures; a tile puts its arm on the right."""
    page = open_page(report)
    page.locator(".strip .frame").nth(1).click()
    page.keyboard.press("ArrowRight")
    assert page.locator(".viewer .name").inner_text() == "loses.png"
    page.keyboard.press("ArrowLeft")
    assert page.locator(".viewer .name").inner_text() == "gains.png"
    page.locator(".tiles button").last.click()
    assert "\nsharp 1 found" in page.locator(".viewer .told").inner_text()
    assert page.locator(".tiles [aria-pressed=true]").inner_text().strip() == "sharp"


def test_pictures_are_found_by_their_names(report: Path, open_page: Callable[..., Any]) -> None:
    """Part of a file name, in letters of either size, is enough."""
    page = open_page(report)
    page.locator("input[name=search]").fill("EEP")
    assert titles(page) == ["keeps.png"]
    assert page.locator(".filters output").inner_text() == "1 of 4 pictures"


def test_a_link_opens_its_picture(write: Callable[..., Path], open_page: Callable[..., Any]) -> None:
    """#picture=NAME opens that picture, whatever letters are in its name; the address follows the large view."""
    names = ("a b/ü #1.png", "b.png")
    page = open_page(render_report(write("links", maps=MAPS, file_names=names, interval=0.02)))
    viewer = page.locator("dialog.viewer")
    page.get_by_role("link", name=names[0], exact=True).click()
    assert viewer.locator(".name").inner_text() == names[0]
    address = page.evaluate("location.hash")
    assert address == "#picture=a%20b%2F%C3%BC%20%231.png"
    page.keyboard.press("Escape")
    page.wait_for_function("location.hash === ''")
    page.evaluate("(hash) => { location.hash = hash; }", address)
    assert viewer.is_visible()
    page.keyboard.press("ArrowRight")
    assert page.evaluate("location.hash") == "#picture=b.png"
    page.reload()
    assert viewer.locator(".name").inner_text() == "b.png"
    page.keyboard.press("Escape")
    page.evaluate("location.hash = '#picture=other.png'")
    page.wait_for_function("document.querySelector('.filters output').textContent.includes('not on this page')")
    assert not viewer.is_visible()


@pytest.mark.parametrize("width", [390, 1440])
def test_every_arm_can_be_seen_without_scrolling_sideways(
    write: Callable[..., Path], open_page: Callable[..., Any], width: int
) -> None:
    """With six deblurrers of long names every panel is within the window, and the two choices lie side by side."""
    maps = {**MAPS, **{f"a-network-with-a-rather-long-name-{number}": 0.3 for number in range(5)}}
    page = open_page(render_report(write("many", maps=maps)), width)
    boxes = [each.bounding_box() for each in page.locator(".strip").first.locator(".panel").all()]
    assert len(boxes) == 8
    assert all(box["x"] >= 0 and box["x"] + box["width"] <= width for box in boxes)
    assert all(box["width"] >= 130 for box in boxes)
    for root in (".compare", ".viewer"):
        if root == ".viewer":
            page.locator(".strip .frame").first.click()
        left, right = (each.bounding_box() for each in page.locator(f"{root} select").all())
        assert left["x"] + left["width"] <= right["x"]
        assert right["x"] + right["width"] <= width
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.locator(".viewer").evaluate("(viewer) => viewer.scrollWidth - viewer.clientWidth") <= 0


@pytest.mark.parametrize(("width", "is_labelled"), [(1440, True), (390, False)])
def test_labels_can_be_read_or_are_absent(
    report: Path, open_page: Callable[..., Any], width: int, is_labelled: bool
) -> None:
    """Letters are at least 11 px high on the screen; where a picture has no room for them there are none."""
    page = open_page(report, width)
    labels = page.locator(".strip[data-title='gains.png'] .frame text.found")
    assert labels.first.is_visible() is is_labelled
    page.locator(".strip .frame").nth(1).click()
    page.keyboard.press("+")
    heights = page.locator(".viewer .layer text.found").evaluate_all(
        """(labels) => labels.map((label) => parseFloat(getComputedStyle(label).fontSize) * label.getScreenCTM().a)"""
    )
    assert heights
    assert all(11 <= height <= 15 for height in heights)


def test_without_scripts_everything_can_be_read(pages: dict[str, Path], open_page: Callable[..., Any]) -> None:
    """Pictures, plots and tables are there; controls that would do nothing are not; full pictures are linked."""
    page = open_page(pages["report"], java_script_enabled=False)
    assert page.locator(".strip img").count() == 4 * 3
    assert page.locator("svg.plot").count() >= 6
    assert not page.locator(".filters").is_visible()
    assert not page.locator(".compare").is_visible()
    assert not page.locator("[data-kind], [data-confidence]").locator("visible=true").count()
    assert drawn(page, panel("wiener")) == ["found", "regained"]
    assert page.locator(".strip a").first.is_visible()


def test_print_leaves_controls_out(report: Path, open_page: Callable[..., Any]) -> None:
    """On paper there are no filters and no slider, and what is folded is unfolded."""
    page = open_page(report)
    page.emulate_media(media="print")
    assert not page.locator(".filters").is_visible()
    assert not page.locator(".compare").is_visible()
    assert page.locator("#provenance .pairs").first.is_visible()


def test_paper_holds_whole_tables(shapes: dict[str, Path], open_page: Callable[..., Any]) -> None:
    """Nothing is cut off at the right edge of an A4 page, which cannot scroll: 718 CSS pixels between its margins."""
    for name in ("report", "ten", "comparison"):
        page = open_page(shapes[name], 718)
        page.emulate_media(media="print")
        assert page.evaluate("document.documentElement.scrollWidth") <= 719, name
