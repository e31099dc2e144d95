import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import detbench
from detbench.errors import DataError, UsageError
from detbench.evaluation.measure.measuring import MEASURING
from detbench.evaluation.score.scoring import SCORING
from detbench.results.folder import RunFolder
from detbench.types import Detections, Image, Sample

SIZE = (48, 64)
BOX = [10.0, 12.0, 30.0, 28.0]


def inverted(image: Image) -> Image:
    """A deblurrer of the test's own."""
    return 255 - image


def failing(image: Image) -> Image:
    """A deblurrer that fails."""
    raise RuntimeError("no weights")


class Brightest:
    """A detector in memory: one box around what is brighter than 200."""

    classes = ("square",)

    def __call__(self, image: Image) -> Detections:
        rows, columns = np.nonzero(image[..., 0] > 200)
        found = [[columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]] if rows.size else []
        boxes = np.array(found, np.float64).reshape(-1, 4)
        return Detections(boxes, np.full(len(boxes), 0.9), np.zeros(len(boxes), np.int64))


def square(value: int) -> Image:
    """A picture with a square in BOX, and grey around it."""
    image = np.full((*SIZE, 3), 100, np.uint8)
    image[12:28, 10:30] = value
    return image


@pytest.fixture(autouse=True)
def own_cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No test finds the work of another."""
    monkeypatch.setenv("DETBENCH_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def samples() -> list[Sample]:
    """Three pictures whose square is too dark for the detector until it is inverted."""
    return [detbench.sample(number, square(20), [BOX], [7], sharp=square(230)) for number in (3, 1, 2)]


def evaluated(samples: list[Sample], deblurrers: Any, **options: Any) -> detbench.Result:
    """Evaluate deblurrers with the detector of this file."""
    return detbench.evaluate(samples, deblurrers, Brightest(), classes={7: "square"}, **options)


def map_of(result: detbench.Result, arm: str) -> float:
    """An arm's mAP."""
    table = result.to_pandas()
    return float(table[(table.arm == arm) & (table.metric == "map")].value.item())


def test_functions_samples_and_a_detector_in_memory_are_evaluated(
    samples: list[Sample], capsys: pytest.CaptureFixture[str]
) -> None:
    """What nobody wrote to a file is measured as files are: the square is found once it is inverted; nothing is
    printed.
    """
    result = evaluated(samples, {"mine": inverted, "copy": "identity"})
    assert [map_of(result, arm) for arm in ("sharp", "blurred", "mine", "copy")] == [1.0, 0.0, 1.0, 0.0]
    assert (result.run.data.images, result.run.data.boxes) == (3, 3)
    assert "mine" in result.verdict
    assert capsys.readouterr() == ("", "")


def test_the_work_of_objects_in_memory_is_not_used_again(samples: list[Sample]) -> None:
    """Two functions of one name, one after the other, each have their own numbers; the result says why."""
    assert map_of(evaluated(samples, {"mine": inverted}), "mine") == 1.0
    result = evaluated(samples, {"mine": lambda image: image.copy()})
    assert map_of(result, "mine") == 0.0
    assert "in memory" in result.run.partly_known["mine"].reason
    assert result.run.partly_known["mine"].reused_steps == 0


def test_two_functions_of_one_run_are_kept_apart(samples: list[Sample]) -> None:
    """Functions made by one factory, which have one name, do not share their results."""

    def shifted(by: int) -> Callable[[Image], Image]:
        return lambda image: np.clip(image.astype(int) + by, 0, 255).astype(np.uint8)

    result = evaluated(samples, {"none": shifted(0), "much": shifted(230)})
    table = result.to_pandas().pivot(index="arm", columns="metric", values="value")
    assert table.psnr_db["none"] != table.psnr_db["much"]


def test_a_function_that_fails_has_no_numbers(samples: list[Sample]) -> None:
    """Its reason stands in the result, the others have theirs, and nothing is raised."""
    result = evaluated(samples, {"mine": inverted, "other": failing})
    assert "no weights" in result.run.failed["other"]
    assert map_of(result, "mine") == 1.0
    assert "other failed and has no numbers" in result.verdict


def test_a_word_runs_under_the_name_that_it_is_given(drawn_dataset: Path) -> None:
    """A dataset by its path, a built-in deblurrer by another name, and progress for whoever wants it."""
    seen: list[tuple[object, ...]] = []
    result = detbench.evaluate(
        drawn_dataset,
        {"same": "identity"},
        "blobs",
        blur="trajectory",
        limit=2,
        resamples=0,
        progress=lambda *step: seen.append(step),
    )
    arm = result.run.arm("same")
    assert arm is not None
    assert arm.backend is not None
    assert arm.backend["target"] == "detbench.deblurrers.identity:identity"
    assert result.run.specification["deblurrers"] == ["same"]
    measured = [step for step in seen if step[0] == MEASURING]
    assert measured[-1] == (MEASURING, 6, 6)
    assert seen[-1][0] == SCORING
    assert seen[-1][1] == seen[-1][2]


