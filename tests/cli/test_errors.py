"""What a user is told when something is wrong: one message, the right exit code, no traceback."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.numpy

Run = Callable[..., Any]


@pytest.fixture
def dataset(drawn_dataset: Path, tmp_path: Path) -> Path:
    """A copy of the drawn pictures that a test may spoil."""
    return Path(shutil.copytree(drawn_dataset, tmp_path / "mine"))


def refused(said: Any, *parts: str, code: int = 2) -> None:
    """Hold that a command ended with `code` and one message with all `parts`, and printed no result."""
    assert said.code == code, said.err
    assert said.out == ""
    assert said.err.count("detbench: ") == 1
    message = said.err.partition("detbench: ")[2]
    assert all(part in message for part in parts), message
    assert "Traceback" not in said.err


def run_on(detbench: Run, dataset: Path, *words: object, deblurrer: str = "identity", detector: str = "blobs") -> Any:
    """Run one deblurrer over a dataset that may be spoilt."""
    return detbench("run", "--deblurrer", deblurrer, "--detector", detector, "--dataset", dataset, *words)


def test_unknown_deblurrer(detbench: Run, dataset: Path) -> None:
    """A misspelt deblurrer is met with the nearest name."""
    refused(run_on(detbench, dataset, deblurrer="winer"), "no deblurrer named 'winer'", "'wiener'", "detbench list")


def test_unknown_detector(detbench: Run, dataset: Path) -> None:
    """A misspelt detector is met with the nearest name."""
    refused(run_on(detbench, dataset, detector="yolo8"), "no detector named 'yolo8'", "'yolov8'")


def test_missing_checkpoint(detbench: Run, dataset: Path) -> None:
    """A path to a checkpoint that is not there is named."""
    refused(run_on(detbench, dataset, detector="weights/none.pt"), "weights/none.pt", "path")


def test_missing_weights(detbench: Run, dataset: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A network without weights says where they belong and how they are made."""
    monkeypatch.setattr("detbench.plugins.backend.shipped", lambda kind: tmp_path / kind)
    refused(run_on(detbench, dataset, deblurrer="deblurgan"), "deblurgan", "weights", "detbench train deblurgan")


def test_weights_of_another_architecture(detbench: Run, dataset: Path) -> None:
    """A safetensors file of another network says so."""
    file = dataset / "other.safetensors"
    safetensors.numpy.save_file({"head.weight": np.zeros((2, 2), np.float16)}, file)
    refused(run_on(detbench, dataset, deblurrer=f"deblurgan:{file}"), "other.safetensors", "not the architecture")


def test_weights_for_what_has_none(detbench: Run, dataset: Path) -> None:
    """A weights file given to a deblurrer that has no weights is refused."""
    refused(run_on(detbench, dataset, deblurrer="wiener:mine.safetensors"), "wiener", "no weights")


def test_unknown_dataset(detbench: Run, tmp_path: Path) -> None:
    """A dataset that is neither a name nor a folder is named."""
    refused(run_on(detbench, tmp_path / "nowhere"), "nowhere")


def test_missing_picture(detbench: Run, dataset: Path) -> None:
    """A picture that the annotations name but nobody has is named."""
    gone = sorted((dataset / "images").iterdir())[3]
    gone.unlink()
    refused(run_on(detbench, dataset), gone.name)


