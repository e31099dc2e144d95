"""Does deblurring help? One sentence per deblurrer, from its mAP and those of the blurred and the sharp arm."""

from dataclasses import dataclass

from detbench.metrics.specs import METRICS
from detbench.pages.text import interval, percent, share
from detbench.results.schema import ArmResult, RunResult
from detbench.types import Estimate


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


def _verdict(result: RunResult, arm: ArmResult, before: float | None) -> ArmVerdict:
    after, ceiling, change = _map_of(arm), _map_of(result.arm("sharp")), _change(result, arm.name, "blurred")
    if before is None or after is None:
        return ArmVerdict(arm.name, f"There is no verdict on {arm.name}", "undefined: there are no true boxes to find")
    words = _words(arm, after - before, None if ceiling is None else ceiling - before, _is_cost_noise(result))
    of_sharp = "" if ceiling is None else f" of {share(ceiling)}"
    bounds = "" if change is None else interval(METRICS["map"], change, is_difference=True)
    return ArmVerdict(
        arm.name,
        f"{words}, but that may be chance" if after != before and _holds_zero(change) else words,
        f"{share(before)} → {share(after)}{of_sharp}{bounds and f'; difference {bounds}'}",
    )


def _words(arm: ArmResult, gain: float, gap: float | None, is_noise: bool) -> str:
    if gap is not None and gap <= 0:
        return f"Blur costs no mAP here, so there is nothing to recover; {_named(arm)} {_change_in_words(gain)}"
    if is_noise:
        return f"What blur costs here may be chance, so no share is given; {_named(arm)} {_change_in_words(gain)}"
    recovered = arm.metrics.get("gap_recovered")
    if gain > 0 and recovered is not None and recovered.value is not None:
        part = "less than 1\N{NO-BREAK SPACE}%" if recovered.value < 0.005 else percent(recovered.value)
        bounds = interval(METRICS["gap_recovered"], recovered, is_difference=False)
        return f"{_named(arm)} recovers {part}{bounds and f' {bounds}'} of the mAP that blur costs"
    if gain < 0 and gap is not None:
        return f"{_named(arm)} {_change_in_words(gain)} on top of what blur costs"
    return f"{_named(arm)} {_change_in_words(gain)}"


def _named(arm: ArmResult) -> str:
    """The deblurrer's name, and what gives it an advantage: this detector in its training loss, or the true kernel."""
    if arm.trained_with_detector:
        return f"{arm.name} (trained with this detector)"
    return f"{arm.name} (told the kernel)" if arm.told_kernel else arm.name


def _change_in_words(gain: float) -> str:
    if gain == 0:
        return "leaves mAP as it is"
    amount = share(abs(gain)) if abs(gain) >= 0.0005 else "less than .001"
    return f"{'gains' if gain > 0 else 'loses'} {amount} mAP"


def _holds_zero(change: Estimate | None) -> bool:
    """True where an interval was computed and zero lies in it."""
    return change is not None and change.low is not None and change.high is not None and change.low <= 0 <= change.high


def _is_cost_noise(result: RunResult) -> bool:
    """Whether the mAP that blur costs could be none."""
    return _holds_zero(_change(result, "blurred", "sharp"))


def _change(result: RunResult, arm: str, against: str) -> Estimate | None:
    wanted = (arm, against, "map")
    return next((d.difference for d in result.differences if (d.arm, d.against, d.metric) == wanted), None)


def _map_of(arm: ArmResult | None) -> float | None:
    return arm.metrics["map"].value if arm is not None and "map" in arm.metrics else None
