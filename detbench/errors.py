"""Every error that detbench raises on purpose.

    DetbenchError            caught once, in `cli/`; anything else is a bug and keeps its traceback
    ├── UsageError           the request names something unknown or impossible
    ├── DataError            a dataset, a picture or an annotation is wrong
    ├── WeightsError         weights are missing, damaged, or of another architecture
    ├── BackendError         a deblurrer or a detector cannot be used
    │   └── ArmError         it failed on a picture, or returned something it must not: its arm fails, the run goes on
    ├── TrainingError        a training went wrong and cannot go on
    ├── OutputError          something could not be written
    ├── TrackingError        a finished run could not be logged to an experiment tracker
    └── NotEvaluableError    the files are sound, but the question has no answer in them

A message says what is wrong, where, and what to do about it.
"""

from collections.abc import Iterable
from difflib import get_close_matches


class DetbenchError(Exception):
    """Base of every expected error; `exit_code` is what the command line returns for it."""

    exit_code = 2


class UsageError(DetbenchError):
    """The request names something unknown or asks for an impossible combination."""


class DataError(DetbenchError):
    """A dataset, a picture or an annotation is wrong."""


class WeightsError(DetbenchError):
    """Weights are missing, damaged, or belong to another architecture."""


class BackendError(DetbenchError):
    """A deblurrer or a detector cannot be used."""


class ArmError(BackendError):
    """A deblurrer or a detector raised, took too long, or returned something outside its contract, on a picture."""


class TrainingError(DetbenchError):
    """A training diverged or cannot go on."""


class OutputError(DetbenchError):
    """A file or folder could not be written."""


class TrackingError(DetbenchError):
    """A finished run could not be logged to an experiment tracker; its folder is whole."""

    exit_code = 5


class NotEvaluableError(DetbenchError):
    """The files are sound, but the question has no answer in them."""

    exit_code = 3


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """A hint " Did you mean 'x'?" for a word that is nearly one of `known`, whatever its case; else nothing."""
    by_small_letters = {name.lower(): name for name in known}
    near = get_close_matches(word.lower(), by_small_letters, n=1)
    return f" Did you mean {by_small_letters[near[0]]!r}?" if near else ""
