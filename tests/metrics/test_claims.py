import pytest

from detbench.metrics.claims import holm, is_shown
from detbench.types import Estimate


@pytest.mark.parametrize(
    ("low", "high", "p_value", "shown"),
    [
        (0.01, 0.05, 0.01, True),
        (-0.05, -0.01, 0.049, True),
        (0.01, 0.05, 0.05, False),
        (0.0, 0.05, 0.01, False),
        (-0.05, 0.0, 0.01, False),
        (-0.01, 0.05, 0.01, False),
        (0.01, 0.05, None, False),
        (None, None, 0.01, False),
    ],
)
def test_a_claim_needs_both_interval_and_p(
    low: float | None, high: float | None, p_value: float | None, shown: bool
) -> None:
    """An interval that leaves out 0 and a p below .05 make a claim; either alone, or a bound at 0, does not."""
    assert is_shown(Estimate(0.02, 12, low, high), p_value) is shown


def test_few_pictures_and_an_adjusted_p_make_no_claim() -> None:
    """Below ten pictures nothing is shown, and where there is an adjusted p-value it decides."""
    sure = Estimate(0.02, 10, 0.01, 0.03)
    assert is_shown(sure, 0.01)
    assert not is_shown(Estimate(0.02, 9, 0.01, 0.03), 0.01)
    assert (is_shown(sure, 0.01, 0.04), is_shown(sure, 0.01, 0.06)) == (True, False)


def test_holm_multiplies_the_smallest_by_all_and_the_next_by_one_less() -> None:
    """Holm's own example of method: .01, .04, .03, .005 of four tests become .03, .06, .06, .02; untested ones stay."""
    given = {"a": 0.01, "b": 0.04, "c": 0.03, "d": 0.005, "e": None}
    assert holm(given) == {"a": pytest.approx(0.03), "b": 0.06, "c": 0.06, "d": 0.02, "e": None}


def test_holm_never_passes_one_and_leaves_a_single_test_alone() -> None:
    """Adjusted p-values are p-values, and one test needs no adjustment."""
    assert holm({"a": 0.6, "b": 0.7}) == {"a": 1.0, "b": 1.0}
    assert holm({"a": 0.03}) == {"a": 0.03}
