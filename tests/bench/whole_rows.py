"""Rows of whole jobs on the embedded streets: detection over a folder beside `yolo val`, and a run beside a script."""

import itertools
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from plain_run import STREETS, category_ids, coco_results, mean_average_precision
from side_by_side import Row

from detbench.core.images import read_image
from detbench.detectors.ultralytics_yolo import Yolo, from_safetensors
from detbench.metrics.coco_scores import evaluate

PICTURES = 12
WEIGHTS = Path("models/yolov8n-streets/weights.safetensors")
SCRIPT = Path(__file__).with_name("plain_run.py")
DETBENCH = (sys.executable, "-m", "detbench")
DEBLURRERS = ("identity", "pix2pix", "deblurgan")


def detecting_row() -> Iterator[Row]:
    """A detector over a folder, mAP included, against ultralytics' own validation with the same weights.

    By one judge both find as much to .01 mAP; they fill up pictures to other sizes before they look.
    """
    truth = json.loads((STREETS / "annotations.json").read_text())
    detector, theirs = Yolo(WEIGHTS), from_safetensors(WEIGHTS)
    categories = category_ids(dict(enumerate(detector.classes)), truth)

    def ours() -> float:
        results = []
        for image in truth["images"]:
            found = detector(read_image(STREETS / "blurred" / image["file_name"]))
            results += coco_results(image["id"], found.boxes, found.scores, found.labels, categories)
        return float(evaluate(truth, results).stats["map"])

    with tempfile.TemporaryDirectory() as folder:
        dataset = Path(folder) / "yolo"
        subprocess.run([*DETBENCH, "convert", STREETS, "--to", "yolo", "--out", dataset], check=True)
        words = {"data": dataset / "data.yaml", "conf": 0.001, "iou": 0.7, "max_det": 100, "imgsz": 640}
        quiet = {"device": "cpu", "verbose": False, "plots": False, "project": folder, "exist_ok": True}
        theirs.val(**words, **quiet, save_json=True)
        written = json.loads(next(Path(folder).rglob("predictions.json")).read_text())
        ids = {Path(image["file_name"]).stem: image["id"] for image in truth["images"]}
        judged = [
            {**each, "image_id": ids[Path(each["file_name"]).stem], "category_id": categories[each["category_id"] - 1]}
            for each in written
        ]
        mine, other = ours(), mean_average_precision(truth, judged)
        assert abs(mine - other) <= 0.01, f"mAP {mine} and {other}"
        yield Row(
            "YOLOv8n over 120 blurred streets, mAP included",
            "yolo val",
            ours,
            lambda: theirs.val(**words, **quiet),
            1.3,
        )


def whole_rows() -> Iterator[Row]:
    """A run of three deblurrers, harm included, against a script of the usual tools: with nothing done before, and
    repeated. The script has no intervals, no report, and nothing to go on from. mAP is the same to .002.
    """
    with tempfile.TemporaryDirectory() as folder:
        numbers = (str(number) for number in itertools.count())

        def theirs() -> dict[str, float]:
            words = [sys.executable, str(SCRIPT), str(PICTURES), f"{folder}/plain-{next(numbers)}"]
            done = subprocess.run(words, check=True, capture_output=True, text=True)
            return dict(json.loads(done.stdout.splitlines()[-1]))

        def cold() -> None:
            _run(folder, next(numbers))

        def warm() -> None:
            _run(folder, "warm")

        warm()
        mine, plain = json.loads(Path(f"{folder}/warm/metrics.json").read_text()), theirs()
        for arm in ("sharp", "blurred", *DEBLURRERS[1:]):
            assert abs(mine[f"{arm}.map"] - plain[arm]) <= 0.002
        work = f"{', '.join(DEBLURRERS)} on {PICTURES} streets"
        yield Row(work, "a script of usual tools", cold, theirs, 2)
        yield Row(f"{work}, repeated", "a script of usual tools", warm, theirs, 60)


def _run(folder: str, name: str) -> None:
    words = ["run", "--limit", str(PICTURES), "--device", "cpu", "--out", folder, "--name", name]
    named = [word for deblurrer in DEBLURRERS for word in ("--deblurrer", deblurrer)]
    cache = {"DETBENCH_CACHE": f"{folder}/cache-{name}"}
    subprocess.run([*DETBENCH, *words, *named], check=True, capture_output=True, env={**os.environ, **cache})
