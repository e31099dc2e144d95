"""The top of a report: the answer in one sentence, three numbers, and the picture that shows it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from detbench.metrics.specs import METRICS
from detbench.pages.parts import Tone
from detbench.pages.strips import Mark, Panel, Strip
from detbench.pages.text import UNDEFINED, amount, interval, metric_value, percent, plural, share, signed, with_p_value
from detbench.report.tables import tone
from detbench.report.verdict import ArmVerdict
from detbench.results.schema import ArmResult, RunResult

_FOUND = ("found", "regained")
_TRUE = (*_FOUND, "missed", "lost")
_LEAST_CROP = 0.5
"""A crop keeps this share of the picture's width at least, so that one sees where it is."""
_MARGIN = 0.06
"""Of a crop around its boxes, as a share of the picture's width."""


@dataclass(frozen=True)
class Tile:
    """One number with its title, what belongs to it, and its direction where it is shown."""

    title: str
    value: str
    note: str
    tone: Tone = ""


@dataclass(frozen=True)
class Gauge:
    """The gap that blur opens: where floor, arm and ceiling stand, in percents of the width, and what they score."""

    floor: float
    arm: float
    ceiling: float
    floor_text: str
    arm_text: str
    ceiling_text: str


@dataclass(frozen=True)
class Crop:
    """A part of one picture, blurred, restored and sharp: left, top, width and height in pixels, and what was found."""

    title: str
    words: str
    panels: tuple[Panel, ...]
    left: float
    top: float
    width: float
    height: float


@dataclass(frozen=True)
class Decision:
    """What the first deblurrer's verdict rests on; no gauge without a ceiling, no crop where nothing is claimed."""

    verdict: ArmVerdict
    tiles: tuple[Tile, ...]
    gauge: Gauge | None
    crop: Crop | None


def decision_of(result: RunResult, verdict: ArmVerdict, made: Sequence[Strip], budget: float | None) -> Decision:
    """The decision about the deblurrer of `verdict`; `made` are the pictures that the report shows.

    `budget` is the largest time for a megapixel that will do, in seconds.
    """
    arm = result.arm(verdict.arm)
    if arm is None:  # it failed
        return Decision(verdict, (), None, None)
    return Decision(verdict, tuple(_tiles(result, arm, budget)), _gauge(result, arm), _crop(verdict, made))


def _tiles(result: RunResult, arm: ArmResult, budget: float | None) -> Iterator[Tile]:
    yield _gain(result, arm)
    cost = arm.metrics.get("restore_s_per_mpix")
    if cost is not None and cost.value is not None:
        yield Tile("cost", f"{amount(cost.value)} s", _cost_note(arm, cost.value, budget))
    harm = arm.metrics.get("harm")
    if harm is not None and harm.value is not None:
        spec = METRICS["harm"]
        bounds = interval(spec, harm, is_difference=False)
        yield Tile("harm", f"{metric_value(spec, harm.value)} mAP", f"{bounds} lost on pictures that are sharp".strip())


def _gain(result: RunResult, arm: ArmResult) -> Tile:
    spec, change = METRICS["map"], result.change(arm.name, "blurred")
    if change is None or change.difference.value is None:
        return Tile("gain", UNDEFINED, "there are no true boxes to find")
    estimate = change.difference
    bounds = with_p_value(interval(spec, estimate, is_difference=True), change.p_value, change.p_holm)
    over = f"over {plural(estimate.n, 'picture', 'pictures')}"
    direction = tone(spec, change.difference.value, change.is_shown)
    return Tile("gain", f"{signed(spec, change.difference.value)} mAP", f"{bounds} {over}".strip(), direction)


def _cost_note(arm: ArmResult, seconds: float, budget: float | None) -> str:
    """What the seconds are for, how many pictures a second that is, and whether it is within the budget."""
    median = arm.metrics.get("restore_ms_p50")
    parts = ["per megapixel"]
    if median is not None and median.value:
        parts.append(f"{amount(1000 / median.value)} pictures per second here (median)")
    if budget is not None:
        parts.append(f"{'within' if seconds <= budget else 'over'} the budget of {budget:g}")
    return "; ".join(parts)


def _gauge(result: RunResult, arm: ArmResult) -> Gauge | None:
    arms = (result.arm("blurred"), arm, result.arm("sharp"))
    values = [each.metrics["map"].value for each in arms if each is not None and "map" in each.metrics]
    known = [value for value in values if value is not None]
    if len(known) < len(arms) or known[0] >= known[2]:
        return None
    low, high = min(known), max(known)
    floor, at, ceiling = (round(100 * (value - low) / (high - low), 2) for value in known)
    gap = arm.metrics.get("gap_recovered")
    recovered = "" if gap is None or gap.value is None else f", {percent(gap.value)} of the gap"
    return Gauge(floor, at, ceiling, share(known[0]), f"{share(known[1])}{recovered}", share(known[2]))


def _crop(verdict: ArmVerdict, made: Sequence[Strip]) -> Crop | None:
    """The picture in which most true boxes changed the way the verdict says; of equals the first."""
    direction = {"yes": 1, "no": -1, "unknown": 0}[verdict.answer]
    panels = {index: panel for index, strip in enumerate(made) for panel in strip.panels if panel.title == verdict.arm}
    best = max(panels, key=lambda index: direction * (panels[index].change or 0), default=None)
    if best is None or direction * (panels[best].change or 0) <= 0:
        return None
    strip, restored = made[best], panels[best]
    shown = [panel for panel in strip.panels if panel is restored or panel.role != "after"]
    left, top, width, height = _window(restored)
    before, after = (sum(mark.kind in _FOUND for mark in panel.marks) for panel in (shown[0], restored))
    true = sum(mark.kind in _TRUE for mark in restored.marks)
    words = f"found {before} → {after} of {true}"
    return Crop(strip.title, words, tuple(replace(panel, labels=()) for panel in shown), left, top, width, height)


def _window(panel: Panel) -> tuple[float, float, float, float]:
    """Left, top, width and height of the smallest part, shaped as the picture, that shows the boxes that changed."""
    changed = [mark for mark in panel.marks if mark.kind in ("regained", "lost")]
    margin = _MARGIN * panel.width
    left, top = min(mark.x for mark in changed) - margin, min(mark.y for mark in changed) - margin
    right, bottom = _right(changed) + margin, _bottom(changed) + margin
    scale = max((right - left) / panel.width, (bottom - top) / panel.height, _LEAST_CROP)
    width, height = min(scale, 1.0) * panel.width, min(scale, 1.0) * panel.height
    x = min(max((left + right - width) / 2, 0.0), panel.width - width)
    y = min(max((top + bottom - height) / 2, 0.0), panel.height - height)
    return round(x, 1), round(y, 1), round(width, 1), round(height, 1)


def _right(marks: Sequence[Mark]) -> float:
    return max(mark.x + mark.width for mark in marks)


def _bottom(marks: Sequence[Mark]) -> float:
    return max(mark.y + mark.height for mark in marks)
