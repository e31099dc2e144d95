"""What a run writes, and what a conversion writes, in the hands of the tools that people already use."""

import contextlib
import io
import json
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from detbench.core.progress import unwatched
from detbench.datasets.coco import CocoFolder
from detbench.datasets.export import export_dataset
from detbench.evaluation.request import RunSpec
from detbench.evaluation.run import run
from detbench.results.cache import Cache

ARMS = ("sharp", "blurred", "wiener")


@pytest.fixture(scope="module")
def run_folder(drawn_dataset: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run on the drawn pictures."""
    root = tmp_path_factory.mktemp("runs")
    spec = RunSpec(str(drawn_dataset), ("wiener",), "blobs", blur="trajectory:seed=3", device="cpu")
    run(spec, root / "job", Cache(root / "cache"), unwatched)
    return root / "job"


def headline(run_folder: Path, arm: str) -> float:
    """The run's own mAP of an arm."""
    value: float = json.loads((run_folder / "metrics.json").read_text())[f"{arm}.map"]
    return value


def judged(coco: Any, coco_eval: Any, run_folder: Path, arm: str) -> float:
    """The mAP that a COCO evaluator gives the run's files as they are."""
    with contextlib.redirect_stdout(io.StringIO()):
        truth = coco(str(run_folder / "truth.json"))
        judge = coco_eval(truth, truth.loadRes(str(run_folder / "detections" / f"{arm}.json")), "bbox")
        judge.evaluate()
        judge.accumulate()
        judge.summarize()
    return float(judge.stats[0])


@pytest.mark.parametrize("arm", ARMS)
def test_pycocotools(run_folder: Path, arm: str) -> None:
    """pycocotools reads truth and detections as they are and gives the run's mAP."""
    assert judged(COCO, COCOeval, run_folder, arm) == pytest.approx(headline(run_folder, arm), abs=1e-12)


@pytest.mark.parametrize("arm", ARMS)
def test_faster_coco_eval(run_folder: Path, arm: str) -> None:
    """faster-coco-eval reads the same files and gives the same mAP."""
    faster = pytest.importorskip("faster_coco_eval")
    assert judged(faster.COCO, faster.COCOeval_faster, run_folder, arm) == pytest.approx(
        headline(run_folder, arm), abs=1e-9
    )


def test_supervision(run_folder: Path, drawn_dataset: Path) -> None:
    """supervision reads the dataset as COCO, as YOLO and as VOC with every box where it is."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        supervision = pytest.importorskip("supervision")
    source = CocoFolder(drawn_dataset)
    folder = run_folder.parent
    for form in ("yolo", "voc"):
        export_dataset(source, form, folder / form)  # type: ignore[arg-type]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        reader = supervision.DetectionDataset
        datasets = {
            "coco": reader.from_coco(str(drawn_dataset / "images"), str(drawn_dataset / "annotations.json")),
            "yolo": reader.from_yolo(
                str(folder / "yolo" / "images"), str(folder / "yolo" / "labels"), str(folder / "yolo" / "data.yaml")
            ),
            "voc": reader.from_pascal_voc(str(folder / "voc" / "JPEGImages"), str(folder / "voc" / "Annotations")),
        }
    for form, dataset in datasets.items():
        theirs = {Path(path).name: found for path, _, found in dataset}
        assert len(theirs) == 12
        for sample in source:
            boxes = np.sort(theirs[sample.file_name].xyxy, axis=0)
            np.testing.assert_allclose(boxes, np.sort(sample.truth.boxes, axis=0), atol=0.01, err_msg=form)
    assert sorted(datasets["yolo"].classes) == sorted(source.classes.values())


def test_supervision_scores_the_detections(run_folder: Path) -> None:
    """The detections file, taken apart by image, is a Detections of supervision, in COCO's own terms."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        supervision = pytest.importorskip("supervision")
    found = json.loads((run_folder / "detections" / "sharp.json").read_text())
    boxes = np.array([result["bbox"] for result in found])
    theirs = supervision.Detections(
        xyxy=supervision.xywh_to_xyxy(boxes),
        confidence=np.array([result["score"] for result in found]),
        class_id=np.array([result["category_id"] for result in found]),
    )
    assert len(theirs) == len(found) > 0
    np.testing.assert_allclose(theirs.box_area, boxes[:, 2] * boxes[:, 3])


def test_yolo_val_takes_the_yolo_export(drawn_dataset: Path, tmp_path: Path) -> None:
    """ultralytics validates on the export as it is: it reads every picture and every box under the classes' names."""
    from detbench.detectors.ultralytics_safely import ultralytics  # its import takes seconds

    source = CocoFolder(drawn_dataset)
    export_dataset(source, "yolo", tmp_path / "yolo")
    model = ultralytics.YOLO("yolov8n.yaml", task="detect", verbose=False)
    model.model = ultralytics.nn.tasks.DetectionModel("yolov8n.yaml", nc=4, verbose=False)
    model.model.names = dict(enumerate(source.classes.values()))
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        words = {"imgsz": 64, "batch": 4, "workers": 0, "device": "cpu", "plots": False, "verbose": False}
        metrics = model.val(data=str(tmp_path / "yolo" / "data.yaml"), project=str(tmp_path), name="val", **words)
    boxes = sum(len(sample.truth) for sample in source)
    assert int(sum(metrics.nt_per_class)) == boxes
    assert dict(metrics.names) == dict(enumerate(source.classes.values()))