def test_the_folder_stays_where_it_is_wanted(samples: list[Sample], tmp_path: Path) -> None:
    """With `folder` the run lies there, and another request does not take its place."""
    evaluated(samples, {"mine": inverted}, folder=tmp_path / "run", resamples=0)
    assert RunFolder(tmp_path / "run").read_result().arm("mine") is not None
    with pytest.raises(UsageError, match="holds another run"):
        evaluated(samples, {"mine": inverted}, folder=tmp_path / "run", limit=2, resamples=0)
    evaluated(samples, {"mine": inverted}, folder=tmp_path / "run", limit=2, resamples=0, overwrite=True)
    assert RunFolder(tmp_path / "run").read_result().data.images == 2


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"deblurrers": {}}, UsageError, "no deblurrer"),
        ({"deblurrers": {"mine": 3}}, UsageError, "'mine' is 3; give a function"),
        ({"deblurrers": ["winer"]}, UsageError, "Did you mean 'wiener'"),
        ({"deblurrers": {"sharp": inverted}}, UsageError, "cannot be called 'sharp'"),
        ({"classes": None}, UsageError, "need the names of their classes"),
        ({"classes": ["square"]}, DataError, "has boxes of class 7"),
        ({"dataset": "nowhere"}, UsageError, "classes are for samples"),
        ({"dataset": "nowhere", "classes": None}, UsageError, "no dataset named 'nowhere'"),
        ({"dataset": []}, DataError, "no samples"),
        ({"limit": 0}, UsageError, "limit"),
    ],
)
def test_what_is_wrong_is_an_error_of_detbench(
    samples: list[Sample], change: dict[str, Any], error: type[Exception], message: str
) -> None:
    """Every mistake is an exception whose message says what to do, and never ends the caller's program."""
    words = {"dataset": samples, "deblurrers": {"mine": inverted}, "classes": {7: "square"}} | change
    with pytest.raises(error, match=message):
        detbench.evaluate(detector=Brightest(), **words)


def records(samples: list[Sample], *, shift: float) -> list[dict[str, Any]]:
    """COCO results in NumPy's numbers, as a detector's loop gathers them."""
    left, top, right, bottom = BOX
    box = np.array([left + shift, top, right - left, bottom - top])
    return [
        {"image_id": np.int64(each.id), "category_id": 7, "bbox": box, "score": np.float64(0.5)} for each in samples
    ]


def test_results_are_compared(samples: list[Sample], tmp_path: Path) -> None:
    """Records in memory and those in a file, against true boxes in memory: the one that is off has less mAP50."""
    exact, off = records(samples, shift=0), records(samples, shift=15)
    result = detbench.compare(samples, {"exact": exact, "off": off}, classes={7: "square"}, folder=tmp_path / "out")
    table = result.differences().set_index("metric")
    assert table.value["map50"] == -1.0
    assert list(table[["arm", "against"]].loc["map50"]) == ["off", "exact"]
    assert "off" in result.verdict
    assert {file.name for file in (tmp_path / "out").iterdir()} == {"comparison.json", "images.csv", "flips.csv"}


@pytest.mark.parametrize(
    ("results", "message"),
    [
        ({"one": []}, "two or more results, not 1"),
        ({"one": [{"image_id": object()}], "two": []}, "results 'one' are no list of COCO results"),
        ({"one": [], "two": "nowhere.json"}, "nowhere.json"),
    ],
)
def test_results_that_are_none_are_refused(samples: list[Sample], results: dict[str, Any], message: str) -> None:
    """Too few, what JSON cannot hold, and files that are not there."""
    with pytest.raises(detbench.DetbenchError, match=message):
        detbench.compare(samples, results, classes={7: "square"})


def test_importing_detbench_imports_nothing_heavy() -> None:
    """Its functions are looked up when they are used, so that the command line stays quick; unknown names are none."""
    script = (
        "import sys, detbench\n"
        "print(sorted({'numpy', 'pandas', 'torch'} & set(sys.modules)), hasattr(detbench, 'no_such'))\n"
        "print(callable(detbench.sample), 'evaluate' in dir(detbench))\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ["[] False", "True True"]


def test_every_public_name_is_there() -> None:
    """What `from detbench import *` promises can be had."""
    assert all(getattr(detbench, name) is not None for name in detbench.__all__)
