"""Writes small run folders, whole and consistent, for the gate to judge."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from detbench.core.arm import ArmKind
from detbench.metrics.columns import found_columns, true_columns
from detbench.metrics.evidence import Evidence, point_numbers
from detbench.metrics.ranking import ranked
from detbench.metrics.specs import METRICS
from detbench.results.folder import RunFolder
from detbench.results.schema import ArmResult, EvaluatedData, PartlyKnown, RunResult
from detbench.types import Estimate

CAR, BUS = [10.0, 20.0, 50.0, 40.0], [100.0, 20.0, 30.0, 60.0]
DEBLURRER = "wiener"
BUSES = {"sharp": 40, "blurred": 20, "wiener": 36, "sharp+wiener": 40}
DEFINITIONS = {key: spec.definition for key, spec in METRICS.items()}


@dataclass(frozen=True)
class Run:
    """What differs between the tests' runs.

    Each picture holds a car and a bus, and every arm finds the car everywhere and the bus in `buses` pictures.
    `values` replaces stated numbers of the deblurrer, whatever its detections give. Harm is over every `harm_every`-th
    picture, from the first one on.
    """

    buses: Mapping[str, int] = field(default_factory=lambda: BUSES)
    images: int = 40
    harm_every: int = 1
    psnr_db: float = 25.0
    restore_ms: float = 12.0
    truth: str = "labels"
    detector: Mapping[str, Any] = field(default_factory=lambda: {"name": "blobs", "weights_sha256": None})
    fingerprint: str = "e" * 64
    definitions: Mapping[str, str] = field(default_factory=lambda: DEFINITIONS)
    values: Mapping[str, float | None] = field(default_factory=dict)
    failed: Mapping[str, str] = field(default_factory=dict)
    partly_known: Mapping[str, PartlyKnown] = field(default_factory=dict)


@pytest.fixture
def job(tmp_path: Path) -> Callable[..., Path]:
    """A function that writes a run folder of the given name; its keywords are those of `Run`, `buses` adds to them."""

    def write(name: str, buses: Mapping[str, int] | None = None, **settings: Any) -> Path:
        return write_run(tmp_path / name, Run(buses={**BUSES, **(buses or {})}, **settings))

    return write


def write_run(folder: Path, run: Run) -> Path:
    """Write the files that the gate reads."""
    files, truth = RunFolder(folder), _truth(run.images)
    found = {arm: _found(run.images, buses, run.harm_every if "+" in arm else 1) for arm, buses in run.buses.items()}
    files.write_json("truth.json", truth)
    for arm, results in found.items():
        files.write_json(f"detections/{arm}.json", results)
    arms = [arm for arm in run.buses if "+" not in arm]
    files.write_images([row for arm in arms for row in _rows(run, arm)])
    evidence = {arm: _evidence(run, arm, truth, results) for arm, results in found.items()}
    of_harm = np.arange(0, run.images, run.harm_every)
    sampled = {arm: point_numbers(each.among(of_harm))["map"] or 0.0 for arm, each in evidence.items()}
    files.write_results(_result(run, {arm: point_numbers(each) for arm, each in evidence.items()}, sampled))
    return folder


def _truth(images: int) -> dict[str, Any]:
    boxes = [(image, label, box) for image in range(1, images + 1) for label, box in ((1, CAR), (2, BUS))]
    annotations = [
        {"id": n, "image_id": image, "category_id": label, "bbox": box, "area": box[2] * box[3], "iscrowd": 0}
        for n, (image, label, box) in enumerate(boxes, start=1)
    ]
    pictures = [{"id": n, "file_name": f"{n}.png", "width": 200, "height": 100} for n in range(1, images + 1)]
    categories = [{"id": 1, "name": "car"}, {"id": 2, "name": "bus"}]
    return {"images": pictures, "categories": categories, "annotations": annotations}


def _found(images: int, buses: int, every: int) -> list[dict[str, Any]]:
    ids = range(1, images + 1, every)
    cars = [{"image_id": n, "category_id": 1, "bbox": CAR, "score": 0.9} for n in ids]
    return cars + [{"image_id": n, "category_id": 2, "bbox": BUS, "score": 0.8} for n in ids if n <= buses]


def _rows(run: Run, arm: str) -> list[dict[str, Any]]:
    return [
        {
            "image_id": n,
            "file_name": f"{n}.png",
            "arm": arm,
            "psnr_db": None if arm == "sharp" else run.psnr_db,
            "ssim": 0.8,
            "tp": 1 + (n <= run.buses[arm]),
            "fp": 0,
            "fn": 1 - (n <= run.buses[arm]),
            "picture": "",
        }
        for n in range(1, run.images + 1)
    ]


def _evidence(run: Run, arm: str, truth: dict[str, Any], results: list[dict[str, Any]]) -> Evidence:
    columns, plain = true_columns(truth), arm.partition("+")[0]
    rows = _rows(run, plain)
    return Evidence(
        ranked(columns, found_columns(results, columns)),
        np.array([[row["tp"], row["fp"], row["fn"]] for row in rows]),
        {key: np.array([row[key] for row in rows], np.float64) for key in ("psnr_db", "ssim")},
    )


def _result(run: Run, values: Mapping[str, Mapping[str, float | None]], sampled: Mapping[str, float]) -> RunResult:
    """`sampled` are the mAP of arms over the pictures of harm."""

    def arm(name: str) -> ArmResult:
        kind: ArmKind = "sharp" if name == "sharp" else "blurred" if name == "blurred" else "deblurrer"
        numbers = dict(values[name])
        if kind == "deblurrer":
            mine, blurred, sharp = (values[each]["map"] or 0.0 for each in (name, "blurred", "sharp"))
            gap = (mine - blurred) / (sharp - blurred) if sharp > blurred else None
            harm = sampled["sharp"] - sampled[f"sharp+{name}"]
            numbers |= {"gap_recovered": gap, "harm": harm, "restore_ms_p50": run.restore_ms}
        if name == DEBLURRER:
            numbers |= run.values
        return ArmResult(name, kind, {key: Estimate(value, run.images) for key, value in numbers.items()}, {})

    return RunResult(
        specification={"truth": run.truth},
        environment={"versions": {"numpy": "2"}},
        data=EvaluatedData("cars", "d" * 64, run.fingerprint, run.images, 2 * run.images, (), ()),
        detector=run.detector,
        harm_ids=None if run.harm_every == 1 else tuple(range(1, run.images + 1, run.harm_every)),
        arms=tuple(arm(name) for name in run.buses if "+" not in name),
        differences=(),
        shown=(),
        definitions=run.definitions,
        failed=run.failed,
        partly_known=run.partly_known,
    )
