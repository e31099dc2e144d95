"""Clips whose flicker, drop-outs and dropped frames are known."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from detbench.errors import NotEvaluableError
from detbench.evaluation.measure.measured import Measurements
from detbench.evaluation.measure.steps import Stages
from detbench.evaluation.request import Given, RunSpec
from detbench.evaluation.run import measure
from detbench.evaluation.run_plan import resolve
from detbench.evaluation.score.over_time import FLICKER
from detbench.evaluation.score.scoring import score
from detbench.results.cache import Cache
from detbench.results.over_time_schema import OverTime
from detbench.types import Deblurrer, Image
from tests.clips import LEFTS, STEP, TOPS, frame_at, write_sequence

FRAMES, FPS = 9, 10


def place_of(frame: Image) -> int:
    """Which frame of the clip this is, from 0, by the left end of its disc."""
    middle = frame[TOPS[0] + 12].astype(int)
    return int(np.flatnonzero(middle[:, 0] - middle[:, 1] > 100)[0] - LEFTS[0]) // STEP


def alternating(frame: Image) -> Image:
    """5 levels brighter and darker by turns."""
    change = 5 if place_of(frame) % 2 else -5
    return np.clip(frame.astype(np.int16) + change, 0, 255).astype(np.uint8)


def losing(frame: Image) -> Image:
    """Greys the disc out in every third frame."""
    restored = frame.copy()
    if place_of(frame) % 3 == 2:
        restored[: TOPS[1]] = 128
    return restored


@pytest.fixture
def measured(tmp_path: Path) -> Callable[..., Measurements]:
    """Measures the drawn clip with some deblurrers; `dataset` is another word for it."""

    def make(deblurrers: Mapping[str, Deblurrer], dataset: str = "") -> Measurements:
        word = dataset or str(write_sequence(tmp_path / "clip", FRAMES, FPS))
        spec = RunSpec(word, tuple(deblurrers), "blobs", resamples=0)
        return measure(resolve(spec, Given(deblurrers)), Stages(Cache(tmp_path / "cache")), lambda *_: None)

    return make


def slowed(measured: Measurements, milliseconds: float | None) -> Measurements:
    """As if every frame had taken so long to restore."""
    rows = {
        arm: [
            row if row.restored is None else replace(row, restored=replace(row.restored, restore_ms=milliseconds))
            for row in of_arm
        ]
        for arm, of_arm in measured.rows.items()
    }
    return replace(measured, rows=rows)


def over_time(measured: Measurements, tmp_path: Path) -> OverTime:
    """What the frames say in their order, which is there."""
    found = score(measured, Cache(tmp_path / "scores")).over_time
    assert found is not None
    return found


def test_alternating_gain_is_flicker(measured: Callable[..., Measurements], tmp_path: Path) -> None:
    """±5 levels add 10 levels from frame to frame to a clip that has under 1 of its own."""
    found = over_time(measured({"alternating": alternating}), tmp_path)
    assert found.flicker_reference == "blurred"
    assert found.arms["blurred"].flicker_ratio == 1
    own, restored = found.arms["blurred"].flicker_levels, found.arms["alternating"].flicker_levels
    assert own is not None
    assert own < 1.5
    assert restored == pytest.approx(10, abs=0.7)
    assert found.arms["alternating"].flicker_ratio == pytest.approx(restored / own)
    assert found.arms["alternating"].flicker[0] is None


def test_a_lost_object_is_a_dropout(measured: Callable[..., Measurements], tmp_path: Path) -> None:
    """The disc is lost in frames 3, 6 and 9 of 9: two drop-outs, as nothing follows the last; the square never."""
    found = over_time(measured({"losing": losing}), tmp_path)
    assert (found.arms["blurred"].dropouts, found.arms["blurred"].dropout_chances) == (0, 14)
    assert (found.arms["losing"].dropouts, found.arms["losing"].dropout_chances) == (2, 2 + 7)
    assert found.arms["losing"].found == (1, 1, 0.5, 1, 1, 0.5, 1, 1, 0.5)


def test_a_slow_deblurrer_drops_frames(measured: Callable[..., Measurements], tmp_path: Path) -> None:
    """At 150 ms for frames of 100 ms all are late and every second one is dropped, whose boxes are one frame old."""
    made = measured({"identity": lambda frame: frame})
    slow = over_time(slowed(made, 150), tmp_path).arms["identity"]
    assert (slow.late_share, slow.dropped_share) == (1, 4 / 9)
    assert slow.dropped == (False, True) * 4 + (False,)
    fast = over_time(slowed(made, 99), tmp_path).arms["identity"]
    assert (fast.late_share, fast.dropped_share) == (0, 0)
    assert fast.map_live is not None
    assert slow.map_live is not None
    assert slow.map_live < fast.map_live  # 4 px of 24 in the box's place are an IoU of .71
    (truth,) = {arm.metrics["map"].value for arm in score(made, Cache(tmp_path / "scores")).result.arms}
    assert fast.map_live == pytest.approx(truth)


def test_unknown_times_have_no_latency(measured: Callable[..., Measurements], tmp_path: Path) -> None:
    """Neither of recorded pictures nor without a frame rate is anything late or dropped."""
    made = measured({"identity": lambda frame: frame})
    recorded = over_time(slowed(made, None), tmp_path).arms["identity"]
    assert (recorded.late_share, recorded.dropped_share, recorded.map_live) == (None, None, None)
    assert made.timeline is not None
    no_rate = over_time(replace(made, timeline=replace(made.timeline, fps=None)), tmp_path)
    assert (no_rate.fps, no_rate.arms["identity"].dropped_share) == (None, None)


def test_clips_are_apart(measured: Callable[..., Measurements], tmp_path: Path) -> None:
    """Each clip begins without a frame before it: no flicker, no object, and a deblurrer that is free."""
    made = slowed(measured({"identity": lambda frame: frame}), 250)
    assert made.timeline is not None
    clips = ((1, 2, 3), (4, 5, 6, 7, 8, 9))
    found = over_time(replace(made, timeline=replace(made.timeline, clips=clips)), tmp_path)
    assert found.clip_starts == (0, 3)
    arm = found.arms["identity"]
    assert [place for place, flicker in enumerate(arm.flicker) if flicker is None] == [0, 3]
    assert [place for place, dropped in enumerate(arm.dropped) if not dropped] == [0, 3, 6]
    assert arm.dropout_chances == 2 * (1 + 4)


def test_frames_are_counted_while_they_are_compared(measured: Callable[..., Measurements], tmp_path: Path) -> None:
    """Progress goes from 0 to all nine frames, for that is the longest part of scoring a video."""
    heard: list[tuple[int, int]] = []

    def progress(what: str, done: int, count: int, _now: str = "", /) -> None:
        if what == FLICKER:
            heard.append((done, count))

    score(measured({"identity": lambda frame: frame}), Cache(tmp_path / "scores"), progress)
    assert heard == [(done, FRAMES) for done in range(FRAMES + 1)]


def test_pictures_have_no_order(measured: Callable[..., Measurements], tmp_path: Path, drawn_dataset: Path) -> None:
    """A dataset of single pictures says nothing over time."""
    made = measured({"identity": lambda frame: frame}, str(drawn_dataset))
    assert made.timeline is None
    assert score(made, Cache(tmp_path / "scores")).over_time is None


def test_a_clip_without_boxes_says_where_they_go(measured: Callable[..., Measurements], tmp_path: Path) -> None:
    """A blurred clip has no sharp frames to take boxes from: MOT's file is named, before any frame is restored."""
    clip = write_sequence(tmp_path / "bare", 3, FPS, with_truth=False)
    with pytest.raises(NotEvaluableError, match=r"has no boxes: .*clip's boxes beside it, as MOT files"):
        measured({"losing": losing}, f"video:{clip}")


def test_the_clip_is_as_it_is_described() -> None:
    """The frames that the deblurrers here tell apart are those of the clip."""
    assert [place_of(frame_at(place)) for place in range(FRAMES)] == list(range(FRAMES))
