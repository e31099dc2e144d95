"""Checks COCO annotations and COCO results before anything is computed from them.

A scorer does not notice most of these faults: an annotation with id 0 is never matched, a NaN box counts as found,
detections of an unknown category vanish (pycocotools 2.0.11). Each fault is reported with its file, its record and
what to do about it.
"""

import json
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path, PurePosixPath, PureWindowsPath
from reprlib import repr as shortened
from typing import Any, TypeGuard

from detbench.errors import DataError

CocoRecord = dict[str, Any]

OUTSIDE_TOLERANCE_PX = 1.0
"""A box may reach this far out of its picture: annotation tools differ by that much in where a pixel lies."""

SMALLEST_SIDE_PX = 16
"""Of pictures this large, not every box can lie in the first pixel: such boxes are shares of the picture's sides."""

FAULTS_SHOWN = 5
EXACT = 2**53
"""Numbers below it are exact as float64, which ids and boxes become on their way through a scorer."""

_GZIP = b"\x1f\x8b"
_AGAIN = "fetch or export the file again"


@dataclass(frozen=True)
class CocoRecords:
    """The three lists of a COCO "instances" file, every record sound and every reference known once they are checked.

    `notes` are sentences on what was read in another way than it stands there: the user sees them beside the numbers.
    """

    images: list[CocoRecord]
    annotations: Sequence[CocoRecord]
    categories: list[CocoRecord]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Rule:
    """What the value of one key must be; `must` completes "it must be …" and holds the remedy."""

    key: str
    holds: Callable[[Any], bool]
    must: str
    required: bool = True


def check_records(records: CocoRecords, source: Path) -> CocoRecords:
    """Check records, whatever format they were read from, and return them; `source` is what messages call it.

    Raises one DataError with the first FAULTS_SHOWN faults and their number. A box may reach OUTSIDE_TOLERANCE_PX
    out of its picture, no further. Keys that detbench does not use are not checked.
    """
    raise_faults(_annotation_file_faults(records), source)
    return records


def check_results(
    results: object, image_ids: Collection[int], category_ids: Collection[int], source: Path
) -> list[CocoRecord]:
    """Check a list in COCO's results format and return it; `source` is what messages call it.

    Every record has a known image and category, a box of four finite numbers without a negative side (an empty box
    is allowed, it matches nothing) and a score in 0..1. Raises one DataError as `check_records` does.
    """
    if not isinstance(results, list):
        lists = [key for key, value in results.items() if isinstance(value, list)] if isinstance(results, dict) else []
        mend = f"; write what {' and '.join(map(repr, lists[:3]))} holds as a file of its own" if lists else ""
        raise DataError(f"{source}: the top level is {kind_of(results)}; it must be a list of detections{mend}")
    raise_faults(_result_faults(results, image_ids, category_ids), source)
    return results


def parse_json(content: bytes, source: Path) -> Any:
    """Parsed JSON; raises DataError with line and column where it is none, and where it holds NaN or Infinity."""
    document, constants = json_with_constants(content, source)
    refuse_constants(constants, source)
    return document


def json_with_constants(content: bytes, source: Path) -> tuple[Any, list[str]]:
    """The document, and each NaN and Infinity in it: Python reads those words although they are no JSON."""
    if content.startswith(_GZIP):
        raise DataError(f"{source}: is compressed with gzip; unpack it (gunzip) and name the unpacked file")
    constants: list[str] = []

    def note(word: str) -> float:
        constants.append(word)
        return float(word)

    try:
        return json.loads(content, parse_constant=note), constants
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        mend = "export it as one JSON document, not as JSON Lines" if error.msg == "Extra data" else _AGAIN
        raise DataError(f"{source}: not JSON ({error.msg}, {where}); {mend}") from None
    except (ValueError, RecursionError) as error:
        raise DataError(f"{source}: not JSON ({error}); {_AGAIN}") from None


def refuse_constants(constants: Sequence[str], source: Path) -> None:
    """Raise DataError where a document that was read with `json_with_constants` holds such a word."""
    if constants:
        raise DataError(f"{source}: holds {constants[0]}, which is no JSON; write a number or leave the key out")


def raise_faults(faults: Iterable[str], source: Path) -> None:
    """Raise one DataError with the first FAULTS_SHOWN faults and their number; nothing where there are none."""
    rest = iter(faults)
    shown = list(islice(rest, FAULTS_SHOWN))
    if len(shown) == 1:
        raise DataError(f"{source}: {shown[0]}")
    if shown:
        count = len(shown) + sum(1 for _ in rest)
        first = f"; the first {FAULTS_SHOWN}" if count > FAULTS_SHOWN else ""
        raise DataError("\n  ".join([f"{source}: {count} faults{first}:", *shown]))


