"""Reads the bytes of a COCO "instances" file into checked records."""

from dataclasses import replace
from pathlib import Path

from detbench.datasets.coco_records import (
    CocoRecords,
    check_records,
    json_with_constants,
    kind_of,
    refuse_constants,
)
from detbench.datasets.coco_variants import standardised, twin_notes
from detbench.datasets.repair import Repair, repaired
from detbench.errors import DataError


def read_annotations(content: bytes, source: Path, repair: Repair | None = None) -> CocoRecords:
    """Parse, standardise, repair and check an annotation file's bytes; `source` is what messages call it.

    Raises DataError as `check_records` does; NaN is refused anywhere.
    """
    document, constants = json_with_constants(content, source)
    if not isinstance(document, dict):
        raise DataError(f"{source}: the top level is {kind_of(document)}; it must be an object that holds 'images'")
    for key in ("images", "annotations", "categories"):
        if not isinstance(document.get(key), list):
            found = kind_of(document[key]) if key in document else "missing"
            raise DataError(f"{source}: {key!r} is {found}; it must be a list, as in a COCO instances file")
    given = CocoRecords(document["images"], document["annotations"], document["categories"])
    records = check_records(repaired(standardised(given), repair), source)
    refuse_constants(constants, source)
    return replace(records, notes=(*records.notes, *twin_notes(records)))
