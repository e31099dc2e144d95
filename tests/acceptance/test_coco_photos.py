"""The main job on 128 real, annotated photos with the genuine YOLOv8n; skipped where neither is at hand."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from detbench.evaluation.request import RunSpec
from detbench.evaluation.run import run
from detbench.results.cache import Cache
from detbench.results.schema import flat_metrics


def test_blur_costs_detections_and_the_oracle_finds_them_again(
    tmp_path: Path, shared_file: Callable[[str], Path]
) -> None:
    """The sharp arm scores what pycocotools gives this checkpoint (.4232 ± .005), blur costs a quarter of it or more, a
    Wiener filter that knows the kernel gives back at least half, and the repeated run says the same from the cache.
    """
    photos = shared_file("data/coco-val-128/annotations.json").parent
    checkpoint = shared_file("weights/yolov8n.pt")
    spec = RunSpec(str(photos), ("identity", "wiener"), str(checkpoint), blur="trajectory")
    metrics = flat_metrics(run(spec, tmp_path / "job", Cache(tmp_path / "cache"), lambda *_: None))
    assert metrics["sharp.map"] == pytest.approx(0.4232, abs=0.005)
    assert metrics["blurred.map"] <= 0.75 * metrics["sharp.map"]  # type: ignore[operator]
    assert metrics["wiener.gap_recovered"] >= 0.5  # type: ignore[operator]
    assert metrics["identity.map"] == metrics["blurred.map"]

    written = (tmp_path / "job" / "metrics.json").read_bytes()
    again = run(spec, tmp_path / "job", Cache(tmp_path / "cache"), lambda *_: None)
    assert (tmp_path / "job" / "metrics.json").read_bytes() == written
    assert json.loads(written) == flat_metrics(again)
