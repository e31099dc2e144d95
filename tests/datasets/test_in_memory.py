from typing import Any

import numpy as np
import pytest

from detbench.datasets.in_memory import SamplesInMemory, sample
from detbench.errors import DataError
from detbench.types import Sample

HEIGHT, WIDTH = 20, 30
CLASSES = {1: "car"}


def picture(value: int = 0) -> np.ndarray:
    """A picture of one grey."""
    return np.full((HEIGHT, WIDTH, 3), value, np.uint8)


def made(id: int = 1, **changes: Any) -> Sample:
    """A sound sample, changed."""
    words: dict[str, Any] = {"blurred": picture(), "boxes": [[1, 2, 30, 20]], "labels": [1]} | changes
    return sample(id, **words)


def test_a_sample_holds_what_it_was_made_of() -> None:
    """Boxes keep their corners, areas are those of the boxes, and a later change of the array changes nothing."""
    image = picture(7)
    found = made(blurred=image, sharp=picture(9), boxes=[[1, 2, 4, 6.5]])
    image[:] = 0
    assert (found.blurred.width, found.blurred.height) == (WIDTH, HEIGHT)
    assert found.blurred.load()[0, 0, 0] == 7
    assert found.sharp is not None
    assert found.sharp.load()[0, 0, 0] == 9
    assert found.truth.boxes.tolist() == [[1, 2, 4, 6.5]]
    assert found.truth.areas.tolist() == [13.5]
    assert found.file_name == "1.png"


def test_a_picture_may_have_no_boxes() -> None:
    """An empty list is a picture in which nothing is to be found."""
    assert len(made(boxes=[], labels=[]).truth) == 0


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"blurred": picture().astype(float)}, r"1\.png \(blurred\): is float64 \(20, 30, 3\)"),
        ({"blurred": picture()[..., 0]}, r"is uint8 \(20, 30\)"),
        ({"blurred": "a.png"}, "is str; a picture is a uint8 array"),
        ({"sharp": picture()[1:]}, r"sharp is \(19, 30, 3\) and blurred \(20, 30, 3\)"),
        ({"boxes": [[4, 2, 1, 6]]}, r"the box \[4.0, 2.0, 1.0, 6.0\] is not x1, y1, x2, y2"),
        ({"boxes": [[0, 0, 31, 5]]}, "within its 30x20 picture"),
        ({"boxes": [[0, 0, np.nan, 5]]}, "nan"),
        ({"boxes": [1, 2, 3, 4]}, r"boxes have shape \(N, 4\)"),
        ({"labels": []}, r"labels has shape \(0,\)"),
        ({"labels": ["car"]}, "car"),
    ],
)
def test_what_is_no_sample_is_refused(change: dict[str, Any], message: str) -> None:
    """The message names the picture and what is expected."""
    with pytest.raises(DataError, match=message):
        made(**change)


def test_samples_come_by_id_with_annotations_numbered_through() -> None:
    """As in every format: pictures in the order of their ids, and no annotation id twice."""
    dataset = SamplesInMemory([made(5), made(2)], CLASSES)
    assert [each.id for each in dataset] == [2, 5]
    assert [each.truth.ids.tolist() for each in dataset] == [[1], [2]]
    assert len(dataset) == 2


def test_the_fingerprint_follows_the_content() -> None:
    """Any pixel, box or class changes it, and nothing else does."""
    plain = SamplesInMemory([made()], CLASSES).fingerprint
    assert SamplesInMemory([made()], CLASSES).fingerprint == plain
    others = [
        SamplesInMemory([made(blurred=picture(1))], CLASSES),
        SamplesInMemory([made(sharp=picture(1))], CLASSES),
        SamplesInMemory([made(boxes=[[1, 2, 3, 4]])], CLASSES),
        SamplesInMemory([made()], {1: "bus"}),
        SamplesInMemory([made(4)], CLASSES),
    ]
    assert len({plain, *(each.fingerprint for each in others)}) == 6


@pytest.mark.parametrize(
    ("samples", "message"),
    [
        ([], "no samples"),
        ([made(), made(file_name="b.png")], "the id 1"),
        ([made(1, file_name="a.png"), made(2, file_name="a.png")], "the file name 'a.png'"),
        ([made(labels=[3])], "has boxes of class 3"),
    ],
)
def test_samples_that_make_no_dataset_are_refused(samples: list[Sample], message: str) -> None:
    """None at all, two of one id or name, and a class without a name."""
    with pytest.raises(DataError, match=message):
        SamplesInMemory(samples, CLASSES)
