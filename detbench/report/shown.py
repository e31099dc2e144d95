"""The pictures that a report shows, gathered from the files of a run folder."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from detbench.core.boxes import xywh_to_xyxy
from detbench.errors import DataError
from detbench.metrics.columns import TrueColumns, found_columns, true_columns
from detbench.metrics.matching import match
from detbench.results.folder import RunFolder
from detbench.results.schema import ArmResult, RunResult
from detbench.types import Boxes, Detections, GroundTruth

_Record = Mapping[str, Any]


@dataclass(frozen=True)
class ShownBlur:
    """The blur kernels that a blind arm estimated in a picture: in how many `cells` (0 where it found none), the
    files that show the kernels found and the true one, and how similar they are, 0..1; None where that is unknown.
    """

    cells: int
    found_kernel: Path | None
    true_kernel: Path | None
    similarity: float | None


@dataclass(frozen=True, eq=False)
class ShownArm:
    """A picture as one arm delivered it, and what was found in it; `width` and `height` are those that boxes refer to,
    `file` may be smaller. `partner` (N,) is the index of the true box that each found one took, FALSE_POSITIVE, or
    IGNORED (see `Matches`). `blur` is None for an arm that estimates no blur kernel.
    """

    name: str
    file: Path
    width: int
    height: int
    psnr_db: float | None
    found: Detections
    partner: NDArray[np.int64]
    blur: ShownBlur | None = None


@dataclass(frozen=True, eq=False)
class ShownPicture:
    """A picture with its true boxes, in every arm; the sharp arm, where there is one, comes last."""

    file_name: str
    severity_px: float | None
    truth: GroundTruth
    arms: tuple[ShownArm, ...]


@dataclass(frozen=True)
class _TruthDocument:
    """The content of `truth.json`: names by category id, file names and true boxes by picture id, and as columns the
    true boxes of the shown pictures, one picture after the other.
    """

    classes: Mapping[int, str]
    file_names: Mapping[int, str]
    boxes: Mapping[int, GroundTruth]
    columns: TrueColumns


def read_shown(
    folder: RunFolder, result: RunResult, images: pd.DataFrame
) -> tuple[tuple[ShownPicture, ...], Mapping[int, str]]:
    """The shown pictures in the result's order, and the names of their classes by category id.

    `images` is the content of the folder's `images.csv`. Raises DataError naming a file that is missing or damaged.
    """
    truth = _read_truth(folder, result.shown)
    order = sorted(result.arms, key=lambda arm: arm.kind == "sharp")
    found = {arm.name: _read_detections(folder, arm.name, result.shown, truth) for arm in order}
    with damage_named(folder.path / "images.csv"):
        rows = _rows(images, result.shown)
        pictures = tuple(
            ShownPicture(
                truth.file_names[number],
                _defined(rows[number, order[0].name]["severity_px"]),
                truth.boxes[number],
                tuple(_arm(folder, arm, rows[number, arm.name], *found[arm.name][number]) for arm in order),
            )
            for number in result.shown
        )
    return pictures, truth.classes


def _arm(folder: RunFolder, arm: ArmResult, row: _Record, found: Detections, partner: NDArray[np.int64]) -> ShownArm:
    return ShownArm(
        name=arm.name,
        file=_file(folder, row["picture"]),
        width=int(row["width"]),
        height=int(row["height"]),
        psnr_db=_defined(row["psnr_db"]),
        found=found,
        partner=partner,
        blur=_blur(folder, row) if arm.finds_kernel else None,
    )


def _blur(folder: RunFolder, row: _Record) -> ShownBlur:
    found, true = row["found_kernel"], row["true_kernel"]
    return ShownBlur(
        cells=0 if pd.isna(row["found_cells"]) else int(row["found_cells"]),
        found_kernel=None if pd.isna(found) else _file(folder, found),
        true_kernel=None if pd.isna(true) else _file(folder, true),
        similarity=_defined(row["kernel_similarity"]),
    )


def _file(folder: RunFolder, name: Any) -> Path:
    picture = Path(str(name))
    if picture.parent != Path("pictures"):  # a report never embeds what lies elsewhere
        raise ValueError(f"{name} is no file of pictures/")
    return folder.path / picture


def _rows(images: pd.DataFrame, shown: Sequence[int]) -> dict[tuple[int, str], _Record]:
    wanted = images[images["image_id"].isin(list(shown))]
    records: list[dict[str, Any]] = wanted.to_dict("records")  # type: ignore[assignment]
    return {(int(row["image_id"]), str(row["arm"])): row for row in records}


def _read_truth(folder: RunFolder, shown: Sequence[int]) -> _TruthDocument:
    document = folder.read_json("truth.json")
    with damage_named(folder.path / "truth.json"):
        file_names = {image["id"]: str(image["file_name"]) for image in document["images"]}
        grouped = _by_picture(document["annotations"], shown)
        of_shown = {"images": [{"id": number} for number in shown], "annotations": _flat(grouped, shown)}
        return _TruthDocument(
            {category["id"]: str(category["name"]) for category in document["categories"]},
            {number: file_names[number] for number in shown},
            {number: _true_boxes(grouped[number]) for number in shown},
            true_columns({**document, **of_shown}),
        )


def _true_boxes(annotations: Sequence[_Record]) -> GroundTruth:
    return GroundTruth(
        boxes=_boxes_xyxy(annotations),
        labels=np.array([annotation["category_id"] for annotation in annotations], np.int64),
        crowd=np.array([annotation["iscrowd"] for annotation in annotations], np.bool_),
        areas=np.array([annotation["area"] for annotation in annotations], np.float64),
        ids=np.array([annotation["id"] for annotation in annotations], np.int64),
    )


def _read_detections(
    folder: RunFolder, arm: str, shown: Sequence[int], truth: _TruthDocument
) -> Mapping[int, tuple[Detections, NDArray[np.int64]]]:
    """What was found in each shown picture of an arm, and which of its true boxes each found one took."""
    with damage_named(folder.path / f"detections/{arm}.json"):
        grouped = _by_picture(chain.from_iterable(folder.read_detections(arm)), shown)
        unknown = {record["category_id"] for records in grouped.values() for record in records} - set(truth.classes)
        if unknown:
            raise ValueError(f"category {min(unknown)} is not in truth.json")
        partner = match(truth.columns, found_columns(_flat(grouped, shown), truth.columns)).partner
        return dict(_of_pictures(grouped, shown, truth, partner))


def _of_pictures(
    grouped: Mapping[int, Sequence[_Record]], shown: Sequence[int], truth: _TruthDocument, partner: NDArray[np.int64]
) -> Iterator[tuple[int, tuple[Detections, NDArray[np.int64]]]]:
    """Each picture's detections, with the indices among its own true boxes of those that they took."""
    first_found = first_true = 0
    for number in shown:
        taken = partner[first_found : first_found + len(grouped[number])]
        yield number, (_found(grouped[number]), np.where(taken >= 0, taken - first_true, taken))
        first_found, first_true = first_found + len(taken), first_true + len(truth.boxes[number])


