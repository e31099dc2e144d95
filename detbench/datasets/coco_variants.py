"""What tools write otherwise than COCO's own files do, read as they mean it; each such reading is noted.

Roboflow and Label Studio count annotations from 0, pandas makes 12.0 of an id 12, others write ids as text, `iscrowd`
as true or false, `area` as null, Windows' backslashes, and LVIS a `coco_url` in place of `file_name`. What could mean
two things is left as it is, for the check to refuse.
"""

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import unquote

from detbench.datasets.coco_records import EXACT, CocoRecord, CocoRecords


@dataclass(frozen=True)
class _Variant:
    """`change` gives a record in COCO's terms, and the very record where it is so already; `sentence` is the note."""

    sentence: str
    kinds: tuple[str, ...]
    change: Callable[[CocoRecord], CocoRecord]


def standardised(records: CocoRecords) -> CocoRecords:
    """The records in COCO's terms, with notes of what was written otherwise; they need not be checked yet.

    An annotation with id 0, which COCO's scorer would never match, gets the first free id, there and in all that is
    written; the others keep theirs.
    """
    lists: dict[str, list[Any]] = {
        "images": [*records.images],
        "annotations": [*records.annotations],
        "categories": [*records.categories],
    }
    notes = [*_named_by_url(lists)]
    for variant in _VARIANTS:
        notes += _rewritten(lists, variant)
    notes += [*_with_annotation_ids(lists), *_without_empty_namesakes(lists)]
    return replace(records, **lists, notes=(*records.notes, *notes, *_unread(lists)))


def twin_notes(records: CocoRecords) -> list[str]:
    """A note where checked records hold the same box of the same class in the same picture more than once."""
    boxes = Counter((a["image_id"], a["category_id"], *a["bbox"]) for a in records.annotations)
    more = len(records.annotations) - len(boxes)
    if not more:
        return []
    names = {image["id"]: image["file_name"] for image in records.images}
    first = next(box[0] for box, count in boxes.items() if count > 1)
    return [f"{more} boxes repeat another of their class (first in {names[first]}): all count, as for COCO's scorer"]


def whole_number(value: object) -> int | None:
    """The whole number that a text of digits or a decimal such as 12.0 stands for; None for anything else."""
    if isinstance(value, float) and value.is_integer() and abs(value) < EXACT:
        return int(value)
    if isinstance(value, str) and re.fullmatch("[0-9]{1,15}", value):
        return int(value)
    return None


def _rewritten(lists: Mapping[str, list[Any]], variant: _Variant) -> list[str]:
    """Change the records of a variant's kinds in place; the note where there were any."""
    count, first = 0, ""
    for kind in variant.kinds:
        for index, record in enumerate(lists[kind]):
            changed = variant.change(record) if isinstance(record, dict) else record
            if changed is not record:
                lists[kind][index] = changed
                count, first = count + 1, first or f"{kind}[{index}]"
    return [f"{variant.sentence} ({_records(count)}, first {first})"] if count else []


def _unread(lists: Mapping[str, list[Any]]) -> list[str]:
    """Notes on marks that other scorers go by, and COCO's does not."""
    ignored = [a for a in lists["annotations"] if isinstance(a, dict) and a.get("ignore") in (1, True)]
    notes = (
        [f"{len(ignored)} boxes are marked ignore, which COCO's scorer does not read: they count"] if ignored else []
    )
    if any(isinstance(image, dict) and image.get("not_exhaustive_category_ids") for image in lists["images"]):
        notes.append("classes that LVIS did not label everywhere count as labelled, as for COCO's scorer")
    return notes


def _records(count: int) -> str:
    return "1 record" if count == 1 else f"{count} records"


def _with_whole(*keys: str) -> Callable[[CocoRecord], CocoRecord]:
    def change(record: CocoRecord) -> CocoRecord:
        if all(type(record.get(key)) is int for key in keys):  # in a large file nearly every record is so
            return record
        numbers = {key: number for key in keys if (number := whole_number(record.get(key))) is not None}
        return {**record, **numbers} if numbers else record

    return change


def _with_crowd_as_number(annotation: CocoRecord) -> CocoRecord:
    crowd = annotation.get("iscrowd", 0)
    is_other = crowd is None or isinstance(crowd, bool) or (isinstance(crowd, float) and crowd in (0, 1))
    return {**annotation, "iscrowd": int(crowd or 0)} if is_other else annotation


