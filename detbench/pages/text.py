"""Numbers and names as a reader meets them, in HTML and in Markdown alike."""

import re
from collections.abc import Sequence

from detbench.types import Estimate, MetricSpec

UNDEFINED = "–"
_MINUS, _NO_BREAK = "−", "\N{NO-BREAK SPACE}"
_PERCENT = f"{_NO_BREAK}%"
_ARROWS = {"higher": "↑", "lower": "↓"}
_MARKDOWN = re.compile(r"([\\`*_\[\]|~#$])")


def share(value: float) -> str:
    """A number that usually lies in 0..1, with three decimals and no leading zero: .262, 1.000, −.018."""
    return _with_sign(f"{abs(value):.3f}".removeprefix("0"), value)


def percent(value: float) -> str:
    """A share as whole percents: .714 is 71 %."""
    return _with_sign(f"{abs(value):.0%}".removesuffix("%"), value) + _PERCENT


def metric_value(spec: MetricSpec, value: float) -> str:
    """A metric's value in its style, without its unit, which stands in the table's head."""
    if spec.style == "number":
        return _with_sign(f"{abs(value):.{spec.decimals}f}", value)
    return {"share": share, "percent": percent, "amount": amount}[spec.style](value)


def amount(value: float) -> str:
    """A time or a size with about three digits: 0.42, 37.5, 1,204."""
    decimals = 2 if value < 10 else 1 if value < 100 else 0
    return f"{value:,.{decimals}f}"


def signed(spec: MetricSpec, value: float) -> str:
    """A difference of two values of a metric, with its sign: +.115, −.018."""
    text = metric_value(spec, value)
    is_zero = not re.search("[1-9]", text)
    return text if is_zero or value < 0 else f"+{text}"


def interval(spec: MetricSpec, estimate: Estimate, is_difference: bool) -> str:
    """An estimate's bounds as [low, high], which no line ends in; empty where no interval was computed."""
    if estimate.low is None or estimate.high is None:
        return ""
    write = signed if is_difference else metric_value
    low, high = write(spec, estimate.low), write(spec, estimate.high)
    return f"[{low.removesuffix(_PERCENT)},{_NO_BREAK}{high.removesuffix(_PERCENT)}]"


def with_p_value(bounds: str, p_value: float | None, p_holm: float | None = None) -> str:
    """An interval's text with the p-values behind it, as far as they are there: [+.010, +.050] p .004, adjusted .012.

    `p_holm` is the p-value adjusted for several tests.
    """
    if p_value is None:
        return bounds
    of_several = "" if p_holm is None else f", adjusted{_NO_BREAK}{share(p_holm)}"
    return f"{bounds} p{_NO_BREAK}{share(p_value)}{of_several}".strip()


def arrow(spec: MetricSpec) -> str:
    """Which way a metric is better."""
    return _ARROWS[spec.better]


def plural(count: int, one: str, many: str) -> str:
    """A count with its noun: 1 picture, 1,204 pictures."""
    return f"{count:,} {one if count == 1 else many}"


def joined(names: Sequence[str]) -> str:
    """Names as one phrase: A, B and C."""
    return " and ".join(filter(None, (", ".join(names[:-1]), names[-1])))


def markdown(text: str) -> str:
    """Any text as plain words of one Markdown line: no markup, no HTML, no cell ends and no lines end in it."""
    one_line = re.sub(r"[\r\n\t\v\f\x85\u2028\u2029]+", " ", text)
    one_line = one_line.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return _MARKDOWN.sub(r"\\\1", one_line)


def _with_sign(text: str, value: float) -> str:
    """The text with a minus before it where the value is negative and does not round to nothing."""
    return f"{_MINUS}{text}" if value < 0 and re.search("[1-9]", text) else text
