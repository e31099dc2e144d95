import pytest

from detbench import errors
from detbench.errors import DetbenchError, did_you_mean


@pytest.mark.parametrize(
    ("word", "hint"), [("winer", " Did you mean 'wiener'?"), ("zzz", ""), ("wiener", " Did you mean 'wiener'?")]
)
def test_a_near_word_is_hinted_at(word: str, hint: str) -> None:
    """A misspelt word gets the nearest known one, a strange one no hint."""
    assert did_you_mean(word, ["blind", "wiener", "tv"]) == hint


def test_a_missing_answer_and_a_lost_log_have_exit_codes_of_their_own() -> None:
    """Every other expected error is exit code 2, so that a CI job can tell a wrong request from a missing answer, and
    both from a run that is whole and was only not logged.
    """
    kinds = [each for each in vars(errors).values() if isinstance(each, type) and issubclass(each, DetbenchError)]
    assert len(kinds) == 10
    others = {kind.__name__: kind.exit_code for kind in kinds if kind.exit_code != 2}
    assert others == {"NotEvaluableError": 3, "TrackingError": 5}
