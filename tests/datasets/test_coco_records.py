import json
import math
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detbench.datasets.coco_file import read_annotations
from detbench.datasets.coco_records import check_results, parse_json
from detbench.errors import DataError

SOURCE = Path("some/annotations.json")
MISSING = object()


def document() -> dict[str, list[Any]]:
    """Three pictures, the last without a box, and three classes, the last unused: nothing is wrong with it."""
    return {
        "images": [
            {"id": 3, "file_name": "a.png", "width": 40, "height": 20},
            {"id": 5, "file_name": "sub/b.png", "width": 30, "height": 60},
            {"id": 8, "file_name": "c.png", "width": 9, "height": 9},
        ],
        "annotations": [
            {"id": 901, "image_id": 3, "category_id": 1, "bbox": [4, 2.5, 10, 5], "area": 41.5, "iscrowd": 0},
            {"id": 902, "image_id": 5, "category_id": 2, "bbox": [0, 0, 30, 60], "area": 1800, "iscrowd": 1},
            {"id": 903, "image_id": 5, "category_id": 1, "bbox": [1, 1, 2, 3]},
        ],
        "categories": [{"id": 1, "name": "car"}, {"id": 2, "name": "bus"}, {"id": 4, "name": "tram"}],
    }


def check(content: object) -> None:
    """Run the validator over a document."""
    read_annotations(json.dumps(content).encode(), SOURCE)


def changed(kind: str, index: int, key: str, value: object) -> dict[str, list[Any]]:
    """The sound document with one value set, or taken away."""
    broken = document()
    if value is MISSING:
        del broken[kind][index][key]
    else:
        broken[kind][index][key] = value
    return broken


def test_a_sound_file_passes() -> None:
    """Sound records come back as they were, area and iscrowd being optional."""
    records = read_annotations(json.dumps(document()).encode(), SOURCE)
    assert records.annotations == document()["annotations"]
    assert (len(records.images), len(records.categories)) == (3, 3)


ANNOTATION, IMAGE, CATEGORY = "annotations[1] (id 902)", "images[1] (id 5)", "categories[1] (id 2)"

