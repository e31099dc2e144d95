import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from detbench.core.images import picture_from_image
from detbench.evaluation.score.shown_pictures import SHOWN_PANELS, SHOWN_PICTURES
from detbench.results.folder import RunFolder
from detbench.results.schema import result_from_json

PICTURES, BOXES, FOUND = 5000, 7, 30
ARMS = ("sharp", "blurred", "wiener")
MOST_KIB, MOST_BYTES = 1_000_000, 15_000_000
STATUS = Path("/proc/self/status")


@pytest.fixture
def large(write, tmp_path: Path) -> Path:
    """A run of 5,000 pictures of 640×480: 35,000 true boxes, 150,000 detections an arm, some of them shown."""
    folder: Path = write(maps={"sharp": 0.4, "blurred": 0.2, "wiener": 0.3})
    run, rng = RunFolder(folder), np.random.default_rng(0)
    numbers = range(1, PICTURES + 1)
    boxes = rng.uniform(0, 300, (PICTURES, FOUND, 4)).round(1).tolist()
    images = [{"id": number, "file_name": f"{number:06}.jpg", "width": 640, "height": 480} for number in numbers]
    truth = {**run.read_json("truth.json"), "images": images, "annotations": list(annotations(boxes))}
    run.write_json("truth.json", truth)
    run.write_detections({arm: json.dumps(list(detections(boxes, rng))) for arm in ARMS})
    shown = tuple(range(1, 1 + min(SHOWN_PICTURES, SHOWN_PANELS // len(ARMS))))
    run.write_images([row(run, number, arm, rng, number in shown) for number in numbers for arm in ARMS])
    stated = run.read_json("result.json")
    run.write_results(result_from_json({**stated, "shown": shown, "data": {**stated["data"], "images": PICTURES}}, ""))
    return folder


def annotations(boxes):
    """The first boxes of each picture are true ones."""
    for place, some in enumerate(boxes):
        for number, box in enumerate(some[:BOXES]):
            known = {"image_id": place + 1, "category_id": 1 + number % 2, "bbox": box, "area": box[2] * box[3]}
            yield {"id": 1 + place * BOXES + number, **known, "iscrowd": 0}


def detections(boxes, rng):
    """Every box is found with some confidence."""
    for place, some in enumerate(boxes):
        for box, score in zip(some, rng.random(FOUND).tolist(), strict=True):
            yield {"image_id": place + 1, "category_id": 1, "bbox": box, "score": score}


def row(run: RunFolder, number: int, arm: str, rng, is_shown: bool):
    """One line of images.csv; a shown picture is of coarse grain."""
    picture = ""
    if is_shown:
        grain = rng.integers(0, 256, (80, 107, 3), dtype=np.uint8).repeat(6, axis=0).repeat(6, axis=1)[:, :640]
        picture = run.keep_shown(picture_from_image(np.ascontiguousarray(grain)))
    measured = {"severity_px": 4.0 + number % 50, "psnr_db": float(rng.normal(25, 3)), "ssim": 0.8, "restore_ms": 10.0}
    place = {"image_id": number, "file_name": f"{number:06}.jpg", "arm": arm, "width": 640, "height": 480}
    return {**place, **measured, "tp": int(rng.integers(0, 8)), "fp": 1, "fn": 1, "picture": picture}


def test_five_thousand_pictures_render_in_bounds(large: Path) -> None:
    """Rendering takes 1 GB of memory at most; the page stays below 15 MB with the full pictures as files beside it."""
    if not STATUS.exists():
        pytest.skip("only Linux shows the peak memory of a process")
    script = (
        "import pathlib, detbench.report.render as render\n"
        f"render.render_report(pathlib.Path({str(large)!r}))\n"
        f"print(pathlib.Path({str(STATUS)!r}).read_text())"
    )
    status = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True).stdout
    assert int(re.search(r"VmHWM:\s*(\d+) kB", status)[1]) < MOST_KIB
    page = large / "report.html"
    panels = SHOWN_PICTURES * len(ARMS)
    boxes = page.read_text().count("<rect ")
    assert page.stat().st_size < min(MOST_BYTES, 1_500_000 + 40_000 * panels + 150 * boxes)
    assert len(list((large / "pictures").iterdir())) >= panels
