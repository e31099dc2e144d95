"""The artefact alarms of a run in words, with the pictures to look at."""

from collections.abc import Collection
from dataclasses import dataclass

from detbench.metrics.image_metrics import metric_specs
from detbench.pages.text import metric_value, plural
from detbench.results.schema import Alarm, RunResult


@dataclass(frozen=True)
class AlarmLine:
    """What an alarm says, and the names of its worst pictures that the page shows, the worst first."""

    words: str
    pictures: tuple[str, ...]


def alarm_lines(result: RunResult) -> tuple[AlarmLine, ...]:
    """One line for each alarm, in the result's order."""
    return tuple(AlarmLine(alarm_words(alarm), _shown_names(alarm, result.shown)) for alarm in result.alarms)


def alarm_words(alarm: Alarm) -> str:
    """Such as: nafnet rings in 12 of 24 pictures; worst: test-003-1.jpg (4.10 levels, limit 3.00)."""
    spec = metric_specs().get(alarm.metric)
    if spec is None:  # of a package that is not installed here
        what, values = f"raises the alarm of {alarm.metric}", f"{alarm.worst_value:.2f}"
    else:
        what = spec.alarm
        unit = f" {spec.unit}" if spec.unit else ""
        limit = metric_value(spec, spec.alarm_from)
        values = f"{metric_value(spec, alarm.worst_value)}{unit}, limit {limit}"
    return (
        f"{alarm.arm} {what} in {alarm.pictures:,} of {plural(alarm.of, 'picture', 'pictures')}; "
        f"worst: {alarm.worst_names[0]} ({values})"
    )


def _shown_names(alarm: Alarm, shown: Collection[int]) -> tuple[str, ...]:
    return tuple(name for number, name in zip(alarm.worst_ids, alarm.worst_names, strict=True) if number in shown)