RECORD_FAULTS = [
    ("images", 2, "id", MISSING, "images[2]: id is missing", "a whole number"),
    ("images", 2, "id", "5a", "images[2] (id '5a')", "a whole number"),
    ("images", 2, "id", "5", "images[2] (id 5): id 5 is that of images[1] too", "give each its own"),
    ("images", 2, "id", 5.5, "images[2] (id 5.5)", "a whole number"),
    ("images", 2, "id", True, "images[2] (id True)", "a whole number"),
    ("images", 2, "id", 5.0, "images[2] (id 5): id 5 is that of images[1] too", "give each its own"),
    ("images", 2, "id", 1e300, "images[2] (id 1e+300)", "a whole number"),
    ("images", 2, "id", -5, "images[2] (id -5)", "0 or more"),
    ("images", 2, "id", 2**63, "images[2] (id 9223372036854775808)", "a whole number"),
    ("images", 2, "id", 3, "images[2] (id 3): id 3 is that of images[0] too", "give each its own"),
    ("images", 1, "file_name", "a.png", f"{IMAGE}: file_name 'a.png' is that of images[0] too", "give each its own"),
    ("images", 1, "file_name", MISSING, f"{IMAGE}: file_name is missing", "relative to images/"),
    ("images", 1, "file_name", 7, f"{IMAGE}: file_name is 7", "relative to images/"),
    ("images", 1, "file_name", "", f"{IMAGE}: file_name is ''", "relative to images/"),
    ("images", 1, "file_name", ".", f"{IMAGE}: file_name is '.'", "relative to images/"),
    ("images", 1, "file_name", "/etc/b.png", f"{IMAGE}: file_name is '/etc/b.png'", "relative to images/"),
    ("images", 1, "file_name", "C:/b.png", f"{IMAGE}: file_name is 'C:/b.png'", "no drive"),
    ("images", 1, "file_name", "sub/../../b.png", f"{IMAGE}: file_name is 'sub/../../b.png'", "no '..'"),
    ("images", 1, "file_name", "..\\b.png", f"{IMAGE}: file_name is '../b.png'", "no '..'"),
    ("images", 1, "file_name", "C:\\b.png", f"{IMAGE}: file_name is 'C:/b.png'", "no drive"),
    ("images", 1, "file_name", "./a.png", f"{IMAGE}: file_name 'a.png' is that of images[0] too", "give each its own"),
    ("images", 1, "file_name", "b\0.png", IMAGE, "relative to images/"),
    ("images", 1, "file_name", "b" * 256, IMAGE, "relative to images/"),
    ("images", 1, "width", MISSING, f"{IMAGE}: width is missing", "a positive whole number of pixels"),
    ("images", 1, "width", 0, f"{IMAGE}: width is 0", "a positive whole number of pixels"),
    ("images", 1, "height", -60, f"{IMAGE}: height is -60", "a positive whole number of pixels"),
    ("images", 1, "height", 60.5, f"{IMAGE}: height is 60.5", "a positive whole number of pixels"),
    ("images", 1, "height", True, f"{IMAGE}: height is True", "a positive whole number of pixels"),
    ("categories", 2, "id", MISSING, "categories[2]: id is missing", "a whole number"),
    ("categories", 2, "id", 1, "categories[2] (id 1): id 1 is that of categories[0] too", "give each its own"),
    ("categories", 1, "name", "car", f"{CATEGORY}: name 'car' is that of categories[0] too", "both one id"),
    ("categories", 1, "name", " ", f"{CATEGORY}: name is ' '", "not empty"),
    ("categories", 1, "name", None, f"{CATEGORY}: name is None", "not empty"),
    ("annotations", 1, "id", MISSING, "annotations[1]: id is missing", "from 1 up"),
    ("annotations", 1, "id", False, "annotations[1] (id False): id is False", "from 1 up"),
    ("annotations", 1, "id", -4, "annotations[1] (id -4): id is -4", "from 1 up"),
    ("annotations", 1, "id", 901, "annotations[1] (id 901): id 901 is that of annotations[0] too", "give each its own"),
    ("annotations", 1, "image_id", MISSING, f"{ANNOTATION}: image_id is missing", "one of the images"),
    ("annotations", 1, "image_id", 4, f"{ANNOTATION}: no image has id 4", "correct image_id"),
    ("annotations", 1, "image_id", "five", f"{ANNOTATION}: image_id is 'five'", "one of the images"),
    ("annotations", 1, "category_id", 9, f"{ANNOTATION}: no category has id 9", "correct category_id"),
    ("annotations", 1, "category_id", True, f"{ANNOTATION}: category_id is True", "one of the categories"),
    ("annotations", 1, "bbox", MISSING, f"{ANNOTATION}: bbox is missing", "four finite numbers"),
    ("annotations", 1, "bbox", [1, 2, 3], f"{ANNOTATION}: bbox is [1, 2, 3]", "four finite numbers"),
    ("annotations", 1, "bbox", [1, 2, 3, 4, 5], ANNOTATION, "four finite numbers"),
    ("annotations", 1, "bbox", "1 2 3 4", ANNOTATION, "four finite numbers"),
    ("annotations", 1, "bbox", [1, 2, "3", 4], ANNOTATION, "four finite numbers"),
    ("annotations", 1, "bbox", [1, 2, True, 4], ANNOTATION, "four finite numbers"),
    ("annotations", 1, "bbox", [math.nan, 2, 3, 4], f"{ANNOTATION}: bbox is [nan, 2, 3, 4]", "four finite numbers"),
    ("annotations", 1, "bbox", [1, 2, math.inf, 4], f"{ANNOTATION}: bbox is [1, 2, inf, 4]", "four finite numbers"),
    ("annotations", 1, "bbox", [1, 2, 10**400, 4], ANNOTATION, "four finite numbers"),
    (
        "annotations",
        1,
        "bbox",
        [1, 2, 0, 4],
        f"{ANNOTATION}: bbox is [1, 2, 0, 4]",
        "both positive; --repair drop",
    ),
    ("annotations", 1, "bbox", [1, 2, 3, -4], ANNOTATION, "both positive; --repair drop"),
    ("annotations", 1, "bbox", [-1.01, 2, 9, 9], ANNOTATION, "more than 1 px out of its 30x60 picture"),
    ("annotations", 1, "bbox", [2, -1.01, 9, 9], ANNOTATION, "let --repair clip"),
    ("annotations", 1, "bbox", [2, 2, 29.01, 9], ANNOTATION, "let --repair clip"),
    ("annotations", 1, "bbox", [2, 2, 9, 59.01], ANNOTATION, "let --repair clip"),
    ("annotations", 1, "area", -1, f"{ANNOTATION}: area is -1", "square pixels, 0 or more"),
    ("annotations", 1, "area", math.nan, f"{ANNOTATION}: area is nan", "square pixels, 0 or more"),
    ("annotations", 1, "area", "1800", f"{ANNOTATION}: area is '1800'", "square pixels, 0 or more"),
    ("annotations", 1, "iscrowd", 2, f"{ANNOTATION}: iscrowd is 2", "0 or 1"),
    ("annotations", 1, "iscrowd", "0", f"{ANNOTATION}: iscrowd is '0'", "0 or 1"),
]


