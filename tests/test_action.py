"""action.yml: its shell steps run in their order, as GitHub's runner runs them; steps of other actions are left out."""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[1]
ACTION = yaml.safe_load((ROOT / "action.yml").read_text(encoding="utf-8"))
SHELL = ("bash", "--noprofile", "--norc", "-eo", "pipefail", "-c")
"""What `shell: bash` means."""

GH = """#!/bin/bash
# GitHub's client: notes its words, knows the comments of one pull request, or may write none
printf '%s\\n' "$*" >> "$GH_CALLS"
[ -z "$GH_FORBIDS" ] || { echo 'HTTP 403' >&2; exit 1; }
case "$*" in *--paginate*) [ ! -s "$GH_EARLIER" ] || jq "${!#}" "$GH_EARLIER";; esac
"""


@dataclass
class Runner:
    """A job on a machine: its workspace, what its steps put out, and whether one has failed."""

    place: Path
    inputs: Mapping[str, str]
    variables: dict[str, str]
    pull_request: str = ""
    outputs: dict[str, str] = field(default_factory=dict)
    is_good: bool = True
    said: dict[str, str] = field(default_factory=dict)

    def value(self, expression: str) -> str:
        """What an expression of the runner gives, of those that action.yml uses."""
        known = {f"inputs.{key}": value for key, value in self.inputs.items()}
        known |= {f"steps.{key}": value for key, value in self.outputs.items()}
        known |= {"github.event.pull_request.number": self.pull_request, "github.token": "secret"}
        if expression.startswith("hashFiles("):
            return ""
        return known.get(expression, "")

    def filled(self, text: object) -> str:
        """A text with its expressions replaced."""
        return re.sub(r"\$\{\{ (.+?) \}\}", lambda found: self.value(found[1]), str(text))

    def is_due(self, condition: str) -> bool:
        """Whether a step runs: without `always()`, only where none before has failed."""
        parts = [part.strip() for part in condition.split("&&") if part.strip()]
        if "always()" not in parts and not self.is_good:
            return False
        for part in parts:
            left, compared, right = re.fullmatch(r"(\S+)(?: (==|!=) '(.*)')?", part).groups()
            if compared and (self.value(left) == right) != (compared == "=="):
                return False
        return True

    def run(self) -> None:
        """Every shell step that is due; outputs and variables that it writes are known to the later ones."""
        for step in ACTION["runs"]["steps"]:
            if "run" in step and self.is_due(step.get("if", "")):
                self.run_step(step)

    def run_step(self, step: Mapping[str, Any]) -> None:
        """One step in a shell of its own."""
        files = {name: self.place / name.lower() for name in ("GITHUB_OUTPUT", "GITHUB_ENV")}
        for file in files.values():
            file.write_text("")
        own = {key: self.filled(value) for key, value in step.get("env", {}).items()}
        environment = self.variables | {name: str(file) for name, file in files.items()} | own
        done = subprocess.run(
            [*SHELL, step["run"]], cwd=self.place / "workspace", env=environment, capture_output=True, text=True
        )
        self.said[step["name"]] = done.stdout + done.stderr
        self.is_good &= done.returncode == 0
        for line in files["GITHUB_OUTPUT"].read_text().splitlines():
            key, _, value = line.partition("=")
            self.outputs[f"{step['id']}.outputs.{key}"] = value
        self.variables |= dict(line.split("=", 1) for line in files["GITHUB_ENV"].read_text().splitlines())


