"""Tables of metrics: what each cell says, and which cells stand out."""

from collections.abc import Sequence
from dataclasses import replace
from difflib import get_close_matches

from detbench.metrics.image_metrics import metric_specs
from detbench.metrics.specs import AT_CONFIDENCE, CONFIDENCE, METRICS
from detbench.pages.parts import Cell, Heading, Row, Table, Tone
from detbench.pages.text import UNDEFINED, amount, arrow, interval, metric_value, plural, signed, with_p_value
from detbench.results.schema import ArmResult, Difference, EvaluatedData, RunResult, is_ahead
from detbench.types import Estimate, MetricSpec

TRAINED_WITH = "†"
"""Marks a deblurrer whose training loss contained the features of the detector that judges it here."""


def arm_name(arm: ArmResult) -> str:
    """An arm's name in a table, with its mark."""
    return f"{arm.name} {TRAINED_WITH}" if arm.trained_with_detector else arm.name


def trained_with_note(arms: Sequence[ArmResult]) -> str:
    """What the mark means, and which arms have it; empty where none has."""
    marked = ", ".join(dict.fromkeys(arm.name for arm in arms if arm.trained_with_detector))
    return marked and (
        f"{TRAINED_WITH} {marked}: its training loss contained the features of this detector. Judge it with another "
        "one too."
    )


def harm_note(result: RunResult) -> str:
    """Which pictures harm is over; empty where it is over all, or where there is none to measure."""
    if result.arm("sharp") is None:
        return ""
    if result.specification.get("harm") == "none":
        return "Harm was not measured: --harm sample measures it on every fourth sharp picture, --harm all on all."
    if result.harm_ids is None:
        return ""
    return (
        f"Harm is over {len(result.harm_ids)} of the {result.data.images} pictures, evenly spread. Both mAP that it is "
        "the difference of are over these alone. --harm all measures it on every picture."
    )


def missed_classes(data: EvaluatedData) -> list[str]:
    """The classes with true boxes that the detector does not know, each with the detector's that is spelt nearly so."""
    near = {
        name: get_close_matches(name, data.unmatched_detector_classes, n=1) for name in data.unmatched_dataset_classes
    }
    return [f"{name} (the detector has {found[0]})" if found else name for name, found in near.items()]


def shown_specs(arms: Sequence[ArmResult]) -> tuple[MetricSpec, ...]:
    """The metrics that at least one arm has."""
    return tuple(spec for key, spec in metric_specs().items() if any(key in arm.metrics for arm in arms))


def main_specs(arms: Sequence[ArmResult]) -> tuple[MetricSpec, ...]:
    """Those that are shown first; all others stand in the folded part."""
    return tuple(spec for spec in shown_specs(arms) if spec.in_main_table)


def metric_heading(spec: MetricSpec) -> Heading:
    """A metric's title with its unit, or the confidence that it is at, and the way that is better."""
    unit = f"at {CONFIDENCE:g}" if spec.key in AT_CONFIDENCE else spec.unit
    return Heading(spec.title, f"{unit} {arrow(spec)}".strip(), f"{spec.definition}; {spec.better} is better")


def arm_table(arms: Sequence[ArmResult], specs: Sequence[MetricSpec], differences: Sequence[Difference]) -> Table:
    """Arms × metrics. The best of each metric stands out where `differences` show that it is ahead of all others, the
    sharp arm aside: it is the ceiling.
    """
    best = {spec.key: _best_arm(spec, arms, differences) for spec in specs}
    known = {(arm.kind, key) for arm in arms for key in arm.metrics}

    def cell(arm: ArmResult, spec: MetricSpec) -> Cell:
        if spec.key not in arm.metrics and spec.is_paired and (arm.kind, spec.key) in known:
            return _undefined(spec)  # of a run that was made before the metric was
        return value_cell(spec, arm.metrics.get(spec.key), best=arm.name == best[spec.key])

    def row(arm: ArmResult) -> Row:
        return Row(Heading(arm_name(arm)), tuple(cell(arm, spec) for spec in specs))

    return Table("Arm", tuple(metric_heading(spec) for spec in specs), tuple(row(arm) for arm in arms))


