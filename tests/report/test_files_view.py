import pytest

from detbench.metrics.error_kinds import KINDS
from detbench.report.files_view import SHORT, files_view, sentences
from detbench.results.analysis_schema import ErrorCost
from detbench.results.compared_files import ComparedFile, ComparedTruth, FilesCompared, Flips
from detbench.results.schema import Difference
from detbench.types import Estimate


def compared(*, gain: float | None, is_shown: bool, resamples: int = 100) -> FilesCompared:
    """Two files, the second with a gain in every metric."""
    bounds = (None, None) if gain is None or not resamples else (gain - 0.01, gain + 0.01)
    errors = dict.fromkeys(KINDS, ErrorCost(2, 0.125))
    files = tuple(
        ComparedFile(name, f"{name}.json", "f" * 64, 7, dict.fromkeys(SHORT, Estimate(value, 5)), errors)
        for name, value in (("a", 0.5), ("b", None if gain is None else 0.5 + gain))
    )
    p_value = (0.02 if is_shown else 0.2) if resamples else None
    estimate = Estimate(gain, 50, *bounds)
    differences = tuple(Difference("b", "a", key, estimate, p_value, p_value) for key in SHORT)
    truth = ComparedTruth("streets", "0" * 64, 5, 1)
    return FilesCompared(truth, resamples, files, differences, (Flips("b", "a", 1204, 3),), {}, ("mind",))


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"gain": 0.1, "is_shown": True}, "b has more mAP than a: +.100"),
        ({"gain": -0.1, "is_shown": True}, "b has less mAP than a: −.100"),
        ({"gain": 0.1, "is_shown": False}, "No difference in mAP between b and a is shown: +.100"),
        ({"gain": 0.1, "is_shown": False, "resamples": 0}, "Nothing was resampled, so what is shown of b and a"),
        ({"gain": None, "is_shown": False}, "mAP of b and a is undefined"),
    ],
)
def test_words_claim_only_what_is_shown(values: dict[str, float], words: str) -> None:
    """A difference is claimed where it is shown, and its number stands there in any case."""
    assert next(sentences(compared(**values))).startswith(words)


def test_tables_show_what_is_shown_in_colour() -> None:
    """What is ahead by more than chance stands out, a difference has a tone only where it is shown, flips and errors
    are counted.
    """
    view = files_view(compared(gain=0.1, is_shown=True))
    assert [row.cells[0].best for row in view.scores.rows] == [False, True]
    assert (view.differences.rows[0].cells[0].text, view.differences.rows[0].cells[0].tone) == ("+.100", "better")
    assert [cell.text for cell in view.flips.rows[0].cells] == ["1,204", "3"]
    assert view.errors.rows[1].cells[0].interval == "2 boxes"
    assert view.ground == "streets: 5 pictures, 1 true box (000000000000)"
    chance = files_view(compared(gain=0.1, is_shown=False))
    assert chance.differences.rows[0].cells[0].tone == ""
    assert [row.cells[0].best for row in chance.scores.rows] == [False, False]
