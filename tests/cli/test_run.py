"""`detbench run`, from words to files."""

import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from detbench.deblurrers.non_blind import Wiener
from detbench.detectors.blobs import Blobs
from detbench.metrics.error_kinds import KINDS
from detbench.metrics.resampled import STAT_KEYS
from detbench.metrics.specs import CONFIDENCE, METRICS, PSEUDO_CONFIDENCE
from detbench.nets.nafnet import NAFNet
from detbench.nets.weights import save_weights
from detbench.results.cards import write_card
from detbench.types import Detections, Image

Said = Any  # code, out, err: the tuple of conftest.py, which is no module to import from
Run = Callable[..., Said]
HEADLINES = (
    "map", "map50", "map75", "map_small", "map_medium", "map_large", "ar100",
    "precision", "recall", "f1", "psnr_db", "ssim",
)  # fmt: skip


def folder_of(said: Said) -> Path:
    """The run folder that a successful command printed last."""
    assert said.code == 0, said.err
    return Path(said.out.splitlines()[-1])


def numbers(said: Said) -> dict[str, float | None]:
    """The headline numbers of a successful command."""
    return json.loads((folder_of(said) / "metrics.json").read_text())


def without_times(metrics: dict[str, float | None]) -> dict[str, float | None]:
    """All but the measured times, which no two runs share."""
    timed = (".restore_", ".detect_ms_", ".fps_")
    return {key: value for key, value in metrics.items() if not any(map(key.count, timed))}


def test_run_folder_is_complete(drawn_run: Run) -> None:
    """The folder, named on the last line of stdout, holds every file that the design names, each metric described."""
    folder = folder_of(drawn_run(deblurrers=("identity", "wiener")))
    names = {path.relative_to(folder).as_posix() for path in folder.rglob("*.*")}
    arms = {f"detections/{arm}.json" for arm in ("sharp", "blurred", "identity", "wiener", "sharp+wiener")}
    files = {"result.json", "metrics.json", "truth.json", "analysis.json", "images.csv", "flips.csv"}
    files |= {"report.html", "summary.md"}
    assert names >= arms | files
    metrics = json.loads((folder / "metrics.json").read_text())
    assert {f"{arm}.{key}" for arm in ("sharp", "blurred", "wiener") for key in HEADLINES} <= set(metrics)
    assert {"wiener.gap_recovered", "wiener.harm", "wiener.restore_ms_p50", "wiener.restore_s_per_mpix"} <= set(metrics)
    assert {key.partition(".")[2] for key in metrics} <= set(METRICS)


def test_every_detection_number_is_pycocotools_own(drawn_run: Run) -> None:
    """All twelve numbers of every arm equal pycocotools' on the files that the run wrote, to 1e-12."""
    folder = folder_of(drawn_run(deblurrers=("identity", "wiener")))
    metrics = json.loads((folder / "metrics.json").read_text())
    truth = COCO(str(folder / "truth.json"))
    for arm in ("sharp", "blurred", "identity", "wiener"):
        judge = COCOeval(truth, truth.loadRes(str(folder / "detections" / f"{arm}.json")), "bbox")
        judge.evaluate()
        judge.accumulate()
        judge.summarize()
        ours = [-1 if metrics[f"{arm}.{key}"] is None else metrics[f"{arm}.{key}"] for key in STAT_KEYS]
        np.testing.assert_allclose(ours, judge.stats, rtol=0, atol=1e-12)


def test_identity_is_the_blurred_arm(drawn_run: Run) -> None:
    """`identity` changes nothing, recovers nothing, and harms nothing, to the last digit."""
    metrics = numbers(drawn_run())
    assert all(metrics[f"identity.{key}"] == metrics[f"blurred.{key}"] for key in HEADLINES)
    assert metrics["identity.gap_recovered"] == 0
    assert metrics["identity.harm"] == 0


