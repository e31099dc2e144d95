"""The gate's verdicts in the formats that people and CI systems read."""

from collections.abc import Iterator, Sequence
from xml.etree import ElementTree

from detbench.gate.judge import Verdict
from detbench.pages.text import markdown, metric_value, percent, signed

_SUITE = "detbench gate"
_NOT_SHOWN = "NOT SHOWN: the loss is within the margin, but a larger one cannot be excluded. More pictures help."


def sentence(verdict: Verdict) -> str:
    """One verdict in words: the arm, the metric, its change, and what the rule allows."""
    spec, rule = verdict.rule.spec, verdict.rule
    after = metric_value(spec, verdict.after)
    if rule.max_drop is None or verdict.before is None or verdict.worst is None:
        return f"{verdict.arm}: {spec.title} {after}, {_bound(verdict)} is required"
    worst = f"a loss of {metric_value(spec, verdict.worst)} cannot be" if verdict.worst > 0 else "any loss is"
    return (
        f"{verdict.arm}: {spec.title} {metric_value(spec, verdict.before)} → {after} "
        f"({signed(spec, verdict.after - verdict.before)}), {worst} excluded at {percent(rule.confidence)}; "
        f"{metric_value(spec, rule.max_drop)} may be lost"
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


def gate_markdown(verdicts: Sequence[Verdict], truth: str) -> str:
    """The gate's summary in GitHub's Markdown; `truth` names whose boxes counted as true."""
    failed = [verdict for verdict in verdicts if not verdict.is_pass]
    lines = [f"### {_SUITE}: {conclusion(verdicts)}", ""]
    if truth == "pseudo":
        lines += ["> **Note:** Truth is pseudo: the detector's own boxes on the sharp pictures, not labels.", ""]
    lines += [
        "| | arm | metric | baseline | run | change | largest loss not excluded | required |",
        "|---|" + "---|" * 7,
    ]
    lines += [_row(verdict) for verdict in (*failed, *(each for each in verdicts if each.is_pass))]
    if any(not verdict.is_proven for verdict in failed):
        lines += ["", _NOT_SHOWN]
    return "\n".join(lines) + "\n"


def refusal_markdown(message: str) -> str:
    """The summary of a gate that could not judge."""
    return f"### {_SUITE}: not evaluable\n\n{markdown(message)}\n"


def gate_junit(verdicts: Sequence[Verdict]) -> str:
    """JUnit XML: a test case per rule and arm, a failure where it is not kept."""
    failed = sum(not verdict.is_pass for verdict in verdicts)
    suite = ElementTree.Element("testsuite", name=_SUITE, tests=str(len(verdicts)), failures=str(failed), errors="0")
    for verdict in verdicts:
        case = ElementTree.SubElement(suite, "testcase", classname=f"gate.{verdict.arm}", name=_name(verdict))
        if not verdict.is_pass:
            ElementTree.SubElement(case, "failure", message=sentence(verdict), type=status_label(verdict))
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
    if rule.max_drop is None or verdict.before is None or verdict.worst is None:
        cells += ["", metric_value(spec, verdict.after), "", "", _bound(verdict)]
    else:
        cells += [metric_value(spec, verdict.before), metric_value(spec, verdict.after)]
        cells += [signed(spec, verdict.after - verdict.before), metric_value(spec, max(verdict.worst, 0.0))]
        cells += [f"≤ {metric_value(spec, rule.max_drop)} at {percent(rule.confidence)}"]
    return f"| {' | '.join(cells)} |"


def _bound(verdict: Verdict) -> str:
    rule = verdict.rule
    return f"≥ {rule.at_least}" if rule.at_least is not None else f"≤ {rule.at_most}"


def _name(verdict: Verdict) -> str:
    rule = verdict.rule
    limits = {"max_drop": rule.max_drop, "at_least": rule.at_least, "at_most": rule.at_most}
    return f"{rule.metric} {next(f'{name} {limit}' for name, limit in limits.items() if limit is not None)}"


def _xml(suite: ElementTree.Element) -> str:
    ElementTree.indent(suite)
    return ElementTree.tostring(suite, encoding="unicode", xml_declaration=True) + "\n"
