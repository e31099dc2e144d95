"""The plots of a report: each question as a plot, and the table behind it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import pandas as pd

from detbench.metrics.error_kinds import BACKGROUND_IOU, FOREGROUND_IOU, KINDS
from detbench.metrics.specs import CONFIDENCE, MATCH_IOU, METRICS
from detbench.pages.parts import Exhibit, KeyEntry, Table
from detbench.pages.plot import HEIGHT_IN, PLAIN, Pen, inline_svg
from detbench.pages.text import metric_value
from detbench.report.changes import (
    PSNR_GROUPS,
    Change,
    change_shares,
    change_table,
    changes_of,
    groups_by_psnr,
    psnr_table,
    rho_in_words,
)
from detbench.report.error_tables import (
    class_table,
    error_table,
    operating_table,
    precision_recall_table,
    sweep_table,
)
from detbench.report.figures import SIZES
from detbench.report.plots import (
    BUDGET,
    FRONT,
    Cloud,
    Curve,
    Draw,
    Place,
    Points,
    by_category,
    clouds,
    curves,
    down_categories,
    gains,
    histogram,
    pareto,
    pens,
)
from detbench.report.severity import (
    FEWEST_FOR_A_BAR,
    gains_of,
    map_by_blur,
    recall_by_relative_blur,
    response_plot,
    response_table,
    severity_bins,
    severity_table,
)
from detbench.report.tables import arm_table, cost_table
from detbench.results.analysis_schema import ArmAnalysis
from detbench.results.schema import ArmResult, RunResult
from detbench.types import Estimate

_LEAST_SECONDS = 1e-4
"""A logarithmic axis begins somewhere; `identity` takes less."""
_MOST_CLASSES = 14


@dataclass(frozen=True, eq=False)
class RunEvidence:
    """What the plots are drawn from: the result, `analysis.json` and `images.csv`; `budget` is the largest time for a
    megapixel that will do, in seconds.
    """

    result: RunResult
    analysis: Mapping[str, ArmAnalysis]
    images: pd.DataFrame
    budget: float | None = None

    @property
    def pens(self) -> Mapping[str, Pen]:
        """Each arm's pen."""
        return pens(self.result.arms)

    @property
    def changes(self) -> Mapping[str, Change]:
        """What each deblurrer changed, picture by picture."""
        return changes_of(self.images, [arm.name for arm in self.result.arms if arm.kind == "deblurrer"])


def exhibits_of(evidence: RunEvidence) -> tuple[Exhibit, ...]:
    """Every plot that the run has the numbers for.

    Raises KeyError or ValueError where `analysis.json` is not as a run writes it.
    """
    makers = (
        _cost, _by_blur, _gain_by_blur, _by_size, _by_class, _errors, _precision_recall, _sweep, _own_confidence,
        _distribution, _psnr,
    )  # fmt: skip
    return tuple(made for maker in makers for made in maker(evidence))


def _cost(evidence: RunEvidence) -> Iterator[Exhibit]:
    result, budget = evidence.result, evidence.budget
    places = list(_places(evidence))
    if not places:
        return
    cost = result.change("blurred", "sharp")
    ceiling = None if cost is None or cost.difference.value is None else -cost.difference.value
    draw = pareto(places, ceiling, "seconds per megapixel", "mAP gained", budget)
    grey = "Grey: may be chance" if budget is None else "Grey: may be chance, or slower than the budget"
    note = f"mAP of each deblurrer minus blurred, and its time. {grey}. The ceiling is the gain of sharp pictures."
    lines = [KeyEntry("the best gain for the time, or less", FRONT)]
    if budget is not None:
        lines.append(KeyEntry(f"budget: {budget:g} s per megapixel", BUDGET))
    key = (*(KeyEntry(place.name, place.pen, True, _on_device(result.arm(place.name))) for place in places), *lines)
    table = cost_table(result, _picture_size(evidence.images))
    yield _exhibit("Quality against restoration time", note, key, draw, table)


def _on_device(arm: ArmResult | None) -> str:
    """What a deblurrer takes of the machine that measured it, in words: pictures a second with the detector, memory."""
    specs = {"fps_p50": "with detector", "restore_peak_mib": "of memory"}
    found = {key: arm.metrics.get(key) for key in specs} if arm else {}
    return ", ".join(
        f"{metric_value(METRICS[key], estimate.value)} {METRICS[key].unit} {specs[key]}"
        for key, estimate in found.items()
        if estimate is not None and estimate.value is not None
    )


def _places(evidence: RunEvidence) -> Iterator[Place]:
    """The deblurrers whose gain and time are known."""
    for arm in evidence.result.arms:
        seconds, change = _seconds(arm), evidence.result.change(arm.name, "blurred")
        if seconds is None or change is None or change.difference.value is None:
            continue
        is_affordable = evidence.budget is None or seconds <= evidence.budget
        pen = evidence.pens[arm.name]
        drawn = pen if change.is_shown and is_affordable else replace(pen, colour=PLAIN)
        yield Place(arm.name, drawn, max(seconds, _LEAST_SECONDS), change.difference, is_affordable)