def _without_null_area(annotation: CocoRecord) -> CocoRecord:
    if "area" in annotation and annotation["area"] is None:
        return {key: value for key, value in annotation.items() if key != "area"}
    return annotation


def _with_plain_path(image: CocoRecord) -> CocoRecord:
    name = image.get("file_name")
    if not isinstance(name, str) or not name:
        return image
    plain = PurePosixPath(name.replace("\\", "/")).as_posix()
    return image if plain == name else {**image, "file_name": plain}


_VARIANTS = (
    _Variant(
        "ids that are text or decimals read as whole numbers",
        ("images", "annotations", "categories"),
        _with_whole("id", "image_id", "category_id"),
    ),
    _Variant("width and height read as whole numbers", ("images",), _with_whole("width", "height")),
    _Variant("iscrowd read as 1 where it is true, else as 0", ("annotations",), _with_crowd_as_number),
    _Variant("area is null, so that of the box stands in", ("annotations",), _without_null_area),
    _Variant("file names read with forward slashes and without ./", ("images",), _with_plain_path),
)


def _named_by_url(lists: Mapping[str, list[Any]]) -> list[str]:
    """Name each picture that has a `coco_url` alone by its end, with the folder where the pictures are of several."""
    images = lists["images"]
    ends = {
        index: PurePosixPath(unquote(url[1])).parts[-2:]
        for index, image in enumerate(images)
        if isinstance(image, dict) and image.get("file_name") is None and (url := _url(image.get("coco_url")))
    }
    first_part = -2 if len({end[:-1] for end in ends.values()}) > 1 else -1
    for index, end in ends.items():
        images[index] = {**images[index], "file_name": "/".join(end[first_part:])}
    return [f"{len(ends)} pictures have no file_name and are named by their coco_url"] if ends else []


def _url(value: object) -> re.Match[str] | None:
    """A web address, its path as the only group."""
    return re.match("https?://[^/?#]+/([^?#]+)", value) if isinstance(value, str) else None


def _with_annotation_ids(lists: Mapping[str, list[Any]]) -> list[str]:
    """Number annotations that have no ids at all, and give one with id 0 a free one where all ids are unique."""
    annotations = lists["annotations"]
    if not all(isinstance(annotation, dict) for annotation in annotations):
        return []
    ids: Sequence[object] = [annotation.get("id") for annotation in annotations]
    if ids and all(number is None for number in ids):
        annotations[:] = [{**annotation, "id": number} for number, annotation in enumerate(annotations, start=1)]
        return ["annotations have no ids and are numbered from 1 in their order"]
    whole = [number for number in ids if type(number) is int]
    if len(set(whole)) < len(ids) or min(whole, default=1) != 0:
        return []
    zero, free = ids.index(0), max(whole) + 1
    annotations[zero] = {**annotations[zero], "id": free}
    return [f"annotation 0 is called {free} here, because COCO's scorer never matches id 0; the others keep their ids"]


def _without_empty_namesakes(lists: Mapping[str, list[Any]]) -> list[str]:
    """Leave out categories without a box that are called as another is, as Roboflow's root category may be."""
    used = {a["category_id"] for a in lists["annotations"] if isinstance(a, dict) and type(a.get("category_id")) is int}
    named = [c for c in lists["categories"] if isinstance(c, dict) and isinstance(c.get("name"), str)]
    namesakes = {name for name, count in Counter(category["name"] for category in named).items() if count > 1}
    if not namesakes:
        return []
    kept: set[str] = {category["name"] for category in named if _is_of(category.get("id"), used)}
    dropped = []
    for category in named:
        name = category["name"]
        if name in namesakes and type(category.get("id")) is int and category["id"] not in used:
            if name in kept:
                dropped.append(category)
            kept.add(name)
    lists["categories"][:] = [c for c in lists["categories"] if not any(c is gone for gone in dropped)]
    return [
        f"category {category['id']} {category['name']!r} has no box and the name of another: it is left out"
        for category in dropped
    ]


def _is_of(value: object, known: set[int]) -> bool:
    return type(value) is int and value in known
