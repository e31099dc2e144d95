"""detbench.report.alarms: artefact alarms in words, with links to the pictures that are shown."""

from collections.abc import Callable
from dataclasses import replace

from detbench.report.alarms import alarm_lines, alarm_words
from detbench.results.schema import Alarm, RunResult

RINGING = Alarm("wiener", "ringing", 12, 24, (3, 1), ("test-003-1.jpg", "test-001-1.jpg"), 4.104)


def test_an_alarm_says_who_does_what_where() -> None:
    """Deblurrer, artefact, how many pictures, the worst one, its value and the limit."""
    assert alarm_words(RINGING) == (
        "wiener rings in 12 of 24 pictures; worst: test-003-1.jpg (4.10 levels, limit 3.00)"
    )


def test_a_metric_that_is_not_installed_is_named() -> None:
    """A run of another machine still opens."""
    assert alarm_words(replace(RINGING, metric="moire")).startswith("wiener raises the alarm of moire in 12 of 24")


def test_only_shown_pictures_are_linked(result: Callable[..., RunResult]) -> None:
    """A link to a picture that the page does not have would lead nowhere."""
    run = replace(result(maps={"blurred": 0.2, "wiener": 0.3}), alarms=(RINGING,), shown=(1, 2))
    assert alarm_lines(run)[0].pictures == ("test-001-1.jpg",)
