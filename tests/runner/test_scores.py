"""How arms are set against each other."""

import pytest

from detbench.runner.scores import gap_recovered


@pytest.mark.parametrize(
    ("sharp", "blurred", "arm", "expected"),
    [
        (0.5, 0.3, 0.4, 0.5),
        (0.5, 0.3, 0.2, -0.5),
        (0.5, 0.3, 0.5, 1.0),
        (0.3, 0.3, 0.4, None),
        (0.2, 0.3, 0.4, None),
        (None, 0.3, 0.4, None),
        (0.5, 0.3, None, None),
    ],
)
def test_gap_recovered(sharp: float | None, blurred: float | None, arm: float | None, expected: float | None) -> None:
    """The share of the lost mAP that came back; undefined where blur cost nothing or a part is unknown."""
    result = gap_recovered({"sharp": sharp, "blurred": blurred, "net": arm}, "net")
    assert result == (None if expected is None else pytest.approx(expected))
