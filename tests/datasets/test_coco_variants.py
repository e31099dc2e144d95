import contextlib
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from detbench.datasets.coco_file import read_annotations
from detbench.datasets.coco_records import CocoRecords
from detbench.datasets.coco_variants import whole_number
from detbench.errors import DataError

SOURCE = Path("annotations.json")
Document = dict[str, list[dict[str, Any]]]


def document() -> Document:
    """Two pictures and two classes with four boxes, one of them a crowd, as COCO writes them."""
    return {
        "images": [{"id": number, "file_name": f"{number}.jpg", "width": 400, "height": 300} for number in (7, 12)],
        "annotations": [
            {"id": 1, "image_id": 7, "category_id": 1, "bbox": [10, 10, 100, 50], "area": 5000, "iscrowd": 0},
            {"id": 2, "image_id": 7, "category_id": 2, "bbox": [200.5, 20, 90, 99], "area": 8910, "iscrowd": 0},
            {"id": 3, "image_id": 12, "category_id": 1, "bbox": [5, 100, 300, 150], "area": 45000, "iscrowd": 1},
            {"id": 4, "image_id": 12, "category_id": 2, "bbox": [300, 10, 20, 30], "area": 600, "iscrowd": 0},
        ],
        "categories": [{"id": 1, "name": "car"}, {"id": 2, "name": "bus"}],
    }


DETECTIONS = [
    {"image_id": 7, "category_id": 1, "bbox": [12, 12, 97, 46], "score": 0.9},
    {"image_id": 7, "category_id": 2, "bbox": [10, 10, 100, 50], "score": 0.8},
    {"image_id": 12, "category_id": 1, "bbox": [20, 110, 80, 60], "score": 0.7},
    {"image_id": 12, "category_id": 2, "bbox": [301, 11, 20, 28], "score": 0.6},
]


def read(content: Document) -> CocoRecords:
    """The records of a document."""
    return read_annotations(json.dumps(content).encode(), SOURCE)


def scored(records: CocoRecords) -> list[float]:
    """The twelve numbers of pycocotools for DETECTIONS against the records."""
    with contextlib.redirect_stdout(io.StringIO()):
        truth = COCO()
        areas = [a.get("area", a["bbox"][2] * a["bbox"][3]) for a in records.annotations]
        annotations = [{**a, "area": area} for a, area in zip(records.annotations, areas, strict=True)]
        truth.dataset = {"images": records.images, "annotations": annotations, "categories": records.categories}
        truth.createIndex()
        evaluation = COCOeval(truth, truth.loadRes([dict(found) for found in DETECTIONS]), "bbox")
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    return [float(number) for number in evaluation.stats]


def each(kind: str, change: Callable[[dict[str, Any]], dict[str, Any]]) -> Callable[[Document], Document]:
    """A change of every record of a kind."""
    return lambda given: {**given, kind: [record | change(record) for record in given[kind]]}


def ids_as(write: Callable[[int], object]) -> Callable[[Document], Document]:
    """All ids and references to them, written in another way."""
    keys = ("id", "image_id", "category_id")
    return lambda given: {
        kind: [record | {key: write(record[key]) for key in keys if key in record} for record in records]
        for kind, records in given.items()
    }


def references_as_text(given: Document) -> Document:
    """References alone are text, so that pycocotools would find no box in any picture."""
    return each("annotations", lambda a: {"image_id": str(a["image_id"]), "category_id": str(a["category_id"])})(given)


def without_ids(given: Document) -> Document:
    """No annotation has an id."""
    return {**given, "annotations": [{k: v for k, v in a.items() if k != "id"} for a in given["annotations"]]}


def with_root_category(given: Document) -> Document:
    """Roboflow's root category 0, called as a class is, comes first."""
    return {**given, "categories": [{"id": 0, "name": "car", "supercategory": "none"}, *given["categories"]]}


IDS = "ids that are text or decimals read as whole numbers (8 records, first images[0])"
VARIANTS = [
    (ids_as(str), IDS),
    (ids_as(float), IDS),
    (ids_as(lambda number: f"{number:012}"), IDS),
    (references_as_text, IDS.replace("8", "4").replace("images", "annotations")),
    (
        each("annotations", lambda a: {"id": a["id"] - 1}),
        "annotation 0 is called 4 here, because COCO's scorer never matches id 0; the others keep their ids",
    ),
    (
        each("annotations", lambda a: {"id": str(a["id"] - 1)}),
        "annotation 0 is called 4 here, because COCO's scorer never matches id 0; the others keep their ids",
    ),
    (without_ids, "annotations have no ids and are numbered from 1 in their order"),
    (each("annotations", lambda _: {"id": None}), "annotations have no ids and are numbered from 1 in their order"),
    (
        each("annotations", lambda a: {"iscrowd": bool(a["iscrowd"])}),
        "iscrowd read as 1 where it is true, else as 0 (4 records, first annotations[0])",
    ),
    (
        each("annotations", lambda a: {"iscrowd": float(a["iscrowd"])}),
        "iscrowd read as 1 where it is true, else as 0 (4 records, first annotations[0])",
    ),
    (
        each("annotations", lambda a: {"iscrowd": a["iscrowd"] or None}),
        "iscrowd read as 1 where it is true, else as 0 (3 records, first annotations[0])",
    ),
    (
        each("annotations", lambda _: {"area": None}),
        "area is null, so that of the box stands in (4 records, first annotations[0])",
    ),
    (
        each("images", lambda i: {"width": float(i["width"]), "height": str(i["height"])}),
        "width and height read as whole numbers (2 records, first images[0])",
    ),
    (
        each("images", lambda i: {"file_name": f".\\{i['file_name']}"}),
        "file names read with forward slashes and without ./ (2 records, first images[0])",
    ),
    (
        each("images", lambda i: {"file_name": None, "coco_url": f"http://x.org/val2017/{i['file_name']}"}),
        "2 pictures have no file_name and are named by their coco_url",
    ),
    (with_root_category, "category 0 'car' has no box and the name of another: it is left out"),
    (
        each("images", lambda _: {"not_exhaustive_category_ids": [1], "neg_category_ids": []}),
        "classes that LVIS did not label everywhere count as labelled, as for COCO's scorer",
    ),
    (
        each("annotations", lambda _: {"ignore": 1}),
        "4 boxes are marked ignore, which COCO's scorer does not read: they count",
    ),
]


