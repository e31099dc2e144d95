"""The one door to every check. `nox` runs them all but the slow ones; `nox -s tests -- -k blur` runs some.

Lint, types and tests use the environment that nox itself stands in (`pip install -e '.[dev]'`), because a second copy
of torch takes minutes and 7 GB of disk. The wheel gets an environment of its own that borrows the libraries from it.
"""

import hashlib
import re
import shutil
import subprocess
import sys
import sysconfig
import tomllib
import zipfile
from pathlib import Path

import nox

nox.options.sessions = ["lint", "types", "tests", "docs", "streets", "build", "gate"]
nox.options.error_on_missing_interpreters = True

GATED = ("identity", "deblurgan")
"""The deblurrers of detbench's own gate; the other networks would take a processor the better part of an hour."""

GATED_PICTURES = "24"
"""The part of the embedded streets that detbench's own gate runs on: the first pictures by id."""

MOST_RELEASE_BYTES = 70_000_000
"""Of a release's wheel, and of its source archive."""

LOCKED = ".ci/locked.txt"
BROUGHT_BY_TORCH = "torch|triton|cuda-|nvidia-(?!ml-py)"


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
    """Run the tests, a process on every core."""
    spread = ("--numprocesses=logical", "--maxprocesses=4", "--dist=loadfile")
    session.run(sys.executable, "-m", "pytest", *spread, *session.posargs)


@nox.session(python="3.11")
def streets(session: nox.Session) -> None:
    """Test the recipe of the embedded streets; `nox -s streets -- train --out DIR` runs it instead."""
    session.install("-r", "datasets/streets/requirements.txt", "pytest", "pytest-socket")
    if session.posargs:
        session.run("python", "datasets/streets/recipe.py", *session.posargs)
    else:
        session.run("pytest", "--noconftest", "tests/datasets/test_streets_recipe.py")


@nox.session
def build(session: nox.Session) -> None:
    """Build wheel and source archive of a release, and the wheel of a checkout; install that one in an environment
    without this checkout, and run the main job from another folder.
    """
    wheels = Path(session.create_tmp()).resolve() / "wheels"
    shutil.rmtree(wheels, ignore_errors=True)
    check_release(session, wheels / "release")
    pack(session, wheels, "wheel")
    lend_libraries(session)
    session.install(str(next(wheels.glob("detbench-*.whl"))))
    shutil.rmtree(wheels)
    draw_elsewhere(session)
    job = "run --deblurrer identity --deblurrer wiener --detector blobs --dataset drawn --blur trajectory --name job"
    session.run("detbench", *job.split())
    session.run("detbench", "gate", "reports/job", "--baseline", "reports/job")
    session.run("detbench", "run", "--deblurrer", "deblurgan", "--detector", "yolov8", "--limit", "4")
    session.run("detbench", "doctor")


@nox.session
def without_ultralytics(session: nox.Session) -> None:
    """Install the package without the extra `yolo`, and run the main job, the refusal of YOLO, and doctor."""
    lend_libraries(session, but="ultralytics")
    session.install(".")
    draw_elsewhere(session)
    job = "run --deblurrer identity --detector blobs --dataset drawn --blur trajectory --name job"
    session.run("detbench", *job.split())
    session.run("detbench", "run", "--deblurrer", "identity", success_codes=[2])
    session.run("detbench", "doctor")


def draw_elsewhere(session: nox.Session) -> None:
    """Go on in an empty folder outside the checkout, with a cache of its own and the drawn pictures."""
    drawing = Path("tests/drawn.py").resolve()
    elsewhere = Path(session.create_tmp()).resolve() / "elsewhere"
    shutil.rmtree(elsewhere, ignore_errors=True)
    elsewhere.mkdir()
    session.chdir(elsewhere)
    session.env["DETBENCH_CACHE"] = str(elsewhere / "cache")
    session.run("python", str(drawing), "drawn")


def check_release(session: nox.Session, folder: Path) -> None:
    """Fail where wheel or source archive of a release are too large for a package index; they are removed again."""
    pack(session, folder, "wheel", "sdist", env={"DETBENCH_RELEASE": "1"})
    for file in sorted(folder.iterdir()):
        size = file.stat().st_size
        session.log(f"{file.name} of a release: {size / 1e6:.1f} MB")
        if size >= MOST_RELEASE_BYTES:
            session.error(f"{file.name} has {size:,} bytes; a release has at most {MOST_RELEASE_BYTES:,}")
    shutil.rmtree(folder)