def test_every_number_and_difference_has_its_interval(drawn_run: Run) -> None:
    """Arms and paired differences carry intervals, differences p-values; without draws there are none."""
    said = drawn_run(deblurrers=("identity", "wiener"))
    result = json.loads((folder_of(said) / "result.json").read_text())
    of_arm = {arm["name"]: arm["metrics"] for arm in result["arms"]}
    for key in (*HEADLINES, "gap_recovered", "harm"):
        estimate = of_arm["wiener"][key]
        assert estimate["value"] is None or estimate["low"] <= estimate["value"] <= estimate["high"], key
    found = {(each["arm"], each["against"], each["metric"]): each for each in result["differences"]}
    gain, nothing = found["wiener", "blurred", "map"], found["identity", "blurred", "map"]
    assert 0 < gain["difference"]["low"] < gain["difference"]["value"] < gain["difference"]["high"]
    assert (gain["p_value"] < 0.05, nothing["p_value"]) == (True, 1)
    assert (gain["p_holm"], nothing["p_holm"]) == (2 * gain["p_value"], 1)
    assert (nothing["difference"]["low"], nothing["difference"]["high"]) == (0, 0)
    assert found["blurred", "sharp", "map"]["difference"]["high"] < 0
    assert found["wiener", "identity", "map"]["difference"] == gain["difference"]
    assert re.search(
        r"^wiener − blurred +\+\.\d{3} +\[\+\.\d{3},\s\+\.\d{3}\] +\.001 +\.002 *$", said.out, re.MULTILINE
    )

    without = drawn_run("--resamples", "0", "--name", "none", deblurrers=("wiener",))
    result = json.loads((folder_of(without) / "result.json").read_text())
    assert {each["p_value"] for each in result["differences"]} == {None}
    assert {estimate["low"] for arm in result["arms"] for estimate in arm["metrics"].values()} == {None}
    assert "gain of .335 mAP" in without.out.splitlines()[0]
    assert "may be chance" in without.out.splitlines()[0]
    assert "mAP difference" not in without.out  # the gains stand in the arms' table
    assert numbers(without)["wiener.gap_recovered"] is None


def test_a_gap_within_noise_is_not_divided_by(drawn_run: Run) -> None:
    """Where blur costs so little that it may be chance, gap recovered is undefined; four pictures tell nothing."""
    said = drawn_run("--limit", "4", blur="trajectory:exposure=0.01")
    folder = folder_of(said)
    differences = json.loads((folder / "result.json").read_text())["differences"]
    cost = next(each["difference"] for each in differences if (each["arm"], each["metric"]) == ("blurred", "map"))
    assert cost["low"] <= 0 <= cost["high"]
    assert numbers(said)["identity.gap_recovered"] is None
    assert (folder / "summary.md").read_text().startswith("### Too few pictures to tell (4) what identity changes")


def test_flips_are_listed(drawn_run: Run) -> None:
    """flips.csv names every true box that blur lost or the deblurrer regained, as many as the counts differ by."""
    folder = folder_of(drawn_run(deblurrers=("wiener",)))
    rows = [line.split(",") for line in (folder / "flips.csv").read_text().splitlines()[1:]]
    images = [line.split(",") for line in (folder / "images.csv").read_text().splitlines()]
    column = images[0].index("tp")
    found = {
        arm: sum(int(row[column]) for row in images[1:] if row[2] == arm) for arm in ("sharp", "blurred", "wiener")
    }
    for arm, against in (("blurred", "sharp"), ("wiener", "blurred")):
        changes = [row[5] for row in rows if row[:2] == [arm, against]]
        assert changes.count("gained") - changes.count("lost") == found[arm] - found[against]
    assert ["wiener", "blurred"] in [row[:2] for row in rows]


