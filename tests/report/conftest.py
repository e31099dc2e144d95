"""Writes a small run folder, as `detbench run` would, for the tests of the report."""

import importlib.util
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from detbench.core.arm import ArmKind
from detbench.core.images import picture_from_image
from detbench.core.kernel_pictures import kernel_picture
from detbench.metrics.error_kinds import KINDS
from detbench.results.folder import RunFolder
from detbench.results.schema import ArmResult, Difference, EvaluatedData, RunResult, adjusted
from detbench.types import Estimate, Image

WIDTH, HEIGHT = 60, 40
TRUE_BOX = [5.0, 6.0, 20.0, 10.0]
OTHER_BOX = [40.0, 20.0, 10.0, 15.0]


@dataclass(frozen=True)
class Run:
    """What differs between the tests' runs; mAPs of arms without one are undefined.

    Arms in `finds` look for the blur kernel: they found one in the first picture and none in the others. The training
    loss of those in `trained` contained the features of the run's detector.

    Numbers are said to be over `images` pictures. Intervals reach `interval` to both sides, and p-values are `p_value`
    but for the pairs of arms in `p_of`; without an interval there are no p-values either.

    The folder has two pictures, each with the boxes TRUE_BOX and OTHER_BOX of class 1; every arm finds TRUE_BOX in
    both, with score .9, and something of class 2 at OTHER_BOX, with .4; what it finds with .1 is below the stated
    confidence.
    """

    maps: Mapping[str, float | None]
    class_names: Sequence[str] = ("car", "person")
    file_names: Sequence[str] = ("first.png", "second.png")
    truth: str = "labels"
    dataset: str = "streets"
    unmatched: Sequence[str] = ()
    told: Sequence[str] = ()
    trained: Sequence[str] = ()
    finds: Sequence[str] = ()
    images: int = 12
    interval: float | None = 0.00005
    p_value: float = 0.001
    p_of: Mapping[tuple[str, str], float] = field(default_factory=dict)
    fingerprint: str = "e" * 64


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    """A function that writes a run folder; its keywords are those of `Run`, `name` is the folder's."""
    return lambda name="run", **settings: write_run(tmp_path / name, Run(**settings))


@pytest.fixture
def result() -> Callable[..., RunResult]:
    """A function that returns a result without a folder; its keywords are those of `Run`."""
    return lambda **settings: result_of(Run(**settings))


def write_run(folder: Path, run: Run) -> Path:
    """Write every file of the run folder but the report, and return the folder."""
    files = RunFolder(folder)
    images = [
        {"id": number, "file_name": name, "width": WIDTH, "height": HEIGHT}
        for number, name in enumerate(run.file_names, 1)
    ]
    files.write_json("truth.json", _truth(images, run))
    files.write_json("analysis.json", {arm: _analysis(run) for arm in run.maps})
    files.write_flips(
        [
            {"arm": arm, "against": "blurred", "image_id": 1, "annotation_id": 1, "class": "car", "change": change}
            for arm, change in (("wiener", "gained"), ("wiener", "gained"), ("wiener", "lost"))
        ]
    )
    found = json.dumps([detection for image in images for detection in _detections(image["id"])])
    files.write_detections(dict.fromkeys(run.maps, found))
    files.write_images([_image_row(files, image, arm, run) for image in images for arm in run.maps])
    files.write_results(result_of(run))
    return folder


def result_of(run: Run) -> RunResult:
    """The run's result, without a folder."""
    arms, images = tuple(_arm(name, run) for name in run.maps), run.images
    return RunResult(
        specification={
            "dataset": run.dataset,
            "detector": "blobs",
            "blur": {"kind": "trajectory", "seed": 3},
            "truth": run.truth,
            "limit": None,
            "precision": "bf16",
        },
        environment={
            "detbench": "0.1.0",
            "device": "cpu",
            "versions": {"numpy": "2.1"},
            "commit": "abc",
            "dirty": True,
        },
        data=EvaluatedData(
            run.dataset, "d" * 64, run.fingerprint, images, 2 * images, tuple(run.unmatched), ("zebra",)
        ),
        detector={"name": "blobs", "weights_sha256": None},
        arms=arms,
        differences=adjusted([_difference(*pair, run) for pair in _pairs(arms)]),
        shown=tuple(range(len(run.file_names), 0, -1)),
    )


def picture(seed: int) -> Image:
    """A picture of noise."""
    return np.random.default_rng(seed).integers(0, 256, (HEIGHT, WIDTH, 3), dtype=np.uint8)


def _analysis(run: Run) -> dict[str, Any]:
    estimate = {"value": 0.3, "n": 2, "low": 0.2, "high": 0.4}
    nothing = {"value": None, "n": 0, "low": None, "high": None}
    return {
        "errors": {kind: {"count": index, "cost": index / 100} for index, kind in enumerate(KINDS)},
        "classes": {name: {"boxes": 2, "map": estimate} for name in run.class_names},
        "blur": [
            {"from_px": 0, "to_px": 8, "pictures": 2, "map": estimate},
            {"from_px": 8, "to_px": None, "pictures": 0, "map": nothing},
        ],
        "relative_blur": [
            {"from_ratio": 0, "to_ratio": 0.25, "objects": 4, "pictures": 2, "recall": estimate},
            {"from_ratio": 0.25, "to_ratio": None, "objects": 0, "pictures": 0, "recall": nothing},
        ],
        "precision_recall": [1 - step / 100 for step in range(101)],
        "confidence_sweep": [
            {"confidence": confidence, "precision": 0.5, "recall": recall, "f1": recall}
            for confidence, recall in ((0.25, 0.6), (0.5, 0.7), (0.75, None))
        ],
        "operating_point": {
            "best_confidence": 0.4,
            "f1": estimate,
            "recall_at_blurred_precision": None,
            "calibration_error": 0.15,
            "calibration": [{"boxes": 2, "mean_confidence": 0.35, "true_share": 0.5}]
            + [{"boxes": 0, "mean_confidence": None, "true_share": None}] * 9,
        },
    }


