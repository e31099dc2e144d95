"""The gate's verdicts in the formats that people and CI systems read."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from xml.etree import ElementTree

from detbench.gate.judge import Verdict
from detbench.gate.rules import Rule
from detbench.pages.text import UNDEFINED, markdown, metric_value, percent, signed

_SUITE = "detbench gate"
_NOT_SHOWN = (
    "NOT SHOWN: the loss is within the margin, but a larger one cannot be excluded. More pictures help; "
    "`detbench power RUN` says how many."
)
_PERCENT = "\N{NO-BREAK SPACE}%"


def sentence(verdict: Verdict) -> str:
    """One verdict in words: the arm, the metric, its change, and what the rule allows."""
    spec, rule = verdict.rule.spec, verdict.rule
    after = metric_value(spec, verdict.after)
    if rule.margin is None or verdict.before is None or verdict.worst is None:
        return f"{verdict.arm}: {spec.title} {after}, {_required(verdict)} is required"
    worst = f"a loss of {_loss(rule, verdict.worst)} cannot be" if verdict.worst > 0 else "any loss is"
    spread = verdict.certifiable
    return (
        f"{verdict.arm}: {spec.title} {metric_value(spec, verdict.before)} → {after} "
        f"({_change(verdict)}), {worst} excluded at {percent(rule.confidence)}; "
        f"{_loss(rule, rule.margin)} may be lost; "
        + ("no spread between pictures" if spread is None else f"smallest margin to certify {_loss(rule, spread)}")
    )


def status_label(verdict: Verdict) -> str:
    """`ok`, `REGRESSION` (worse than the rule allows), or `NOT SHOWN` (a loss beyond the rule cannot be excluded)."""
    if verdict.is_pass:
        return "ok"
    return "REGRESSION" if verdict.is_proven else "NOT SHOWN"


def conclusion(verdicts: Sequence[Verdict]) -> str:
    """The last line: PASS or FAIL, and of how many."""
    failed = sum(not verdict.is_pass for verdict in verdicts)
    return f"FAIL: {failed} of {len(verdicts)} rules not kept" if failed else f"PASS: {len(verdicts)} rules kept"


def error_rate(verdicts: Sequence[Verdict]) -> str:
    """How often a gate of these rules passes a true loss; empty where no rule holds against the baseline."""
    confidences = [verdict.rule.confidence for verdict in verdicts if verdict.rule.margin is not None]
    if not confidences:
        return ""
    return (
        f"A true loss beyond any one margin passes with a probability of about {percent(1 - min(confidences))} at "
        "most, however many rules there are, because all must be kept."
    )


def gate_markdown(verdicts: Sequence[Verdict], truth: str) -> str:
    """The gate's summary in GitHub's Markdown; `truth` names whose boxes counted as true."""
    failed = [verdict for verdict in verdicts if not verdict.is_pass]
    lines = [f"### {_SUITE}: {conclusion(verdicts)}", ""]
    if truth == "pseudo":
        lines += ["> **Note:** Truth is pseudo: the detector's own boxes on the sharp pictures, not labels.", ""]
    lines += [
        "| | arm | metric | baseline | run | change | largest loss not excluded | smallest margin to certify "
        "| required |",
        "|---|" + "---|" * 8,
    ]
    lines += [_row(verdict) for verdict in (*failed, *(each for each in verdicts if each.is_pass))]
    if any(not verdict.is_proven for verdict in failed):
        lines += ["", _NOT_SHOWN]
    if error_rate(verdicts):
        lines += ["", error_rate(verdicts)]
    return "\n".join(lines) + "\n"


def refusal_markdown(message: str) -> str:
    """The summary of a gate that could not judge."""
    return f"### {_SUITE}: not evaluable\n\n{markdown(message)}\n"


def gate_junit(verdicts: Sequence[Verdict]) -> str:
    """JUnit XML: a test case per rule and arm with its verdict in words, a failure where it is not kept."""
    failed = sum(not verdict.is_pass for verdict in verdicts)
    suite = ElementTree.Element("testsuite", name=_SUITE, tests=str(len(verdicts)), failures=str(failed), errors="0")
    for verdict in verdicts:
        case = ElementTree.SubElement(suite, "testcase", classname=f"gate.{verdict.arm}", name=_name(verdict))
        if not verdict.is_pass:
            ElementTree.SubElement(case, "failure", message=sentence(verdict), type=status_label(verdict))
        ElementTree.SubElement(case, "system-out").text = sentence(verdict)
    ElementTree.SubElement(suite, "system-out").text = error_rate(verdicts)
    return _xml(suite)


def refusal_junit(message: str) -> str:
    """JUnit XML of a gate that could not judge: one test case with an error."""
    suite = ElementTree.Element("testsuite", name=_SUITE, tests="1", failures="0", errors="1")
    case = ElementTree.SubElement(suite, "testcase", classname="gate", name="evaluable")
    ElementTree.SubElement(case, "error", message=message, type="NotEvaluable")
    return _xml(suite)


def annotations(verdicts: Sequence[Verdict]) -> Iterator[str]:
    """GitHub's workflow commands: an error for each rule that is not kept."""
    for verdict in verdicts:
        if not verdict.is_pass:
            yield annotation(f"{status_label(verdict)}: {sentence(verdict)}")


def annotation(message: str) -> str:
    """One error as a workflow command; what would end or split the command is encoded."""
    for character, code in (("%", "%25"), ("\r", "%0D"), ("\n", "%0A")):
        message = message.replace(character, code)
    return f"::error title={_SUITE}::{message}"


def _row(verdict: Verdict) -> str:
    spec, rule = verdict.rule.spec, verdict.rule
    cells = [status_label(verdict), markdown(verdict.arm), spec.title]
    if verdict.before is None or verdict.worst is None:
        cells += ["", metric_value(spec, verdict.after), "", "", "", _required(verdict)]
    else:
        cells += [metric_value(spec, verdict.before), metric_value(spec, verdict.after)]
        cells += [_change(verdict), _loss(rule, max(verdict.worst, 0.0))]
        cells += [UNDEFINED if verdict.certifiable is None else _loss(rule, verdict.certifiable)]
        cells += [f"{_required(verdict)} at {percent(rule.confidence)}"]
    return f"| {' | '.join(cells)} |"


def _loss(rule: Rule, loss: float) -> str:
    """A loss in the unit of the rule's margin: the metric's own, or percents of the baseline's value."""
    return f"{100 * loss:.2f}{_PERCENT}" if rule.is_relative else metric_value(rule.spec, loss)


def _change(verdict: Verdict) -> str:
    """By how much the metric moved, with its sign, in the unit of the rule's margin."""
    spec, before = verdict.rule.spec, verdict.before or 0.0
    if not verdict.rule.is_relative:
        return signed(spec, verdict.after - before)
    return signed(replace(spec, style="number", decimals=2), 100 * (verdict.after - before) / before) + _PERCENT


def _required(verdict: Verdict) -> str:
    name, limit = verdict.rule.limit
    if name == "max_drop":
        return f"≤ {metric_value(verdict.rule.spec, limit)}"
    return f"{'≥' if name.startswith('at_least') else '≤'} {limit}{' × baseline' if verdict.rule.is_relative else ''}"


def _name(verdict: Verdict) -> str:
    name, limit = verdict.rule.limit
    return f"{verdict.rule.metric} {name} {limit}"


def _xml(suite: ElementTree.Element) -> str:
    ElementTree.indent(suite)
    return ElementTree.tostring(suite, encoding="unicode", xml_declaration=True) + "\n"
