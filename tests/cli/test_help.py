"""What `--help` shows, as it was recorded and looked at, and that its examples are right."""

import os
import re
import shlex
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

from detbench.cli.help import MOST_TOGETHER, PANELS, split_examples
from detbench.cli.main import app

Run = Callable[..., Any]

RECORDED = Path(__file__).parent / "recorded"
RENEW = "DETBENCH_RENEW_HELP"
WIDTHS = (80, 120)


def commands(group: Any, words: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Every command as its words and what Typer made of it, groups too."""
    yield words, group
    for name, command in getattr(group, "commands", {}).items():
        yield from commands(command, (*words, name))


ALL = dict(commands(typer.main.get_command(app)))
SINGLE = {words: command for words, command in ALL.items() if not hasattr(command, "commands")}
"""The commands that take options, by their words."""


@pytest.fixture
def plain(monkeypatch: pytest.MonkeyPatch) -> None:
    """No colours, which a CI job would force."""
    monkeypatch.setattr("typer.rich_utils.FORCE_TERMINAL", False)


@pytest.mark.usefixtures("plain")
@pytest.mark.parametrize("words", ALL, ids=" ".join)
def test_help_is_what_was_looked_at(detbench: Run, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...]) -> None:
    """At 80 and 120 columns each command's help is that of tests/cli/recorded. After a change that is meant, set
    DETBENCH_RENEW_HELP=1, run this file, and read what git shows.
    """
    text = ""
    for width in WIDTHS:
        monkeypatch.setenv("COLUMNS", str(width))
        said = detbench(*words, "--help")
        lines = [line.rstrip() for line in said.out.strip("\n").splitlines()]
        assert max(map(len, lines)) <= width
        text += "\n".join([f"$ COLUMNS={width} {' '.join(('detbench', *words))} --help", *lines, "", ""])
    file = RECORDED / f"{'-'.join(('help', *words))}.txt"
    if os.environ.get(RENEW):
        file.parent.mkdir(exist_ok=True)
        file.write_text(text, encoding="utf-8")
    assert text == file.read_text(encoding="utf-8")


def test_nothing_is_recorded_of_commands_that_are_gone() -> None:
    """There is one file for each command and no other."""
    assert {file.stem for file in RECORDED.glob("help*.txt")} == {"-".join(("help", *words)) for words in ALL}


@pytest.mark.parametrize("words", ALL, ids=" ".join)
def test_every_command_has_examples_that_parse(words: tuple[str, ...]) -> None:
    """An example begins with the command that it stands under, fits 80 columns, and no word of it is refused."""
    examples = [line.strip() for line in ALL[words].epilog.partition("\n\n")[2].splitlines()]
    assert examples
    for example in examples:
        assert len(example) < WIDTHS[0] - 1
        program, *rest = shlex.split(example)
        assert (program, *rest[: len(words)]) == ("detbench", *words)
        parsed(rest)


def parsed(words: list[str]) -> None:
    """Parse a command without running it; fails where it would be refused."""
    name = next(name for name in sorted(SINGLE, key=len, reverse=True) if name == tuple(words[: len(name)]))
    SINGLE[name].make_context(name[-1], words[len(name) :])


@pytest.mark.parametrize("words", SINGLE, ids=" ".join)
def test_many_options_are_in_panels(words: tuple[str, ...]) -> None:
    """A command of more than six options shows each in one of PANELS; one of fewer shows them together."""
    context = typer.Context(SINGLE[words])
    options = [param for param in SINGLE[words].get_params(context) if param.param_type_name == "option"]
    panels = {option.rich_help_panel for option in options}
    assert panels <= PANELS.keys() if len(options) - 1 > MOST_TOGETHER else panels == {None}


def test_no_file_of_the_source_is_help() -> None:
    """A user has no checkout: help names no .py file, and no type of Python's."""
    for file in RECORDED.glob("help*.txt"):
        assert not re.search(r"\w\.py\b|<bool>|list\[|range>", file.read_text(encoding="utf-8")), file.name


def test_a_docstring_becomes_paragraphs_and_examples() -> None:
    """Lines of a paragraph are joined for a terminal of any width; those of the examples stay."""
    text = "One\ntwo.\n\nThree\nfour.\n\nExamples:\n    detbench a\n    detbench b \\\n        --c\n"
    assert split_examples(text) == (
        "One two.\n\nThree four.",
        "Examples:\n\n    detbench a\n    detbench b \\\n        --c",
    )
    assert split_examples("One.") == ("One.", "")
