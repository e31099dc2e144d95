"""Does deblurring help? One sentence per deblurrer, from its mAP and those of the blurred and the sharp arm."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from detbench.metrics.claims import FEWEST_PICTURES
from detbench.metrics.power import pictures_to_show
from detbench.metrics.specs import METRICS
from detbench.pages.text import amount, interval, joined, percent, share, with_p_value
from detbench.results.schema import ArmResult, Difference, RunResult, is_ahead

Answer = Literal["yes", "no", "unknown"]
"""Does this deblurrer help? No claim, no answer."""

_LEAST_SAID = 0.0005
"""Smaller changes of a share round to nothing."""

_LITTLE = 0.25
"""Below this share of what blur costs, a gain is called a little one."""


@dataclass(frozen=True)
class ArmVerdict:
    """What a deblurrer does to the detector, in words, and the mAPs behind them: blurred → restored of sharp.

    `decision` is the answer as a sentence for who reads nothing else; `words` follow it. `sentence` stands alone: it
    holds words and numbers, and what gives the deblurrer an advantage.
    """

    arm: str
    words: str
    numbers: str
    answer: Answer
    decision: str
    sentence: str


def verdicts(result: RunResult) -> tuple[ArmVerdict, ...]:
    """One verdict per deblurrer: the highest mAP first, those that change nothing after those that do, then those that
    failed.
    """
    before = _map_of(result.arm("blurred"))

    def order(arm: ArmResult) -> tuple[bool, float]:
        value = _map_of(arm)
        return value is None or value == before, -(value or 0)

    deblurrers = sorted((arm for arm in result.arms if arm.kind == "deblurrer"), key=order)
    failed = (_unknown(arm, f"{arm} failed and has no numbers", reason) for arm, reason in result.failed.items())
    return (*(_verdict(result, arm, before) for arm in deblurrers), *failed)


def verdict_sentences(result: RunResult) -> tuple[str, ...]:
    """The verdicts and, of several deblurrers, which leads; without full stops."""
    sentences = (verdict.sentence for verdict in verdicts(result))
    return (*sentences, *filter(None, [leader(result)]))


def best_first(result: RunResult) -> tuple[ArmResult, ...]:
    """The arms as a page shows them: ceiling, floor, then the deblurrers in the order of their verdicts."""
    places = {name: place for place, name in enumerate(("sharp", "blurred", *(each.arm for each in verdicts(result))))}
    return tuple(sorted(result.arms, key=lambda arm: places[arm.name]))


def leader(result: RunResult) -> str:
    """Which deblurrer leads by mAP, or that none does; empty for one deblurrer, and where nothing can be told."""
    values = {arm.name: _map_of(arm) for arm in result.arms if arm.kind == "deblurrer"}
    ranked = sorted((name for name in values if values[name] is not None), key=lambda name: -(values[name] or 0))
    if result.data.images < FEWEST_PICTURES:
        return ""
    return leader_in_words(ranked, lambda one, other: is_ahead(result.differences, one, other, METRICS["map"]))


def leader_in_words(ranked: Sequence[str], is_ahead: Callable[[str, str], bool]) -> str:
    """The first of those `ranked`, if it is ahead of every other by more than chance; empty for fewer than two."""
    if len(ranked) < 2:
        return ""
    equal = [name for name in ranked[1:] if not is_ahead(ranked[0], name)]
    return f"No one leads: {joined([ranked[0], *equal])} may be equal" if equal else f"{ranked[0]} leads"


def _verdict(result: RunResult, arm: ArmResult, before: float | None) -> ArmVerdict:
    after, ceiling, change = _map_of(arm), _map_of(result.arm("sharp")), result.change(arm.name, "blurred")
    if result.specification.get("truth") == "none":
        words = f"No answer on {arm.name}: there are no true boxes"
        return _unknown(arm.name, words, "undefined: more boxes are not better boxes")
    if before is None or after is None or change is None:
        return _unknown(arm.name, f"There is no verdict on {arm.name}", "undefined: there are no true boxes to find")
    bounds = interval(METRICS["map"], change.difference, is_difference=True)
    difference = with_p_value(f"difference {bounds}", change.p_value, change.p_holm) if bounds else ""
    of_sharp = "" if ceiling is None else f" of {share(ceiling)}"
    numbers = f"{share(before)} → {share(after)}{of_sharp}{difference and f'; {difference}'}"
    gain = after - before
    words, qualified = (_words(result, arm, name, change, gain) for name in (arm.name, _named(arm)))
    sentence = f"{qualified} ({numbers})"
    if result.data.images < FEWEST_PICTURES:
        return ArmVerdict(arm.name, words, numbers, "unknown", qualified, sentence)
    if gain != 0 and not change.is_shown:
        what = f"{_named(arm)}’s {_gain_or_loss(gain)}"
        return ArmVerdict(arm.name, words, numbers, "unknown", f"Not known: {_chance(change, what)}", sentence)
    answer: Answer = "yes" if gain > 0 else "no"
    return ArmVerdict(arm.name, words, numbers, answer, _decision(result, arm, gain), sentence)


def _unknown(arm: str, words: str, numbers: str) -> ArmVerdict:
    """A verdict whose words are all that can be decided."""
    return ArmVerdict(arm, words, numbers, "unknown", words, f"{words} ({numbers})")


def _decision(result: RunResult, arm: ArmResult, gain: float) -> str:
    """What a change that is no chance means for who has to choose: objects found, time, false boxes."""
    return f"{_answer(arm, gain)}: {'; '.join(_consequences(result, arm, gain))}"


def _answer(arm: ArmResult, gain: float) -> str:
    if gain <= 0:
        return "No"
    recovered = arm.metrics.get("gap_recovered")
    is_little = recovered is not None and recovered.value is not None and recovered.value < _LITTLE
    return "Yes, a little" if is_little else "Yes"


def _consequences(result: RunResult, arm: ArmResult, gain: float) -> Iterator[str]:
    found, cost = result.change(arm.name, "blurred", "recall"), arm.metrics.get("restore_s_per_mpix")
    objects = found.difference.value if found is not None and found.is_shown else None
    seconds = None if cost is None or gain <= 0 else cost.value  # a loss is too dear at any price
    time = "" if seconds is None else f" at {amount(seconds)} s per megapixel"
    if objects is None or objects * gain <= 0:  # a change the other way would need words of its own
        yield f"{_named(arm)} {_change_in_words(gain)}{time}"
    else:
        more = "more" if objects > 0 else "fewer"
        yield f"{_named(arm)} finds {100 * abs(objects):.1f} {more} of 100 objects{time}"
    precision = result.change(arm.name, "blurred", "precision")
    if precision is not None and precision.difference.value is not None:
        yield _precision_in_words(precision)


def _precision_in_words(change: Difference) -> str:
    value = change.difference.value or 0.0
    if not change.is_shown or abs(value) < _LEAST_SAID:
        return "precision does not change detectably"
    return f"precision {'rises' if value > 0 else 'falls'} by {share(abs(value))}"


def _words(result: RunResult, arm: ArmResult, named: str, change: Difference, gain: float) -> str:
    pictures = result.data.images
    if pictures < FEWEST_PICTURES:
        return f"Too few pictures to tell ({pictures}) what {named} changes{_enough(change)}"
    if gain == 0 or change.is_shown:
        return _shown_words(result, arm, named, gain)
    return f"Whether {named} helps is not known: {_chance(change, f'its {_gain_or_loss(gain)}')}"


def _chance(change: Difference, what: str) -> str:
    """That a change may be chance, and what would show it."""
    if change.p_value is None or change.difference.low is None:
        return f"without interval and p-value, {what} may be chance"
    return f"{what} may be chance{_enough(change)}"


def _gain_or_loss(gain: float) -> str:
    return f"{'gain' if gain > 0 else 'loss'} of {_amount(gain)} mAP"


def _enough(change: Difference) -> str:
    """How many pictures would do."""
    pictures = pictures_to_show(change.difference)
    return "" if pictures is None else f"; about {pictures:,} pictures would show it, if it is real"


def _shown_words(result: RunResult, arm: ArmResult, named: str, gain: float) -> str:
    """What a change that is no chance means; the share of what blur costs only where that is no chance either."""
    cost = result.change("blurred", "sharp")
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
    return share(abs(gain)) if abs(gain) >= _LEAST_SAID else "less than .001"


def _map_of(arm: ArmResult | None) -> float | None:
    return arm.metrics["map"].value if arm is not None and "map" in arm.metrics else None
