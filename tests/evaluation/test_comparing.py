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
    values = {name: each.metrics()["map"].value for name, each in files.files.items()}
    assert better.difference.value == pytest.approx(values["c"] - values["a"])


def test_without_resamples_nothing_is_tested() -> None:
    """A difference has its number alone then, neither interval nor p-value, and is not claimed."""
    files, _, _ = judged(0.5, 0.95, resamples=0)
    difference = next(each for each in files.differences() if each.metric == "map")
    assert difference.difference.value is not None
    assert difference.difference.value > 0.2
    assert (difference.difference.low, difference.p_value, difference.p_holm) == (None, None, None)
    assert not difference.is_shown


def test_flips_are_the_boxes_that_one_alone_finds() -> None:
    """Gained less lost boxes are the difference of true positives; each stands in a row of its own."""
    files, _, _ = judged(0.5, 0.9, resamples=0)
    flips = files.flips()[0]
    tp = {name: int(each.evidence.counts[:, 0].sum()) for name, each in files.files.items()}
    assert flips.gained - flips.lost == tp["b"] - tp["a"] > 0
    changes = files.flip_rows()
    assert len(changes) == flips.gained + flips.lost
    assert {(each["arm"], each["against"]) for each in changes} == {("b", "a")}
    assert sum(each["change"] == "gained" for each in changes) == flips.gained
    rows = files.image_rows()
    assert [(row["image_id"], row["file_name"], row["arm"]) for row in rows[:3]] == [
        (1, "1.png", "a"),
        (1, "1.png", "b"),
        (2, "2.png", "a"),
    ]
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


def notes_on(tmp_path: Path, resamples: int = 0, **scores: list[float]) -> tuple[str, ...]:
    """The notes on files with one box of such a score in each of the first pictures of ten."""
    document = truth(10, np.random.default_rng(1))
    box = {"category_id": 3, "bbox": [100.0, 100.0, 9.0, 9.0]}
    results = {
        name: [{"image_id": place, "score": score, **box} for place, score in enumerate(each, 1)]
        for name, each in scores.items()
    }
    paths = {name: tmp_path / f"{name}.json" for name in results}
    for name, path in paths.items():
        path.write_text(json.dumps(results[name]))
    return JudgedFiles(document, results, resamples).compared("truth", paths, []).notes


def test_a_cut_is_a_lowest_score_of_a_tenth_beside_a_lower_one(tmp_path: Path) -> None:
    """Of several lower ones the lowest is named; files that both begin at .1, or hold nothing, are not cut."""
    (note,) = notes_on(tmp_path, cut=[0.1] * 5, one=[0.099] * 6, other=[0.05] * 7)
    assert note.startswith("cut holds no detection below score 0.1, and other goes down to 0.05")
    assert notes_on(tmp_path, one=[0.1] * 5, other=[0.1] * 6) == ()
    (note,) = notes_on(tmp_path, one=[0.1] * 5, nothing=[])
    assert note.startswith("nothing has detections in 0 pictures")


def test_a_part_has_detections_in_less_than_half_of_the_pictures(tmp_path: Path) -> None:
    """Five pictures of another's ten are enough, four are named."""
    assert notes_on(tmp_path, whole=[0.5] * 10, half=[0.5] * 5) == ()
    (note,) = notes_on(tmp_path, whole=[0.5] * 10, part=[0.5] * 4)
    assert note.startswith("part has detections in 4 pictures, and whole in 10")


def test_resamples_are_too_few_where_no_p_can_be_below_five_percent(tmp_path: Path) -> None:
    """The least p of one pair is 1 / (1 + B): .05 at 19 resamples, below it at 20; none were wanted at 0."""
    noted = [notes_on(tmp_path, resamples, one=[0.5] * 10, other=[0.5] * 9) for resamples in (0, 19, 20)]
    assert [len(notes) for notes in noted] == [0, 1, 0]
    assert noted[1][0].startswith("19 resamples are too few to show any difference among 1 pairs: --resamples 40")
