"""Does deblurring help? One sentence per deblurrer, from its mAP and those of the blurred and the sharp arm."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from detbench.metrics.claims import FEWEST_PICTURES
from detbench.metrics.power import pictures_to_show
from detbench.metrics.specs import METRICS
from detbench.pages.text import interval, joined, percent, share, with_p_value
from detbench.results.schema import ArmResult, Difference, RunResult, is_ahead


@dataclass(frozen=True)
class ArmVerdict:
    """What a deblurrer does to the detector, in words, and the mAPs behind them: blurred → restored of sharp."""

    arm: str
    words: str
    numbers: str

    @property
    def sentence(self) -> str:
        """Words and numbers in one."""
        return f"{self.words} ({self.numbers})"


def verdicts(result: RunResult) -> tuple[ArmVerdict, ...]:
    """One verdict per deblurrer: the highest mAP first, those that change nothing after those that do, then those that
    failed.
    """
    before = _map_of(result.arm("blurred"))

    def order(arm: ArmResult) -> tuple[bool, float]:
        value = _map_of(arm)
        return value is None or value == before, -(value or 0)

    deblurrers = sorted((arm for arm in result.arms if arm.kind == "deblurrer"), key=order)
    failed = (ArmVerdict(arm, f"{arm} failed and has no numbers", reason) for arm, reason in result.failed.items())
    return (*(_verdict(result, arm, before) for arm in deblurrers), *failed)


def verdict_sentences(result: RunResult) -> tuple[str, ...]:
    """The verdicts and, of several deblurrers, which leads; without full stops."""
    sentences = (verdict.sentence for verdict in verdicts(result))
    return (*sentences, *filter(None, [leader(result)]))


def leader(result: RunResult) -> str:
    """Which deblurrer leads by mAP, or that none does; empty for one deblurrer, and where nothing can be told."""
    values = {_named(arm): _map_of(arm) for arm in result.arms if arm.kind == "deblurrer"}
    names = {_named(arm): arm.name for arm in result.arms}
    ranked = sorted((name for name in values if values[name] is not None), key=lambda name: -(values[name] or 0))
    if result.data.images < FEWEST_PICTURES:
        return ""
    return leader_in_words(
        ranked, lambda one, other: is_ahead(result.differences, names[one], names[other], METRICS["map"])
    )


def leader_in_words(ranked: Sequence[str], is_ahead: Callable[[str, str], bool]) -> str:
    """The first of those `ranked`, if it is ahead of every other by more than chance; empty for fewer than two."""
    if len(ranked) < 2:
        return ""
    equal = [name for name in ranked[1:] if not is_ahead(ranked[0], name)]
    return f"No one leads: {joined([ranked[0], *equal])} may be equal" if equal else f"{ranked[0]} leads"


def _verdict(result: RunResult, arm: ArmResult, before: float | None) -> ArmVerdict:
    after, ceiling, change = _map_of(arm), _map_of(result.arm("sharp")), result.change(arm.name, "blurred")
    if before is None or after is None or change is None:
        return ArmVerdict(arm.name, f"There is no verdict on {arm.name}", "undefined: there are no true boxes to find")
    bounds = interval(METRICS["map"], change.difference, is_difference=True)
    difference = with_p_value(f"difference {bounds}", change.p_value, change.p_holm) if bounds else ""
    of_sharp = "" if ceiling is None else f" of {share(ceiling)}"
    return ArmVerdict(
        arm.name,
        _words(result, arm, change, after - before),
        f"{share(before)} → {share(after)}{of_sharp}{difference and f'; {difference}'}",
    )


def _words(result: RunResult, arm: ArmResult, change: Difference, gain: float) -> str:
    named, pictures = _named(arm), result.data.images
    if pictures < FEWEST_PICTURES:
        return f"Too few pictures to tell ({pictures}) what {named} changes{_enough(change)}"
    if gain == 0 or change.is_shown:
        return _shown_words(result, arm, gain)
    amount = f"its {'gain' if gain > 0 else 'loss'} of {_amount(gain)} mAP"
    if change.p_value is None or change.difference.low is None:
        return f"Whether {named} helps is not known: without interval and p-value, {amount} may be chance"
    return f"Whether {named} helps is not known: {amount} may be chance{_enough(change)}"


def _enough(change: Difference) -> str:
    """How many pictures would do."""
    pictures = pictures_to_show(change.difference)
    return "" if pictures is None else f"; about {pictures:,} pictures would show it, if it is real"


def _shown_words(result: RunResult, arm: ArmResult, gain: float) -> str:
    """What a change that is no chance means; the share of what blur costs only where that is no chance either."""
    named, cost = _named(arm), result.change("blurred", "sharp")
    changes = f"{named} {_change_in_words(gain)}"
    if cost is None or cost.difference.value is None:
        return changes
    if cost.difference.value >= 0:
        return f"Blur costs no mAP here, so there is nothing to recover; {changes}"
    if not cost.is_shown:
        return f"What blur costs here may be chance, so no share is given; {changes}"
    recovered = arm.metrics.get("gap_recovered")
    if gain > 0 and recovered is not None and recovered.value is not None:
        part = "less than 1\N{NO-BREAK SPACE}%" if recovered.value < 0.005 else percent(recovered.value)
        bounds = interval(METRICS["gap_recovered"], recovered, is_difference=False)
        return f"{named} recovers {part}{bounds and f' {bounds}'} of the mAP that blur costs"
    return f"{changes} on top of what blur costs" if gain < 0 else changes


def _named(arm: ArmResult) -> str:
    """The deblurrer's name, and what gives it an advantage: this detector in its training loss, or the true kernel."""
    if arm.trained_with_detector:
        return f"{arm.name} (trained with this detector)"
    return f"{arm.name} (told the kernel)" if arm.told_kernel else arm.name


def _change_in_words(gain: float) -> str:
    return "leaves mAP as it is" if gain == 0 else f"{'gains' if gain > 0 else 'loses'} {_amount(gain)} mAP"


def _amount(gain: float) -> str:
    return share(abs(gain)) if abs(gain) >= 0.0005 else "less than .001"


def _map_of(arm: ArmResult | None) -> float | None:
    return arm.metrics["map"].value if arm is not None and "map" in arm.metrics else None
