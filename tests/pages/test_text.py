import pytest

from detbench.metrics.specs import METRICS
from detbench.pages.text import interval, markdown, metric_value, percent, share, signed
from detbench.types import Estimate


@pytest.mark.parametrize(
    ("value", "text"), [(0.262, ".262"), (1.0, "1.000"), (0, ".000"), (-0.018, "−.018"), (-0.0001, ".000")]
)
def test_a_share_has_three_decimals_and_no_leading_zero(value: float, text: str) -> None:
    """Shares read .262; what rounds to nothing has no sign."""
    assert share(value) == text


def test_percents_are_whole() -> None:
    """A share of .714 is 71 %, held together by a no-break space; negative ones have a real minus."""
    assert [percent(0.714), percent(-0.11), percent(1.04)] == ["71\xa0%", "−11\xa0%", "104\xa0%"]


@pytest.mark.parametrize(
    ("key", "value", "text"),
    [
        ("map", 0.262, ".262"),
        ("psnr_db", 26.1, "26.10"),
        ("gap_recovered", 0.714, "71\xa0%"),
        ("restore_ms_p50", 0.4211, "0.42"),
        ("restore_ms_p50", 37.46, "37.5"),
        ("restore_ms_p50", 1204.3, "1,204"),
    ],
)
def test_each_unit_has_its_decimals(key: str, value: float, text: str) -> None:
    """Decibels have two decimals, gap recovered is in percents, times have about three digits."""
    assert metric_value(METRICS[key], value) == text


def test_differences_carry_their_sign() -> None:
    """Gains have a plus, losses a minus, nothing has none."""
    assert [signed(METRICS["map"], value) for value in (0.115, -0.018, 0.0001)] == ["+.115", "−.018", ".000"]


def test_an_interval_that_was_not_computed_is_empty() -> None:
    """Bounds stand in brackets where there are any, percents without their sign; no line ends between them."""
    spec = METRICS["map"]
    assert interval(spec, Estimate(0.1, 2), is_difference=True) == ""
    assert interval(spec, Estimate(0.1, 2, -0.02, 0.22), is_difference=True) == "[−.020,\xa0+.220]"
    gap = interval(METRICS["gap_recovered"], Estimate(0.46, 2, 0.38, 0.54), is_difference=False)
    assert gap == "[38,\xa054]"
    assert interval(spec, Estimate(0.1, 2, 0.05, 0.22), is_difference=False) == "[.050,\xa0.220]"


def test_markdown_defuses_whatever_a_name_holds() -> None:
    """Pipes, markup, HTML and line ends in a name stay words in one table cell; other scripts stay as they are."""
    assert markdown("a|b\n<script>`x`</script> *y* [z](u) & ünï") == (
        r"a\|b &lt;script&gt;\`x\`&lt;/script&gt; \*y\* \[z\](u) &amp; ünï"
    )
