"""Which pictures the report shows."""

from dataclasses import dataclass
from types import SimpleNamespace

from detbench.metrics.matching import Counts
from detbench.runner.rows import shown_ids


@dataclass(frozen=True)
class Row:
    """As much of an ArmPicture as choosing needs."""

    sample: SimpleNamespace
    counts: Counts


def rows(tps: list[int]) -> list[Row]:
    """One arm: a picture per number of true boxes found."""
    return [Row(SimpleNamespace(id=10 + index), Counts(tp, 0, 9 - tp)) for index, tp in enumerate(tps)]


def test_gains_and_losses_are_both_shown() -> None:
    """Three pictures with the largest gains come first, then the three with the largest losses, worst first."""
    before = rows([5] * 9)
    after = rows([5, 9, 5, 8, 1, 7, 2, 5, 3])
    assert shown_ids({"sharp": before, "blurred": before, "net": after, "sharp+net": before}) == (
        11,
        13,
        15,
        14,
        16,
        18,
    )  # type: ignore[dict-item]


def test_few_pictures_are_all_shown() -> None:
    """A run of no more pictures than the report has room for shows them all."""
    assert shown_ids({"blurred": rows([1, 1]), "net": rows([1, 2])}) == (11, 10)  # type: ignore[dict-item]
