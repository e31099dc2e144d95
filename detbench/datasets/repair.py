"""Boxes without area or outside their picture: a reader refuses them, unless the user says what to do with them."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Literal

from detbench.datasets.coco_records import (
    OUTSIDE_TOLERANCE_PX,
    CocoRecord,
    CocoRecords,
    image_sides,
    is_box,
    reach_px,
)

Repair = Literal["clip", "drop"]
"""`clip` cuts a box at the borders of its picture and drops what is left without area; `drop` leaves out every box
that a reader would refuse.
"""

REMEDY = "correct it, or let --repair clip or --repair drop do so"
"""For messages about such a box."""


def repaired(records: CocoRecords, how: Repair | None) -> CocoRecords:
    """The records with their boxes repaired, and with notes of that; as they are where `how` is None.

    They need not be checked yet: what has no readable box, or is of no known picture, stays for the check to refuse.
    """
    if how is None:
        return records
    sides = image_sides(records.images)
    kept: list[CocoRecord] = []
    clipped = 0
    for annotation in records.annotations:
        picture = sides.get(annotation.get("image_id", -1)) if isinstance(annotation, dict) else None
        if picture is None or not is_box(annotation.get("bbox")) or _is_sound(annotation["bbox"], *picture):
            kept.append(annotation)
        elif how == "clip" and (box := _clipped(annotation["bbox"], *picture)) is not None:
            kept.append(_with_box(annotation, box))
            clipped += 1
    dropped = len(records.annotations) - len(kept)
    notes = [f"{clipped} boxes clipped to their pictures"] if clipped else []
    notes += [f"{dropped} boxes dropped that have no area or lie outside their picture"] if dropped else []
    return replace(records, annotations=kept, notes=(*records.notes, *notes))


def _is_sound(box_xywh: Sequence[float], width: int, height: int) -> bool:
    return min(box_xywh[2:]) > 0 and reach_px(box_xywh, width, height) <= OUTSIDE_TOLERANCE_PX


def _clipped(box_xywh: Sequence[float], width: int, height: int) -> list[float] | None:
    """The part of a box inside its picture; None where that has no area."""
    left, top = max(box_xywh[0], 0), max(box_xywh[1], 0)
    right, bottom = min(box_xywh[0] + box_xywh[2], width), min(box_xywh[1] + box_xywh[3], height)
    return [left, top, right - left, bottom - top] if right > left and bottom > top else None


def _with_box(annotation: CocoRecord, box_xywh: list[float]) -> CocoRecord:
    """The annotation with another box; the area of an outline is at most that of its box."""
    area = annotation.get("area")
    largest = box_xywh[2] * box_xywh[3]
    return {**annotation, "bbox": box_xywh} | ({"area": min(area, largest)} if isinstance(area, int | float) else {})
