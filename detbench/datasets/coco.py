"""A folder with `annotations.json` and `images/` is a dataset; with `blurred/` it is one of sharp and blurred pairs.

    DIR/annotations.json   COCO "instances": images, annotations, categories
    DIR/images/…           the pictures; `file_name` is relative to this folder
    DIR/blurred/…          optional twins, same relative name, any picture suffix; then images/ are the sharp ones
    DIR/manifest.json      optional: what blurred each twin, with the kernels in DIR/kernels.npz
    DIR/dataset.toml       optional: name = "…", images = N, annotations = M; the counts are pinned

Format: Lin et al., "Microsoft COCO: Common Objects in Context", ECCV 2014.
"""

import hashlib
import tomllib
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from detbench.assets import shipped
from detbench.boxes import area, xywh_to_xyxy
from detbench.catalog import DATASETS
from detbench.datasets.manifest import AGAIN, Manifest, read_manifest
from detbench.datasets.validate import CocoRecords, Record, check_annotations
from detbench.errors import DataError, UsageError
from detbench.images import PICTURE_SUFFIXES, picture_from_file
from detbench.registry import did_you_mean
from detbench.types import Blur, Dataset, GroundTruth, Picture, Sample

ANNOTATIONS = "annotations.json"


class CocoFolder:
    """A dataset in a folder, as this module's docstring lays it out. Samples come sorted by image id.

    Without `blurred/`, a sample's `blurred` is the picture as it is and `sharp` is None.

    Building it checks the annotations, the pinned counts, and that every picture is there; raises DataError
    otherwise. Each picture is hashed once, when it is first needed, and checked against its annotation and against
    the manifest then.
    """

    def __init__(self, folder: Path) -> None:
        path = folder / ANNOTATIONS
        if not path.is_file():
            raise DataError(f"{folder}: no dataset; it must hold {ANNOTATIONS} (COCO instances) and the folder images/")
        content = path.read_bytes()
        records = check_annotations(content, path)
        self.folder = folder
        self.name = _pinned_name(folder, records)
        self.classes: Mapping[int, str] = {category["id"]: category["name"] for category in records.categories}
        self._annotations_sha256 = hashlib.sha256(content).hexdigest()
        self._images = sorted(records.images, key=lambda image: int(image["id"]))
        self._truths = _truths(records)
        self._sharp, self._blurred = _picture_paths(folder, [image["file_name"] for image in self._images])
        self._manifest = _manifest(folder, bool(self._sharp))
        self._pictures: dict[Path, Picture] = {}

    def __len__(self) -> int:
        return len(self._images)

    def __iter__(self) -> Iterator[Sample]:
        for image in self._images:
            yield self._sample(image)

    @cached_property
    def fingerprint(self) -> str:
        """Digest of the annotation file's bytes and of every picture's, in the order of image ids."""
        digest = hashlib.sha256(self._annotations_sha256.encode())
        for sample in self:
            for role, picture in (("sharp", sample.sharp), ("blurred", sample.blurred)):
                digest.update(f"\n{sample.id} {role} {picture.sha256 if picture else None}".encode())
        return digest.hexdigest()

    def _sample(self, image: Record) -> Sample:
        name = image["file_name"]
        blurred = self._picture(self._blurred[name], image)
        sharp = self._picture(self._sharp[name], image) if self._sharp else None
        return Sample(image["id"], name, sharp, blurred, self._truths[image["id"]], self._blur(image, sharp, blurred))

    def _picture(self, path: Path, image: Record) -> Picture:
        if path not in self._pictures:
            picture = picture_from_file(path)
            _check_size(path, picture, image)
            self._pictures[path] = picture
        return self._pictures[path]

    def _blur(self, image: Record, sharp: Picture | None, blurred: Picture) -> Blur | None:
        """What the manifest says of a pair, once both files are known to be those it was written for."""
        if self._manifest is None or sharp is None:
            return None
        name, record = image["file_name"], self._manifest.record(image["id"])
        pair = (
            (self._sharp[name], sharp.sha256, record.sharp_sha256),
            (self._blurred[name], blurred.sha256, record.blurred_sha256),
        )
        for path, found, written in pair:
            if found != written:
                raise DataError(f"{path}: not the file that {self._manifest.path} was written for; {AGAIN}")
        return self._manifest.blur(image["id"])


def embedded_datasets() -> dict[str, Path]:
    """The folders of the datasets that ship with detbench, by name and in its order."""
    return {path.parent.name: path.parent for path in sorted(shipped("datasets").glob(f"*/{ANNOTATIONS}"))}


def open_dataset(word: str) -> Dataset:
    """The dataset that a word on the command line means: a shipped or registered name, else a path to a folder.

    A name wins over a folder that happens to be called the same; `./name` is always the folder. A registered dataset
    is an object or a class built without arguments. Raises UsageError where there is neither, DataError where the
    folder is no dataset.
    """
    embedded = embedded_datasets()
    registered = {entry.name: entry for entry in DATASETS.entries()}
    if word in embedded:
        return CocoFolder(embedded[word])
    if word in registered:
        dataset: Dataset = registered[word].load()
        return dataset
    if Path(word).is_dir():
        return CocoFolder(Path(word))
    names = sorted({*embedded, *registered})
    raise UsageError(
        f"no dataset named {word!r}, and no such folder.{did_you_mean(word, names)} "
        f"There are: {', '.join(names) or 'none'}; a folder with {ANNOTATIONS} and images/ is a dataset too"
    )


