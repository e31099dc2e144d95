"""Datasets that people already have, and their conversion, on the command line."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image as PillowImage

from detbench.blur.recipes import parse_picture_recipe

Run = Callable[..., Any]


def numbers(said: Any) -> dict[str, float | None]:
    """The headline numbers of a successful run, without times."""
    assert said.code == 0, said.err
    metrics = json.loads((Path(said.out.splitlines()[-1]) / "metrics.json").read_text())
    timed = (".restore_", ".detect_ms_", ".fps_")
    return {key: value for key, value in metrics.items() if not any(map(key.count, timed))}


def test_coco_yolo_and_voc_give_identical_metrics(detbench: Run, drawn_dataset: Path, tmp_path: Path) -> None:
    """The same pictures and boxes in three formats, read without the ids that a conversion keeps, differ in no number
    of any arm. VOC's classes are summed in the order of their names, which moves the last digit.
    """
    document = json.loads((drawn_dataset / "annotations.json").read_text())
    for annotation in document["annotations"]:  # outlines have areas of their own, which YOLO and VOC cannot say
        annotation["area"] = annotation["bbox"][2] * annotation["bbox"][3]
    shutil.copytree(drawn_dataset / "images", tmp_path / "coco" / "images")
    (tmp_path / "coco" / "annotations.json").write_text(json.dumps(document))
    seen = []
    for form in ("coco", "yolo", "voc"):
        if form != "coco":
            assert detbench("convert", "coco", "--to", form, "--out", form).code == 0
            (tmp_path / form / "detbench-ids.json").unlink()
        words = ["--deblurrer", "wiener", "--detector", "blobs", "--dataset", form, "--blur", "trajectory:seed=1"]
        seen.append(numbers(detbench("run", *words)))
    assert seen[0] == seen[1]
    assert [key for key, value in seen[0].items() if value is None] == [k for k, v in seen[2].items() if v is None]
    assert {k: v for k, v in seen[0].items() if v} == pytest.approx({k: v for k, v in seen[2].items() if v}, rel=1e-12)
    assert seen[0]["blurred.map"] < seen[0]["sharp.map"]  # type: ignore[operator]


def test_pairs_are_judged_by_the_detectors_own_boxes(detbench: Run, drawn_dataset: Path, tmp_path: Path) -> None:
    """GoPro's layout runs with pseudo truth: the sharp arm is perfect, blur costs, and the result names the blur."""
    recipe = parse_picture_recipe("trajectory:seed=2,exposure=1")
    for path in sorted((drawn_dataset / "images").iterdir())[:4]:
        for name in ("sharp", "blur_gamma"):
            (tmp_path / "gopro" / "clip" / name).mkdir(parents=True, exist_ok=True)
        shutil.copy(path, tmp_path / "gopro" / "clip" / "sharp")
        blurred, _ = recipe.apply(np.asarray(PillowImage.open(path)), 1)
        PillowImage.fromarray(blurred).save(tmp_path / "gopro" / "clip" / "blur_gamma" / path.name)
    words = ["--deblurrer", "identity", "--detector", "blobs", "--dataset", "gopro"]
    refused = detbench("run", *words)
    assert refused.code == 3
    assert "gopro-blur_gamma has no boxes: add --truth pseudo" in refused.err
    said = detbench("run", *words, "--truth", "pseudo")
    metrics = numbers(said)
    assert metrics["sharp.map"] == 1
    assert metrics["blurred.map"] < 0.9  # type: ignore[operator]
    folder = Path(said.out.splitlines()[-1])
    assert json.loads((folder / "result.json").read_text())["specification"]["dataset"] == "gopro-blur_gamma"
    truth = json.loads((folder / "truth.json").read_text())
    assert [category["id"] for category in truth["categories"]] == [1, 2, 3, 4]
