"""The one door to every check. `nox` runs them all but the slow ones; `nox -s tests -- -k blur` runs some.

Lint, types and tests use the environment that nox itself stands in (`pip install -e '.[dev]'`), because a second copy
of torch would take minutes; only the wheel is installed into an empty one.
"""

import shutil
import sys
from pathlib import Path

import nox

nox.options.sessions = ["lint", "types", "tests", "docs", "streets", "build", "gate"]
nox.options.error_on_missing_interpreters = True

DEBLURRERS = ("deblurgan", "nah")
GATED_PICTURES = "24"
"""The part of the embedded streets that detbench's own gate runs on: the first pictures by id."""


@nox.session(venv_backend="none")
def lint(session: nox.Session) -> None:
    """Hold the style: ruff's rules and its format."""
    session.run(sys.executable, "-m", "ruff", "check", ".")
    session.run(sys.executable, "-m", "ruff", "format", "--check", ".")


@nox.session(venv_backend="none")
def types(session: nox.Session) -> None:
    """Check every type, strictly."""
    session.run(sys.executable, "-m", "mypy")


@nox.session(venv_backend="none")
def tests(session: nox.Session) -> None:
    """Run the tests."""
    session.run(sys.executable, "-m", "pytest", *session.posargs)


@nox.session(python="3.11")
def streets(session: nox.Session) -> None:
    """Test the recipe of the embedded streets; `nox -s streets -- train --out DIR` runs it instead."""
    session.install("-r", "datasets/streets/requirements.txt", "pytest")
    if session.posargs:
        session.run("python", "datasets/streets/recipe.py", *session.posargs)
    else:
        session.run("pytest", "--noconftest", "tests/datasets/test_streets_recipe.py")


@nox.session
def build(session: nox.Session) -> None:
    """Build the wheel, install it in an empty environment, and run the main job from another folder."""
    wheels = Path(session.create_tmp()).resolve() / "wheels"
    shutil.rmtree(wheels, ignore_errors=True)
    session.run("pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", str(wheels), ".")
    session.install(str(next(wheels.glob("detbench-*.whl"))))
    drawing = Path("tests/drawn.py").resolve()
    elsewhere = Path(session.create_tmp()) / "elsewhere"
    shutil.rmtree(elsewhere, ignore_errors=True)
    elsewhere.mkdir()
    session.chdir(elsewhere)
    session.env["DETBENCH_CACHE"] = str(elsewhere / "cache")
    session.run("python", str(drawing), "drawn")
    job = "run --deblurrer identity --deblurrer wiener --detector blobs --dataset drawn --blur trajectory --name job"
    session.run("detbench", *job.split())
    session.run("detbench", "gate", "reports/job", "--baseline", "reports/job")
    session.run("detbench", "run", "--deblurrer", "deblurgan", "--detector", "yolov8", "--limit", "4")
    session.run("detbench", "doctor")


@nox.session(venv_backend="none")
def docs(session: nox.Session) -> None:
    """Build the documentation site into dist/docs; warnings are errors. Its commands run in tests/test_docs.py."""
    pages = Path("detbench", "docs")
    commands = pages / "pages" / "reference" / "commands.md"
    typer = (sys.executable, "-m", "typer", "detbench.cli.main", "utils", "docs")
    session.run(*typer, "--name", "detbench", "--title", "Commands", "--output", str(commands))
    session.run(sys.executable, "-m", "mkdocs", "build", "--strict", "--config-file", str(pages / "mkdocs.yml"))


@nox.session(venv_backend="none")
def gate(session: nox.Session) -> None:
    """Hold the shipped models against reports/baseline.json; `nox -s gate -- refresh` writes a new baseline.

    On the first pictures of the embedded streets, with the shipped detector and every shipped deblurrer.
    """
    shipped = [name for name in DEBLURRERS if Path("models", name, "weights.safetensors").exists()]
    named = [word for name in ("identity", *shipped) for word in ("--deblurrer", name)]
    detbench = (sys.executable, "-m", "detbench")
    run, baseline = "reports/gate", "reports/baseline.json"
    session.run(*detbench, "run", *named, "--limit", GATED_PICTURES, "--device", "cpu", "--name", "gate")
    if session.posargs == ["refresh"]:
        session.run(*detbench, "baseline", run, "--out", baseline)
    else:
        session.run(*detbench, "gate", run, "--baseline", baseline, "--junit", f"{run}-junit.xml")


@nox.session(venv_backend="none")
def simulate(session: nox.Session) -> None:
    """Hold intervals and gate against simulated pictures whose true mAP is known; half an hour on one core."""
    session.run(sys.executable, "tests/simulation/verdict.py", *session.posargs)


@nox.session(venv_backend="none")
def differential(session: nox.Session) -> None:
    """Hold the matcher against pycocotools on 10,000 random and edge datasets; minutes on one core."""
    tests = ("tests/metrics/test_resampled.py", "-k", "pycocotools")
    session.run(sys.executable, "-m", "pytest", *tests, env={"DETBENCH_DATASETS": "10000"})


@nox.session(venv_backend="none")
def bench(session: nox.Session) -> None:
    """Measure speed side by side with the named peers, interleaved, results proven equal; writes reports/bench*.json.

    `nox -s bench -- --device cuda --batch 16 --crop-px 256` sets the size of the training steps.
    """
    session.run(sys.executable, "tests/bench/speed.py")
    session.run(sys.executable, "tests/bench/training.py", *session.posargs)