def _annotation_file_faults(records: CocoRecords) -> Iterator[str]:
    for kind in ("images", "annotations", "categories"):
        if not getattr(records, kind):
            yield f"{kind!r} is empty, which leaves nothing to measure; add some"
    images = _sound(records.images, _IMAGE_RULES)
    categories = _sound(records.categories, _CATEGORY_RULES)
    annotations = _sound(records.annotations, _ANNOTATION_RULES)
    yield from _rule_faults("images", records.images, _IMAGE_RULES, images)
    yield from _rule_faults("categories", records.categories, _CATEGORY_RULES, categories)
    yield from _rule_faults("annotations", records.annotations, _ANNOTATION_RULES, annotations)
    yield from _repeats("images", images, "id")
    yield from _repeats("images", images, "file_name")
    yield from _repeats("categories", categories, "id")
    yield from _repeats("categories", categories, "name", "give each its own, or the boxes of both one id")
    yield from _repeats("annotations", annotations, "id")
    yield from _unknown("annotations", annotations, "image", _ids(records.images))
    yield from _unknown("annotations", annotations, "category", _ids(records.categories))
    first_of_id = {image["id"]: image for image in reversed(images.values())}
    yield from _outside(annotations, first_of_id)
    yield from _shares(annotations, first_of_id)


def _result_faults(results: Sequence[Any], image_ids: Collection[int], category_ids: Collection[int]) -> Iterator[str]:
    sound = _sound(results, _RESULT_RULES)
    yield from _rule_faults("results", results, _RESULT_RULES, sound)
    yield from _unknown("results", sound, "image", image_ids)
    yield from _unknown("results", sound, "category", category_ids)


def _rule_faults(
    kind: str, records: Sequence[Any], rules: Sequence[_Rule], sound: Mapping[int, CocoRecord]
) -> Iterator[str]:
    """What the records break that are not among the `sound` ones, which are most."""
    for index in (place for place in range(len(records)) if place not in sound):
        record = records[index]
        if isinstance(record, dict):
            yield from (f"{_where(kind, index, record)}: {fault}" for fault in _broken_rules(record, rules))
        else:
            yield f"{kind}[{index}] is {kind_of(record)}; it must be an object"


def _broken_rules(record: CocoRecord, rules: Sequence[_Rule]) -> Iterator[str]:
    for rule in rules:
        if rule.key not in record:
            if rule.required:
                yield f"{rule.key} is missing; it must be {rule.must}"
        elif not rule.holds(record[rule.key]):
            yield f"{rule.key} is {shortened(record[rule.key])}; it must be {rule.must}"


def _sound(records: Sequence[Any], rules: Sequence[_Rule]) -> dict[int, CocoRecord]:
    """The records that break no rule, by their index: what they refer to exists."""
    return {
        index: record
        for index, record in enumerate(records)
        if isinstance(record, dict) and _breaks_none(record, rules)
    }


def _breaks_none(record: CocoRecord, rules: Sequence[_Rule]) -> bool:
    """Whether `_broken_rules` is empty, without its sentences: a file has millions of values."""
    for rule in rules:
        if rule.key in record:
            if not rule.holds(record[rule.key]):
                return False
        elif rule.required:
            return False
    return True


def _ids(records: Sequence[Any]) -> set[int]:
    """Every readable id, of records with other faults too: a reference to those is not a second fault."""
    return {record["id"] for record in records if isinstance(record, dict) and _is_whole(record.get("id"))}


def image_sides(images: Sequence[Any]) -> dict[int, tuple[int, int]]:
    """Width and height of each picture whose record is sound, by its id."""
    return {image["id"]: (image["width"], image["height"]) for image in _sound(images, _IMAGE_RULES).values()}


def _repeats(kind: str, records: Mapping[int, CocoRecord], key: str, mend: str = "give each its own") -> Iterator[str]:
    first: dict[Any, int] = {}
    for index, record in records.items():
        value = record[key]
        earlier = first.setdefault(value, index)
        if earlier != index:
            yield f"{_where(kind, index, record)}: {key} {value!r} is that of {kind}[{earlier}] too; {mend}"


def _unknown(kind: str, records: Mapping[int, CocoRecord], referred: str, known: Collection[int]) -> Iterator[str]:
    for index, record in records.items():
        wanted = record[f"{referred}_id"]
        if wanted not in known:
            yield f"{_where(kind, index, record)}: no {referred} has id {wanted}; correct {referred}_id or add it"


def _outside(annotations: Mapping[int, CocoRecord], images: Mapping[int, CocoRecord]) -> Iterator[str]:
    for index, record in annotations.items():
        image = images.get(record["image_id"])
        if image and reach_px(record["bbox"], image["width"], image["height"]) > OUTSIDE_TOLERANCE_PX:
            yield (
                f"{_where('annotations', index, record)}: bbox {record['bbox']} reaches more than "
                f"{OUTSIDE_TOLERANCE_PX:g} px out of its {image['width']}x{image['height']} picture; "
                f"it is left, top, width, height in pixels: correct it, or let --repair clip or --repair drop do so"
            )


