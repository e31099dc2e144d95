"""A folder with `annotations.json` and `images/` is a dataset; with `blurred/` it is one of sharp and blurred pairs.

    DIR/annotations.json   COCO "instances": images, annotations, categories
    DIR/images/…           the pictures; `file_name` is relative to this folder
    DIR/blurred/…          optional twins, same relative name, any picture suffix; then images/ are the sharp ones
    DIR/manifest.json      optional: what blurred each twin, with the kernels in DIR/kernels.npz
    DIR/dataset.toml       optional: name = "…", images = N, annotations = M; the counts are pinned

The layouts of COCO itself and of annotation tools are read as they are (`coco_layouts`).
Format: Lin et al., "Microsoft COCO: Common Objects in Context", ECCV 2014.
"""

import hashlib
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from detbench.core.files import is_file, read_bytes, read_text
from detbench.core.images import PICTURE_SUFFIXES
from detbench.datasets.annotated import Annotated, AnnotatedDataset
from detbench.datasets.coco_file import read_annotations
from detbench.datasets.coco_layouts import ANNOTATIONS, part_of, picture_places
from detbench.datasets.coco_pictures import listed, with_pictures
from detbench.datasets.coco_records import CocoRecords
from detbench.datasets.manifest import AGAIN, Manifest, read_manifest
from detbench.datasets.repair import Repair
from detbench.errors import DataError


class CocoFolder(AnnotatedDataset):
    """A dataset in a folder, as this module's docstring lays it out.

    Building it checks the annotations, the pinned counts, and that every picture is there; raises DataError
    otherwise. Each picture is checked against its annotation and against the manifest when it is first needed.
    """

    def __init__(self, folder: Path, repair: Repair | None = None) -> None:
        path = folder / ANNOTATIONS
        if not path.is_file():
            raise DataError(f"{folder}: no dataset; it must hold {ANNOTATIONS} (COCO instances) and the folder images/")
        content = read_bytes(path)
        records = read_annotations(content, path, repair)
        places = ((folder / "images",), (folder,))
        records, pictures = with_pictures(records, places, path, "its pictures are missing; put them into images/")
        is_paired = (folder / "blurred").is_dir()
        blurred, sharp = (_twins(folder / "blurred", _names(records)), pictures) if is_paired else (pictures, {})
        found = Annotated(path, hashlib.sha256(content).hexdigest(), records, blurred, sharp)
        super().__init__(_pinned_name(folder, records), found, _manifest(folder, is_paired))
        self.folder = folder


def open_coco_file(path: Path, repair: Repair | None = None) -> AnnotatedDataset:
    """A dataset by its annotation file; its pictures are where the tool that wrote it, or detbench, would have them.

    Raises DataError where the annotations are wrong or the pictures are in none of these places.
    """
    if path.name == ANNOTATIONS and (path.parent / "blurred").is_dir():
        return CocoFolder(path.parent, repair)
    content = read_bytes(path)
    places = picture_places(path)
    records = read_annotations(content, path, repair)
    tried = ", ".join(str(folder) for group in places for folder in group)
    remedy = f"{_names(records)[0]} is in none of {tried}; move the pictures to one of them"
    records, files = with_pictures(records, places, path, remedy)
    found = Annotated(path, hashlib.sha256(content).hexdigest(), records, files)
    return AnnotatedDataset(name_of(path), found)


def name_of(path: Path) -> str:
    """What the dataset of an annotation file is called: by its part, as COCO's own are, else by its folder."""
    return part_of(path) if path.parent.name == "annotations" else path.resolve().parent.name


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
        return tomllib.loads(read_text(path))
    except (ValueError, RecursionError) as error:
        raise DataError(f"{path}: not TOML ({error}); correct it or remove the file") from None


def _twins(folder: Path, names: Sequence[str]) -> Mapping[str, Path]:
    """The blurred twin of each picture by its file name."""
    twins = {name: twin for name in names if (twin := _twin(folder / name))}
    missing = [name for name in names if name not in twins]
    if missing:
        raise DataError(
            f"{folder}: the blurred twins of {listed(missing, len(names))} missing; "
            f"{AGAIN}, or remove blurred/ to use images/ alone"
        )
    if len(set(twins.values())) < len(names):
        raise DataError(f"{folder}: two pictures share one twin; give each picture a stem of its own")
    return twins


def _names(records: CocoRecords) -> list[str]:
    """File names by image id, which is how messages list them."""
    return [image["file_name"] for image in sorted(records.images, key=lambda image: int(image["id"]))]


def _twin(path: Path) -> Path | None:
    """The file at `path`, else the one that differs from it in its suffix alone."""
    candidates = [path, *(path.with_suffix(suffix) for suffix in sorted(PICTURE_SUFFIXES))]
    return next((candidate for candidate in candidates if is_file(candidate)), None)


def _manifest(folder: Path, paired: bool) -> Manifest | None:
    path = folder / "manifest.json"
    if not path.is_file():
        return None
    if not paired:
        raise DataError(f"{path}: describes blurred pictures, but there is no blurred/ beside it; {AGAIN}")
    return read_manifest(path)