def _picture_size(images: pd.DataFrame) -> str:
    """The size of the run's pictures in pixels, if it is one."""
    sizes = images[["width", "height"]].drop_duplicates()
    if len(sizes) != 1:
        return "all sizes"
    width, height = sizes.to_numpy()[0]
    return f"{width}×{height} px"


def _seconds(arm: ArmResult) -> float | None:
    """What a megapixel takes, where it was measured."""
    estimate = arm.metrics.get("restore_s_per_mpix")
    return None if estimate is None else estimate.value


def _by_blur(evidence: RunEvidence) -> Iterator[Exhibit]:
    few = f"Hollow: fewer than {FEWEST_FOR_A_BAR} pictures, so no interval. A line ends at an empty bin."
    if bins := map_by_blur(evidence.analysis):
        note = f"mAP over the pictures whose blur has this length; n pictures. {few}"
        draw = response_plot(bins, evidence.pens, "length of the blur, px", "mAP")
        yield _exhibit("By severity of the blur", note, _key(evidence), draw, response_table(bins, METRICS["map"]))
    if bins := recall_by_relative_blur(evidence.analysis):
        note = (
            "Length of the blur divided by the square root of the true box’s area: from 100 % on the blur is longer "
            f"than the object. Recall over these n objects, at confidence {CONFIDENCE:g} and IoU {MATCH_IOU:g}. {few}"
        )
        draw = response_plot(bins, evidence.pens, "blur in percent of the object's size", "recall")
        table = response_table(bins, METRICS["recall"])
        yield _exhibit("By blur beside the size of the object", note, _key(evidence), draw, table)


def _gain_by_blur(evidence: RunEvidence) -> Iterator[Exhibit]:
    found = gains_of(evidence.images, evidence.changes)
    bins = severity_bins(evidence.images, found)
    if not bins:
        return
    drawn = [
        Cloud(evidence.pens[arm], *gain.thinned(), [each.means[arm] for each in bins if arm in each.means])
        for arm, gain in found.items()
    ]
    note = (
        "Each point is a picture, each line the means of four groups: from the quarter of the pictures with the "
        "weakest blur to the quarter with the strongest. Above 0 the picture came closer to the sharp one."
    )
    given_kernel = {arm.name for arm in evidence.result.arms if arm.told_kernel}
    key = tuple(
        KeyEntry(arm, evidence.pens[arm], True, "told the kernel" if arm in given_kernel else "") for arm in found
    )
    draw = gains(drawn, "severity of the blur, px", "PSNR gained, dB")
    yield _exhibit("What deblurring brings by severity of blur", note, key, draw, severity_table(bins, list(found)))


def _by_size(evidence: RunEvidence) -> Iterator[Exhibit]:
    specs = tuple(METRICS[f"map_{size}"] for size in SIZES)
    arms = [arm for arm in evidence.result.arms if any(_is_defined(arm, spec.key) for spec in specs)]
    if not arms:
        return
    series = [Points(evidence.pens[arm.name], [arm.metrics.get(spec.key) for spec in specs]) for arm in arms]
    table = arm_table(evidence.result.arms, specs, evidence.result.differences).transposed("Size")
    note = "COCO's sizes: small below 32², large above 96² square pixels."
    yield _exhibit("By size of the object", note, _key(evidence), by_category(SIZES, series, "mAP"), table)


def _by_class(evidence: RunEvidence) -> Iterator[Exhibit]:
    boxes = {name: each.boxes for name, each in next(iter(evidence.analysis.values())).classes.items()}
    names = sorted((name for name in boxes if boxes[name]), key=lambda name: (-boxes[name], name))
    shown = names[:_MOST_CLASSES]
    if not shown:
        return
    series = [
        Points(evidence.pens[arm], [record.classes[name].map for name in shown])
        for arm, record in evidence.analysis.items()
    ]
    left_out = f" The {len(shown)} with most boxes; the table has all." if len(names) > len(shown) else ""
    draw = down_categories(shown, series, "mAP")
    note = f"Classes by how many boxes they have.{left_out}"
    table = class_table(evidence.analysis)
    yield _exhibit("By class", note, _key(evidence), draw, table, _height_in(len(shown), len(series)))


def _errors(evidence: RunEvidence) -> Iterator[Exhibit]:
    series = [
        Points(evidence.pens[arm], [Estimate(record.errors[kind].cost, 0) for kind in KINDS])
        for arm, record in evidence.analysis.items()
    ]
    note = (
        "The mAP50 that would be gained if the errors of one kind alone were put right (after TIDE). A box meets a "
        f"true one from IoU {FOREGROUND_IOU:g} on and none below {BACKGROUND_IOU:g}."
    )
    draw = down_categories(list(KINDS), series, "mAP50 lost")
    table = error_table(evidence.analysis)
    yield _exhibit(
        "What each kind of error costs", note, _key(evidence), draw, table, _height_in(len(KINDS), len(series))
    )


