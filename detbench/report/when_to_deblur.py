"""When to deblur, as sentences, table and plot: never, always, where the input's blur says so, where an oracle does."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from detbench.metrics.selective import Rule
from detbench.metrics.specs import METRICS
from detbench.pages.parts import Cell, Exhibit, Heading, KeyEntry, Row, Table
from detbench.pages.plot import FLOOR, Pen, inline_svg
from detbench.pages.text import UNDEFINED, amount, interval, percent, share, signed
from detbench.report.plots import Curve, Place, by_share
from detbench.report.tables import difference_cell
from detbench.results.schema import RunResult, SelectiveRestoration, Strategy, StrategyName
from detbench.types import Estimate

TITLE = "When to deblur"
_MAP = METRICS["map"]


@dataclass(frozen=True)
class WhenToDeblur:
    """A run's answers, one for each deblurrer, the numbers behind them, notes on how to read these, and the plot."""

    answers: tuple[str, ...]
    table: Table
    notes: tuple[str, ...]
    plot: Exhibit


def when_to_deblur(result: RunResult, pens: Mapping[str, Pen]) -> WhenToDeblur | None:
    """What a run says, in the order of its arms; None where no gate was computed. `pens` are by arm."""
    found = selective_in_order(result)
    if not found:
        return None
    table = Table("Deblurrer", _COLUMNS, tuple(row for each in found for row in _rows(each)))
    return WhenToDeblur(
        tuple(f"{selective_verdict(each)} Gated: {_numbers(each)}" for each in found),
        table,
        tuple(_notes(found)),
        _plot(found, pens),
    )


def selective_in_order(result: RunResult) -> list[SelectiveRestoration]:
    """Those of a result in the order of its arms."""
    by_name = {each.deblurrer: each for each in result.selective}
    return [by_name[arm.name] for arm in result.arms if arm.name in by_name]


def selective_verdict(each: SelectiveRestoration) -> str:
    """Whether a gate beats always and never in mAP per second, in one sentence."""
    if each.is_better:
        return (
            f"Gated beats always and never in mAP per second: deblur with {each.deblurrer} "
            f"{rule_in_words(each.rule, each.measure)}."
        )
    failed = [name for name, beats in (("never", each.beats_never), ("always", each.beats_always)) if not beats]
    return (
        f"A gate by {each.measure} is not shown to beat {' and '.join(failed)} in mAP per second with {each.deblurrer}."
    )


def _numbers(each: SelectiveRestoration) -> str:
    """Of gated: mAP, how far it is from never and from always, and what it saves."""
    gated = each.strategies["gated"]
    changes = " and ".join(_change_in_words(each, against) for against in ("never", "always"))
    return (
        f"mAP {_value(gated.map)}, {changes}; {percent(gated.share_restored)} of the pictures are deblurred"
        f"{_saved_in_words(each)}."
    )


def rule_in_words(rule: Rule, measure: str) -> str:
    """Which pictures are deblurred: only where blur_effect is at least .4312."""
    if rule.threshold is None:
        return "no picture" if rule.restores == "never" else "every picture"
    side = "at least" if rule.restores == "above" else "at most"
    return f"only where {measure} is {side} {rule.threshold:.4g}"


_COLUMNS = (
    Heading("mAP", "↑", _MAP.definition),
    Heading("Gated minus it", "mAP", "mAP of gated minus that of the row, over the same pictures"),
    Heading("Deblurred", "", "share of the pictures that are deblurred"),
    Heading("Time", "s/MP ↓", "time to restore, spread over the pixels of all pictures, deblurred or not"),
    Heading("Time saved", "", "against deblurring every picture"),
    Heading("mAP per second", "↑", "mAP gained over never, for each second a megapixel"),
)


def _rows(each: SelectiveRestoration) -> Iterator[Row]:
    for name, strategy in each.strategies.items():
        against = next((change for change in each.differences if change.against == name), None)
        cells = (
            Cell(_value(strategy.map), interval(_MAP, strategy.map, is_difference=False)),
            difference_cell(_MAP, against),
            Cell(percent(strategy.share_restored)),
            Cell(_amount(strategy.restore_s_per_mpix)),
            Cell(_percent(_saved(each, strategy))),
            _per_second(each, name),
        )
        yield Row(Heading(f"{each.deblurrer}, {name}"), cells)


def _per_second(each: SelectiveRestoration, name: StrategyName) -> Cell:
    value = each.strategies[name].map_per_s
    text = UNDEFINED if value is None else signed(_MAP, value)
    if name != "gated":
        return Cell(text)
    bounds = interval(_MAP, each.map_per_s, is_difference=True)
    return Cell(text, bounds and f"less always: {bounds}", tone="better" if each.beats_always else "")