def _pinned_name(folder: Path, records: CocoRecords) -> str:
    """The name in `dataset.toml`, else the folder's; raises DataError where the counts pinned there do not hold."""
    path = folder / "dataset.toml"
    pinned = _read_toml(path) if path.is_file() else {}
    for key, found in (("images", len(records.images)), ("annotations", len(records.annotations))):
        if pinned.get(key, found) != found:
            raise DataError(
                f"{path}: pins {key} = {pinned[key]}, but {ANNOTATIONS} has {found}; "
                f"fetch the dataset again, or correct the count if the change is meant"
            )
    name = pinned.get("name", folder.resolve().name)
    if not isinstance(name, str) or not name:
        raise DataError(f"{path}: name is {name!r}; it must be a text in quotes")
    return name


def _read_toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise DataError(f"{path}: not TOML ({error}); correct it or remove the file") from None


def _truths(records: CocoRecords) -> Mapping[int, GroundTruth]:
    """True boxes of every image by its id, those of pictures without any object too."""
    grouped: defaultdict[int, list[Record]] = defaultdict(list)
    for annotation in records.annotations:
        grouped[annotation["image_id"]].append(annotation)
    return {image["id"]: _truth(grouped[image["id"]]) for image in records.images}


def _truth(annotations: Sequence[Record]) -> GroundTruth:
    """One image's annotations; COCO's `area` is that of the outline, the box's own stands in where it is absent."""
    boxes_xyxy = xywh_to_xyxy(np.array([a["bbox"] for a in annotations], np.float64).reshape(-1, 4))
    box_areas = area(boxes_xyxy)
    return GroundTruth(
        boxes=boxes_xyxy,
        labels=np.array([a["category_id"] for a in annotations], np.int64),
        crowd=np.array([a.get("iscrowd", 0) for a in annotations], np.bool_),
        areas=np.array([a.get("area", box) for a, box in zip(annotations, box_areas, strict=True)], np.float64),
        ids=np.array([a["id"] for a in annotations], np.int64),
    )


def _picture_paths(folder: Path, names: Sequence[str]) -> tuple[Mapping[str, Path], Mapping[str, Path]]:
    """Sharp and blurred paths by file name; no sharp ones in a dataset without `blurred/`."""
    pictures = {name: folder / "images" / name for name in names}
    missing = [name for name, path in pictures.items() if not path.is_file()]
    if missing:
        raise DataError(f"{folder / 'images'}: {_listed(missing, len(names))} missing; fetch the dataset again")
    if not (folder / "blurred").is_dir():
        return {}, pictures
    twins = {name: twin for name in names if (twin := _twin(folder / "blurred" / name))}
    missing = [name for name in names if name not in twins]
    if missing:
        raise DataError(
            f"{folder / 'blurred'}: the blurred twins of {_listed(missing, len(names))} missing; "
            f"{AGAIN}, or remove blurred/ to use images/ alone"
        )
    if len(set(twins.values())) < len(names):
        raise DataError(f"{folder / 'blurred'}: two pictures share one twin; give each picture a stem of its own")
    return pictures, twins


def _twin(path: Path) -> Path | None:
    """The file at `path`, else the one that differs from it in its suffix alone."""
    candidates = [path, *(path.with_suffix(suffix) for suffix in sorted(PICTURE_SUFFIXES))]
    return next((candidate for candidate in candidates if candidate.is_file()), None)


def _manifest(folder: Path, paired: bool) -> Manifest | None:
    path = folder / "manifest.json"
    if not path.is_file():
        return None
    if not paired:
        raise DataError(f"{path}: describes blurred pictures, but there is no blurred/ beside it; {AGAIN}")
    return read_manifest(path)


def _check_size(path: Path, picture: Picture, image: Record) -> None:
    found, annotated = (picture.width, picture.height), (image["width"], image["height"])
    if found == annotated:
        return
    if found == annotated[::-1]:
        hint = "was it annotated without its EXIF rotation? Save it upright and swap or redo the annotations"
    else:
        hint = "use the very pictures that were annotated; scaled copies need scaled boxes"
    raise DataError(
        f"{path}: {found[0]}x{found[1]} pixels, but {ANNOTATIONS} says {annotated[0]}x{annotated[1]} "
        f"for image id {image['id']}; {hint}"
    )


def _listed(missing: Sequence[str], count: int) -> str:
    """For a message: how many of `count` names, the first few of them, and the verb."""
    more = ", …" if len(missing) > 5 else ""
    verb = "is" if len(missing) == 1 else "are"
    return f"{len(missing)} of {count} pictures ({', '.join(missing[:5])}{more}) {verb}"