def program(folder: Path, name: str, text: str) -> None:
    """An executable file."""
    (folder / name).write_text(text)
    (folder / name).chmod(0o755)


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One cache for all jobs, as GitHub keeps it between them."""
    return tmp_path_factory.mktemp("temporary")


@pytest.fixture
def place(tmp_path: Path, drawn_dataset: Path) -> Path:
    """A runner's folders: the workspace with drawn pictures, and programs that stand before the system's own."""
    (tmp_path / "workspace").mkdir()
    shutil.copytree(drawn_dataset, tmp_path / "workspace" / "drawn")
    programs = tmp_path / "programs"
    programs.mkdir()
    python = shlex.quote(sys.executable)
    program(programs, "detbench", f'#!/bin/bash\nexec {python} -m detbench "$@"\n')
    program(programs, "python", f'#!/bin/bash\nprintf "%s\\n" "$@" > {shlex.quote(str(tmp_path / "installed"))}\n')
    program(programs, "gh", GH)
    (tmp_path / "earlier").write_text("")
    return tmp_path


def job(place: Path, cache: Path, pull_request: str = "", **inputs: str) -> Runner:
    """A runner whose job uses the action; inputs that are not given have their defaults."""
    defaults = {name: str(each.get("default", "")) for name, each in ACTION["inputs"].items()}
    given = {name.replace("_", "-"): value for name, value in inputs.items()}
    assert given.keys() <= defaults.keys()
    variables = {
        "PATH": f"{place / 'programs'}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT),
        "HOME": str(place),
        "OMP_NUM_THREADS": "1",
        "GITHUB_ACTIONS": "true",
        "GITHUB_ACTION_PATH": "/actions/detbench",
        "GITHUB_REPOSITORY": "someone/something",
        "GITHUB_STEP_SUMMARY": str(place / "summary.md"),
        "RUNNER_OS": "Linux",
        "RUNNER_TEMP": str(cache),
        "GH_CALLS": str(place / "calls"),
        "GH_EARLIER": str(place / "earlier"),
        "GH_FORBIDS": "",
    }
    common = {"detector": "blobs", "dataset": "./drawn", "run-arguments": "--blur 'trajectory:seed=0'"}
    return Runner(place, {**defaults, **common, **given}, variables, pull_request)


@pytest.fixture(scope="module")
def baseline(tmp_path_factory: pytest.TempPathFactory, drawn_dataset: Path, cache: Path) -> Path:
    """The baseline of a run with `wiener`."""
    folder = tmp_path_factory.mktemp("baseline")
    environment = os.environ | {"PYTHONPATH": str(ROOT), "DETBENCH_CACHE": str(cache / "detbench-cache")}
    run = f"run -d wiener -t blobs -s {drawn_dataset} --blur trajectory:seed=0 --name wiener"
    for words in (run, "baseline reports/wiener --out baseline.json"):
        command = [sys.executable, "-m", "detbench", *words.split()]
        subprocess.run(command, cwd=folder, env=environment, check=True, capture_output=True)
    return folder / "baseline.json"


def test_a_run_that_keeps_its_rules_passes(place: Path, cache: Path, baseline: Path) -> None:
    """The job is good; gate and verdict are in the step summary; the cache has a key; the checkout is installed."""
    runner = job(place, cache, deblurrer="wiener", baseline=str(baseline))
    runner.run()
    assert runner.is_good, runner.said
    assert runner.outputs["run.outputs.folder"] == "reports/detbench"
    assert "PASS: 3 rules kept" in runner.said["Gate"]
    summary = (place / "summary.md").read_text()
    assert "### detbench gate: PASS: 3 rules kept" in summary
    assert "### Yes: wiener" in summary
    assert (place / "installed").read_text().splitlines()[-1] == "/actions/detbench[yolo]"
    assert re.fullmatch(r"detbench-Linux-[0-9a-f]{16}-", runner.outputs["key.outputs.prefix"])
    assert {path.name for path in (place / "workspace" / "reports").iterdir()} == {
        "detbench", "detbench-gate.md", "detbench-gate.xml",
    }  # fmt: skip
    assert not (place / "calls").exists()


def test_a_regression_fails_and_is_shown_all_the_same(place: Path, cache: Path, baseline: Path) -> None:
    """A deblurrer that does nothing, in place of the baseline's: exit 1, an annotation, summary and comment."""
    (place / "workspace" / "worse.py").write_text("def restore(blurred):\n    return blurred\n")
    words = "wiener=python:worse:restore"
    runner = job(place, cache, pull_request="7", deblurrer=words, baseline=str(baseline), extras="")
    runner.variables["PYTHONPATH"] += f"{os.pathsep}{place / 'workspace'}"
    runner.run()
    assert not runner.is_good
    assert "::error title=detbench gate::REGRESSION: wiener" in runner.said["Gate"]
    assert "REGRESSION" in (place / "summary.md").read_text()
    assert (place / "installed").read_text().splitlines()[-1] == "/actions/detbench"
    comment = (cache / "detbench-comment.md").read_text()
    assert comment.startswith("<!-- detbench: detbench -->\n\n### detbench gate: FAIL")
    assert "\n### " in comment.partition("FAIL")[2]
    listed, written = (place / "calls").read_text().splitlines()
    assert listed.startswith("api --paginate repos/someone/something/issues/7/comments --jq")
    assert written.startswith("api --silent --method POST repos/someone/something/issues/7/comments -F body=@")


