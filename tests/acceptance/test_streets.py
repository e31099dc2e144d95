"""The main job on the embedded dataset with the embedded detector, and what makes that dataset worth trusting."""

import itertools
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from detbench.core.paths import shipped
from detbench.evaluation.request import RunSpec
from detbench.evaluation.run import run
from detbench.metrics.coco_scores import evaluate
from detbench.results.cache import Cache

BINS_PX = ((0, 8), (8, 18), (18, 30), (30, 1000))


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Cache:
    """One cache for the module's runs."""
    return Cache(tmp_path_factory.mktemp("cache"))


@pytest.fixture(scope="module")
def own_run(cache: Cache, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`detbench run --deblurrer identity`, the defaults for the rest."""
    folder = tmp_path_factory.mktemp("runs") / "own"
    run(RunSpec("streets", ("identity",), "yolov8"), folder, cache, lambda *_: None)
    return folder


def metrics_of(folder: Path) -> dict[str, Any]:
    """`metrics.json`."""
    content: dict[str, Any] = json.loads((folder / "metrics.json").read_text())
    return content


def map_within(truth: dict[str, Any], results: Sequence[Any], low: float, high: float) -> float | None:
    """mAP over the objects whose blur lies in a bin; all others are neither found nor missed."""
    annotations = [
        {**annotation, "iscrowd": int(annotation["iscrowd"] or not low <= annotation["blur_px"] < high)}
        for annotation in truth["annotations"]
    ]
    return evaluate({**truth, "annotations": annotations}, results).stats["map"]


def test_sharp_streets_are_seen_and_blurred_ones_are_not(own_run: Path) -> None:
    """The shipped detector reaches mAP .5 on sharp streets and loses a third of it or more to blur."""
    metrics = metrics_of(own_run)
    assert metrics["sharp.map"] >= 0.5
    assert metrics["blurred.map"] <= metrics["sharp.map"] * 2 / 3
    assert metrics["identity.map"] == metrics["blurred.map"]


def test_the_more_an_object_is_blurred_the_less_it_is_found(own_run: Path) -> None:
    """Over four bins of the objects' own blur, mAP falls from each to the next."""
    truth = json.loads((shipped("datasets") / "streets" / "annotations.json").read_text())
    results = json.loads((own_run / "detections" / "blurred.json").read_text())
    found = [map_within(truth, results, *bounds) for bounds in BINS_PX]
    assert None not in found
    assert all(after < before for before, after in itertools.pairwise(found)), found  # type: ignore[operator]


def test_a_detector_of_real_photos_knows_these_streets(
    cache: Cache, tmp_path: Path, shared_file: Callable[[str], Path]
) -> None:
    """YOLOv8n as trained on COCO's photos finds the four commonest classes as well as in photos, and loses a third or
    more of them to blur.
    """
    spec = RunSpec("streets", ("identity",), str(shared_file("weights/yolov8n.pt")))
    run(spec, tmp_path / "coco", cache, lambda *_: None)
    truth = json.loads((tmp_path / "coco" / "truth.json").read_text())
    sharp, blurred = (
        _map50(truth, json.loads((tmp_path / "coco" / "detections" / f"{arm}.json").read_text()))
        for arm in ("sharp", "blurred")
    )
    assert sharp >= 0.6
    assert blurred <= sharp * 2 / 3


def _map50(truth: dict[str, Any], results: Sequence[Any]) -> float:
    """mAP at IoU .5 over car, person, traffic light and stop sign."""
    four = {category["id"] for category in truth["categories"] if category["name"] in _FOUR}
    kept = [annotation for annotation in truth["annotations"] if annotation["category_id"] in four]
    categories = [category for category in truth["categories"] if category["id"] in four]
    only = {"images": truth["images"], "categories": categories, "annotations": kept}
    value = evaluate(only, [result for result in results if result["category_id"] in four]).stats["map50"]
    assert value is not None
    return value


_FOUR = {"car", "person", "traffic light", "stop sign"}
