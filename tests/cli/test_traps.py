"""What trips a stranger up on the command line: names, places, streams and folders that are not as they should be."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image as PillowImage

Run = Callable[..., Any]
LATIN = os.fsdecode(b"caf\xe9")
"""A name as Windows packed it, which is not UTF-8."""

SHORT = ("--limit", "2", "--resamples", "0")


def refused(said: Any, *parts: str) -> None:
    """Hold that a command ended with one message that has all `parts`, before any picture was touched."""
    assert said.code == 2, said.err
    assert said.err.count("detbench: ") == 1
    assert all(part in said.err for part in parts), said.err
    assert "pictures × arms" not in said.err
    assert "Traceback" not in said.err


def in_process(words: list[object], **how: Any) -> subprocess.CompletedProcess[bytes]:
    """Run `detbench` as a process of its own."""
    return subprocess.run([sys.executable, "-m", "detbench", *map(str, words)], stderr=subprocess.PIPE, **how)


@pytest.fixture
def pairs(tmp_path: Path) -> Path:
    """Two pairs of grey pictures as restoration networks' authors pack them."""
    folder = tmp_path / "pairs"
    for place in ("input", "target"):
        (folder / place).mkdir(parents=True)
        for name in ("a", "b"):
            PillowImage.fromarray(np.full((8, 12, 3), 99, np.uint8)).save(folder / place / f"{name}.png")
    return folder


def test_a_picture_whose_name_is_not_utf8_is_refused_at_once(detbench: Run, pairs: Path) -> None:
    """A dataset with such a name is one message with the name, escaped, and the mend; so is a folder of recorded
    pictures, and one to blur or to deblur.
    """
    words = ("--detector", "blobs", "--truth", "pseudo")
    shutil.copytree(pairs / "target", "restored")
    Path("restored/a.png").rename(f"restored/{LATIN}.png")
    parts = (r"caf\xe9.png", "not UTF-8", "rename it")
    refused(detbench("run", "--deblurrer", "recorded:restored", "--dataset", pairs, *words), *parts)
    for place in ("input", "target"):
        (pairs / place / "a.png").rename(pairs / place / f"{LATIN}.png")
    refused(detbench("run", "--deblurrer", "identity", "--dataset", pairs, *words), *parts)
    refused(detbench("blur", "restored", "--out", "blurred"), *parts)
    refused(detbench("deblur", "restored", "--deblurrer", "identity", "--out", "sharp"), *parts)
    assert not Path("reports").exists()


@pytest.mark.parametrize(
    ("form", "parts"),
    [("yolo", (r"yolo/images/caf\xe9.png: the name is not UTF-8",)), ("voc", (r"caf\udce9.png", "in UTF-8"))],
)
def test_an_annotated_picture_needs_a_name_in_utf8_too(
    detbench: Run, drawn_dataset: Path, form: str, parts: tuple[str, ...]
) -> None:
    """A picture that is renamed together with its label file is found, and refused."""
    assert detbench("convert", drawn_dataset, "--to", form, "--out", form).code == 0
    Path(form, "detbench-ids.json").unlink()
    for file in Path(form).rglob("drawn-01.*"):
        file.rename(file.with_name(LATIN + file.suffix))
    xml = Path(form, "Annotations", f"{LATIN}.xml")
    if xml.exists():
        xml.write_text(xml.read_text().replace("<filename>drawn-01.png</filename>", ""))
    refused(detbench("run", "--deblurrer", "identity", "--detector", "blobs", "--dataset", form), *parts)


@pytest.mark.parametrize(
    "words",
    [
        ("run", "--deblurrer", "identity", "--dataset", LATIN),
        ("run", "--deblurrer", "identity", "--out", LATIN),
        ("run", "--deblurrer", f"recorded:{LATIN}"),
        ("report", LATIN),
        ("convert", "streets", "--to", "coco", "--out", LATIN),
    ],
)
def test_a_word_that_is_not_utf8_is_refused(detbench: Run, words: tuple[str, ...]) -> None:
    """Whatever folder such a word names, it is refused before it is read or made."""
    Path(LATIN).mkdir()
    refused(detbench(*words), r"caf\xe9: the name is not UTF-8", "convmv")
    assert not list(Path(LATIN).iterdir())


