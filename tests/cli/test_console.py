import pytest

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


def test_progress_in_a_log_is_a_line_for_each_tenth(capsys: Captured) -> None:
    """Of 100 steps a file gets eleven lines: the first, then one for each tenth that is reached."""
    with progress_steps() as show:
        for done in range(1, 101):
            show("wiener", done, 100)
    lines = capsys.readouterr().err.splitlines()
    assert lines == ["wiener: 1/100", *(f"wiener: {done}/100" for done in range(10, 101, 10))]


def test_a_table_keeps_brackets_in_its_cells(capsys: Captured) -> None:
    """Rich would take [ray] for markup; numbers are set flush right."""
    print_table(["arm", "mAP"], [["detbench[ray]", ".1"], ["b", ".25"]], numbers=True)
    head, first, second, _ = (line.rstrip() for line in capsys.readouterr().out.split("\n")[:4])
    assert (head, first, second) == ("arm            mAP", "detbench[ray]   .1", "b              .25")
