"""README.md: short enough to read, its links lead somewhere, and its two commands are the ones that CI runs."""

import re
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).parents[1]
TEXT = (CHECKOUT / "README.md").read_text(encoding="utf-8")
LINES = TEXT.splitlines()
MOST_LINES, MOST_WORDS, MOST_COLUMNS = 150, 1300, 6

MAIN_JOB = (
    "python3.11 -m venv .venv && .venv/bin/pip install '.[yolo]' && "
    ".venv/bin/detbench run --deblurrer deblurgan --detector yolov8"
)
TESTS = "python3.11 -m venv .venv && .venv/bin/pip install -e '.[dev]' && .venv/bin/nox"


def test_it_is_read_in_minutes() -> None:
    """At most 150 lines and 1,300 words; the rest has a page."""
    assert len(LINES) <= MOST_LINES
    assert len(TEXT.split()) <= MOST_WORDS


def test_one_table_of_six_columns() -> None:
    """One table, no wider than six columns, and every row has as many cells as its head."""
    blocks = re.findall(r"(?:^\|.*\n)+", TEXT, re.M)
    assert len(blocks) == 1
    columns = {row.count("|") - 1 for row in blocks[0].splitlines()}
    assert len(columns) == 1
    assert columns.pop() <= MOST_COLUMNS


def test_relative_links_lead_to_files() -> None:
    """Each link or picture that is no address names a file of the checkout."""
    targets = re.findall(r"\]\(([^)\s]+)\)", TEXT)
    relative = [target.partition("#")[0] for target in targets if "://" not in target]
    assert len(relative) >= 10
    assert [target for target in relative if not (CHECKOUT / target).is_file()] == []


@pytest.mark.parametrize(
    ("before", "command"), [(None, MAIN_JOB), ("<!-- tests -->", TESTS)], ids=["main job", "tests"]
)
def test_commands_stand_word_for_word(before: str | None, command: str) -> None:
    """Both commands are lines of a shell block of their own; `.ci/run` finds the second by its marker."""
    block = ["```sh", command, "```"] if before is None else [before, "```sh", command, "```"]
    assert any(LINES[place : place + len(block)] == block for place in range(len(LINES)))
