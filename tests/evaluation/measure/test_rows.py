"""Which pictures the report shows."""

from dataclasses import dataclass
from types import SimpleNamespace

import numpy as np
import pytest

from detbench.evaluation.measure.rows import SHOWN_PANELS, shown_ids
from detbench.metrics.matching import Counts


@dataclass(frozen=True)
class Row:
    """As much of an ArmPicture as choosing needs."""

    sample: SimpleNamespace
    counts: Counts


def rows(tps: list[int]) -> list[Row]:
    """One arm: a picture per number of true boxes found."""
    return [Row(SimpleNamespace(id=10 + index), Counts(tp, 0, 9 - tp)) for index, tp in enumerate(tps)]


def test_gains_and_losses_are_both_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    """The pictures with the largest gains come first, then as many with the largest losses, worst first."""
    monkeypatch.setattr("detbench.evaluation.measure.rows.SHOWN_PICTURES", 6)
    before = rows([5] * 9)
    after = rows([5, 9, 5, 8, 1, 7, 2, 5, 3])
    arms = {"sharp": before, "blurred": before, "net": after, "sharp+net": before}
    assert shown_ids(arms) == (11, 13, 15, 14, 16, 18)  # type: ignore[arg-type]


def test_every_deblurrer_names_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    """A deblurrer whose gains are small is shown beside one whose gains are large; one that changes nothing is not."""
    monkeypatch.setattr("detbench.evaluation.measure.rows.SHOWN_PICTURES", 4)
    before = rows([5] * 6)
    arms = {"blurred": before, "same": before, "strong": rows([9, 8, 7, 1, 2, 5]), "weak": rows([5, 5, 5, 5, 4, 6])}
    assert shown_ids(arms) == (10, 11, 15, 13, 14)  # type: ignore[arg-type]


def test_a_part_of_the_pictures_shows_its_share_of_what_the_whole_shows() -> None:
    """Whatever pictures a shard holds, those of them that the whole run shows are among those that the shard shows."""
    rng = np.random.default_rng(0)
    whole = {arm: rows(rng.integers(0, 9, 200).tolist()) for arm in ("blurred", "one", "two", "three")}
    shown = set(shown_ids(whole))  # type: ignore[arg-type]
    for start in (0, 1, 2):
        part = {arm: pictures[start::3] for arm, pictures in whole.items()}
        held = {row.sample.id for row in part["blurred"]}
        assert shown & held <= set(shown_ids(part))  # type: ignore[arg-type]


def test_many_arms_leave_room_for_fewer_pictures() -> None:
    """The embedded pictures of all arms together stay within SHOWN_PANELS."""
    rng = np.random.default_rng(0)
    for deblurrers in (1, 2, 4, 6):
        arms = {name: rows(rng.integers(0, 9, 200).tolist()) for name in ("blurred", *"abcdef"[:deblurrers])}
        assert deblurrers < len(shown_ids(arms)) <= SHOWN_PANELS // (deblurrers + 2)  # type: ignore[arg-type]


def test_a_run_that_changes_nothing_shows_its_first_pictures() -> None:
    """There is nothing to choose by, and a report without pictures would say less."""
    assert shown_ids({"blurred": rows([3] * 30), "net": rows([3] * 30)}) == tuple(range(10, 34))  # type: ignore[arg-type]


def test_few_pictures_are_all_shown() -> None:
    """A run of no more pictures than the report has room for shows them all."""
    assert shown_ids({"blurred": rows([1, 1]), "net": rows([1, 2])}) == (11, 10)  # type: ignore[arg-type]
