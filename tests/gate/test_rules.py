"""Rules as TOML gives them; what makes a rule no rule is in test_scenarios.py."""

from pathlib import Path

import pytest

from detbench.errors import UsageError
from detbench.gate.rules import Rule, read_rules


def test_rules_are_read_in_the_order_of_the_file(tmp_path: Path) -> None:
    """Each has what its table says; without more, it holds for every arm at 95 %."""
    file = tmp_path / "rules.toml"
    file.write_text(
        '[[rule]]\nmetric = "psnr_db"\nat_least = 24\n'
        '[[rule]]\nmetric = "map"\nmax_drop = 0.02\nconfidence = 0.9\narm = "wiener"\n'
    )
    assert read_rules(file) == (
        Rule("psnr_db", arm=None, at_least=24, confidence=0.95),
        Rule("map", arm="wiener", max_drop=0.02, confidence=0.9),
    )


def test_a_bound_of_zero_is_a_bound() -> None:
    """Zero counts among the numbers of a rule: alone it makes one, beside another it is one too many."""
    assert Rule("harm", at_most=0).at_most == 0
    with pytest.raises(UsageError, match="exactly one number"):
        Rule("harm", at_most=0, max_drop=0.1)


def test_a_margin_in_decibels_may_be_above_1() -> None:
    """Only shares end at 1, which is all of them; no margin is below 0."""
    assert Rule("psnr_db", max_drop=3.0).max_drop == 3
    assert Rule("map", max_drop=1.0).max_drop == 1
    for share in ("map", "gap_recovered"):
        with pytest.raises(UsageError, match=r"from 0 to 1, not 1\.01"):
            Rule(share, max_drop=1.01)
    with pytest.raises(UsageError, match=r"0 or more, not -3\.0"):
        Rule("psnr_db", max_drop=-3.0)


def test_a_margin_is_the_loss_that_a_limit_allows() -> None:
    """A floor of .99 allows a hundredth of the baseline, a ceiling of 1.05 a twentieth; absolute bounds allow none."""
    assert Rule("map", at_least_share=0.99).margin == pytest.approx(0.01)
    assert Rule("harm", at_most_share=1.05).margin == pytest.approx(0.05)
    assert (Rule("map", at_least_share=1).margin, Rule("map", max_drop=0.02).margin) == (0, 0.02)
    assert Rule("harm", at_most_share=1).margin == 0
    assert Rule("map", at_least=0.5).margin is None
    assert [Rule("map", at_least_share=0.9).is_relative, Rule("map", max_drop=0.1).is_relative] == [True, False]


@pytest.mark.parametrize(
    ("metric", "limit", "message"),
    [
        ("harm", {"at_least_share": 0.9}, "better lower, so its share is at_most_share, not at_least_share"),
        ("map", {"at_most_share": 1.1}, "better higher, so its share is at_least_share, not at_most_share"),
        ("map", {"at_least_share": 1.01}, "above 0 and at most 1, not 1.01"),
        ("map", {"at_least_share": 0}, "above 0 and at most 1, not 0"),
        ("harm", {"at_most_share": 0.99}, "is 1 or more, not 0.99"),
    ],
)
def test_a_share_goes_with_the_direction_of_its_metric(metric: str, limit: dict[str, float], message: str) -> None:
    """A floor of a share is in (0, 1] and for what is better higher, a ceiling is 1 or more and for the others."""
    with pytest.raises(UsageError, match=message):
        Rule(metric, **limit)


def test_even_odds_are_no_confidence() -> None:
    """At .5 half of all equal runs would pass by chance."""
    assert Rule("map", max_drop=0.1, confidence=0.51).confidence == 0.51
    with pytest.raises(UsageError, match=r"not 0\.5$"):
        Rule("map", max_drop=0.1, confidence=0.5)


@pytest.mark.parametrize(
    "content",
    [
        '[rule]\nmetric = "map"\nmax_drop = 0.1\n',
        "rule = [1]\n",
        "rule = 3\n",
        'rule = [{metric = "map", max_drop = 0.1}, 3]\n',
        "rule = " + "[" * 5000,
        '[[rule]]\nmetric = ["map"]\nmax_drop = 0.1\n',
        '[[rule]]\nmetric = "map"\nmax_drop = 0.1\nconfidence = "high"\n',
        '[[rule]]\nmetric = "mapp"\nmax_drop = 0.1\n',
        None,
    ],
)
def test_a_file_without_good_rule_tables_is_named(tmp_path: Path, content: str | None) -> None:
    """One [rule] that should be a [[rule]], something else than tables, nesting without end, values of other types, an
    unknown metric, no file: the message begins with the path.
    """
    file = tmp_path / "rules.toml"
    if content is not None:
        file.write_text(content)
    with pytest.raises(UsageError) as refused:
        read_rules(file)
    assert str(refused.value).startswith(f"{file}: ")
