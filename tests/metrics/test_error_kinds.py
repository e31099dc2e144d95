from collections import Counter
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from pycocotools import mask

from detbench.metrics.coco_scores import evaluate
from detbench.metrics.columns import found_columns, true_columns
from detbench.metrics.error_kinds import KINDS, ErrorKind, error_kinds
from detbench.metrics.matching import FALSE_POSITIVE

CAR, BUS = 1, 2
BOX, FAR = [10.0, 20.0, 50.0, 40.0], [300.0, 20.0, 30.0, 60.0]
LOOSE = [30.0, 20.0, 50.0, 40.0]  # IoU .43 with BOX


def truth(*boxes: tuple[int, list[float]], crowd: bool = False) -> dict[str, Any]:
    """One picture with boxes of classes."""
    annotations = [
        {"id": n, "image_id": 1, "category_id": label, "bbox": box, "area": box[2] * box[3], "iscrowd": int(crowd)}
        for n, (label, box) in enumerate(boxes, start=1)
    ]
    return {"images": [{"id": 1}], "categories": [{"id": CAR}, {"id": BUS}], "annotations": annotations}


def found(*boxes: tuple[int, list[float], float]) -> list[dict[str, Any]]:
    """Boxes found in that picture, with scores."""
    return [{"image_id": 1, "category_id": label, "bbox": box, "score": score} for label, box, score in boxes]


def kinds(document: dict[str, Any], results: list[dict[str, Any]]) -> dict[str, ErrorKind]:
    """Those errors that were made at all."""
    columns = true_columns(document)
    every = error_kinds(columns, found_columns(results, columns))
    assert list(every) == list(KINDS)
    return {kind: error for kind, error in every.items() if error.count}


@pytest.mark.parametrize(
    ("box", "kind", "cost"),
    [
        ((BUS, BOX), "class", 1.0),
        ((CAR, LOOSE), "localisation", 1.0),
        ((BUS, LOOSE), "both", 0.0),
        ((CAR, FAR), "background", 0.0),
    ],
)
def test_a_single_wrong_box_has_its_kind(box: tuple[int, list[float]], kind: str, cost: float) -> None:
    """A wrong class or place costs the whole mAP50 of its car; what stands for no car leaves the car missed."""
    errors = kinds(truth((CAR, BOX)), found((*box, 0.9)))
    assert errors[kind] == ErrorKind(1, pytest.approx(cost))
    # without the missed car there is nothing to find, so mAP50 is undefined
    assert errors.get("missed") == (ErrorKind(1, None) if kind in ("both", "background") else None)


def test_a_duplicate_is_a_box_whose_true_one_is_taken() -> None:
    """The less sure of two boxes on one car is a duplicate; it costs where a later true box stands behind it."""
    errors = kinds(truth((CAR, BOX), (CAR, FAR)), found((CAR, BOX, 0.9), (CAR, BOX, 0.8), (CAR, FAR, 0.7)))
    assert set(errors) == {"duplicate"}
    before = evaluate(truth((CAR, BOX), (CAR, FAR)), found((CAR, BOX, 0.9), (CAR, BOX, 0.8), (CAR, FAR, 0.7)))
    assert errors["duplicate"].cost == pytest.approx(1 - before.stats["map50"])


def test_a_missed_box_costs_what_it_lacks() -> None:
    """Of two cars one is missed: mAP50 would be 1 without it."""
    errors = kinds(truth((CAR, BOX), (CAR, FAR)), found((CAR, BOX, 0.9)))
    assert errors == {"missed": ErrorKind(1, pytest.approx(1 - 51 / 101))}


def test_a_mended_box_takes_the_place_of_a_less_sure_one() -> None:
    """A surer box of the wrong class would, put right, take the car from the less sure one: one true box, not two."""
    errors = kinds(truth((CAR, BOX), (BUS, FAR)), found((BUS, BOX, 0.9), (CAR, BOX, 0.3), (BUS, FAR, 0.8)))
    assert errors == {"class": ErrorKind(1, pytest.approx(0.25))}  # buses: 1/2 → 1, cars: 1 → 1


def test_boxes_on_a_crowd_are_no_errors() -> None:
    """What lies on a crowd region is no false box, and the region is not missed."""
    assert kinds(truth((CAR, BOX), crowd=True), found((CAR, BOX, 0.9))) == {}


def test_perfect_boxes_make_no_errors() -> None:
    """Nothing is wrong, nothing costs."""
    assert kinds(truth((CAR, BOX), (BUS, FAR)), found((CAR, BOX, 0.9), (BUS, FAR, 0.9))) == {}


def test_kinds_and_costs_are_those_of_plain_loops(draw_coco: Callable, coco_partners: Callable) -> None:
    """On random data, counts are those of a loop over boxes with pycocotools' matches, and taking background boxes or
    missed objects out of the documents changes pycocotools' mAP50 by what they are said to cost.
    """
    seen: Counter[str] = Counter()
    for seed in range(40):
        document, results = draw_coco(np.random.default_rng(seed), 0.1)
        columns = true_columns(document)
        errors = error_kinds(columns, found_columns(results, columns))
        kind_of, missed = by_loops(document, results, coco_partners(document, results))
        counts = Counter(kind_of.values())
        counts["missed"] = len(missed)
        assert {kind: error.count for kind, error in errors.items()} == {kind: counts[kind] for kind in KINDS}
        before = evaluate(document, results).stats["map50"]
        kept = [row for number, row in enumerate(results) if kind_of.get(number) != "background"]
        there = [row for row in document["annotations"] if row["id"] not in missed]
        for kind, mended in (
            ("background", (document, kept)),
            ("missed", ({**document, "annotations": there}, results)),
        ):
            after = evaluate(*mended).stats["map50"]
            expected = None if before is None or after is None else pytest.approx(after - before, abs=1e-12)
            assert errors[kind].cost == expected, (seed, kind)
        seen += counts
    assert all(seen[kind] > 20 for kind in KINDS), seen


def by_loops(
    document: dict[str, Any], results: list[dict[str, Any]], partners: list[int]
) -> tuple[dict[int, str], set[int]]:
    """Kinds by the index of each false result, and the ids of missed annotations."""
    kind_of: dict[int, str] = {}
    covered = set(partners)
    for number, (row, partner) in enumerate(zip(results, partners, strict=True)):
        there = [
            each for each in document["annotations"] if each["image_id"] == row["image_id"] and not each["iscrowd"]
        ]
        if partner == FALSE_POSITIVE:
            overlaps = mask.iou([row["bbox"]], [each["bbox"] for each in there], [0] * len(there)) if there else [[]]
            same = [each["category_id"] == row["category_id"] for each in there]
            ranked = [(overlap, same[g], there[g]["id"]) for g, overlap in enumerate(overlaps[0])]
            overlap, is_same, target = max(ranked, default=(0.0, False, -1))
            kind_of[number] = kind_by_hand(overlap, is_same)
            if kind_of[number] in ("class", "localisation"):
                covered.add(target)
    return kind_of, {row["id"] for row in document["annotations"] if row["id"] not in covered and not row["iscrowd"]}


def kind_by_hand(overlap: float, is_same: bool) -> str:
    """TIDE's definitions, one after the other."""
    if overlap < 0.1:
        return "background"
    if overlap >= 0.5:
        return "duplicate" if is_same else "class"
    return "localisation" if is_same else "both"