@pytest.mark.parametrize(("change", "note"), VARIANTS)
def test_a_variant_is_read_as_its_tool_means_it(change: Callable[[Document], Document], note: str) -> None:
    """Each variant gives the twelve numbers of COCO's own writing, the same names, and a note."""
    plain, other = read(document()), read(change(document()))
    assert scored(other) == scored(plain)
    assert scored(plain)[0] == pytest.approx(0.48836633663366336)
    assert [image["file_name"] for image in other.images] == ["7.jpg", "12.jpg"]
    assert other.categories == document()["categories"]
    assert note in other.notes
    assert plain.notes == ()


def test_the_scorer_would_not_match_id_0() -> None:
    """What is read around: left as it is, a box with id 0 is one that nobody finds."""
    given = each("annotations", lambda a: {"id": a["id"] - 1})(document())
    as_written = CocoRecords(given["images"], given["annotations"], given["categories"])
    assert scored(as_written)[0] < scored(read(given))[0]


def test_id_0_alone_changes() -> None:
    """All other annotations keep the ids that their file has."""
    records = read(each("annotations", lambda a: {"id": 10 * (a["id"] - 1)})(document()))
    assert [annotation["id"] for annotation in records.annotations] == [31, 10, 20, 30]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (each("annotations", lambda a: {"id": a["id"] // 3}), r"3 faults:\n.*id is 0; .*renumber"),
        (each("annotations", lambda a: {"id": a["id"] - 0.5}), r"id is 0\.5; it must be a whole number"),
        (each("annotations", lambda a: {"id": a["id"] > 1}), "id is False; it must be a whole number"),
        (each("categories", lambda _: {"name": "car"}), r"name 'car' is that of categories\[0\] too; .*both one id"),
        (each("images", lambda i: {"id": "7" if i["id"] == 7 else 7}), r"id 7 is that of images\[0\] too"),
        (each("annotations", lambda a: {"bbox": [str(n) for n in a["bbox"]]}), "four finite numbers in pixels"),
        (each("images", lambda _: {"file_name": None}), "file_name is None; it must be a path"),
        (each("images", lambda i: {"id": [i["id"]]}), r"id is \[7\]; it must be a whole number"),
    ],
)
def test_what_may_mean_two_things_is_refused(change: Callable[[Document], Document], words: str) -> None:
    """Ids that are equal, fractional or boolean, classes of one name, boxes as text: refused, with the mend."""
    with pytest.raises(DataError, match=words):
        read(change(document()))


def test_one_annotation_without_an_id_is_a_fault() -> None:
    """Ids are made up only where there are none at all."""
    given = document()
    del given["annotations"][2]["id"]
    with pytest.raises(DataError, match=r"annotations\[2\]: id is missing"):
        read(given)


def test_pictures_of_two_folders_keep_them() -> None:
    """LVIS's pictures are of train2017 and val2017: the folder in `coco_url` is part of the name."""
    given = document()
    for image, folder in zip(given["images"], ("train2017", "val2017"), strict=True):
        image |= {"coco_url": f"http://images.cocodataset.org/{folder}/{image.pop('file_name')}"}
    assert [image["file_name"] for image in read(given).images] == ["train2017/7.jpg", "val2017/12.jpg"]


def test_of_empty_namesakes_one_stays() -> None:
    """Three categories of one name without a box are one class; names in other letters are others."""
    given = document()
    given["categories"] += [{"id": number, "name": name} for number, name in ((5, "van"), (6, "van"), (8, "Car"))]
    records = read(given)
    assert [category["id"] for category in records.categories] == [1, 2, 5, 8]
    assert records.notes == ("category 6 'van' has no box and the name of another: it is left out",)


def test_twins_count_as_for_the_scorer() -> None:
    """The same box twice stays two boxes, as pycocotools counts it, and a note says how many."""
    given = document()
    given["annotations"] += [{**given["annotations"][3], "id": number} for number in (8, 9)]
    records = read(given)
    assert len(records.annotations) == 6
    assert records.notes == (
        "2 boxes repeat another of their class (first in 12.jpg): all count, as for COCO's scorer",
    )


def test_keys_that_are_absent_or_unknown_do_not_matter() -> None:
    """Without licenses, info and segmentation, and with keys of other tools, nothing changes."""
    given: dict[str, Any] = each("annotations", lambda _: {"segmentation": None, "attributes": {"occluded": True}})(
        document()
    )
    given |= {"licenses": None, "info": "mine"}
    assert scored(read(given)) == scored(read(document()))


@settings(max_examples=300, deadline=None)
@given(st.floats() | st.text(max_size=18) | st.integers() | st.booleans() | st.none())
def test_only_whole_numbers_become_whole(value: object) -> None:
    """Nothing but digits and decimals without a fraction becomes a number, and then it is equal to what stood there."""
    number = whole_number(value)
    if number is not None:
        assert isinstance(value, float | str)
        assert float(value) == number
    else:
        assert not (isinstance(value, float) and value.is_integer() and abs(value) < 2**53)
