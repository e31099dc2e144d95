import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from detbench.evaluation.comparing import JudgedFiles

Records = list[dict[str, Any]]


def truth(pictures: int, rng: np.random.Generator) -> dict[str, Any]:
    """Four boxes of two classes a picture, one of eight of them a crowd."""
    boxes = rng.uniform([0, 0, 20, 20], [60, 60, 60, 60], (pictures * 4, 4))
    annotations = [
        {"id": n + 1, "image_id": n // 4 + 1, "category_id": n % 2 + 3, "bbox": box, "area": box[2] * box[3]}
        | {"iscrowd": int(n % 8 == 7)}
        for n, box in enumerate(boxes.tolist())
    ]
    images = [{"id": n, "file_name": f"{n}.png", "width": 128, "height": 128} for n in range(1, pictures + 1)]
    return {
        "images": images,
        "categories": [{"id": 3, "name": "car"}, {"id": 4, "name": "bus"}],
        "annotations": annotations,
    }


def finds(document: dict[str, Any], share: float, rng: np.random.Generator, score: float = 0.001) -> Records:
    """A share of the true boxes, slightly moved, and one wrong box a picture of that lowest score."""
    true = [a for a in document["annotations"] if rng.random() < share]
    moved = [
        {"image_id": a["image_id"], "category_id": a["category_id"], "score": float(rng.uniform(0.3, 1))}
        | {"bbox": (np.array(a["bbox"]) + rng.normal(0, 2, 4)).tolist()}
        for a in true
    ]
    wrong = [
        {"image_id": image["id"], "category_id": 3, "bbox": [100.0, 100.0, 9.0, 9.0], "score": score}
        for image in document["images"]
    ]
    return moved + wrong


def judged(
    *shares: float, pictures: int = 30, resamples: int = 200
) -> tuple[JudgedFiles, dict[str, Any], list[Records]]:
    """Files a, b, … that find such shares, and what they are made of."""
    rng = np.random.default_rng(5)
    document = truth(pictures, rng)
    results = [finds(document, share, rng) for share in shares]
    return JudgedFiles(document, dict(zip("abc", results, strict=False)), resamples), document, results


def test_numbers_equal_pycocotools() -> None:
    """mAP, mAP50, mAP75 and AR of each file equal pycocotools' on the same documents to 1e-9, crowds and all."""
    coco = pytest.importorskip("pycocotools.coco")
    cocoeval = pytest.importorskip("pycocotools.cocoeval")
    files, document, results = judged(0.7, 0.9, resamples=0)
    for name, found in zip("ab", results, strict=True):
        theirs = coco.COCO()
        theirs.dataset = json.loads(json.dumps(document))
        theirs.createIndex()
        scored = cocoeval.COCOeval(theirs, theirs.loadRes(json.loads(json.dumps(found))), "bbox")
        scored.evaluate()
        scored.accumulate()
        scored.summarize()
        ours = files.files[name].metrics()
        for key, place in {"map": 0, "map50": 1, "map75": 2, "ar1": 6, "ar10": 7, "ar100": 8}.items():
            assert ours[key].value == pytest.approx(scored.stats[place], abs=1e-9)


def test_a_better_detector_is_shown_and_a_like_one_is_not() -> None:
    """Of three, the one that finds far more is shown against both, by p-values adjusted for three pairs."""
    files, _, _ = judged(0.5, 0.5, 0.95)
    by_pair = {(d.arm, d.against): d for d in files.differences() if d.metric == "map"}
    assert list(by_pair) == [("b", "a"), ("c", "a"), ("c", "b")]
    assert [d.is_shown for d in by_pair.values()] == [False, True, True]
    better = by_pair["c", "a"]
    assert better.difference.value is not None
    assert better.difference.value > 0.2
    assert better.p_value == pytest.approx(1 / 201)
    assert better.p_holm == pytest.approx(3 / 201)


def test_flips_are_the_boxes_that_one_alone_finds() -> None:
    """Gained less lost boxes are the difference of true positives; each stands in a row of its own."""
    files, _, _ = judged(0.5, 0.9, resamples=0)
    flips = files.flips()[0]
    tp = {name: int(each.evidence.counts[:, 0].sum()) for name, each in files.files.items()}
    assert flips.gained - flips.lost == tp["b"] - tp["a"] > 0
    assert len(files.flip_rows()) == flips.gained + flips.lost
    rows = files.image_rows()
    assert len(rows) == 60
    assert sum(row["tp"] for row in rows if row["arm"] == "a") == tp["a"]


def test_notes_name_what_is_not_the_detectors(tmp_path: Path) -> None:
    """A file that was cut at a score, one of few pictures, a copy, and too few resamples are named."""
    rng = np.random.default_rng(1)
    document = truth(10, rng)
    whole, cut = finds(document, 0.9, rng), finds(document, 0.9, rng, score=0.25)
    part = [each for each in whole if each["image_id"] < 4]
    paths = {}
    for name, found in {"whole": whole, "cut": cut, "part": part, "copy": whole}.items():
        paths[name] = tmp_path / f"{name}.json"
        paths[name].write_text(json.dumps(found))
    files = JudgedFiles(document, {"whole": whole, "cut": cut, "part": part, "copy": whole}, 30)
    notes = files.compared("truth", paths, ["first"]).notes
    assert notes[0] == "first"
    assert "copy and whole hold the same bytes" in notes
    assert any(
        note.startswith("cut holds no detection below score 0.25, and whole goes down to 0.001") for note in notes
    )
    assert any(note.startswith("part has detections in 3 pictures, and whole in 10") for note in notes)
    assert any("30 resamples are too few to show any difference among 6 pairs: --resamples 240" in n for n in notes)
    assert len(notes) == 5
