"""The true boxes of a run as a COCO document, as columns, and as a fingerprint."""

import tracemalloc
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest

from detbench.evaluation.measure.measured import Measurements
from detbench.evaluation.measure.truth import PSEUDO_NOTE
from detbench.evaluation.score.true_boxes import true_boxes, truth_document
from detbench.metrics.columns import true_columns
from detbench.results.cache import digest
from detbench.types import Sample


def in_full(measured: Measurements) -> dict[str, Any]:
    """The document with all its records at once."""
    return {
        key: list(value) if isinstance(value, Iterator) else value for key, value in truth_document(measured).items()
    }


def test_the_document_is_cocos(make_measured: Callable[..., Measurements]) -> None:
    """Boxes are left, top, width, height; areas are the annotators', not the boxes' own; pictures keep their order."""
    document = in_full(make_measured({"blurred": ()}))
    assert document["images"][0] == {"id": 9, "file_name": "9.png", "width": 100, "height": 80}
    assert document["categories"] == [{"id": 3, "name": "car"}, {"id": 7, "name": "bus"}]
    of_box = {each["id"]: each for each in document["annotations"]}
    assert list(of_box) == [21, 22, 23]
    bus = {"id": 22, "image_id": 9, "category_id": 7, "bbox": [50, 20, 40, 40], "area": 500.0, "iscrowd": 0}
    assert of_box[22] == bus


def test_pseudo_truth_says_so(make_measured: Callable[..., Measurements]) -> None:
    """The document of pseudo truth carries the note, that of labels does not."""
    assert truth_document(make_measured({"blurred": ()}, truth="pseudo"))["info"] == {"description": PSEUDO_NOTE}
    assert "info" not in truth_document(make_measured({"blurred": ()}))


def test_columns_and_digest_are_of_the_document(make_measured: Callable[..., Measurements]) -> None:
    """Columns index pictures by ascending id, boxes keep the document's order, and the digest is the document's."""
    measured = make_measured({"blurred": ()})
    truth = true_boxes(measured)
    assert truth.columns.image_ids.tolist() == [4, 9]
    assert truth.columns.picture.tolist() == [1, 1, 0]
    assert truth.sha256 == digest(in_full(measured))
    for name, column in vars(true_columns(in_full(measured))).items():
        assert getattr(truth.columns, name).tolist() == column.tolist()
    assert (truth.data.images, truth.data.boxes, truth.data.unmatched_detector_classes) == (2, 3, ("kite",))


def without_first_box(sample: Sample) -> Sample:
    """The sample with one true box fewer."""
    columns = {name: column[1:] for name, column in vars(sample.truth).items()}
    return replace(sample, truth=replace(sample.truth, **columns))


@pytest.mark.parametrize(
    "change",
    [
        lambda sample: replace(sample, blurred=replace(sample.blurred, sha256="0" * 64)),
        lambda sample: replace(sample, sharp=replace(sample.sharp, sha256="0" * 64)),
        lambda sample: replace(sample, sharp=None),
        without_first_box,
    ],
    ids=["other blur", "other sharp picture", "no sharp picture", "fewer boxes"],
)
def test_the_fingerprint_follows_the_data(
    make_measured: Callable[..., Measurements], change: Callable[[Sample], Sample]
) -> None:
    """Other pixels or other boxes change it; what the arms find does not."""
    measured = make_measured({"sharp": (21,), "blurred": ()})
    before = true_boxes(measured).data.fingerprint
    first, second = measured.samples
    assert true_boxes(replace(measured, samples=[change(first), second])).data.fingerprint != before
    assert true_boxes(make_measured({"sharp": (22,), "blurred": (23,)})).data.fingerprint == before


def test_only_classes_with_boxes_can_be_missed(make_measured: Callable[..., Measurements]) -> None:
    """A class that the detector does not know is reported where one of the pictures has a box of it."""
    measured = make_measured({"blurred": ()})
    held = measured.samples[0].truth.labels[0]
    classes = {**measured.basis.classes, held: "bus", 77: "tram"}
    basis = replace(measured.basis, classes=classes, unmatched_dataset_classes=("bus", "tram"))
    assert true_boxes(replace(measured, basis=basis)).data.unmatched_dataset_classes == ("bus",)


def test_memory_is_that_of_columns(make_measured: Callable[..., Measurements]) -> None:
    """2,000 more pictures of two true boxes take less than 800 bytes each at the peak; as dictionaries, 2,000."""
    measured = make_measured({"blurred": ()})
    assert (_peak_bytes(measured, 4_000) - _peak_bytes(measured, 2_000)) / 2_000 < 800


def _peak_bytes(measured: Measurements, copies: int) -> int:
    """The peak of `true_boxes` over copies, under other ids, of a picture with two boxes."""
    first = measured.samples[0]
    samples = [replace(first, id=number) for number in range(1, copies + 1)]
    tracemalloc.start()
    true_boxes(replace(measured, samples=samples))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak
