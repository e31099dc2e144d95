from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from detbench.report.render import render_report
from detbench.report.view import view_of
from detbench.results.folder import RunFolder
from detbench.results.over_time_schema import ArmOverTime, OverTime

Write = Callable[..., Path]
MAPS = {"sharp": 0.423, "blurred": 0.262, "wiener": 0.377}
BLURRED = ArmOverTime(2.0, 2.0, 1, 4, None, None, None, (1, 0, 1), (None,) * 3, (None, 2, 2), (False,) * 3)
WIENER = ArmOverTime(
    10.0, 10.0, 0, 0, 2 / 3, 1 / 3, 0.25, (1, 0.5, None), (40, 60, 20), (None, 10, 10), (False, True, False)
)
FOUND = OverTime(25.0, (1, 2, 3), (0,), "sharp", {"wiener": WIENER, "blurred": BLURRED})


def with_video(folder: Path, found: OverTime = FOUND) -> Path:
    """The run folder, as if its pictures were a video."""
    RunFolder(folder).write_over_time(found)
    return folder


def test_arms_stand_beside_each_other(write: Write) -> None:
    """Each arm has a row in the result's order, and what is undefined has a dash."""
    section = view_of(with_video(write(maps=MAPS))).over_time
    assert section is not None
    assert {row.heading.text: [cell.text for cell in row.cells] for row in section.table.rows} == {
        "blurred": ["2.00", "2.00", "1 of 4", "–", "–", ".262", "–"],
        "wiener": ["10.0", "10.0", "–", "67\xa0%", "33\xa0%", ".377", ".250"],
    }
    assert section.lead.startswith(
        "3 frames. Flicker is beside that of the sharp arm. 25 frames a second: one is late "
    )
    assert "after 40.0 ms" in section.lead


def test_strips_are_of_arms_that_have_something_to_show(write: Write) -> None:
    """Every arm has its found boxes, only deblurrers a time, with the time to the next frame as a line."""
    section = view_of(with_video(write(maps=MAPS))).over_time
    assert section is not None
    found, times = section.exhibits
    assert [name for name in MAPS if f">{name}</text>" in found.plot] == ["blurred", "wiener"]
    assert [name for name in MAPS if f">{name}</text>" in times.plot] == ["wiener"]
    assert [entry.name for entry in times.key] == ["next frame: 40.0 ms"]
    assert found.plot.height_in > times.plot.height_in


def test_an_unknown_rate_is_said(write: Write) -> None:
    """Without frames a second there is no line, and the text says why."""
    section = view_of(with_video(write(maps=MAPS), replace(FOUND, fps=None))).over_time
    assert section is not None
    assert "The frame rate is unknown" in section.lead
    assert section.exhibits[1].key == ()


def test_the_page_has_the_section_of_a_video_alone(write: Write, tmp_path: Path) -> None:
    """It links to the pictures, and its plots and table are among the files for a paper."""
    plain = render_report(write(name="plain", maps=MAPS)).read_text()
    assert "Over time" not in plain
    page = render_report(with_video(write(maps=MAPS)), figures=tmp_path / "figures").read_text()
    section = page.partition('<section id="over-time">')[2].partition("</section>")[0]
    assert 'Frames with their boxes are <a href="#pictures">' in section
    assert section.count('aria-label="Plot: ') == 2
    assert '<a href="#over-time">Over time</a>' in page
    assert (tmp_path / "figures" / "over-time.csv").read_text().count("\n") == 3
    assert (tmp_path / "figures" / "found-by-frame.svg").is_file()
