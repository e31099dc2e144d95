"""What the gate writes for pull requests and CI systems."""

from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

import pytest

from detbench.gate.baseline import read_baseline, write_baseline
from detbench.gate.gated_run import Measured, measured_in
from detbench.gate.judge import Verdict, judge
from detbench.gate.outputs import (
    annotation,
    annotations,
    gate_junit,
    gate_markdown,
    refusal_junit,
    refusal_markdown,
)
from detbench.gate.rules import Rule
from detbench.metrics.evidence import point_numbers

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


def test_a_baseline_gives_back_what_was_measured(job: Job, tmp_path: Path) -> None:
    """From its file come the same ground, numbers and evidence as from the run folder: every draw gives the same."""
    written = write_baseline(job("run"), tmp_path / "baseline.json")
    read = read_baseline(tmp_path / "baseline.json")
    assert (read.ground, read.definitions, read.image_ids, read.values) == (
        dict(written.ground), dict(written.definitions), written.image_ids, written.values,
    )  # fmt: skip
    assert list(read.evidence) == ["sharp", "blurred", "wiener", "sharp+wiener"]
    for arm, evidence in written.evidence.items():
        assert point_numbers(read.evidence[arm]) == point_numbers(evidence)
        assert judge(read, written, RULES) == judge(written, written, RULES)


def test_a_drop_is_paired(job: Job) -> None:
    """The bound follows the pictures that changed: one bus of forty bounds the loss closer than two runs apart do."""
    after, before = (measured_in(job(name, buses={"wiener": found})) for name, found in (("a", 35), ("b", 36)))
    (verdict,) = judge(after, before, [Rule("map", arm="wiener", max_drop=0.05)])
    assert verdict.drop == pytest.approx(0.0125, abs=0.005)
    assert verdict.drop <= verdict.worst < 0.05


def test_nothing_to_judge_by_is_refused(job: Job) -> None:
    """A gate without rules would always pass."""
    from detbench.errors import NotEvaluableError

    measured: Measured = measured_in(job("run"))
    with pytest.raises(NotEvaluableError, match="no rule"):
        judge(measured, measured, [])