def _truth(images: Sequence[Mapping[str, Any]], run: Run) -> dict[str, Any]:
    boxes = [(image["id"], box) for image in images for box in (TRUE_BOX, OTHER_BOX)]
    return {
        "images": images,
        "categories": [{"id": number, "name": name} for number, name in enumerate(run.class_names, 1)],
        "annotations": [
            {"id": number, "image_id": image, "category_id": 1, "bbox": box, "area": box[2] * box[3], "iscrowd": 0}
            for number, (image, box) in enumerate(boxes, 1)
        ],
    }


def _detections(image_id: int) -> list[dict[str, Any]]:
    found = [(1, TRUE_BOX, 0.9), (2, OTHER_BOX, 0.4), (1, OTHER_BOX, 0.1)]
    return [{"image_id": image_id, "category_id": label, "bbox": box, "score": score} for label, box, score in found]


def _image_row(files: RunFolder, image: Mapping[str, Any], arm: str, run: Run) -> dict[str, Any]:
    looked, found = arm in run.finds, arm in run.finds and image["id"] == 1
    return {
        "image_id": image["id"],
        "file_name": image["file_name"],
        "arm": arm,
        "width": WIDTH,
        "height": HEIGHT,
        "severity_px": 4.0 * image["id"],
        "psnr_db": None if arm == "sharp" else 25.25,
        "ssim": 1.0,
        "restore_ms": None,
        "tp": 1,
        "fp": 1,
        "fn": 1,
        "found_light": "gamma" if found else None,
        "found_cells": 1 if found else None,
        "kernel_similarity": 0.75 if found else None,
        "found_kernel": _kept_kernel(files, np.full((9, 9), 1 / 81)) if found else "",
        "true_kernel": _kept_kernel(files, np.eye(9)) if looked else "",
        "picture": files.keep_shown(picture_from_image(picture(image["id"]))),
    }


def _kept_kernel(files: RunFolder, weights: NDArray[np.float64]) -> str:
    return files.keep_shown(picture_from_image(kernel_picture(weights[None, None])))


def _arm(name: str, run: Run) -> ArmResult:
    kind: ArmKind = "sharp" if name == "sharp" else "blurred" if name == "blurred" else "deblurrer"
    value = run.maps[name]
    metrics = {
        "map": _estimate(value, run),
        "psnr_db": Estimate(None, 0) if name == "sharp" else Estimate(25.25, run.images - 1),
        "map_small": Estimate(None, run.images),
    }
    if kind == "deblurrer":
        gap = Estimate(_gap_recovered(value, run), run.images)
        metrics |= {"gap_recovered": gap, "restore_ms_p50": Estimate(12.5, run.images)}
    backend = {"name": name} if kind == "deblurrer" else None
    per_class, looked = {run.class_names[0]: value}, name in run.finds
    return ArmResult(
        name,
        kind,
        metrics,
        per_class,
        backend,
        told_kernel=name in run.told,
        finds_kernel=looked,
        trained_with_detector=name in run.trained,
    )


def _gap_recovered(value: float | None, run: Run) -> float | None:
    blurred, sharp = run.maps.get("blurred"), run.maps.get("sharp")
    return None if None in (value, blurred, sharp) or sharp <= blurred else (value - blurred) / (sharp - blurred)


def _pairs(arms: Sequence[ArmResult]) -> list[tuple[str, str]]:
    """The arms that are held against each other, as a run does."""
    deblurrers = [arm.name for arm in arms if arm.kind == "deblurrer"]
    cost = [("blurred", "sharp")] if any(arm.kind == "sharp" for arm in arms) else []
    pairs = [(later, earlier) for earlier, later in combinations(deblurrers, 2)]
    return [*cost, *((name, "blurred") for name in deblurrers), *pairs]


def _difference(arm: str, against: str, run: Run) -> Difference:
    value, other = run.maps[arm], run.maps[against]
    change = None if value is None or other is None else value - other
    p_value = None if change is None or run.interval is None else run.p_of.get((arm, against), run.p_value)
    return Difference(arm, against, "map", _estimate(change, run), p_value)


def _estimate(value: float | None, run: Run) -> Estimate:
    if value is None or run.interval is None:
        return Estimate(value, run.images)
    return Estimate(value, run.images, value - run.interval, value + run.interval)


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., ModuleType]:
    """Load a script of the folder `reports` as a module that reads and writes in a folder of its own, where copies of
    some of that folder's files lie.
    """
    reports = Path(__file__).resolve().parents[2] / "reports"

    def load(name: str, *files: str) -> ModuleType:
        spec = importlib.util.spec_from_file_location(name, reports / f"{name}.py")
        assert spec
        assert spec.loader
        module = importlib.util.module_from_spec(spec)
        monkeypatch.setitem(sys.modules, name, module)
        spec.loader.exec_module(module)
        for file in files:
            (tmp_path / file).write_bytes((reports / file).read_bytes())
        monkeypatch.setattr(module, "HERE", tmp_path)
        return module

    return load