@pytest.mark.parametrize(("kind", "index", "key", "value", "record", "remedy"), RECORD_FAULTS)
def test_a_wrong_record_is_named(kind: str, index: int, key: str, value: object, record: str, remedy: str) -> None:
    """One wrong value is one fault, whose message names the file, the record and the remedy."""
    with pytest.raises(DataError) as caught:
        check(changed(kind, index, key, value))
    message = str(caught.value)
    assert message.startswith(f"{SOURCE}: {record}")
    assert remedy in message
    assert "\n" not in message


FILE_FAULTS = [
    (b"", "not JSON (Expecting value, line 1, column 1); fetch or export"),
    (b'{"images": [\n {"id": 1,', "line 2, column 11"),
    (b"\xff\xfe\x00", "not JSON"),
    (b"[" * 100_000, "not JSON"),
    (b'{"id": 1}\n{"id": 2}\n', "not JSON (Extra data, line 2, column 1); export it as one JSON document, not as JSON"),
    (b"\x1f\x8b\x08\x00", "is compressed with gzip; unpack it (gunzip)"),
    (b"[]", "the top level is a list; it must be an object"),
    (b"7", "the top level is a number"),
    (b'{"annotations": [], "categories": []}', "'images' is missing; it must be a list"),
    (b'{"images": {}, "annotations": [], "categories": []}', "'images' is an object; it must be a list"),
]


@pytest.mark.parametrize(("content", "words"), FILE_FAULTS)
def test_a_file_that_is_no_annotation_file(content: bytes, words: str) -> None:
    """What is not JSON, or not COCO's three lists, is refused with the place and the remedy."""
    with pytest.raises(DataError, match=r"annotations\.json: ") as caught:
        read_annotations(content, SOURCE)
    assert words in str(caught.value)


@pytest.mark.parametrize("kind", ["images", "annotations", "categories"])
def test_an_empty_list_is_a_fault(kind: str) -> None:
    """Without pictures, boxes or classes there is nothing to measure."""
    with pytest.raises(DataError, match=f"'{kind}' is empty, .*; add some"):
        check({**document(), kind: []})


@pytest.mark.parametrize("kind", ["images", "annotations", "categories"])
def test_a_record_that_is_no_object(kind: str) -> None:
    """A list where a record should be is named by its index."""
    broken = document()
    broken[kind].append([1, 2])
    with pytest.raises(DataError, match=rf"{kind}\[\d\] is a list; it must be an object"):
        check(broken)


@pytest.mark.parametrize("bbox", [[-1, 2, 9, 9], [2, -1, 9, 9], [2, 2, 29, 9], [2, 2, 9, 59]])
def test_one_pixel_out_of_the_picture_is_tolerated(bbox: list[float]) -> None:
    """Boxes reach up to one pixel out of their picture, on any side."""
    check(changed("annotations", 1, "bbox", bbox))


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
def test_any_unicode_is_read(encoding: str) -> None:
    """With a byte order mark or without, as Windows' editors save it, a file is the same."""
    content = json.dumps(changed("categories", 0, "name", "Straße"), ensure_ascii=False).encode(encoding)
    assert read_annotations(content, SOURCE).categories[0]["name"] == "Straße"


