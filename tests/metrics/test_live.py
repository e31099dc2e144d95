import pytest

from detbench.metrics.live import late_frames, restored_frames, standing_frames


@pytest.mark.parametrize(
    ("milliseconds", "dropped"),
    [(40, 0), (100, 0), (101, 50), (150, 50), (200, 50), (250, 66), (1000, 90)],
)
def test_slow_deblurrers_drop_a_known_share(milliseconds: float, dropped: int) -> None:
    """At 10 frames a second: up to 100 ms none of 100, up to 200 ms every second one, at 250 ms two of three."""
    assert 100 - restored_frames([milliseconds] * 100, 10).sum() == dropped


def test_late_is_longer_than_a_frame() -> None:
    """A frame of exactly 1/fps is in time."""
    assert late_frames([99, 100, 101], 10).tolist() == [False, False, True]


def test_dropped_frames_take_the_last_boxes() -> None:
    """One slow frame drops the two after it, whose boxes are its own."""
    restored = restored_frames([20, 290, 20, 20, 20], 10)
    assert restored.tolist() == [True, True, False, False, True]
    assert standing_frames(restored).tolist() == [0, 1, 1, 1, 4]