def _flat(grouped: Mapping[int, Sequence[_Record]], shown: Sequence[int]) -> list[_Record]:
    """The records of the shown pictures, one picture after the other."""
    return [record for number in shown for record in grouped[number]]


def _found(results: Sequence[_Record]) -> Detections:
    return Detections(
        boxes=_boxes_xyxy(results),
        scores=np.array([result["score"] for result in results], np.float64),
        labels=np.array([result["category_id"] for result in results], np.int64),
    )


def _boxes_xyxy(records: Sequence[_Record]) -> Boxes:
    return xywh_to_xyxy(np.array([record["bbox"] for record in records], np.float64).reshape(-1, 4))


def _by_picture(records: Iterable[_Record], shown: Collection[int]) -> defaultdict[int, list[_Record]]:
    grouped: defaultdict[int, list[_Record]] = defaultdict(list)
    for record in records:
        if record["image_id"] in shown:
            grouped[record["image_id"]].append(record)
    return grouped


def _defined(value: Any) -> float | None:
    return None if pd.isna(value) else float(value)


@contextmanager
def damage_named(path: Path) -> Iterator[None]:
    """Turn what a missing or malformed part of a file raises into one DataError that names the file."""
    try:
        yield
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        found = f"no {error}" if isinstance(error, KeyError) else str(error)
        raise DataError(f"{path}: not as `detbench run` wrote it ({found}); run it again") from error