def test_the_analysis_agrees_with_the_headlines(drawn_run: Run) -> None:
    """analysis.json breaks the same numbers down: its classes average to mAP, its bins hold every picture once, its
    sweep passes through the stated operating point, and its curve's mean is mAP50.
    """
    folder = folder_of(drawn_run(deblurrers=("wiener",)))
    metrics = json.loads((folder / "metrics.json").read_text())
    analysis = json.loads((folder / "analysis.json").read_text())
    assert set(analysis) == {"sharp", "blurred", "wiener"}
    for arm, record in analysis.items():
        classes = [each["map"]["value"] for each in record["classes"].values()]
        assert np.mean(classes) == pytest.approx(metrics[f"{arm}.map"], abs=1e-12)
        assert sum(each["boxes"] for each in record["classes"].values()) == 84
        assert sum(each["pictures"] for each in record["blur"]) == 12
        assert np.mean(record["precision_recall"]) == pytest.approx(metrics[f"{arm}.map50"], abs=1e-12)
        point = next(each for each in record["confidence_sweep"] if each["confidence"] == CONFIDENCE)
        assert (point["precision"], point["f1"]) == (metrics[f"{arm}.precision"], metrics[f"{arm}.f1"])
        assert set(record["errors"]) == set(KINDS)
    assert analysis["blurred"]["errors"]["missed"]["cost"] > analysis["sharp"]["errors"]["missed"]["cost"]


def test_oracle_recovers_most_of_the_gap(drawn_run: Run) -> None:
    """Blur costs mAP; a Wiener filter told the kernel gives back half of it or more and harms no sharp picture."""
    folder = folder_of(drawn_run(deblurrers=("wiener",), blur="trajectory:exposure=0.5"))
    metrics = json.loads((folder / "metrics.json").read_text())
    assert metrics["blurred.map"] < 0.7 * metrics["sharp.map"]
    assert metrics["wiener.gap_recovered"] >= 0.5
    assert metrics["wiener.psnr_db"] > metrics["blurred.psnr_db"] + 2
    assert abs(metrics["wiener.harm"]) <= 0.01
    arms = json.loads((folder / "result.json").read_text())["arms"]
    assert [arm["told_kernel"] for arm in arms] == [False, False, True]
    expected = (metrics["wiener.map"] - metrics["blurred.map"]) / (metrics["sharp.map"] - metrics["blurred.map"])
    assert metrics["wiener.gap_recovered"] == pytest.approx(expected, abs=1e-12)


