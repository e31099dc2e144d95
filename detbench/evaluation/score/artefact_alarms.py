"""In which pictures a deblurrer leaves an artefact: a metric of single pictures that reaches its limit."""

from collections.abc import Iterator, Sequence

from detbench.core.arm import SHARP
from detbench.evaluation.measure.measured import ArmPicture, Rows
from detbench.metrics.image_metrics import image_metrics
from detbench.results.schema import Alarm
from detbench.types import MetricSpec

MOST_NAMED = 3
"""The pictures that an alarm names, the worst first."""


def alarms_of(rows: Rows) -> tuple[Alarm, ...]:
    """Every deblurrer's alarms, in the order of the arms and the metrics."""
    sharp = {row.sample.id: row for row in rows.get(SHARP, ())}
    specs = [metric.spec for metric in image_metrics().values() if metric.spec.alarm]
    found = (
        _alarm(arm.name, spec, of_arm, [row for row in of_arm if _is_reached(spec, row, sharp.get(row.sample.id))])
        for arm, of_arm in rows.items()
        if arm.is_restored_blurred
        for spec in specs
    )
    return tuple(alarm for alarms in found for alarm in alarms)


def _is_reached(spec: MetricSpec, row: ArmPicture, sharp: ArmPicture | None) -> bool:
    """Whether a picture's value is at the limit, and above what the sharp picture itself has, where there is one."""
    value, own = row.quality.get(spec.key), None if sharp is None else sharp.quality.get(spec.key)
    return value is not None and value >= spec.alarm_from and (own is None or value > own)


def _alarm(arm: str, spec: MetricSpec, rows: Sequence[ArmPicture], reached: Sequence[ArmPicture]) -> Iterator[Alarm]:
    if not reached:
        return
    worst = sorted(reached, key=lambda row: (-(row.quality.get(spec.key) or 0.0), row.sample.id))[:MOST_NAMED]
    yield Alarm(
        arm=arm,
        metric=spec.key,
        pictures=len(reached),
        of=len(rows),
        worst_ids=tuple(row.sample.id for row in worst),
        worst_names=tuple(row.sample.file_name for row in worst),
        worst_value=worst[0].quality.get(spec.key) or 0.0,
    )