def test_a_tilde_is_the_home_folder_wherever_a_path_stands(
    detbench: Run, drawn_dataset: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Behind `=`, a format and a kind no shell expands it; DETBENCH_CACHE in a service's settings neither. What is
    written stays out of a folder that is called `~`.
    """
    home = tmp_path / "home"
    shutil.copytree(drawn_dataset, home / "data")
    shutil.copytree(drawn_dataset / "images", home / "restored")
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("DETBENCH_CACHE", "~/cache")
    said = detbench(
        "run", "--deblurrer=mine=recorded:~/restored", "--detector=blobs", "--dataset=coco:~/data", *SHORT,
        "--out=~/runs", "--name=x",
    )  # fmt: skip
    assert said.code == 0, said.err
    assert said.out.splitlines()[-1] == str(home / "runs" / "x")
    assert (home / "runs" / "x" / "report.html").is_file()
    assert (home / "cache").is_dir()
    assert detbench("gate", "~/runs/x", "--baseline=~/runs/x", "--min-pictures=2").code == 0
    assert detbench("report", "~/runs/x", "--out=~/page.html").code == 0
    assert (home / "page.html").is_file()
    assert not Path("~").exists()


def test_a_folder_that_is_called_tilde_is_a_folder(drawn_run: Run, detbench: Run) -> None:
    """`./~` is written and read where it is, by pandas too, which takes ~ for the home."""
    said = drawn_run(*SHORT, "--out", "./~", "--name", "x")
    assert said.code == 0, said.err
    assert Path("~", "x", "images.csv").is_file()
    assert detbench("report", "./~/x").code == 0


@pytest.fixture
def finished(drawn_run: Run) -> Path:
    """The absolute path of a finished run."""
    said = drawn_run(*SHORT, "--name", "job")
    assert said.code == 0, said.err
    return Path("reports/job").resolve()


def test_output_that_cannot_be_written_ends_no_finished_work(finished: Path, drawn_dataset: Path) -> None:
    """With stdout on a full disk a run has its folder, its exit code and one message, and a command that makes nothing
    but output fails; with a reader that has gone, or none at all, not a word is said.
    """
    run = ["run", "--deblurrer", "identity", "--detector", "blobs", "--dataset", drawn_dataset, "--blur", "trajectory"]
    gate = ["gate", finished, "--baseline", finished, "--min-pictures", "2"]
    with Path("/dev/full").open("w") as full:
        done = in_process([*run, *SHORT, "--name", "job"], stdout=full)
        assert done.returncode == 0, done.stderr
        assert done.stderr.count(b"detbench: stdout cannot be written (No space left on device)") == 1
        assert b"Traceback" not in done.stderr
        assert in_process(["card", Path(__file__).parents[2] / "models" / "nafnet"], stdout=full).returncode == 2
        quiet = subprocess.run([sys.executable, "-m", "detbench", *map(str, gate)], stderr=full, stdout=full)
        assert quiet.returncode == 0
    read, write = os.pipe()
    os.close(read)
    gone = in_process(gate, stdout=write)
    os.close(write)
    assert (gone.returncode, gone.stderr) == (0, b"")
    closed = subprocess.run(["bash", "-c", f"{sys.executable} -m detbench {' '.join(map(str, gate))} >&- 2>&-"])
    assert closed.returncode == 0


def test_a_terminal_without_unicode_gets_what_it_has(finished: Path) -> None:
    """Signs, dashes and arrows become ASCII; other letters are escaped."""
    environment = {**os.environ, "PYTHONIOENCODING": "ascii"}
    gate = ["gate", finished, "--baseline", finished, "--min-pictures", "2"]
    done = in_process(gate, stdout=subprocess.PIPE, env=environment)
    assert done.returncode == 0, done.stderr
    assert b"PASS" in done.stdout
    assert done.stdout.isascii()
    missing = in_process(["report", "größe"], stdout=subprocess.PIPE, env=environment)
    assert (missing.returncode, b"gr\\xf6\\xdfe/result.json" in missing.stderr) == (2, True)


def test_a_name_keeps_the_run_that_has_it(drawn_run: Run) -> None:
    """A repeated or extended request goes on in its folder; another is refused with what differs, before any work, and
    replaces the run only with --overwrite.
    """
    job = (*SHORT, "--name", "job")
    for deblurrers in (("identity",), ("identity",), ("wiener", "identity")):
        assert drawn_run(*job, deblurrers=deblurrers).code == 0
    refused(drawn_run(*job), "reports/job holds another run: it has wiener too", "--name", "--overwrite")
    both = {"deblurrers": ("wiener", "identity")}
    refused(drawn_run(*job, "--limit", "3", **both), "its limit is 2, not 3")
    refused(drawn_run(*job, "--truth", "pseudo", **both), "its truth is 'labels', not 'pseudo'")
    refused(drawn_run(*job, blur="trajectory:seed=3", **both), "its blur is {", "'seed': 3")
    before = Path("reports/job/metrics.json").read_bytes()
    assert drawn_run(*job, "--limit", "3", "--overwrite").code == 0
    assert Path("reports/job/metrics.json").read_bytes() != before
    assert json.loads(Path("reports/job/request.json").read_text())["specification"]["limit"] == 3


def test_two_datasets_of_one_name_are_two(detbench: Run, drawn_dataset: Path) -> None:
    """Folders are often called alike: where they lie tells them apart, and a run without request.json counts by what
    its result says.
    """
    for place in ("a", "b"):
        shutil.copytree(drawn_dataset, Path(place, "data"))
    words = ("run", "--deblurrer", "identity", "--detector", "blobs", *SHORT, "--name", "job", "--dataset")
    assert detbench(*words, "a/data").code == 0
    refused(detbench(*words, "b/data"), "its dataset is that of", "a/data")
    Path("reports/job/request.json").unlink()
    refused(detbench(*words, "b/data", "--limit", "3"), "its limit is 2, not 3")
    assert detbench(*words, "b/data").code == 0


def test_an_interrupted_run_keeps_its_name_too(drawn_run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """The folder says what it is for from the first picture on, and so does a shard's."""

    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("detbench.evaluation.run.measure", interrupted)
        assert drawn_run(*SHORT, "--name", "job").code == 130
    refused(drawn_run("--limit", "3", "--resamples", "0", "--name", "job"), "its limit is 2, not 3")
    assert drawn_run(*SHORT, "--name", "job").code == 0
    assert drawn_run(*SHORT, "--name", "job", "--shard", "1/2").code == 0
    refused(drawn_run("--limit", "3", "--resamples", "0", "--name", "job", "--shard", "1/2"), "job-1-of-2", "limit")


def test_merging_replaces_no_other_run(drawn_run: Run, detbench: Run) -> None:
    """Shards go into the folder of their own run, and into another's only with --overwrite."""
    shards = [drawn_run(*SHORT, "--name", "s", "--shard", f"{index}/2").out.strip() for index in (1, 2)]
    assert drawn_run(*SHORT, "--name", "same").code == 0
    assert drawn_run("--limit", "3", "--resamples", "0", "--name", "other").code == 0
    assert detbench("merge", *shards, "--out", "reports/same").code == 0
    said = detbench("merge", *shards, "--out", "reports/other")
    assert (said.code, "its limit is 3, not 2" in said.err) == (2, True), said.err
    assert detbench("merge", *shards, "--out", "reports/other", "--overwrite").code == 0
    files = [Path("reports", name, "metrics.json").read_text() for name in ("same", "other")]
    assert files[0] == files[1]


@pytest.mark.parametrize("name", ["a/b", "..", "", ".", "/tmp/x", "a\\b", "~"])
def test_a_name_is_that_of_a_folder(drawn_run: Run, name: str) -> None:
    """A name that leads elsewhere is refused, and --out named."""
    refused(drawn_run("--name", name), "--name", "name of a folder", "--out")


def test_a_name_that_no_disk_can_hold_is_one_message(drawn_run: Run, detbench: Run) -> None:
    """However the long word is used, the system's reason and the word are in the message."""
    long = "y" * 300
    for words in (("--name", long), ("--out", long), ("--dataset", long), ("--deblurrer", f"recorded:{long}")):
        refused(drawn_run(*words), long, "File name too long", "another")
    assert drawn_run(*SHORT, "--out", "spaced #1, a:b").code == 0


def test_a_long_dataset_name_still_makes_a_run_folder(detbench: Run, drawn_dataset: Path) -> None:
    """The name made of the words is cut to what a folder can be called, in whole letters."""
    mine = shutil.copytree(drawn_dataset, "界" * 80)
    said = detbench("run", "--deblurrer", "identity", "--detector", "blobs", "--dataset", mine, *SHORT)
    assert said.code == 0, said.err
    assert said.out.splitlines()[-1].startswith("reports/" + "界" * 23 + "-blobs-")


def test_an_unwritable_cache_is_said_before_any_work(
    drawn_run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A file in its place, a disk that takes nothing, and no home at all: each names DETBENCH_CACHE."""
    (tmp_path / "file").write_text("")
    for place in (tmp_path / "file", "/proc/none"):
        monkeypatch.setenv("DETBENCH_CACHE", str(place))
        refused(drawn_run(), f"the cache {place}: ", "cannot be written", "name another cache with DETBENCH_CACHE=")
    monkeypatch.setenv("DETBENCH_CACHE", "~nobody-of-this-name/cache")
    refused(drawn_run(), "no such home folder", "DETBENCH_CACHE")
    assert not Path("reports").exists()


def test_a_deblurrer_is_named_once(drawn_run: Run, tmp_path: Path) -> None:
    """A word that stands twice runs once and a note says so; two files of one name are told how to be named."""
    said = drawn_run(*SHORT, deblurrers=("identity", "identity"))
    assert said.code == 0
    assert "--deblurrer identity is named 2 times and runs once." in said.err
    for place in ("a", "b"):
        PillowImage.new("RGB", (4, 4)).save((tmp_path / place / "out").mkdir(parents=True) or f"{place}/out/1.png")
    refused(
        drawn_run(deblurrers=("recorded:a/out", "recorded:b/out")),
        "recorded:a/out and recorded:b/out are both called 'recorded-out'",
        "--deblurrer NAME=recorded:b/out",
    )
    refused(drawn_run(deblurrers=("x=recorded:a/out", "x=recorded:b/out")), "both called 'x'", "NAME=recorded:b/out")
    refused(drawn_run(deblurrers=("y" * 201 + "=recorded:a/out",)), "at most 200 bytes")
    refused(drawn_run(deblurrers=("",)), "no deblurrer named ''")


@pytest.mark.parametrize(
    ("name", "part"), [("data.zip", "unpack it"), ("data.tar.gz", "unpack it"), ("p.jpg", "a single picture")]
)
def test_a_file_that_is_no_dataset_says_what_it_is(detbench: Run, name: str, part: str) -> None:
    """An archive is to be unpacked, and a picture is in a dataset and none itself."""
    Path(name).write_bytes(b"x")
    refused(detbench("run", "--deblurrer", "identity", "--dataset", name), name, part)


def test_a_page_replaces_no_other_file(detbench: Run, finished: Path, drawn_dataset: Path) -> None:
    """A page goes into a file that ends in .html, so that a slip costs no annotations."""
    file = shutil.copy(drawn_dataset / "annotations.json", "annotations.json")
    before = Path(file).read_bytes()
    refused(detbench("report", finished, "--out", file), "annotations.json", "ends in .html")
    assert Path(file).read_bytes() == before
