"""Settings of a repository as a user meets them: a file, a command, and what comes of both."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Run = Callable[..., Any]

RUN = """[run]
deblurrer = ["identity"]
detector = "blobs"
dataset = "./drawn"
blur = "trajectory"
resamples = 0
name = "job"
"""


@pytest.fixture
def repository(detbench: Run, drawn_dataset: Path, tmp_path: Path) -> Path:
    """The working folder as a repository's root, with the drawn pictures in it."""
    (tmp_path / ".git").mkdir()
    (tmp_path / "drawn").symlink_to(drawn_dataset)
    return tmp_path


def settings_of(folder: Path) -> Any:
    """What a run's result says of its settings."""
    return json.loads((folder / "result.json").read_text())["settings_from"]


def test_a_run_takes_its_options_from_the_file(detbench: Run, repository: Path) -> None:
    """`detbench run` alone does what the file says; the command line wins, and the result names each one's source."""
    (repository / "detbench.toml").write_text(RUN + "limit = 3\n")
    said = detbench("run", "--limit", 2, "--deblurrer", "wiener")
    assert said.code == 0, said.err
    assert said.err.startswith("Settings from detbench.toml: detector, dataset, blur, resamples, name\n")
    result = json.loads((repository / "reports/job/result.json").read_text())
    assert (result["data"]["images"], [arm["name"] for arm in result["arms"]]) == (2, ["sharp", "blurred", "wiener"])
    typed = dict.fromkeys(("deblurrer", "limit"), "command line")
    file = dict.fromkeys(("detector", "dataset", "blur", "resamples", "name"), "detbench.toml")
    assert result["settings_from"] == typed | file


def test_the_file_of_the_root_counts_in_every_folder(
    detbench: Run, repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its paths lead from where it is; settings below `tool.detbench` of pyproject.toml are the same."""
    text = RUN.replace("[run]", "[tool.detbench.run]") + 'limit = 2\nout = "runs"\n'
    (repository / "pyproject.toml").write_text('[project]\nname = "mine"\n' + text)
    (repository / "src").mkdir()
    monkeypatch.chdir(repository / "src")
    said = detbench("run")
    assert said.code == 0, said.err
    assert said.out.splitlines()[-1] == "../runs/job"
    assert settings_of(repository / "runs/job")["out"] == "pyproject.toml"


def test_the_nearest_file_counts_alone(detbench: Run, repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file nearer by hides one further up; above the repository's root none is read."""
    (repository / "pyproject.toml").write_text("[tool.detbench.run]\nlimit = 0\n")
    (repository / "detbench.toml").write_text("[run]\nrepair = 'clip'\n")
    inner = repository / "inner"
    (inner / ".git").mkdir(parents=True)
    words = ("run", "--deblurrer", "identity", "--dataset", "nowhere")
    assert "Settings from detbench.toml: repair\n" in detbench(*words).err
    monkeypatch.chdir(inner)
    assert "Settings from" not in detbench(*words).err


def test_a_file_above_a_folder_that_is_no_repository_is_not_read(
    detbench: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So that nobody's file in a common folder such as /tmp changes a run."""
    (tmp_path / "detbench.toml").write_text("[run]\nlimit = 0\n")
    (tmp_path / "inner").mkdir()
    monkeypatch.chdir(tmp_path / "inner")
    assert "detbench.toml" not in detbench("run", "--deblurrer", "identity", "--dataset", "nowhere").err


WRONG = {
    "[run]\nlimti = 3": ("[run] limti: no such option. Did you mean 'limit'?", "detbench run --help"),
    "[run]\nlimit = '3'": ("[run] limit = '3': it is a whole number",),
    "[run]\nlimit = true": ("[run] limit = True: it is a whole number",),
    "[run]\nfresh = 'no'": ("[run] fresh = 'no': it is true or false",),
    "[run]\ntimeout = 0": ("[run] timeout = 0: ", "greater than or equal to 1"),
    "[run]\nout = 3": ("[run] out = 3: it is a path in quotes",),
    "[run]\ndetector = ['yolov8']": ("[run] detector = ['yolov8']: it is text in quotes",),
    "[run]\ndeblurrer = 'wiener'": ("[run] deblurrer = 'wiener': it is a list of texts, such as [",),
    "[run]\ntruth = 'lables'": ("[run] truth = 'lables': it is one of labels, pseudo, none.", "'labels'?"),
    "[run]\nout-folder = 'x'": ("[run] out-folder: no such option",),
    "[rum]\nlimit = 3": ("'rum' is no table of settings. Did you mean 'run'?", "[run] and [gate]"),
    "run = 3": ("'run' is no table; begin it with a line [run]",),
    "[run]\nlimit = ": ("detbench.toml: not TOML (", "correct it"),
    "[run]\nlimit = 3\n[gate]\nmax-drop = 0.1\nmax_drop = 0.2": (),
}


@pytest.mark.parametrize("text", WRONG)
def test_what_is_wrong_is_said(detbench: Run, tmp_path: Path, text: str) -> None:
    """File, table, key and value, and what it must be; a mistake in another command's table waits for that command."""
    (tmp_path / "detbench.toml").write_text(text)
    said = detbench("run", "--deblurrer", "identity", "--dataset", "nowhere")
    assert said.code == 2
    assert said.err.count("detbench: ") == 1
    assert all(part in said.err for part in WRONG[text] or ("no dataset named 'nowhere'",)), said.err
    assert detbench("run", "--help").code == 0


@pytest.mark.parametrize(
    ("text", "first"),
    [("max-drop = 0.1\nmax_drop = 0.2", "max-drop"), ('rules = "r"\n[[gate.rule]]\nmetric = "map"', "rules")],
    ids=["spellings", "rules"],
)
def test_one_option_given_twice_is_refused(detbench: Run, tmp_path: Path, text: str, first: str) -> None:
    """`-` and `_` are the same, and tables of rules are what --rules names, so the second is one too many."""
    (tmp_path / "detbench.toml").write_text(f"[gate]\n{text}")
    said = detbench("gate", "job")
    assert f": given twice, and before as {first}; leave one out" in said.err


@pytest.mark.parametrize(
    ("name", "table"), [("detbench.toml", "gate"), ("pyproject.toml", "tool.detbench.gate")], ids=["own", "pyproject"]
)
def test_the_gate_takes_baseline_and_rules_from_the_file(drawn_run: Run, detbench: Run, name: str, table: str) -> None:
    """`detbench gate RUN` alone judges by them; a --max-drop that is typed takes the place of the file's rules."""
    assert drawn_run("--name", "job").code == 0
    rules = f'[[{table}.rule]]\nmetric = "psnr_db"\nat_least = 99\n'
    Path(name).write_text(f'[{table}]\nbaseline = "reports/job"\nmin_pictures = 5\n{rules}')
    said = detbench("gate", "reports/job")
    assert said.code == 1, said.err
    assert "blurred: PSNR" in said.out
    assert "≥ 99 is required" in said.out
    assert detbench("gate", "reports/job", "--max-drop", ".01").out.endswith("PASS: 3 rules kept\n")
    assert detbench("gate", "reports/job", "--min-pictures", 13).code == 3
