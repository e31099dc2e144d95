from collections.abc import Callable
from pathlib import Path

from detbench.report.summary import summary_of
from detbench.report.view import view_of

Write = Callable[..., Path]


def summary(write: Write, **run: object) -> list[str]:
    """The lines of a run's summary."""
    return summary_of(view_of(write(**run))).splitlines()


def test_the_verdict_comes_first_and_the_numbers_are_a_table(write: Write) -> None:
    """The heading is the decision, then the verdict; each arm has a row of as many cells as the table has columns."""
    lines = summary(write, maps={"sharp": 0.423, "blurred": 0.262, "wiener": 0.377})
    assert lines[0] == "### Yes: wiener gains .115 mAP"
    assert lines[2].startswith("mAP .262 → .377")
    assert lines[4] == "wiener recovers 71\xa0% of the mAP that blur costs."
    head, rule, *rows = lines[lines.index(next(line for line in lines if line.startswith("| Arm"))) :][:5]
    assert [row.split(" | ")[0] for row in rows] == ["| sharp", "| blurred", "| wiener"]
    assert {line.count("|") for line in (head, *rows)} == {rule.count("|")}
    assert any(line == "Each deblurrer minus blurred:" for line in lines)


def test_markup_in_a_name_stays_text(write: Write) -> None:
    """A dataset that is called like a link is none in a pull request."""
    lines = summary(write, maps={"blurred": 0.2, "wiener": 0.3}, dataset="[x](http://y) | <b>")
    facts = next(line for line in lines if line.startswith("Dataset: "))
    assert "[x](http" not in facts
    assert "<b>" not in facts
