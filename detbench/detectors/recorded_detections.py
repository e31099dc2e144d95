"""Detections that another program wrote, in COCO's results format: a file for each arm, or for the blurred one alone.

DIR/sharp.json  DIR/blurred.json  DIR/<deblurrer>.json      as `detections/` of a run folder has them
FILE.json                                                   stands for blurred.json
"""

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from detbench.core.boxes import xywh_to_xyxy
from detbench.core.files import read_bytes
from detbench.datasets.coco_records import check_results, parse_json, raise_faults, reach_px
from detbench.detectors.box_readings import reading_fault
from detbench.detectors.recorded_ids import Pictures, with_dataset_ids
from detbench.errors import DataError
from detbench.types import Detections, IdSource, Sample

OUTSIDE_SHARE = 0.5
"""A detector's box may reach out of its picture, but by half a picture only corners written as sizes do."""


class RecordedDetections:
    """The detections of each arm that has a file; `samples` and `category_ids` are the dataset's.

    Files whose names begin with a dot, such as macOS' `._blurred.json`, are none. `notes` are sentences on what was
    read leniently. Raises DataError where a file is no list of COCO results, or refers to what the dataset does not
    have, or is not written in its pixels and ids.
    """

    def __init__(
        self, place: Path, samples: Sequence[Sample], category_ids: Collection[int], id_source: IdSource = "format"
    ) -> None:
        self.place = place
        found = (path for path in sorted(place.glob("*.json")) if not path.name.startswith("."))
        files = {path.stem: path for path in found} if place.is_dir() else {"blurred": place}
        if not files:
            raise DataError(
                f"{place}: holds no .json; it must have sharp.json, blurred.json and one for each deblurrer"
            )
        read, self.notes = read_results(files, samples, category_ids, id_source)
        self._arms = {arm: _by_image(results) for arm, results in read.items()}

    def has(self, arm: str) -> bool:
        """Whether an arm has a file of its own."""
        return arm in self._arms

    def find(self, arm: str, image_id: int) -> Detections:
        """What was found in a picture of an arm, labels being the dataset's category ids."""
        return self._arms[arm].get(image_id, _detections([]))

    def require(self, arm: str) -> None:
        """Raise DataError where an arm has no file."""
        if not self.has(arm):
            wanted = self.place / f"{arm}.json" if self.place.is_dir() else f"a folder with blurred.json and {arm}.json"
            raise DataError(f"{self.place}: has no detections in the {arm} pictures; add {wanted}")


Results = list[dict[str, Any]]


def read_results(
    files: Mapping[str, Path], samples: Sequence[Sample], category_ids: Collection[int], id_source: IdSource
) -> tuple[dict[str, Results], tuple[str, ...]]:
    """The checked records of each file, by the same names, with the dataset's ids; and sentences on what was read
    leniently. Raises DataError as RecordedDetections does.
    """
    pictures = Pictures({sample.id: sample.file_name for sample in samples}, id_source)
    read = {name: _read(path, samples, category_ids, pictures) for name, path in files.items()}
    results = {name: found for name, (found, _) in read.items()}
    notes = _notes({files[name]: how for name, (_, how) in read.items() if how})
    return results, (*notes, *_repeats({files[name]: found for name, found in results.items()}))


def _read(
    path: Path, samples: Sequence[Sample], category_ids: Collection[int], pictures: Pictures
) -> tuple[Results, str | None]:
    """The checked records of a file with the dataset's ids, and how they name pictures where that is not by id."""
    content = read_bytes(path)
    _refuse_json_lines(content, path)
    document, how = parse_json(content, path), None
    if isinstance(document, list):
        document, how = with_dataset_ids(document, pictures, path)
    results = check_results(document, pictures.names, category_ids, path)
    fault = reading_fault(results, samples, category_ids)
    if fault:
        raise DataError(f"{path}: {fault}")
    sizes = {sample.id: (sample.blurred.width, sample.blurred.height) for sample in samples}
    raise_faults(_far_outside(results, sizes), path)
    return results, how


def _refuse_json_lines(content: bytes, path: Path) -> None:
    first, _, rest = content.strip().partition(b"\n")
    if first.startswith(b"{") and rest.lstrip().startswith(b"{"):
        try:
            json.loads(first)
        except ValueError:
            return
        raise DataError(f"{path}: has a record on each line (JSON Lines); write them as one list: [{{…}}, {{…}}]")


def _far_outside(results: Results, sizes: Mapping[int, tuple[int, int]]) -> Iterator[str]:
    for index, result in enumerate(results):
        width, height = sizes[result["image_id"]]
        if reach_px(result["bbox"], width, height) > OUTSIDE_SHARE * max(width, height):
            yield (
                f"results[{index}]: bbox {result['bbox']} reaches far out of its {width}x{height} picture; it is left, "
                "top, width, height in pixels, not two corners"
            )


def _by_image(results: Results) -> dict[int, Detections]:
    grouped: dict[int, Results] = {}
    for result in results:
        grouped.setdefault(result["image_id"], []).append(result)
    return {image_id: _detections(found) for image_id, found in grouped.items()}


def _detections(results: Results) -> Detections:
    return Detections(
        boxes=xywh_to_xyxy(np.array([r["bbox"] for r in results], np.float64).reshape(-1, 4)),
        scores=np.array([r["score"] for r in results], np.float64),
        labels=np.array([r["category_id"] for r in results], np.int64),
    )


def _notes(how: Mapping[Path, str]) -> Iterator[str]:
    for way in dict.fromkeys(how.values()):
        files = [path.name for path, own in how.items() if own == way]
        more = f" and {len(files) - 1} more" if len(files) > 1 else ""
        yield f"each detection's picture is known {way}, not by an id, in {files[0]}{more}"


def _repeats(read: Mapping[Path, Results]) -> Iterator[str]:
    """Detections that stand in a file twice; raises DataError where all do, as where a file was appended to itself."""
    counts = {}
    for path, results in read.items():
        distinct = {(r["image_id"], r["category_id"], *r["bbox"], r["score"]) for r in results}
        if len(results) >= 2 * len(distinct) > 0:
            raise DataError(f"{path}: each detection stands in it {len(results) // len(distinct)} times; write it anew")
        counts[path.name] = len(results) - len(distinct)
    repeated = {name: count for name, count in counts.items() if count}
    if repeated:
        name, count = next(iter(repeated.items()))
        more = f", and others in {len(repeated) - 1} more files" if len(repeated) > 1 else ""
        yield f"{count} detections in {name} repeat another to the last digit and count as false ones{more}"