def pack(session: nox.Session, folder: Path, *targets: str, env: dict[str, str] | None = None) -> None:
    """Build from the files where they lie, without a copy of the checkout."""
    chosen = [word for target in targets for word in ("--target", target)]
    session.run(sys.executable, "-m", "hatchling", "build", *chosen, "-d", str(folder), env=env, external=True)


@nox.session(venv_backend="none")
def release(session: nox.Session) -> None:
    """Make what a release publishes, in dist/release: `nox -s release -- TAG`, which the version must fit.

    Archives below the limits of a package index, as files of their own the weights that these leave out, and notes.
    """
    version = re.search(r'__version__ = "(.+)"', Path("detbench", "__init__.py").read_text())[1]
    if session.posargs and session.posargs != [f"v{version}"]:
        session.error(f"the version is {version}, so the tag is v{version}, not {session.posargs[0]}")
    folder = Path("dist", "release")
    shutil.rmtree(folder, ignore_errors=True)
    packages, weights = folder / "packages", folder / "weights"
    pack(session, packages, "sdist", "wheel", env={"DETBENCH_RELEASE": "1"})
    weights.mkdir()
    for name in left_out(next(packages.glob("*.whl"))):
        (weights / f"{name}.safetensors").write_bytes(weights_of(name))
    (folder / "notes.md").write_text(release_notes(Path("CHANGELOG.md").read_text(encoding="utf-8"), version))


def left_out(wheel: Path) -> list[str]:
    """The models with a card whose weights are not in a wheel."""
    packed = set(zipfile.ZipFile(wheel).namelist())
    names = sorted(card.parent.name for card in Path("models").glob("*/card.toml"))
    return [name for name in names if f"detbench/_shipped/models/{name}/weights.safetensors" not in packed]


def weights_of(name: str) -> bytes:
    """A model's weights: from the tree, or of a model that has left it, from the commit before; checked by the card."""
    file = Path("models", name, "weights.safetensors")
    card = tomllib.loads(file.with_name("card.toml").read_text())
    if file.is_file():
        content = file.read_bytes()
    else:
        last = output_of("git", "rev-list", "-1", "HEAD", "--", file.as_posix()).decode().strip()
        content = output_of("git", "show", f"{last}^:{file.as_posix()}")
    if hashlib.sha256(content).hexdigest() != card["sha256"]:
        raise ValueError(f"{file}: its SHA-256 is not the one of its card")
    return content


def output_of(*command: str) -> bytes:
    """What a command prints; raises where it fails."""
    return subprocess.run(command, check=True, capture_output=True).stdout


def release_notes(changelog: str, version: str) -> str:
    """What the changelog says of a version."""
    section = re.search(rf"^## \[{re.escape(version)}\].*?\n(.*?)(?=^## |^\[)", changelog, re.M | re.S)
    return section[1].strip() + "\n"


def lend_libraries(session: nox.Session, but: str | None = None) -> None:
    """Let an environment import what nox's own has installed, but not this checkout, nor packages whose names
    begin with `but`: these are left out by a folder of links to all the others.

    A path in a .pth file is only searched: the .pth files there, and with them editable installs, are not read.
    """
    ask = "import sysconfig; print(sysconfig.get_path('purelib'))"
    own = Path(session.run("python", "-c", ask, silent=True).strip())
    lent = Path(sysconfig.get_path("purelib"))
    if but:
        links = own.with_name("lent")
        shutil.rmtree(links, ignore_errors=True)
        links.mkdir()
        for package in lent.iterdir():
            if not package.name.startswith(but):
                (links / package.name).symlink_to(package)
        lent = links
    (own / "borrowed.pth").write_text(f"{lent}\n")


@nox.session(venv_backend="none")
def docs(session: nox.Session) -> None:
    """Build the documentation site into dist/docs; warnings are errors. Its commands run in tests/test_docs.py."""
    build = (sys.executable, "-m", "mkdocs", "build", "--strict", "--config-file", "detbench/docs/mkdocs.yml")
    session.run(*build, env={"NO_MKDOCS_2_WARNING": "1"})


@nox.session(venv_backend="none")
def gate(session: nox.Session) -> None:
    """Hold the shipped models against reports/baseline.json; `nox -s gate -- refresh` writes a new baseline.

    On the first pictures of the embedded streets, with the shipped detector.
    """
    named = [word for name in GATED for word in ("--deblurrer", name)]
    detbench = (sys.executable, "-m", "detbench")
    run, baseline = "reports/gate", "reports/baseline.json"
    session.run(
        *detbench, "run", *named, "--limit", GATED_PICTURES, "--device", "cpu", "--precision", "fp32", "--name", "gate"
    )
    if session.posargs == ["refresh"]:
        session.run(*detbench, "baseline", run, "--out", baseline)
    else:
        session.run(*detbench, "gate", run, "--baseline", baseline, "--junit", f"{run}-junit.xml")