def difference_table(result: RunResult, specs: Sequence[MetricSpec]) -> Table:
    """Deblurrers × those of the metrics that can be told apart from the blurred arm's; what is shown has a tone."""
    found = {(each.arm, each.metric): each for each in result.differences if each.against == "blurred"}
    shown = [spec for spec in specs if any(metric == spec.key for _, metric in found)]
    rows = (
        Row(Heading(arm_name(arm)), tuple(difference_cell(spec, found.get((arm.name, spec.key))) for spec in shown))
        for arm in result.arms
        if arm.kind == "deblurrer"
    )
    return Table("Arm", tuple(metric_heading(spec) for spec in shown), tuple(rows))


def cost_table(result: RunResult, picture_size: str) -> Table:
    """Deblurrers × what they gain and cost, with pictures per second at the run's own size of pictures."""
    arms = [arm for arm in result.arms if arm.kind == "deblurrer"]
    known = [spec for spec in shown_specs(arms) if not spec.is_paired]
    times = [spec for spec in known if spec.key in ("restore_ms_p50", "restore_ms_p95")]
    gains, costs = difference_table(result, [METRICS["map"]]), arm_table(arms, known, result.differences)
    rates = tuple(Heading("Deblurrer alone", f"pictures/s, {spec.key[-3:]}, {picture_size} ↑") for spec in times)
    gained = tuple(replace(heading, text=f"{heading.text} gained") for heading in gains.columns)
    rows = (
        Row(gain.heading, (*gain.cells, *cost.cells, *(_rate_cell(arm.metrics.get(spec.key)) for spec in times)))
        for arm, gain, cost in zip(arms, gains.rows, costs.rows, strict=True)
    )
    return Table("Deblurrer", (*gained, *costs.columns, *rates), tuple(rows))


def _rate_cell(milliseconds: Estimate | None) -> Cell:
    """How many pictures a second has room for, restored one after the other."""
    value = None if milliseconds is None else milliseconds.value
    return Cell(UNDEFINED if not value else amount(1000 / value))


def value_cell(spec: MetricSpec, estimate: Estimate | None, best: bool = False) -> Cell:
    """One metric of one arm, standing out where it is `best`; empty where the arm has no such metric."""
    if estimate is None:
        return Cell("")
    if estimate.value is None:
        return _undefined(spec)
    return Cell(
        metric_value(spec, estimate.value),
        interval(spec, estimate, is_difference=False),
        f"{spec.title} over {plural(estimate.n, 'picture', 'pictures')}",
        best=best,
    )


def _best_arm(spec: MetricSpec, arms: Sequence[ArmResult], differences: Sequence[Difference]) -> str | None:
    """The arm below the ceiling that is ahead of all others by more than chance; None where none is."""
    having = [arm.name for arm in arms if arm.kind != "sharp" and spec.key in arm.metrics]
    ahead = (
        name
        for name in having
        if len(having) > 1 and all(is_ahead(differences, name, other, spec) for other in having if other != name)
    )
    return next(ahead, None)


def difference_cell(spec: MetricSpec, difference: Difference | None) -> Cell:
    """A difference with its interval and p-values, in colour where it is shown; empty where there is none."""
    if difference is None:
        return Cell("")
    estimate = difference.difference
    if estimate.value is None:
        return _undefined(spec)
    return Cell(
        signed(spec, estimate.value),
        with_p_value(interval(spec, estimate, is_difference=True), difference.p_value, difference.p_holm),
        f"{difference.arm} minus {difference.against}, over {plural(estimate.n, 'picture', 'pictures')}",
        tone=tone(spec, estimate.value, difference.is_shown),
    )


def tone(spec: MetricSpec, change: float, is_shown: bool) -> Tone:
    """Which way a difference of a metric points; none where it may be chance or rounds to nothing."""
    if not is_shown or metric_value(spec, abs(change)) == metric_value(spec, 0):
        return ""
    return "better" if spec.sign * change > 0 else "worse"


def _undefined(spec: MetricSpec) -> Cell:
    return Cell(UNDEFINED, title=f"{spec.title} is undefined here")