def test_repeated_run_does_nothing_and_says_the_same(drawn_run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same command again calls neither deblurrer nor detector and writes the same bytes."""
    folder = folder_of(drawn_run(deblurrers=("wiener",)))
    before = {
        name: (folder / name).read_bytes() for name in ("metrics.json", "result.json", "images.csv", "report.html")
    }

    def never(*_: object) -> None:
        raise AssertionError("worked again")

    monkeypatch.setattr(Wiener, "__call__", never)
    monkeypatch.setattr(Blobs, "__call__", never)
    assert folder_of(drawn_run(deblurrers=("wiener",))) == folder
    assert before == {name: (folder / name).read_bytes() for name in before}


def test_interrupted_run_goes_on(drawn_run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C ends with 130 and a remark; the repeated command does only the rest and agrees with a whole run."""
    whole = without_times(numbers(drawn_run("--name", "whole", deblurrers=("wiener",), blur="trajectory:seed=9")))
    restore, calls = Wiener.__call__, []

    def stop_at_the_ninth(self: Wiener, *arguments: object) -> Image:
        calls.append(self)
        if len(calls) == 9:
            raise KeyboardInterrupt
        return restore(self, *arguments)

    monkeypatch.setattr(Wiener, "__call__", stop_at_the_ninth)
    monkeypatch.setenv("DETBENCH_CACHE", "another")
    stopped = drawn_run("--name", "half", deblurrers=("wiener",), blur="trajectory:seed=9")
    assert stopped.code == 130
    assert (
        "Interrupted (pictures × arms: 11/36). What is finished is kept in the cache another. Repeat the" in stopped.err
    )
    again = drawn_run("--name", "half", deblurrers=("wiener",), blur="trajectory:seed=9")
    assert without_times(numbers(again)) == whole
    # two warm-ups, and one picture done twice: the one that was under way
    assert len(calls) == 2 * 12 + 2 + 1


def test_killed_run_goes_on(drawn_dataset: Path, tmp_path: Path) -> None:
    """SIGKILL in the middle loses nothing: the repeated command's numbers are a whole run's, and stay byte for byte."""
    script = (
        "import os, signal, sys\n"
        "from detbench.detectors.blobs import Blobs\n"
        "find, calls = Blobs.__call__, []\n"
        "def dying(self, image):\n"
        "    calls.append(1)\n"
        "    if len(calls) == int(os.environ['DIE_AT']): os.kill(os.getpid(), signal.SIGKILL)\n"
        "    return find(self, image)\n"
        "Blobs.__call__ = dying\n"
        "from detbench.cli.main import main\n"
        "main()\n"
    )
    words = ["run", "--deblurrer", "wiener", "--detector", "blobs", "--dataset", str(drawn_dataset)]
    words += ["--blur", "trajectory", "--name", "job", "--limit", "6"]

    def job(cache: str, die_at: int) -> int:
        environment = {"DETBENCH_CACHE": str(tmp_path / cache), "DIE_AT": str(die_at), "PATH": "/usr/bin:/bin"}
        done = subprocess.run(
            [sys.executable, "-c", script, *words], cwd=tmp_path, env=environment, capture_output=True
        )
        return done.returncode

    metrics = tmp_path / "reports" / "job" / "metrics.json"
    assert job("whole", 0) == 0
    whole = without_times(json.loads(metrics.read_text()))
    assert job("cache", 9) == -9
    assert job("cache", 0) == 0
    finished = metrics.read_bytes()
    assert without_times(json.loads(finished)) == whole
    assert job("cache", 1) == 0  # the detector would die on its first call: it has none left to do
    assert metrics.read_bytes() == finished


def test_adding_a_deblurrer_costs_that_deblurrer(drawn_run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run with one deblurrer more detects only in the pictures that this one restored."""
    numbers(drawn_run(deblurrers=("identity",)))
    find, calls = Blobs.__call__, []

    def counted(self: Blobs, image: Image) -> Detections:
        calls.append(1)
        return find(self, image)

    monkeypatch.setattr(Blobs, "__call__", counted)
    numbers(drawn_run(deblurrers=("identity", "wiener")))
    assert len(calls) == 12  # restored blurred pictures; a sharp one comes back as it was


def test_limit_takes_the_first_pictures(drawn_run: Run) -> None:
    """`--limit 3` scores three pictures, and blurs them as a whole run does."""
    whole = folder_of(drawn_run())
    few = folder_of(drawn_run("--limit", "3"))
    rows = (whole / "images.csv").read_text().splitlines()[1:]
    assert [row.rsplit(",", 1)[0] for row in (few / "images.csv").read_text().splitlines()[1:]] == [
        row.rsplit(",", 1)[0] for row in rows[:9]
    ]
    assert json.loads((few / "result.json").read_text())["data"]["images"] == 3


def test_pseudo_truth_is_the_detectors_own(drawn_run: Run) -> None:
    """By its own boxes on sharp pictures the detector is right on them, and the result says whose truth it was."""
    said = drawn_run("--truth", "pseudo")
    metrics = numbers(said)
    assert metrics["sharp.recall"] == 1
    assert metrics["sharp.map"] == 1
    assert metrics["blurred.map"] < 1
    assert "not labels" in said.err


def test_pseudo_truth_is_marked_everywhere(drawn_run: Run, detbench: Run) -> None:
    """Result, truth, report, summary and gate say that the boxes are no labels, and from which confidence on."""
    folder = folder_of(drawn_run("--truth", "pseudo"))
    specification = json.loads((folder / "result.json").read_text())["specification"]
    assert (specification["truth"], specification["pseudo_confidence"]) == ("pseudo", PSEUDO_CONFIDENCE)
    truth = json.loads((folder / "truth.json").read_text())
    assert truth["info"]["description"].startswith("pseudo")
    assert "not labels" in (folder / "summary.md").read_text()
    assert "not labels" in (folder / "report.html").read_text()
    said = detbench("gate", folder, "--baseline", folder, "--summary", "gate.md")
    assert said.code == 0
    assert "not labels" in said.err
    assert "not labels" in Path("gate.md").read_text()


def test_harm_may_be_left_out(drawn_run: Run) -> None:
    """No sharp picture is deblurred, harm is null, and table's notes, report and `request.json` say so."""
    said = drawn_run("--harm", "none")
    folder = folder_of(said)
    assert numbers(said)["identity.harm"] is None
    assert numbers(said)["identity.gap_recovered"] == 0
    assert not (folder / "detections" / "sharp+identity.json").exists()
    assert "Harm was not measured: --harm sample" in " ".join(said.err.split())
    assert "Harm was not measured" in (folder / "report.html").read_text()
    assert json.loads((folder / "request.json").read_text())["specification"]["harm"] == "none"


def test_metrics_on_request_stand_beside_the_others(drawn_run: Run) -> None:
    """Named ones are in files and report and say that they are aligned; without them no file has a word of them."""
    plain = folder_of(drawn_run("--limit", 2))
    said = drawn_run("--limit", 2, "--metric", "psnr_aligned_db", "--metric", "ssim_aligned")
    folder = folder_of(said)
    assert folder != plain
    assert numbers(said)["blurred.psnr_aligned_db"] >= numbers(said)["blurred.psnr_db"] - 0.5
    assert numbers(said)["sharp.ssim_aligned"] == pytest.approx(1)
    page, result = (folder / "report.html").read_text(), json.loads((folder / "result.json").read_text())
    assert "PSNR, aligned" in page
    assert "PSNR after alignment" in page
    assert "after alignment" in result["definitions"]["psnr_aligned_db"]
    assert result["specification"]["metrics"] == ["psnr_aligned_db", "ssim_aligned"]
    written = ("result.json", "metrics.json", "images.csv", "report.html", "request.json")
    assert not any("align" in (plain / name).read_text().replace("text-align", "") for name in written[:3])
    assert all("aligned" in (folder / name).read_text() for name in written)


def test_an_unknown_metric_is_refused(drawn_run: Run) -> None:
    """With the nearest name, and those that there are on request."""
    said = drawn_run("--metric", "psnr_alined_db")
    assert said.code == 2
    assert "Did you mean 'psnr_aligned_db'?" in said.err
    assert "Those on request: psnr_aligned_db, ssim_aligned" in " ".join(said.err.split())


def test_pictures_as_they_are(drawn_run: Run) -> None:
    """Without blur and without sharp twins there is no ceiling: no sharp arm, and null where it would be needed."""
    said = drawn_run(blur="")
    metrics = numbers(said)
    assert not any(key.startswith("sharp.") for key in metrics)
    assert metrics["identity.psnr_db"] is None
    assert metrics["identity.gap_recovered"] is None
    assert metrics["identity.harm"] is None
    assert "--blur" in said.err


def test_blurred_folder_equals_blur_on_the_way(drawn_run: Run, detbench: Run, drawn_dataset: Path) -> None:
    """`detbench blur` and then `run` gives the numbers of `run --blur` with the same recipe."""
    on_the_way = without_times(numbers(drawn_run(deblurrers=("wiener",), blur="trajectory:seed=4")))
    made = detbench("blur", drawn_dataset, "--out", "twins", "--recipe", "trajectory:seed=4")
    assert made.code == 0, made.err
    said = detbench("run", "--deblurrer", "wiener", "--detector", "blobs", "--dataset", "twins")
    assert without_times(numbers(said)) == on_the_way


def test_progress_goes_to_stderr(drawn_run: Run) -> None:
    """The plan, pictures × arms and scoring go to stderr; stdout holds verdict, table, report and, last, the folder. A
    repeated run finds all of its work in the cache.
    """
    said = drawn_run()
    plan = (
        "drawn, 12 pictures × sharp, blurred, identity; detector blobs; device cpu; in the cache: {} of 36 pictures ×"
    )
    assert plan.format(0) in said.err
    assert "pictures × arms: 0/36, sharp" in said.err
    assert "pictures × arms: 36/36" in said.err
    assert "scoring arms and pairs: 0/9" in said.err
    assert "scoring arms and pairs: 9/9" in said.err
    assert "pictures ×" not in said.out
    assert said.out.splitlines()[0] == "No: identity leaves mAP as it is; precision does not change detectably."
    assert said.out.splitlines()[-2:] == [f"Report: {folder_of(said)}/report.html", str(folder_of(said))]
    assert plan.format(36) in drawn_run().err


@pytest.mark.parametrize(
    "command", [["--help"], ["run", "--help"], ["list"], ["gate", "job", "--baseline", "job"], ["report", "job"]]
)
def test_light_commands_never_import_torch(command: list[str], drawn_run: Run, tmp_path: Path) -> None:
    """Help, list, gate and report do not import torch or ultralytics."""
    if "job" in command:
        folder_of(drawn_run("--name", "job", "--out", tmp_path))
    script = (
        "import sys\nfrom detbench.cli.main import main\n"
        "try:\n    main()\n"
        "except SystemExit as stopped:\n    assert not stopped.code, stopped.code\n"
        "print('HEAVY', sorted({'torch', 'ultralytics'} & set(sys.modules)))\n"
    )
    done = subprocess.run([sys.executable, "-c", script, *command], cwd=tmp_path, capture_output=True, text=True)
    assert done.stdout.splitlines()[-1:] == ["HEAVY []"], done.stderr


def test_what_was_done_before_needs_no_heavy_library(drawn_run: Run, drawn_dataset: Path, tmp_path: Path) -> None:
    """A repeated run and the report of a finished one import none of the libraries that measure, match and draw; the
    same files come out.
    """
    words = ("--name", "job", "--out", tmp_path, "--limit", 2, "--device", "cpu")
    folder = folder_of(drawn_run(*words, deblurrers=("pix2pix",)))
    shown = ("--deblurrer", "pix2pix", "--detector", "blobs", "--dataset", drawn_dataset, "--blur", "trajectory")
    script = (
        "import sys\nfrom detbench.cli.main import main\n"
        "try:\n    main()\n"
        "except SystemExit as stopped:\n    assert not stopped.code, stopped.code\n"
        "print('HEAVY', sorted({'torch', 'numba', 'pandas', 'matplotlib', 'jinja2'} & set(sys.modules)))\n"
    )
    names = ("report.html", "summary.md", "metrics.json", "result.json", "images.csv", "flips.csv")
    before = {name: (folder / name).read_bytes() for name in names}
    for command in (("run", *shown, *words), ("report", folder)):
        done = subprocess.run(
            [sys.executable, "-c", script, *map(str, command)], cwd=tmp_path, capture_output=True, text=True
        )
        assert done.stdout.splitlines()[-1:] == ["HEAVY []"], (command[0], done.stdout, done.stderr)
        assert {name: (folder / name).read_bytes() for name in names} == before


def test_a_deblurrer_that_was_trained_with_the_detector_is_marked(drawn_run: Run, tmp_path: Path) -> None:
    """Result, table, summary and notes say so of the weights whose card names the detector, and of no other."""
    own, other = tmp_path / "own" / "weights.safetensors", tmp_path / "other" / "weights.safetensors"
    torch.manual_seed(0)
    for weights in (own, other):
        sha256 = save_weights(NAFNet(), weights)
        write_card(weights, {"sha256": sha256, "trained_with": [{"name": "blobs"}] if weights == own else None})
    said = drawn_run("--limit", 2, deblurrers=(f"nafnet:{own}", f"nafnet:{other}"))
    folder = folder_of(said)
    arms = json.loads((folder / "result.json").read_text())["arms"]
    assert {arm["name"] for arm in arms if arm["trained_with_detector"]} == {"nafnet-own"}
    assert "† nafnet-own: its training loss contained the features of this detector." in said.err
    assert re.search(
        r"^nafnet-own † .*^nafnet-other  |^nafnet-other .*^nafnet-own †  ", said.out, re.MULTILINE | re.DOTALL
    )
    summary = (folder / "summary.md").read_text()
    assert "nafnet-own (trained with this detector)" in summary
    assert "| nafnet-other |" in summary
