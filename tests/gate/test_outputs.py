"""What the gate writes for pull requests and CI systems."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import pytest

from detbench.gate.gated_run import measured_in
from detbench.gate.judge import Verdict, judge
from detbench.gate.outputs import (
    annotation,
    annotations,
    error_rate,
    gate_junit,
    gate_markdown,
    refusal_junit,
    refusal_markdown,
    sentence,
)
from detbench.gate.rules import Rule

Job = Callable[..., Path]
RULES = (Rule("map", max_drop=0.02), Rule("psnr_db", arm="wiener", at_least=24.0))


@pytest.fixture
def verdicts(job: Job) -> tuple[Verdict, ...]:
    """wiener lost, blurred cannot be shown not to have, sharp and wiener's PSNR are fine."""
    worse = job("run", buses={"wiener": 10, "blurred": 19})
    return judge(measured_in(worse), measured_in(job("before")), RULES)


def test_failures_come_first_in_markdown(verdicts: tuple[Verdict, ...]) -> None:
    """The summary counts what failed, lists it first, and says what NOT SHOWN means."""
    text = gate_markdown(verdicts, "labels")
    rows = [line.split("|")[1].strip() for line in text.splitlines() if line.startswith("| ")][1:]
    assert rows == ["NOT SHOWN", "REGRESSION", "ok", "ok"]
    assert text.startswith("### detbench gate: FAIL: 2 of 4 rules not kept\n")
    assert "More pictures help" in text
    assert "pseudo" not in text
    assert "not labels" in gate_markdown(verdicts, "pseudo")


def test_a_proven_loss_calls_for_no_more_pictures() -> None:
    """What NOT SHOWN means stands only where something is not shown."""
    proven = Verdict(RULES[0], "wiener", 0.5, 0.25, worst=0.3)
    assert "More pictures help" not in gate_markdown([proven], "labels")
    assert "More pictures help" in gate_markdown([proven, replace(proven, after=0.49)], "labels")


def test_a_gain_leaves_no_loss() -> None:
    """Where even the worst case is a gain, the largest loss is 0 and the sentence excludes any; a loss of 0 is none."""
    gained = Verdict(RULES[0], "wiener", 0.25, 0.5, worst=-0.1)
    row = gate_markdown([gained], "labels").splitlines()[4].split(" | ")
    assert row[3:] == [".250", ".500", "+.250", ".000", ".150", "≤ .020 at 95\xa0% |"]
    for verdict in (gained, replace(gained, worst=0.0)):
        assert "any loss is excluded at 95\xa0%" in sentence(verdict)


def test_a_verdict_says_what_the_pictures_could_certify(verdicts: tuple[Verdict, ...]) -> None:
    """Sentence, Markdown and JUnit name the smallest margin; where the drop has no spread they say so."""
    sharp, blurred, wiener, psnr = verdicts
    assert wiener.certifiable is not None
    margin = f".{round(1000 * wiener.certifiable):03}"
    assert sentence(wiener).endswith(f"; .020 may be lost; smallest margin to certify {margin}")
    assert sentence(sharp).endswith("; no spread between pictures")
    assert "certify" not in sentence(psnr)
    row = next(line for line in gate_markdown(verdicts, "labels").splitlines() if "| wiener | mAP" in line)
    assert row.split(" | ")[7] == margin
    said = [case.findtext("system-out") for case in ElementTree.fromstring(gate_junit(verdicts)).iter("testcase")]
    assert said == [sentence(verdict) for verdict in verdicts]
    assert sentence(blurred) != sentence(wiener)


def test_shares_are_written_in_percents_of_the_baseline() -> None:
    """A relative rule's change, worst case and margin are percents, and its demand names the baseline."""
    verdict = Verdict(Rule("map", at_least_share=0.99), "wiener", 0.5, 0.499, worst=0.0151)
    assert sentence(verdict).replace("\xa0", " ") == (
        "wiener: mAP .500 → .499 (−0.20 %), a loss of 1.51 % cannot be excluded at 95 %; 1.00 % may be lost; "
        "smallest margin to certify 1.31 %"
    )
    row = gate_markdown([verdict], "labels").splitlines()[4].replace("\xa0", " ")
    assert row.endswith("| −0.20 % | 1.51 % | 1.31 % | ≥ 0.99 × baseline at 95 % |")
    assert 'name="map at_least_share 0.99"' in gate_junit([verdict])
    worse = Verdict(Rule("harm", at_most_share=1.1), "wiener", 0.1, 0.12, worst=0.3)
    assert "(+20.00\xa0%), a loss of 30.00\xa0%" in sentence(worse)


def test_the_error_rate_is_that_of_the_least_sure_rule() -> None:
    """All must be kept, so that no number of rules adds to it; absolute bounds have none."""
    sure, less = (Verdict(Rule("map", max_drop=0.1, confidence=each), "a", 0.5, 0.5, worst=0) for each in (0.95, 0.9))
    absolute = Verdict(RULES[1], "a", None, 25.0)
    assert "of about 5\xa0%," in error_rate([sure, sure, sure, absolute])
    assert "of about 10\xa0%," in error_rate([sure, less])
    assert error_rate([absolute]) == ""
    assert error_rate([sure]) in gate_markdown([sure], "labels")
    assert ElementTree.fromstring(gate_junit([sure])).findtext("system-out") == error_rate([sure])


def test_names_cannot_break_the_summary() -> None:
    """An arm's name is no markup and no end of a cell."""
    verdict = Verdict(RULES[1], "a|b*c", None, 25.0)
    assert "a\\|b\\*c" in gate_markdown([verdict], "labels")
    assert "\\*" in refusal_markdown("what *this* is")


def test_junit_has_a_case_per_rule_and_arm(verdicts: tuple[Verdict, ...]) -> None:
    """Cases and failures are counted as they are, each with its numbers."""
    suite = ElementTree.fromstring(gate_junit(verdicts))
    assert (suite.get("tests"), suite.get("failures"), suite.get("errors")) == ("4", "2", "0")
    failed = {case.get("classname"): case.find("failure") for case in suite if case.find("failure") is not None}
    assert {name: failure.get("type") for name, failure in failed.items()} == {
        "gate.blurred": "NOT SHOWN",
        "gate.wiener": "REGRESSION",
    }
    assert "→" in failed["gate.wiener"].get("message")


def test_a_refusal_is_an_error_in_junit() -> None:
    """What could not be judged is neither passed nor failed."""
    suite = ElementTree.fromstring(refusal_junit('the "pictures" differ & so on'))
    assert (suite.get("tests"), suite.get("failures"), suite.get("errors")) == ("1", "0", "1")
    assert suite.find("testcase/error").get("message") == 'the "pictures" differ & so on'


def test_annotations_are_one_line_each(verdicts: tuple[Verdict, ...]) -> None:
    """Only what failed is annotated; line ends and percents are encoded as GitHub wants them."""
    lines = list(annotations(verdicts))
    assert len(lines) == 2
    assert all(line.startswith("::error title=detbench gate::") for line in lines)
    assert "at 95\xa0%25" in lines[0]
    assert annotation("a\nb") == "::error title=detbench gate::a%0Ab"
