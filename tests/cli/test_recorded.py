"""What other programs made of a dataset's pictures, and found in them: judged like what runs here."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image as PillowImage

Run = Callable[..., Any]


@pytest.fixture
def pairs(detbench: Run, drawn_dataset: Path, tmp_path: Path) -> Path:
    """The drawn pictures with blurred twins."""
    assert detbench("blur", drawn_dataset, "--out", "pairs", "--recipe", "trajectory:seed=4").code == 0
    return tmp_path / "pairs"


@pytest.fixture
def restored(pairs: Path, tmp_path: Path) -> Path:
    """What a perfect program made of the blurred twins: the sharp pictures, as another kind of file."""
    folder = tmp_path / "restored"
    folder.mkdir()
    for path in (pairs / "images").iterdir():
        PillowImage.open(path).save(folder / f"{path.stem}.bmp")
    return folder


def folder_of(said: Any) -> Path:
    """The run folder of a successful command."""
    assert said.code == 0, said.err
    return Path(said.out.splitlines()[-1])


def metrics_of(said: Any) -> dict[str, float | None]:
    """The headline numbers of a successful command."""
    return json.loads((folder_of(said) / "metrics.json").read_text())


def run(detbench: Run, dataset: Path, *words: object, deblurrers: tuple[str, ...], detector: str = "blobs") -> Any:
    """Run deblurrers over a dataset."""
    named = [word for name in deblurrers for word in ("--deblurrer", name)]
    return detbench("run", *named, "--detector", detector, "--dataset", dataset, *words)


def test_perfect_pictures_give_the_sharp_arms_numbers(detbench: Run, pairs: Path, restored: Path) -> None:
    """Pictures restored elsewhere are matched by name and judged; time and harm, which nobody measured, are null."""
    said = run(detbench, pairs, deblurrers=("identity", f"recorded:{restored}"))
    metrics = metrics_of(said)
    assert metrics["recorded-restored.map"] == metrics["sharp.map"] != metrics["blurred.map"]
    assert metrics["recorded-restored.gap_recovered"] == 1
    assert metrics["recorded-restored.restore_ms_p50"] is None
    assert metrics["recorded-restored.harm"] is None
    assert metrics["identity.harm"] is not None
    assert (folder_of(said) / "report.html").is_file()


def test_other_pictures_are_other_work(detbench: Run, pairs: Path, restored: Path) -> None:
    """The arm's name may be chosen, and pictures that changed are judged anew."""
    words = {"deblurrers": (f"theirs=recorded:{restored}",)}
    before = metrics_of(run(detbench, pairs, "--name", "job", **words))
    shutil.copytree(pairs / "blurred", restored, dirs_exist_ok=True)
    for path in restored.glob("*.bmp"):
        path.unlink()
    after = metrics_of(run(detbench, pairs, "--name", "job", **words))
    assert after["theirs.map"] == after["blurred.map"] != before["theirs.map"]


@pytest.mark.parametrize(
    ("spoil", "parts"),
    [
        (lambda folder: (folder / "drawn-03.bmp").unlink(), ("for 1 of 12 pictures (drawn-03.png)", "drawn-01.bmp")),
        (lambda folder: shutil.copy(folder / "drawn-03.bmp", folder / "drawn-03.png"), ("no one", "drawn-03.png")),
        (lambda folder: PillowImage.new("RGB", (3, 2)).save(folder / "drawn-03.bmp"), ("3x2 pixels", "320x240")),
        (lambda folder: (folder / "drawn-03.bmp").write_text("text"), ("drawn-03.bmp", "not a picture")),
        (lambda folder: [path.unlink() for path in folder.iterdir()], ("holds no picture",)),
    ],
)
def test_incomplete_pictures_are_refused_at_once(
    detbench: Run, pairs: Path, restored: Path, spoil: Callable[[Path], object], parts: tuple[str, ...]
) -> None:
    """A missing, doubled, scaled or damaged picture is named before any other arm is worked on."""
    spoil(restored)
    said = run(detbench, pairs, deblurrers=("identity", f"recorded:{restored}"))
    assert said.code == 2
    assert all(part in said.err for part in parts), said.err
    assert "pictures × arms" not in said.err


def test_a_limit_needs_no_more_pictures(detbench: Run, pairs: Path, restored: Path) -> None:
    """Only the pictures of the run must be there."""
    (restored / "drawn-12.bmp").unlink()
    assert run(detbench, pairs, "--limit", "3", deblurrers=(f"recorded:{restored}",)).code == 0


def test_recorded_work_is_of_the_datasets_own_pictures(detbench: Run, pairs: Path, restored: Path) -> None:
    """Pictures that are blurred on the fly were never given to the other program."""
    said = run(detbench, pairs, "--blur", "trajectory", deblurrers=(f"recorded:{restored}",))
    assert said.code == 2
    assert "leave --blur out" in said.err