@pytest.mark.parametrize("spoil", [lambda data: data[: len(data) // 2], lambda _: b"this is text"])
def test_damaged_picture(detbench: Run, dataset: Path, spoil: Callable[[bytes], bytes]) -> None:
    """A truncated picture and a file that is none are named."""
    picture = sorted((dataset / "images").iterdir())[3]
    picture.write_bytes(spoil(picture.read_bytes()))
    refused(run_on(detbench, dataset), picture.name, "picture")


def _first(content: dict[str, Any], kind: str, **values: Any) -> None:
    content[kind][0].update(values)


SPOILED: dict[str, tuple[Callable[[dict[str, Any]], Any], tuple[str, ...]]] = {
    "another size": (lambda c: _first(c, "images", width=640, height=480), ("640x480", "320x240")),
    "duplicate ids": (lambda c: _first(c, "annotations", id=c["annotations"][1]["id"]), ("annotations[1]",)),
    "NaN box": (lambda c: _first(c, "annotations", bbox=[1, 2, float("nan"), 4]), ("annotations.json", "NaN")),
    "negative box": (lambda c: _first(c, "annotations", bbox=[10, 10, -5, 8]), ("annotations[0]", "-5")),
    "unknown category": (lambda c: _first(c, "annotations", category_id=77), ("annotations[0]", "77")),
    "no pictures": (lambda c: c.update(images=[], annotations=[]), ("annotations.json",)),
    "no boxes": (lambda c: c.update(annotations=[]), ("annotations.json",)),
}


@pytest.mark.parametrize("fault", SPOILED)
def test_bad_annotations(detbench: Run, dataset: Path, fault: str) -> None:
    """Each of COCO's pitfalls is refused before anything is scored, with file, record and value."""
    file = dataset / "annotations.json"
    content = json.loads(file.read_text())
    spoil, parts = SPOILED[fault]
    spoil(content)
    file.write_text(json.dumps(content))
    refused(run_on(detbench, dataset), *parts)


def test_classes_that_do_not_meet(detbench: Run, dataset: Path) -> None:
    """A detector that knows none of the dataset's classes is refused, with what each side has."""
    file = dataset / "annotations.json"
    content = json.loads(file.read_text())
    for category in content["categories"]:
        category["name"] = f"rare {category['name']}"
    file.write_text(json.dumps(content))
    refused(run_on(detbench, dataset), "red disc", "rare red disc")


def test_unwritable_output(detbench: Run, dataset: Path, tmp_path: Path) -> None:
    """An output folder below a file cannot be made, and is named before any picture is touched."""
    (tmp_path / "file").write_text("")
    said = run_on(detbench, dataset, "--out", tmp_path / "file")
    refused(said, str(tmp_path / "file"), "written")
    assert "pictures" not in said.err


def test_unwritable_cache(detbench: Run, dataset: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A cache that cannot be written ends the run with one message that names it."""
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("DETBENCH_CACHE", str(tmp_path / "file"))
    refused(run_on(detbench, dataset), str(tmp_path / "file"), "written")


def test_a_message_is_fit_for_a_terminal(detbench: Run, dataset: Path) -> None:
    """What a file says is repeated without what a terminal would obey, and not at any length."""
    file = dataset / "annotations.json"
    content = json.loads(file.read_text())
    content["images"][0]["file_name"] = "\x1b[2J" + 90 * "../"
    file.write_text(json.dumps(content))
    said = run_on(detbench, dataset)
    refused(said, "file_name")
    assert "\x1b" not in said.err
    refused(run_on(detbench, dataset, "--blur", "\x1b" + 9000 * "x"), "\\x1b", "x …")


def test_foreign_output(detbench: Run, dataset: Path, tmp_path: Path) -> None:
    """A run never writes among files that are not a run's."""
    (tmp_path / "reports" / "job").mkdir(parents=True)
    (tmp_path / "reports" / "job" / "thesis.tex").write_text("")
    refused(run_on(detbench, dataset, "--name", "job"), "thesis.tex", "--name")


def test_oracle_without_kernel(detbench: Run, dataset: Path) -> None:
    """An oracle on blur that has no one kernel says so."""
    refused(run_on(detbench, dataset, "--blur", "shake", deblurrer="wiener"), "wiener", "kernel", "trajectory")


@pytest.mark.parametrize(
    ("recipe", "part"),
    [("trajektory", "'trajectory'"), ("trajectory:anxeity=1", "'anxiety'"), ("trajectory:exposure=7", "exposure")],
)
def test_bad_recipe(detbench: Run, dataset: Path, recipe: str, part: str) -> None:
    """A recipe's name, setting or value that is wrong is met with what is right."""
    refused(run_on(detbench, dataset, "--blur", recipe), part)


@pytest.mark.parametrize("words", [["--limit", "0"], ["--device", "tpu"]])
def test_impossible_options(detbench: Run, dataset: Path, words: list[str]) -> None:
    """A limit of no pictures and an unknown device are refused."""
    refused(run_on(detbench, dataset, *words), words[1])


def test_pseudo_truth_without_sharp_pictures(detbench: Run, dataset: Path) -> None:
    """The detector's boxes on sharp pictures need sharp pictures: not evaluable."""
    refused(run_on(detbench, dataset, "--truth", "pseudo"), "--truth labels", code=3)


def test_arm_names_that_no_file_can_have(detbench: Run, dataset: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A weights file's name becomes the arm's; one that cannot name a file is refused before any work."""
    monkeypatch.setattr("detbench.plugins.backend.file_sha256", lambda path: "0" * 64)
    file = dataset / "my weights.safetensors"
    file.write_bytes(b"")
    refused(run_on(detbench, dataset, deblurrer=f"deblurgan:{file}"), "deblurgan-my weights", "rename")