def _precision_recall(evidence: RunEvidence) -> Iterator[Exhibit]:
    found = {arm: record.precision_recall for arm, record in evidence.analysis.items()}
    drawn = [
        Curve(evidence.pens[arm], [step / 100 for step in range(101)], curve)
        for arm, curve in found.items()
        if curve is not None
    ]
    table = precision_recall_table(evidence.analysis)
    if drawn:
        note = "IoU .5, mean over classes, interpolated as COCO does; 0 where the recall is never reached."
        draw = curves({"": drawn}, "recall", "precision")
        yield _exhibit("Precision and recall", note, _key(evidence, has_markers=False), draw, table)


def _sweep(evidence: RunEvidence) -> Iterator[Exhibit]:
    panels = {
        title: [
            Curve(
                evidence.pens[arm],
                [point.confidence for point in record.confidence_sweep],
                [getattr(point, key) for point in record.confidence_sweep],
            )
            for arm, record in evidence.analysis.items()
        ]
        for title, key in (("precision", "precision"), ("recall", "recall"), ("F1", "f1"))
    }
    note = f"IoU .5. Dashed: {CONFIDENCE:g}, the confidence everywhere else in this report."
    draw = curves(panels, "confidence from which a box counts", "", CONFIDENCE)
    key = _key(evidence, has_markers=False)
    yield _exhibit("At other confidences", note, key, draw, sweep_table(evidence.analysis))


def _own_confidence(evidence: RunEvidence) -> Iterator[Exhibit]:
    records = {arm: record.operating_point for arm, record in evidence.analysis.items()}
    points = {arm: point for arm, point in records.items() if point is not None}
    if not points:  # the run is older than these numbers
        return
    drawn = []
    for arm, point in points.items():
        filled = [each for each in point.calibration if each.mean_confidence is not None]
        confidences = [each.mean_confidence or 0.0 for each in filled]
        drawn.append(Curve(evidence.pens[arm], confidences, [each.true_share for each in filled]))
    note = (
        "Restoration moves confidences, so one confidence for all compares unlike points. IoU .5. Where confidences "
        "are shares of true boxes, the curve is the diagonal."
    )
    draw = curves({"": drawn}, "confidence", "share of true boxes")
    key = _key(evidence, has_markers=False)
    yield _exhibit("Each arm at its own confidence", note, key, draw, operating_table(points))


def _distribution(evidence: RunEvidence) -> Iterator[Exhibit]:
    changes = evidence.changes
    if not changes:
        return
    shares = change_shares(changes)
    drawn = {
        number: [(evidence.pens[arm], share) for arm, share in zip(changes, found, strict=True)]
        for number, found in shares.items()
    }
    note = f"True boxes found at confidence {CONFIDENCE:g}, the deblurrer’s less the blurred arm’s, picture by picture."
    draw = histogram(drawn, "true boxes gained in a picture")
    key = tuple(KeyEntry(arm, evidence.pens[arm]) for arm in changes)
    yield _exhibit("What happens to single pictures", note, key, draw, change_table(changes))


def _psnr(evidence: RunEvidence) -> Iterator[Exhibit]:
    changes = {arm: change for arm, change in evidence.changes.items() if change.is_measured}
    if not changes:
        return
    drawn = [
        Cloud(
            evidence.pens[arm],
            *change.thinned(),
            [(group.psnr_db, group.boxes) for group in groups_by_psnr(change)],
        )
        for arm, change in changes.items()
    ]
    note = (
        f"Each point a picture, the line the means of {PSNR_GROUPS} equal groups. ρ is the rank correlation: does a "
        "better picture make a better detection?"
    )
    key = tuple(KeyEntry(arm, evidence.pens[arm], True, rho_in_words(change)) for arm, change in changes.items())
    draw = clouds(drawn, "PSNR gained, dB", "true boxes gained in a picture")
    yield _exhibit("PSNR against detection", note, key, draw, psnr_table(changes))


def _exhibit(
    title: str, note: str, key: tuple[KeyEntry, ...], draw: Draw, table: Table, height_in: float = HEIGHT_IN
) -> Exhibit:
    words, name = f"Plot: {title}. Its numbers are in the table below it.", title.lower().replace(" ", "-")
    return Exhibit(title, note, key, inline_svg(name, words, draw, height_in), table)


def _key(evidence: RunEvidence, has_markers: bool = True) -> tuple[KeyEntry, ...]:
    """Every arm with its pen."""
    return tuple(KeyEntry(arm, pen, has_markers) for arm, pen in evidence.pens.items())


def _height_in(categories: int, series: int) -> float:
    """Of a plot of categories from top to bottom: the axis, and for each a line that its points have room in."""
    return 0.75 + categories * max(0.3, 0.065 * series)


def _is_defined(arm: ArmResult, key: str) -> bool:
    return key in arm.metrics and arm.metrics[key].value is not None
