"""The one door to every check. `nox` runs them all but the benchmarks; `nox -s tests -- -k blur` runs some.

Lint, types and tests use the environment that nox itself stands in (`pip install -e '.[dev]'`), because a second copy
of torch would take minutes; only the wheel is installed into an empty one.
"""

import shutil
import sys
from pathlib import Path

import nox

nox.options.sessions = ["lint", "types", "tests", "streets", "build"]
nox.options.error_on_missing_interpreters = True


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
    session.run("detbench", "run", "--deblurrer", "identity", "--detector", "yolov8", "--limit", "4")
    session.run("detbench", "doctor")


@nox.session(venv_backend="none")
def bench(session: nox.Session) -> None:
    """Measure speed side by side with the named peers, interleaved, results proven equal; writes reports/bench*.json.

    `nox -s bench -- --device cuda --batch 16 --crop-px 256` sets the size of the training steps.
    """
    session.run(sys.executable, "tests/bench/speed.py")
    session.run(sys.executable, "tests/bench/training.py", *session.posargs)
