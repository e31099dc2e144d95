from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from detbench.metrics.selective import Rule
from detbench.report.plots import pens
from detbench.report.render import render_report
from detbench.report.when_to_deblur import WhenToDeblur, rule_in_words, selective_verdict, when_to_deblur
from detbench.results.folder import RunFolder
from detbench.results.schema import (
    Difference,
    RunResult,
    SelectiveRestoration,
    Strategy,
    StrategyName,
    result_from_json,
    result_to_json,
)
from detbench.types import Estimate

MAPS: dict[str, float] = {"sharp": 0.4, "blurred": 0.2, "wiener": 0.3}


def difference(against: StrategyName, value: float, reach: float, p_value: float = 0.001) -> Difference:
    """Gated against another strategy, over twelve pictures."""
    return Difference("gated", against, "map", Estimate(value, 12, value - reach, value + reach), p_value)


def selective(
    over_never: Difference | None = None, low_per_s: float = 0.01, break_even: Estimate | None = None
) -> SelectiveRestoration:
    """One that gains .11 over never with half of the pictures in half of the time; always gains .1."""
    numbers: Mapping[StrategyName, tuple[float, float]] = {
        "never": (0.2, 0.0), "always": (0.3, 1.0), "gated": (0.31, 0.5), "oracle": (0.32, 0.5),
    }  # fmt: skip
    return SelectiveRestoration(
        deblurrer="wiener",
        measure="blur_effect",
        rule=Rule("above", 0.43126),
        strategies={
            name: Strategy(Estimate(value, 12), share, 2 * share, (value - 0.2) / (2 * share) if share else 0.0)
            for name, (value, share) in numbers.items()
        },
        differences=(over_never or difference("never", 0.11, 0.05), difference("always", 0.01, 0.03, 0.4)),
        map_per_s=Estimate(0.06, 12, low_per_s, 0.12 - low_per_s),
        curve=((0.0, 0.2), (0.5, 0.31), (1.0, 0.3)),
        break_even=break_even or Estimate(None, 12),
        no_break_even="" if break_even else "harm was not measured",
    )


def shown(result: RunResult) -> WhenToDeblur:
    """What the page says of the run."""
    found = when_to_deblur(result, pens(result.arms))
    assert found is not None
    return found


@pytest.fixture
def gated(result: Callable[..., RunResult]) -> Callable[..., RunResult]:
    """A result with what is said of one deblurrer; keywords are those of `selective`."""
    return lambda **settings: replace(result(maps=MAPS), selective=(selective(**settings),))


def test_the_answer_is_yes_where_gated_beats_both(gated: Callable[..., RunResult]) -> None:
    """It says which pictures to deblur, and how far gated is from never and always."""
    assert shown(gated()).answers == (
        "Gated beats always and never in mAP per second: deblur with wiener only where blur_effect is at least 0.4313. "
        "Gated: mAP .310, +.110 [+.060,\xa0+.160] against never and +.010 [−.020,\xa0+.040], may be chance, against "
        "always; 50\xa0% of the pictures are deblurred, 50\xa0% of the time is saved.",
    )


@pytest.mark.parametrize(
    ("settings", "rivals"),
    [
        ({"low_per_s": -0.01}, "always"),
        ({"over_never": difference("never", 0.11, 0.2)}, "never"),
        ({"over_never": difference("never", -0.11, 0.05), "low_per_s": -0.01}, "never and always"),
    ],
)
def test_what_is_not_shown_is_not_said(
    settings: dict[str, object], rivals: str, gated: Callable[..., RunResult]
) -> None:
    """The sentence names the strategies that gated is not shown to beat, also where it is worse by more than chance."""
    assert selective_verdict(gated(**settings).selective[0]) == (
        f"A gate by blur_effect is not shown to beat {rivals} in mAP per second with wiener."
    )


def test_the_table_has_the_four_strategies(gated: Callable[..., RunResult]) -> None:
    """mAP, what gated has more, share, time, time saved and mAP per second."""
    rows = {row.heading.text: [cell.text for cell in row.cells] for row in shown(gated()).table.rows}
    assert rows == {
        "wiener, never": [".200", "+.110", "0\xa0%", "0.00", "100\xa0%", ".000"],
        "wiener, always": [".300", "+.010", "100\xa0%", "2.00", "0\xa0%", "+.050"],
        "wiener, gated": [".310", "", "50\xa0%", "1.00", "50\xa0%", "+.110"],
        "wiener, oracle": [".320", "", "50\xa0%", "1.00", "50\xa0%", "+.120"],
    }


@pytest.mark.parametrize(
    ("break_even", "said"),
    [
        (Estimate(0.75, 12, 0.6, 0.9), "Where more than 75\xa0% [60, 90] of the pictures are sharp, deblurring all"),
        (
            Estimate(0.75, 12),
            "No break-even share of sharp pictures is known for wiener: its gain or harm may be chance.",
        ),
        (None, "No break-even share of sharp pictures for wiener: harm was not measured."),
    ],
)
def test_break_even_has_its_interval_or_its_reason(
    break_even: Estimate | None, said: str, gated: Callable[..., RunResult]
) -> None:
    """Where there is none the note says why."""
    assert shown(gated(break_even=break_even)).notes[-1].startswith(said)


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        (Rule("never"), "no picture"),
        (Rule("always"), "every picture"),
        (Rule("below", 120.0), "only where laplacian_variance is at most 120"),
    ],
)
def test_rules_in_words(rule: Rule, words: str) -> None:
    """Never and always need no threshold."""
    assert rule_in_words(rule, "laplacian_variance") == words


def test_the_page_has_a_section_and_its_files(write: Callable[..., Path], tmp_path: Path) -> None:
    """The section has answer, table and plot, whose points have names; a run without a gate has no such section."""
    folder = write(maps=MAPS)
    assert "When to deblur" not in render_report(folder).read_text()
    run = RunFolder(folder)
    run.write_results(replace(run.read_result(), selective=(selective(),)))
    page = render_report(folder, figures=tmp_path / "figures").read_text()
    section = page[page.index('<section id="when-to-deblur">') :].partition("</section>")[0]
    assert "Gated beats always and never in mAP per second" in section
    assert all(f">{name}</text>" in section for name in ("never", "always", "gated", "oracle"))
    assert (tmp_path / "figures" / "when-to-deblur.csv").is_file()
    assert (tmp_path / "figures" / "map-by-the-share-that-is-deblurred.svg").is_file()


def test_a_result_keeps_it_and_an_older_one_has_none(gated: Callable[..., RunResult]) -> None:
    """What is written is read again; a result.json of before says nothing on when to deblur."""
    result = gated(break_even=Estimate(0.75, 12, 0.6, 0.9))
    written = result_to_json(result)
    written["selective"][0]["curve"] = [list(point) for point in written["selective"][0]["curve"]]
    assert result_from_json(written, "here").selective == result.selective
    del written["selective"]
    older = result_from_json(written, "here")
    assert older.selective == ()
    assert when_to_deblur(older, pens(older.arms)) is None
