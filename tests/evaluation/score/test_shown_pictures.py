"""Which pictures the report shows."""

import numpy as np
import pytest
from numpy.typing import NDArray

from detbench.core.arm import Arm
from detbench.evaluation.score.shown_pictures import SHOWN_PANELS, shown_ids

Counts = NDArray[np.int64]


def counts(tps: list[int]) -> Counts:
    """One arm: a picture per number of true boxes found, of nine."""
    found = np.array(tps, np.int64)
    return np.stack([found, np.zeros_like(found), 9 - found], axis=1)


def shown(arms: dict[str, Counts], start: int = 0, step: int = 1) -> tuple[int, ...]:
    """What is shown of the pictures 10, 11, …; `start` and `step` take some of them."""
    ids = 10 + np.arange(len(arms["blurred"]))
    part = {Arm.named(name): of_arm[start::step] for name, of_arm in arms.items()}
    return shown_ids(part, ids[start::step])


def test_gains_and_losses_are_both_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    """The pictures with the largest gains come first, then as many with the largest losses, worst first."""
    monkeypatch.setattr("detbench.evaluation.score.shown_pictures.SHOWN_PICTURES", 6)
    before = counts([5] * 9)
    after = counts([5, 9, 5, 8, 1, 7, 2, 5, 3])
    arms = {"sharp": before, "blurred": before, "net": after, "sharp+net": before}
    assert shown(arms) == (11, 13, 15, 14, 16, 18)


def test_every_deblurrer_names_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    """A deblurrer whose gains are small is shown beside one whose gains are large; one that changes nothing is not."""
    monkeypatch.setattr("detbench.evaluation.score.shown_pictures.SHOWN_PICTURES", 4)
    before = counts([5] * 6)
    arms = {"blurred": before, "same": before, "strong": counts([9, 8, 7, 1, 2, 5]), "weak": counts([5, 5, 5, 5, 4, 6])}
    assert shown(arms) == (10, 11, 15, 13, 14)


def test_a_part_of_the_pictures_shows_its_share_of_what_the_whole_shows() -> None:
    """Whatever pictures a shard holds, those of them that the whole run shows are among those that the shard shows."""
    rng = np.random.default_rng(0)
    whole = {arm: counts(rng.integers(0, 9, 200).tolist()) for arm in ("blurred", "one", "two", "three")}
    of_whole = set(shown(whole))
    for start in (0, 1, 2):
        held = set(range(10 + start, 210, 3))
        assert of_whole & held <= set(shown(whole, start, 3))


def test_many_arms_leave_room_for_fewer_pictures() -> None:
    """The embedded pictures of all arms together stay within SHOWN_PANELS."""
    rng = np.random.default_rng(0)
    for deblurrers in (1, 2, 4, 6):
        arms = {name: counts(rng.integers(0, 9, 200).tolist()) for name in ("blurred", *"abcdef"[:deblurrers])}
        assert deblurrers < len(shown(arms)) <= SHOWN_PANELS // (deblurrers + 2)


def test_a_run_that_changes_nothing_shows_its_first_pictures() -> None:
    """There is nothing to choose by, and a report without pictures would say less."""
    assert shown({"blurred": counts([3] * 30), "net": counts([3] * 30)}) == tuple(range(10, 34))


def test_few_pictures_are_all_shown() -> None:
    """A run of no more pictures than the report has room for shows them all."""
    assert shown({"blurred": counts([1, 1]), "net": counts([1, 2])}) == (11, 10)
