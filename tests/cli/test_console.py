import re

import pytest
from rich.console import Console

from detbench.cli import console
from detbench.cli.console import MAX_CHARACTERS, print_table, progress_steps, say_error

Captured = pytest.CaptureFixture[str]


def test_an_error_obeys_no_terminal_codes(capsys: Captured) -> None:
    """Control characters are shown and not sent, markup is text, a line break stays; nothing goes to stdout."""
    say_error("a\x1b[2J [red]b[/red]\nc")
    assert capsys.readouterr() == ("", "detbench: a\\x1b[2J [red]b[/red]\nc\n")


def test_a_long_message_is_cut(capsys: Captured) -> None:
    """A file's text of any length becomes a message of at most MAX_CHARACTERS."""
    say_error("x" * (MAX_CHARACTERS + 1))
    assert capsys.readouterr().err == f"detbench: {'x' * MAX_CHARACTERS} …\n"


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The seconds that have passed, to be set."""
    seconds = [0.0]
    monkeypatch.setattr(console.time, "perf_counter", lambda: seconds[0])
    return seconds


def test_progress_in_a_log_is_a_line_every_few_seconds(capsys: Captured, clock: list[float]) -> None:
    """Steps of a second each: a file gets the first, one every five seconds, and the last, with pace and time left."""
    with progress_steps() as show:
        for done in range(13):
            clock[0] = done
            show("work", done, 12)
    assert capsys.readouterr().err.splitlines() == [
        "work: 0/12",
        "work: 5/12, 1.0/s, 0:07 left",
        "work: 10/12, 1.0/s, 0:02 left",
        "work: 12/12, 1.0/s",
    ]


def test_what_was_done_before_is_two_lines_in_a_log(capsys: Captured, clock: list[float]) -> None:
    """Where the cache holds all, each name has its turn with all steps done: the first line and the last say so."""
    with progress_steps() as show:
        for name in ("sharp", "net", "sharp", "net", ""):
            show("work", 4, 4, name)
    assert capsys.readouterr().err.splitlines() == ["work: 4/4, sharp", "work: 4/4"]


def test_time_left_is_known_when_each_name_was_timed(capsys: Captured, clock: list[float]) -> None:
    """Steps that were done at the start do not make it faster, and before the second round of names nothing is said of
    the time left, for the slow ones may be to come.
    """
    with progress_steps() as show:
        for done, name in enumerate(("sharp", "net", "sharp", "net"), start=100):
            clock[0] = 100.0 * (done - 100)
            show("work", done, 176, name)
    assert capsys.readouterr().err.splitlines() == [
        "work: 100/176, sharp",
        "work: 101/176, net, 100.0 s each",
        "work: 102/176, sharp, 100.0 s each, 2 h 03 min left",
        "work: 103/176, net, 100.0 s each, 2 h 01 min left",
    ]


def test_quiet_progress_shows_nothing_and_is_remembered(capsys: Captured) -> None:
    """What was reached is known afterwards, also where nothing is shown."""
    reached: dict[str, tuple[int, int]] = {}
    with progress_steps(quiet=True, reached=reached) as show:
        show("work", 3, 9)
        show("work", 4, 9, "net")
    assert (capsys.readouterr().err, reached) == ("", {"work": (4, 9)})


def test_a_bar_names_what_is_next(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a terminal the name stands behind the bar, brackets in it and all."""
    terminal = Console(force_terminal=True, record=True, width=100, stderr=True)
    monkeypatch.setattr(console, "err", terminal)
    with progress_steps() as show:
        show("work", 1, 4, "net[1]")
    assert re.search(r"work .* 1/4 +net\[1\]", terminal.export_text())


def test_a_table_keeps_brackets_in_its_cells(capsys: Captured) -> None:
    """Rich would take [ray] for markup; numbers are set flush right."""
    print_table(["arm", "mAP"], [["detbench[ray]", ".1"], ["b", ".25"]], numbers=True)
    head, first, second, _ = (line.rstrip() for line in capsys.readouterr().out.split("\n")[:4])
    assert (head, first, second) == ("arm            mAP", "detbench[ray]   .1", "b              .25")
