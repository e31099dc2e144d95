import pytest

from detbench.pages.strips import Panel, Strip


@pytest.mark.parametrize(
    ("changes", "largest"),
    [((None, None), 0), ((None, 2, -1), 2), ((None, 1, -3), -3), ((None, -2, 2), 2), ((0, 0), 0)],
)
def test_the_largest_change_of_a_strip(changes: tuple[int | None, ...], largest: int) -> None:
    """Gain or loss, whichever is larger; of equals the gain; 0 where no panel has one."""
    panels = tuple(Panel("arm", "after", "", 4, 3, "", change=change) for change in changes)
    assert Strip("a.png", "", panels).change == largest