def test_a_runs_own_detections_give_its_numbers(detbench: Run, pairs: Path) -> None:
    """The detections that a run wrote, taken for a detector's, give each of its numbers again."""
    words = {"deblurrers": ("identity", "wiener")}
    first = run(detbench, pairs, **words)
    found = folder_of(first) / "detections"
    again = run(detbench, pairs, detector=f"recorded:{found}", **words)
    timed = (".restore_", ".detect_ms_", ".fps_")
    numbers = [
        {key: value for key, value in metrics_of(said).items() if not any(map(key.count, timed))}
        for said in (first, again)
    ]
    assert numbers[0] == numbers[1]
    assert numbers[0]["wiener.map"] != numbers[0]["blurred.map"]


def test_one_file_stands_for_the_blurred_pictures(detbench: Run, pairs: Path, tmp_path: Path) -> None:
    """COCO results alone are those of the blurred arm; a dataset with sharp pictures needs theirs, too."""
    found = folder_of(run(detbench, pairs, deblurrers=("identity",))) / "detections" / "blurred.json"
    results = Path(shutil.copy(found, tmp_path / "results.json"))
    said = run(detbench, pairs, deblurrers=("identity",), detector=f"recorded:{results}")
    assert said.code == 2
    assert "has no detections in the sharp pictures; add a folder with blurred.json and sharp.json" in said.err
    plain = tmp_path / "plain"
    shutil.copytree(pairs / "blurred", plain / "images")
    shutil.copy(pairs / "annotations.json", plain)
    metrics = metrics_of(run(detbench, plain, deblurrers=("identity",), detector=f"recorded:{results}"))
    assert metrics["identity.map"] == metrics["blurred.map"] is not None


def test_ultralytics_predictions_of_a_yolo_dataset(detbench: Run, drawn_dataset: Path, tmp_path: Path) -> None:
    """`predictions.json` names pictures by stem and counts classes from 1: it gives the numbers of the run that found
    the same, and notes how pictures were known; the run's own file, alone and with our numbers, is refused.
    """
    assert detbench("convert", drawn_dataset, "--to", "yolo", "--out", "labels").code == 0
    dataset = tmp_path / "labels"
    (dataset / "detbench-ids.json").unlink()
    folder = folder_of(run(detbench, dataset, deblurrers=("identity",)))
    first = json.loads((folder / "metrics.json").read_text())
    names = {image["id"]: image["file_name"] for image in json.loads((folder / "truth.json").read_text())["images"]}
    results = json.loads((folder / "detections" / "blurred.json").read_text())
    theirs = [{**result, "image_id": Path(names[result["image_id"]]).stem} for result in results]
    (tmp_path / "predictions.json").write_text(json.dumps(theirs))
    said = run(detbench, dataset, deblurrers=("identity",), detector=f"recorded:{tmp_path / 'predictions.json'}")
    assert metrics_of(said)["blurred.map"] == first["blurred.map"] is not None
    assert "each detection's picture is known by the stem of its file name" in said.err + said.out
    (tmp_path / "predictions.json").write_text(json.dumps(results))
    said = run(detbench, dataset, deblurrers=("identity",), detector=f"recorded:{tmp_path / 'predictions.json'}")
    assert said.code == 2
    assert "write each picture's `file_name` into its records, or keep the truth.json" in said.err
    again = run(detbench, dataset, deblurrers=("identity",), detector=f"recorded:{folder / 'detections'}")
    assert metrics_of(again)["blurred.map"] == first["blurred.map"]


@pytest.mark.parametrize(
    ("change", "parts"),
    [
        ({"image_id": 77}, ("results[0]", "no image has id 77")),
        ({"image_id": "drawn-01"}, ("results[0]", "'drawn-01'", "id of one of the images")),
        ({"category_id": 0}, ("results[0]", "no category has id 0")),
        ({"bbox": [300.0, 200.0, 320.0, 240.0]}, ("results[0]", "reaches far out of its 320x240", "not two corners")),
        ({"bbox": [1, 2, -3, 4]}, ("results[0]", "-3", "neither negative")),
        ({"score": 93.0}, ("results[0]", "score is 93.0", "0..1")),
        ({"score": None}, ("results[0]", "score is None")),
    ],
)
def test_wrong_results_are_named(
    detbench: Run, pairs: Path, tmp_path: Path, change: dict[str, Any], parts: tuple[str, ...]
) -> None:
    """Each way in which results do not fit the dataset is named with file and record before anything is scored."""
    found = folder_of(run(detbench, pairs, deblurrers=("identity",))) / "detections"
    file = Path(shutil.copytree(found, tmp_path / "found")) / "blurred.json"
    results = json.loads(file.read_text())
    results[0] |= change
    file.write_text(json.dumps(results))
    said = run(detbench, pairs, deblurrers=("identity",), detector=f"recorded:{file.parent}")
    assert said.code == 2
    assert all(part in said.err for part in ("blurred.json", *parts)), said.err


def test_pairs_need_a_detector_that_runs(detbench: Run, pairs: Path, tmp_path: Path) -> None:
    """Recorded detections refer to a dataset's classes, which pictures without boxes do not have."""
    (tmp_path / "results.json").write_text("[]")
    (pairs / "annotations.json").unlink()
    words = {"deblurrers": ("identity",), "detector": f"recorded:{tmp_path / 'results.json'}"}
    said = run(detbench, pairs, "--truth", "pseudo", **words)
    assert said.code == 3
    assert "name a detector that runs" in said.err
