import errno

import pytest

from detbench.cli import main
from detbench.errors import NotEvaluableError, UsageError


@pytest.mark.parametrize(("error", "code"), [(UsageError("no such thing"), 2), (NotEvaluableError("no answer"), 3)])
def test_an_expected_error_is_one_message_and_its_exit_code(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], error: Exception, code: int
) -> None:
    """The message goes to stderr behind the program's name, without a traceback."""

    def fail(_words: list[str], **_settings: str) -> None:
        raise error

    monkeypatch.setattr(main, "app", fail)
    with pytest.raises(SystemExit) as stopped:
        main.main()
    assert stopped.value.code == code
    assert capsys.readouterr() == ("", f"detbench: {error}\n")


def test_what_is_wrong_with_a_disk_is_a_message(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Missing rights, full disks and names too long are nobody's bug; a missing file, which the code should have met
    itself, is one.
    """

    def fail(_words: list[str], **_settings: str) -> None:
        raise failure

    monkeypatch.setattr(main, "app", fail)
    failure = PermissionError(errno.EACCES, "Permission denied", "data/labels")
    with pytest.raises(SystemExit) as stopped:
        main.main()
    assert stopped.value.code == 2
    assert "detbench: data/labels: Permission denied; " in capsys.readouterr().err
    failure = FileNotFoundError(errno.ENOENT, "No such file", "data/labels")
    with pytest.raises(FileNotFoundError):
        main.main()


def test_a_bug_keeps_its_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    """Any other exception is not caught."""
    monkeypatch.setattr(main, "app", lambda _words, **_settings: {}["bug"])
    with pytest.raises(KeyError, match="bug"):
        main.main()


@pytest.mark.parametrize(
    ("words", "found"),
    [("detbench ru", "run"), ("detbench run --truth ", "labels pseudo none"), ("detbench ga", "gate")],
)
def test_a_shell_completes_commands_options_and_values(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], words: str, found: str
) -> None:
    """What `--install-completion` writes calls detbench with these variables."""
    monkeypatch.setattr("sys.argv", ["detbench"])
    variables = {"_DETBENCH_COMPLETE": "complete_bash", "COMP_WORDS": words, "COMP_CWORD": str(words.count(" "))}
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(SystemExit) as stopped:
        main.main()
    assert not stopped.value.code
    assert capsys.readouterr().out.split() == found.split()