def test_boxes_that_are_shares_of_the_picture_are_refused() -> None:
    """Where every box lies in the first pixel, they are no pixels; one box beyond it, or tiny pictures, are."""
    shares = document()
    for annotation in shares["annotations"]:
        annotation["bbox"] = [0.25, 0.125, 0.75, 0.5]
    with pytest.raises(DataError, match=r"every box lies within the first pixel .*, 0\.75, 0\.5\]; .*multiply"):
        check(shares)
    shares["annotations"][2]["bbox"] = [0.25, 0.125, 0.76, 0.5]
    check(shares)
    tiny = document()
    tiny["annotations"] = [{"id": 1, "image_id": 8, "category_id": 1, "bbox": [0, 0, 1, 1]}]
    check(tiny)


@pytest.mark.parametrize("word", ["NaN", "Infinity", "-Infinity"])
def test_words_that_are_no_json_are_refused_anywhere(word: str) -> None:
    """NaN and Infinity are errors even under a key that nothing reads."""
    content = json.dumps({**document(), "info": {"x": 0}}).replace('{"x": 0}', f'{{"x": {word}}}').encode()
    with pytest.raises(DataError, match=f"holds {word}, which is no JSON; write a number"):
        read_annotations(content, SOURCE)
    with pytest.raises(DataError, match=f"holds {word}"):
        parse_json(content, SOURCE)


def test_a_broken_image_is_not_reported_twice() -> None:
    """Annotations of an image whose width is wrong are not called annotations of an unknown image."""
    with pytest.raises(DataError) as caught:
        check(changed("images", 0, "width", 0))
    assert "annotations[0]" not in str(caught.value)


def test_many_faults_come_as_one_message() -> None:
    """The first five of twelve faults are shown, with the number of all."""
    broken = document()
    broken["annotations"] = [{**broken["annotations"][0], "id": -number} for number in range(12)]
    with pytest.raises(DataError) as caught:
        check(broken)
    first, *faults = str(caught.value).splitlines()
    assert first == f"{SOURCE}: 12 faults; the first 5:"
    assert [fault.split(":")[0].strip() for fault in faults] == [f"annotations[{n}] (id {-n})" for n in range(5)]


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=6,
)
PLACES = [
    (kind, index, key) for kind, records in document().items() for index, record in enumerate(records) for key in record
]


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(PLACES), JSON_VALUES), max_size=4))
def test_any_value_anywhere_passes_or_is_a_data_error(changes: list[tuple[tuple[str, int, str], object]]) -> None:
    """Whatever JSON stands in a record, the validator accepts it or raises DataError, never anything else."""
    broken = document()
    for (kind, index, key), value in changes:
        broken[kind][index][key] = value
    with suppress(DataError):
        check(broken)


RESULT = {"image_id": 3, "category_id": 1, "bbox": [4, 2.5, 10, 5], "score": 0.5}


@pytest.mark.parametrize("results", [[], [RESULT], [{**RESULT, "bbox": [-7, 2, 0, 900], "score": 1}]])
def test_sound_results_pass(results: list[dict[str, Any]]) -> None:
    """No detections at all, and boxes that are empty or reach out of the picture, are a detector's right."""
    assert check_results(results, {3, 5}, {1, 2}, SOURCE) == results


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"image_id": 4}, "no image has id 4"),
        ({"image_id": None}, "image_id is None; it must be"),
        ({"category_id": 9}, "no category has id 9"),
        ({"bbox": [1, 2, 3]}, "four finite numbers"),
        ({"bbox": [1, 2, math.nan, 4]}, "four finite numbers"),
        ({"bbox": [1, 2, -3, 4]}, "neither negative"),
        ({"score": 1.01}, "a finite number in 0..1"),
        ({"score": math.nan}, "a finite number in 0..1"),
        ({"score": True}, "a finite number in 0..1"),
    ],
)
def test_wrong_results_are_named(change: dict[str, object], words: str) -> None:
    """A wrong detection is one fault, whose message names the file, the record and the remedy."""
    with pytest.raises(DataError) as caught:
        check_results([RESULT, {**RESULT, **change}], {3, 5}, {1, 2}, SOURCE)
    assert str(caught.value).startswith(f"{SOURCE}: results[1]: ")
    assert words in str(caught.value)


@pytest.mark.parametrize("results", [{}, None, "[]"])
def test_results_are_a_list(results: object) -> None:
    """An object in place of the list of detections is refused."""
    with pytest.raises(DataError, match="it must be a list of detections"):
        check_results(results, {3}, {1}, SOURCE)