def _notes(found: Sequence[SelectiveRestoration]) -> Iterator[str]:
    yield (
        f"Gated deblurs by {found[0].measure} of the input picture. Each picture is gated by the rule that gives the "
        "highest mAP on the other folds of ten, so the rule never saw it. Intervals take the choices as they are. The "
        "time of the measure itself is not counted."
    )
    yield (
        "The oracle takes whichever of the two pictures has the higher mAP by itself; of equal ones the one with the "
        "higher F1; of equal ones the blurred one. It knows the true boxes, so no gate can be built so."
    )
    for each in found:
        yield f"Rule for new pictures with {each.deblurrer}: deblur {rule_in_words(each.rule, each.measure)}."
        yield _break_even_in_words(each)


def _break_even_in_words(each: SelectiveRestoration) -> str:
    share_of_sharp = each.break_even
    if share_of_sharp.value is None:
        return f"No break-even share of sharp pictures for {each.deblurrer}: {each.no_break_even}."
    bounds = _percents(share_of_sharp)
    if not bounds:
        return f"No break-even share of sharp pictures is known for {each.deblurrer}: its gain or harm may be chance."
    return (
        f"Where more than {percent(share_of_sharp.value)} {bounds} of the pictures are sharp, deblurring all of them "
        f"with {each.deblurrer} costs more mAP than it brings: gain on blurred pictures against harm on sharp ones."
    )


def _percents(estimate: Estimate) -> str:
    if estimate.low is None or estimate.high is None:
        return ""
    return f"[{100 * estimate.low:.0f}, {100 * estimate.high:.0f}]"


def _plot(found: Sequence[SelectiveRestoration], pens: Mapping[str, Pen]) -> Exhibit:
    """The deblurrers' curves, and the strategies as points; never is the same one for all."""
    curves, places = list[Curve](), [_place(found[0], "never", FLOOR)]
    for each in found:
        shares, maps = zip(*each.curve, strict=True)
        curves.append(Curve(pens[each.deblurrer], shares, maps))
        places += _places(each, pens[each.deblurrer])
    note = (
        f"mAP as the threshold of {found[0].measure} moves from deblurring nothing to everything. The curve is over "
        "the pictures that it was drawn from; gated is cross-validated, so it may lie below its curve."
    )
    key = tuple(KeyEntry(each.deblurrer, pens[each.deblurrer], has_marker=True) for each in found)
    draw = by_share(curves, places, "share of the pictures that are deblurred", "mAP")
    words = f"Plot: {TITLE}. Its numbers are in the table above it."
    return Exhibit("mAP by the share that is deblurred", note, key, inline_svg("when-to-deblur", words, draw), None)


def _places(each: SelectiveRestoration, pen: Pen) -> Iterator[Place]:
    """Gated, always and oracle; those that restore the same share and find as much have one point and several names."""
    by_point: dict[tuple[float, float | None], list[Place]] = {}
    for place in (_place(each, name, pen) for name in ("gated", "always", "oracle")):
        by_point.setdefault((place.cost, place.gain.value), []).append(place)
    for places in by_point.values():
        yield replace(places[0], name=", ".join(place.name for place in places))


def _place(each: SelectiveRestoration, name: StrategyName, pen: Pen) -> Place:
    strategy = each.strategies[name]
    return Place(name, pen, strategy.share_restored, Estimate(strategy.map.value, strategy.map.n))


def _change_in_words(each: SelectiveRestoration, against: StrategyName) -> str:
    change = each.change(against)
    if change.difference.value is None:
        return f"not comparable with {against}"
    bounds = interval(_MAP, change.difference, is_difference=True)
    chance = "" if change.is_shown or not change.difference.value else ", may be chance,"
    number = f"{signed(_MAP, change.difference.value)} {bounds}".strip()
    return f"{number}{chance} against {against}"


def _saved_in_words(each: SelectiveRestoration) -> str:
    saved = _saved(each, each.strategies["gated"])
    return "" if saved is None else f", {percent(saved)} of the time is saved"


def _saved(each: SelectiveRestoration, strategy: Strategy) -> float | None:
    """The share of the time of deblurring everything that a strategy saves."""
    seconds, whole = strategy.restore_s_per_mpix, each.strategies["always"].restore_s_per_mpix
    return None if seconds is None or not whole else 1 - seconds / whole


def _value(estimate: Estimate) -> str:
    return UNDEFINED if estimate.value is None else share(estimate.value)


def _amount(value: float | None) -> str:
    return UNDEFINED if value is None else amount(value)


def _percent(value: float | None) -> str:
    return UNDEFINED if value is None else percent(value)
