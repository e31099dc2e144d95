"""Which picture each recorded detection is of: by the dataset's id, by file name, or by stem, one way for a whole file.

COCO's results name a picture by its id. YOLO and VOC datasets have none; ultralytics' `predictions.json` has the
picture's stem instead, as a number where it is one (`000000000785.jpg` is 785), and its `file_name` in newer versions.
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

from detbench.core.files import read_bytes
from detbench.datasets.coco_records import parse_json
from detbench.errors import DataError
from detbench.types import IdSource

Reading = Callable[[Mapping[str, Any]], int | None]
"""From a record to the dataset's id of its picture, None where it names none."""

NAME_THEM = "write each picture's `file_name` into its records"


class Pictures:
    """The pictures of a dataset, `names` being file names, relative paths, by id."""

    def __init__(self, names: Mapping[int, str], id_source: IdSource) -> None:
        self.names, self.id_source = names, id_source
        paths = {number: PurePosixPath(name) for number, name in names.items()}
        self._by_path = {name: number for number, name in names.items()}
        self._by_name = _unique({number: path.name for number, path in paths.items()})
        self._by_stem = _unique({number: path.stem for number, path in paths.items()})
        self._by_number = _unique({n: int(path.stem) for n, path in paths.items() if path.stem.isdecimal()})

    def named(self, name: object) -> int | None:
        """The picture of a relative path, a file name or a stem; folders count where both have them."""
        if not isinstance(name, str):
            return None
        path = PurePosixPath(name.replace("\\", "/"))
        found = (self._by_path.get(str(path)), self._by_name.get(path.name), self._by_stem.get(path.name))
        number = next((each for each in (*found, self._by_stem.get(path.stem)) if each is not None), None)
        return number if number is None or _agree(path, PurePosixPath(self.names[number])) else None

    def numbered(self, stem: object) -> int | None:
        """The picture whose stem is this text, or this number but for zeros in front."""
        number = whole(stem)
        return self.named(stem) if number is None else self._by_number.get(number)

    def identified(self, number: object) -> int | None:
        """The picture of this id, which COCO results may have as text."""
        if isinstance(number, str) and number.isdecimal() and str(int(number)) == number:
            number = int(number)
        number = whole(number)
        return number if number in self.names else None


def _agree(path: PurePosixPath, other: PurePosixPath) -> bool:
    """Whether the folders of two relative paths are the same as far as both name them."""
    return all(a == b for a, b in zip(reversed(path.parts[:-1]), reversed(other.parts[:-1]), strict=False))


def _unique(keys: Mapping[int, Any]) -> dict[Any, int]:
    """Ids by key, keys that several pictures share left out."""
    counts: dict[Any, int] = {}
    for key in keys.values():
        counts[key] = counts.get(key, 0) + 1
    return {key: number for number, key in keys.items() if counts[key] == 1}


def whole(value: object) -> int | None:
    """A whole number, which programs that keep columns of floats write as 724.0."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return int(value) if value == value // 1 else None


def with_dataset_ids(results: list[Any], pictures: Pictures, source: Path) -> tuple[list[Any], str | None]:
    """The records with the dataset's ids as their `image_id`, and how they name pictures where that is not by id.

    One way must fit all of them. By `file_name`, where they have it. By the names that a run wrote beside its own
    detections. By id; but of pictures that detbench numbered only runs know the ids. By stem. Where none fits, the
    records are as they were: the check of each record says what is wrong. Raises DataError where two ways fit and
    differ, and where numbers could only be ids that nobody was given.
    """
    records = [record for record in results if isinstance(record, dict) and "image_id" in record]
    if not records or len(records) < len(results):
        return results, None
    ids, how = _resolved(records, pictures, source)
    return (results if ids is None else _renumbered(records, ids)), how


def _resolved(
    records: Sequence[Mapping[str, Any]], pictures: Pictures, source: Path
) -> tuple[list[int] | None, str | None]:
    by_id = _read(records, lambda record: pictures.identified(record["image_id"]))
    by_stem = _read(records, lambda record: pictures.numbered(record["image_id"]))
    by_name = _read(records, lambda record: pictures.named(record.get("file_name")))
    if by_name is not None:
        return by_name, None if by_name == by_id else "by its file_name"
    of_run = _names_of_run(source)
    by_run = _read(records, lambda record: pictures.named(of_run.get(whole(record["image_id"]))))
    if by_run is not None:
        return by_run, None
    if by_id is None:
        return by_stem, None if by_stem is None else "by the stem of its file name"
    if by_id == by_stem or pictures.id_source == "format":
        return by_id, None
    if by_stem is None and pictures.id_source == "kept":
        return by_id, None
    raise DataError(f"{source}: {_doubt(records[0]['image_id'], by_id[0], by_stem[0] if by_stem else None, pictures)}")


def _doubt(image_id: object, by_id: int, by_stem: int | None, pictures: Pictures) -> str:
    """Why it is not known which pictures are meant, and what to do."""
    stem = "is no number in a file name" if by_stem is None else f"may be {pictures.names[by_stem]} by its stem"
    return (
        f"results[0]: image_id {image_id!r} {stem}, and {pictures.names[by_id]} by the number that it has here; YOLO "
        f"and VOC pictures have no ids that others know: {NAME_THEM}, or keep the truth.json of the run that found "
        "these beside its detections/"
    )


def _names_of_run(source: Path) -> dict[int | None, str]:
    """File names by id of the run folder that a file of detections lies in, none elsewhere."""
    truth = source.resolve().parent.parent / "truth.json"
    if source.resolve().parent.name != "detections" or not truth.is_file():
        return {}
    try:
        return {image["id"]: image["file_name"] for image in parse_json(read_bytes(truth), truth)["images"]}
    except (KeyError, TypeError) as error:
        raise DataError(f"{truth}: not as a run writes it ({error!r}); render or run it again") from None


def _read(records: Sequence[Mapping[str, Any]], reading: Reading) -> list[int] | None:
    """The picture of each record, None where the reading has none for one of them."""
    found = []
    for record in records:
        number = reading(record)
        if number is None:
            return None
        found.append(number)
    return found


def _renumbered(records: Sequence[Mapping[str, Any]], ids: Sequence[int]) -> list[Any]:
    return [
        record
        if record["image_id"] == number and isinstance(record["image_id"], int)
        else {**record, "image_id": number}
        for record, number in zip(records, ids, strict=True)
    ]