def _shares(annotations: Mapping[int, CocoRecord], images: Mapping[int, CocoRecord]) -> Iterator[str]:
    """One fault where every box lies in the first pixel of its picture."""
    boxes = [
        annotation["bbox"]
        for annotation in annotations.values()
        if (image := images.get(annotation["image_id"])) and min(image["width"], image["height"]) >= SMALLEST_SIDE_PX
    ]
    if boxes and all(left + width <= 1 and top + height <= 1 for left, top, width, height in boxes):
        yield (
            f"every box lies within the first pixel of its picture, such as {boxes[0]}; boxes are in pixels: multiply "
            "shares of the picture by its width and height"
        )


def reach_px(box_xywh: Sequence[float], width: int, height: int) -> float:
    """How far a box reaches out of its picture on its worst side; negative where it lies inside."""
    left, top, box_width, box_height = box_xywh
    return max(-left, -top, left + box_width - width, top + box_height - height)


def _where(kind: str, index: int, record: CocoRecord) -> str:
    return f"{kind}[{index}] (id {shortened(record['id'])})" if "id" in record else f"{kind}[{index}]"


def kind_of(value: object) -> str:
    """What a JSON value is, for a message."""
    names = {dict: "an object", list: "a list", str: "a text", bool: "true or false", type(None): "null"}
    return names.get(type(value), "a number")


def _is_number(value: object) -> TypeGuard[float]:
    """A finite number that float64 holds; JSON's true and false are none, though Python counts them as 1 and 0."""
    return isinstance(value, (int, float)) and value is not True and value is not False and -EXACT < value < EXACT


def _is_whole(value: object) -> TypeGuard[int]:
    return isinstance(value, int) and _is_number(value) and value >= 0


def _is_positive_whole(value: object) -> TypeGuard[int]:
    return _is_whole(value) and value > 0


def _is_text(value: object) -> TypeGuard[str]:
    """Some text without lone surrogates, which JSON can hold and no file or terminal can."""
    return isinstance(value, str) and value.strip() != "" and re.search("[\ud800-\udfff]", value) is None


def is_box(value: object) -> TypeGuard[list[float]]:
    """Whether a value is a list of four finite numbers."""
    return isinstance(value, list) and len(value) == 4 and all(map(_is_number, value))


def _is_inside_path(value: object) -> bool:
    """A relative path that stays in its folder on every system, and that a disk can hold."""
    if not _is_text(value) or "\\" in value or "\0" in value or PureWindowsPath(value).drive:
        return False
    parts = PurePosixPath(value).parts
    lengths = [len(part.encode(errors="replace")) for part in parts]
    return parts != () and parts[0] != "/" and ".." not in parts and max(lengths) <= 255


_BOX = "four finite numbers in pixels: left, top, width and height"
_IMAGE_RULES = (
    _Rule("id", _is_whole, "a whole number, 0 or more"),
    _Rule(
        "file_name", _is_inside_path, "a path in UTF-8, relative to images/, with forward slashes, no '..', no drive"
    ),
    _Rule("width", _is_positive_whole, "a positive whole number of pixels"),
    _Rule("height", _is_positive_whole, "a positive whole number of pixels"),
)
_CATEGORY_RULES = (
    _Rule("id", _is_whole, "a whole number, 0 or more"),
    _Rule("name", _is_text, "a text that is not empty and that UTF-8 can hold"),
)
_ANNOTATION_RULES = (
    _Rule("id", _is_positive_whole, "a whole number from 1 up: COCO's scorer never matches id 0, so renumber them"),
    _Rule("image_id", _is_whole, "the id of one of the images"),
    _Rule("category_id", _is_whole, "the id of one of the categories"),
    _Rule(
        "bbox",
        lambda box: is_box(box) and min(box[2:]) > 0,
        f"{_BOX}, both positive; --repair drop leaves empty boxes out",
    ),
    _Rule("area", lambda area: _is_number(area) and area >= 0, "a finite number of square pixels, 0 or more", False),
    _Rule("iscrowd", lambda crowd: _is_whole(crowd) and crowd <= 1, "0 or 1, with 1 for a region of many", False),
)
_RESULT_RULES = (
    _Rule("image_id", _is_whole, "the id of one of the images"),
    _Rule("category_id", _is_whole, "the id of one of the categories"),
    _Rule("bbox", lambda box: is_box(box) and min(box[2:]) >= 0, f"{_BOX}, neither negative"),
    _Rule("score", lambda score: _is_number(score) and 0 <= score <= 1, "a finite number in 0..1, no percent or logit"),
)