def test_a_later_run_writes_into_its_earlier_comment(place: Path, cache: Path) -> None:
    """The first comment of a program with its mark is changed, none is added, and no person's is touched."""
    if not shutil.which("jq"):
        pytest.skip("needs jq, which understands what GitHub's client is given")
    mark = "<!-- detbench: detbench -->"
    comments = [
        {"id": 1, "user": {"type": "User"}, "body": f"{mark}\nmine"},
        {"id": 2, "user": {"type": "Bot"}, "body": f"> {mark}"},
        {"id": 3, "user": {"type": "Bot"}, "body": f"{mark.replace('-->', '2 -->')}"},
        {"id": 4711, "user": {"type": "Bot"}, "body": f"{mark}\n\nearlier"},
        {"id": 4712, "user": {"type": "Bot"}, "body": f"{mark}\n\nlater"},
    ]
    (place / "earlier").write_text(json.dumps(comments))
    runner = job(place, cache, pull_request="7", deblurrer="wiener")
    runner.run()
    assert runner.is_good, runner.said
    assert "Gate" not in runner.said
    _, written = (place / "calls").read_text().splitlines()
    assert written.startswith("api --silent --method PATCH repos/someone/something/issues/comments/4711 -F body=@")


def test_without_the_right_to_comment_the_summary_has_it(place: Path, cache: Path) -> None:
    """The job is good, and a notice says why there is no comment."""
    runner = job(place, cache, pull_request="7", deblurrer="wiener")
    runner.variables["GH_FORBIDS"] = "1"
    runner.run()
    assert runner.is_good, runner.said
    assert "::notice title=detbench::The pull request has no comment" in runner.said["Comment"]
    assert "### Yes: wiener" in (place / "summary.md").read_text()


def test_an_input_is_never_run(place: Path, cache: Path) -> None:
    """Commands, quotes and options in inputs are words for detbench, which refuses them; nothing is uploaded."""
    hostile = "x$(touch ../hacked)`touch ../hacked`\"; touch ../hacked; '--out=/tmp/x"
    runner = job(place, cache, pull_request="7", deblurrer=hostile, dataset=f"--help {hostile}", limit="3")
    runner.run()
    assert not runner.is_good
    assert "touch ../hacked" in runner.said["Run"]
    assert runner.said.keys() == {"Install", "Key", "Run"}
    assert not (place / "hacked").exists()


def test_further_words_are_divided_and_not_expanded(place: Path, cache: Path) -> None:
    """Quotes hold words together; `$(…)` stays as it is, and a quote that does not end is an error."""
    runner = job(place, cache, deblurrer="wiener", run_arguments="--blur '$(touch ../hacked) x'")
    runner.run()
    assert "$(touch ../hacked) x" in runner.said["Run"]
    runner = job(place, cache, deblurrer="wiener", run_arguments="--blur 'trajectory")
    runner.run()
    assert not runner.is_good
    assert "quote" in runner.said["Run"]
    assert not (place / "hacked").exists()


def test_a_run_with_a_failed_arm_is_shown_and_fails(place: Path, cache: Path) -> None:
    """Exit code 4 leaves a whole run: its folder is known to the later steps, and the job fails."""
    (place / "workspace" / "broken.py").write_text("def restore(blurred):\n    raise ValueError('no idea')\n")
    runner = job(place, cache, deblurrer="broken=python:broken:restore")
    runner.variables["PYTHONPATH"] += f"{os.pathsep}{place / 'workspace'}"
    runner.run()
    assert not runner.is_good
    assert runner.outputs["run.outputs.folder"] == "reports/detbench"
    assert "no idea" in (place / "summary.md").read_text()