@nox.session(venv_backend="none")
def sample(session: nox.Session) -> None:
    """Make the sample report and its picture for the README: `nox -s sample -- RUN`, else of `reports/streets`."""
    run, page = (session.posargs or ["reports/streets"])[0], "reports/sample.html"
    session.run(sys.executable, "-m", "detbench", "report", run, "--out", page)
    session.run(sys.executable, "tests/report/screenshot.py", page, "datasets/streets/report.webp")


@nox.session(venv_backend="none")
def results(session: nox.Session) -> None:
    """Make the results page of the shipped networks: `nox -s results -- STREETS_RUN [PHOTOS_RUN]`."""
    session.run(sys.executable, "reports/results.py", *(session.posargs or ["reports/streets"]))


@nox.session(venv_backend="none")
def domains(session: nox.Session) -> None:
    """Make the page of deblurrers on several kinds of blur: `nox -s domains -- RUN RUN …`."""
    session.run(sys.executable, "reports/domains.py", *session.posargs)


@nox.session(venv_backend="none")
def levin(session: nox.Session) -> None:
    """Make the page of Levin et al.'s pictures of real camera shake: `nox -s levin -- FOLDER [DEBLURRER …]`."""
    session.run(sys.executable, "reports/levin.py", *session.posargs)


@nox.session(venv_backend="none")
def deblurred(session: nox.Session) -> None:
    """Make a sheet of pictures by deblurrer: `nox -s deblurred -- [--photo PATH] [--shake PATH] [--out FILE]`."""
    session.run(sys.executable, "reports/deblurred.py", *session.posargs)


@nox.session(venv_backend="none")
def pictures(session: nox.Session) -> None:
    """Make the pictures of the documentation site: `nox -s pictures -- RUN`, the folder of the tutorial's last run."""
    session.run(sys.executable, "reports/site_pictures.py", *session.posargs)


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
def faults(session: nox.Session) -> None:
    """Kill a run at every fault point and at 200 random moments, and fill its disk; minutes on one core."""
    session.run(sys.executable, "tests/faults/kills.py", *session.posargs)


@nox.session(venv_backend="none")
def fuzz(session: nox.Session) -> None:
    """Read spoiled files, 100 of each of 40 kinds, and then those that atheris finds by coverage, in ten minutes.

    `pip install atheris` first; `nox -s fuzz -- SECONDS` gives each kind another time.
    """
    session.run(sys.executable, "-m", "pytest", "tests/fuzz", env={"DETBENCH_FUZZ": "100"})
    session.run(sys.executable, "tests/fuzz/guided.py", *session.posargs)


@nox.session
def lock(session: nox.Session) -> None:
    """Write .ci/locked.txt anew: all that CI installs, with hashes.

    torch, torchvision and what they bring stay out: their builds must match, so pip resolves them on every machine.
    """
    session.install("uv")
    words = "--quiet --python-version 3.11 --python-platform x86_64-manylinux_2_28 --generate-hashes --extra dev"
    words += f" --no-annotate --no-header --upgrade --output-file {LOCKED} pyproject.toml"
    session.run("uv", "pip", "compile", *words.split(), silent=True)
    packages = re.split(r"\n(?=\S)", Path(LOCKED).read_text())
    kept = [package for package in packages if not re.match(BROUGHT_BY_TORCH, package)]
    Path(LOCKED).write_text("\n".join(kept).strip() + "\n")


@nox.session(python="3.11")
def locked(session: nox.Session) -> None:
    """Run the tests in an environment of the locked packages, each checked against its hash."""
    session.install("torch", "torchvision")
    session.install("--no-deps", "--require-hashes", "-r", LOCKED)
    session.install("--no-deps", "-e", ".")
    session.run("python", "-m", "pytest", *session.posargs)


@nox.session(venv_backend="none")
def bench(session: nox.Session) -> None:
    """Measure speed side by side with the named peers, interleaved, results proven equal; writes reports/bench*.json.

    `nox -s bench -- --device cuda --batch 16 --crop-px 256` sets the size of the training steps.
    """
    peers = nox.project.dependency_groups(nox.project.load_toml(), "bench")
    session.run(sys.executable, "-m", "pip", "install", "--quiet", *peers)
    session.run(sys.executable, "tests/bench/speed.py")
    session.run(sys.executable, "tests/bench/training.py", *session.posargs)
    session.run(sys.executable, "tests/bench/forward_share.py")
    session.run(sys.executable, "tests/bench/sharing.py")
    session.run(sys.executable, "tests/bench/growth.py")
