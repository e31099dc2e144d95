"""What YOLO and VOC files cannot hold, kept beside them: `detbench-ids.json`.

It has the ids of pictures, classes and boxes, areas of outlines, and (for YOLO, which knows none) crowd regions. Boxes
and names are in the files themselves, so they can be used and edited without it; a dataset that has none is numbered
from 1 in the order of names.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from detbench.core.files import read_bytes
from detbench.datasets.coco_records import CocoRecord, CocoRecords, parse_json
from detbench.errors import DataError

FILE_NAME = "detbench-ids.json"
SCHEMA = 1
NUMBER_ANEW = "remove it to have everything numbered anew, or convert again"


def by_image(annotations: Sequence[CocoRecord]) -> Mapping[int, list[CocoRecord]]:
    """Annotations grouped by their image's id, each group in the order of the file."""
    grouped: defaultdict[int, list[CocoRecord]] = defaultdict(list)
    for annotation in annotations:
        grouped[annotation["image_id"]].append(annotation)
    return grouped


def ids_document(records: CocoRecords, sha256: Mapping[str, str], *, crowds_apart: bool) -> dict[str, Any]:
    """The content of the file for records that are written elsewhere, box for box in their order.

    `sha256` has the digest of the label file by the picture's `file_name`; with `crowds_apart` crowd regions are kept
    here, whole, because the label files leave them out.
    """
    grouped = by_image(records.annotations)
    return {
        "schema": SCHEMA,
        "categories": [{"id": category["id"], "name": category["name"]} for category in records.categories],
        "images": [
            {
                "file_name": image["file_name"],
                "id": image["id"],
                "labels_sha256": sha256[image["file_name"]],
                "annotations": [_ids(a) for a in grouped[image["id"]] if not (crowds_apart and a.get("iscrowd"))],
                "crowds": [_whole(a) for a in grouped[image["id"]] if crowds_apart and a.get("iscrowd")],
            }
            for image in records.images
        ],
    }


def with_ids(records: CocoRecords, folder: Path, sha256: Mapping[str, str]) -> CocoRecords:
    """The records under the ids that the folder's file keeps for them; as they are where it has no such file.

    Raises DataError where the file is damaged, or was written for other label files.
    """
    path = folder / FILE_NAME
    if not path.is_file():
        return records
    document = parse_json(read_bytes(path), path)
    try:
        return _renumbered(records, document, sha256, path)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise DataError(f"{path}: cannot be read ({error!r}); {NUMBER_ANEW}") from None


def _renumbered(records: CocoRecords, document: Any, sha256: Mapping[str, str], path: Path) -> CocoRecords:
    if document["schema"] != SCHEMA:
        raise ValueError(f"schema {document['schema']!r}")
    category_ids = {category["name"]: category["id"] for category in document["categories"]}
    names = {category["id"]: category["name"] for category in records.categories}
    unknown = [name for name in names.values() if name not in category_ids]
    if unknown:
        raise DataError(f"{path}: knows no class {unknown[0]!r}; {NUMBER_ANEW}")
    kept = {image["file_name"]: image for image in document["images"]}
    grouped, images, annotations = by_image(records.annotations), [], []
    for image in records.images:
        name = image["file_name"]
        if name not in kept or kept[name]["labels_sha256"] != sha256[name]:
            raise DataError(f"{path}: not written for the labels of {name} as they are now; {NUMBER_ANEW}")
        own = {"image_id": kept[name]["id"]}
        images.append({**image, "id": kept[name]["id"]})
        for annotation, ids in zip(grouped[image["id"]], kept[name]["annotations"], strict=True):
            category = {"category_id": category_ids[names[annotation["category_id"]]]}
            annotations.append({**annotation, **ids, **own, **category})
        annotations += [{**crowd, **own, "iscrowd": 1} for crowd in kept[name]["crowds"]]
    return CocoRecords(images, annotations, document["categories"], records.notes)


def _ids(annotation: CocoRecord) -> CocoRecord:
    return {key: annotation[key] for key in ("id", "area") if key in annotation}


def _whole(annotation: CocoRecord) -> CocoRecord:
    return {key: annotation[key] for key in ("id", "category_id", "bbox", "area") if key in annotation}
