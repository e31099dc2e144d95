"""A folder with `annotations.json` and `images/` is a dataset; with `blurred/` it is one of sharp and blurred pairs.

    DIR/annotations.json   COCO "instances": images, annotations, categories
    DIR/images/…           the pictures; `file_name` is relative to this folder
    DIR/blurred/…          optional twins, same relative name, any picture suffix; then images/ are the sharp ones
    DIR/manifest.json      optional: what blurred each twin, with the kernels in DIR/kernels.npz
    DIR/dataset.toml       optional: name = "…", images = N, annotations = M; the counts are pinned

COCO's own layout (`annotations/instances_val2017.json`, `val2017/`) and Roboflow's (`_annotations.coco.json` among the
pictures) are read as they are.
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
from detbench.datasets.coco_records import CocoRecords
from detbench.datasets.manifest import AGAIN, Manifest, read_manifest
from detbench.datasets.repair import Repair
from detbench.errors import DataError

ANNOTATIONS = "annotations.json"
ROBOFLOW = "_annotations.coco.json"


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
        sharp, blurred = _picture_paths(folder, _names(records))
        found = Annotated(path, hashlib.sha256(content).hexdigest(), records, blurred, sharp)
        super().__init__(_pinned_name(folder, records), found, _manifest(folder, bool(sharp)))
        self.folder = folder


def find_coco_file(folder: Path, split: str | None) -> Path | None:
    """The annotation file of a folder, or of a part of it such as `val2017`; None where there is none, or several."""
    if split is not None:
        named = (folder / "annotations" / f"instances_{split}.json", folder / split / ROBOFLOW)
        return next((file for file in named if file.is_file()), None)
    file = next((folder / name for name in (ANNOTATIONS, ROBOFLOW) if (folder / name).is_file()), None)
    found = [*(folder / "annotations").glob("instances_*.json")]
    return file or (found[0] if len(found) == 1 else None)


def open_coco_file(path: Path, repair: Repair | None = None) -> AnnotatedDataset:
    """A dataset by its annotation file; its pictures are where COCO, Roboflow or detbench would have them.

    Raises DataError where the annotations are wrong or a picture is in none of these places.
    """
    content = read_bytes(path)
    records = read_annotations(content, path, repair)
    split = path.stem.removeprefix("instances_")
    above = path.parent.parent
    roots = (path.parent / "images", path.parent, above / split, above / "images" / split, above / "images")
    name = records.images[0]["file_name"]
    root = next((root for root in roots if is_file(root / name)), None)
    if root is None:
        raise DataError(f"{path}: {name} is in none of {', '.join(map(str, roots))}; move the pictures to one of them")
    files = _files(root, _names(records))
    found = Annotated(path, hashlib.sha256(content).hexdigest(), records, files)
    return AnnotatedDataset(split if path.parent.name == "annotations" else path.resolve().parent.name, found)


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


def _picture_paths(folder: Path, names: Sequence[str]) -> tuple[Mapping[str, Path], Mapping[str, Path]]:
    """Sharp and blurred paths by file name; no sharp ones in a dataset without `blurred/`."""
    pictures = _files(folder / "images", names)
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


def _names(records: CocoRecords) -> list[str]:
    """File names by image id, which is how messages list them."""
    return [image["file_name"] for image in sorted(records.images, key=lambda image: int(image["id"]))]


def _files(root: Path, names: Sequence[str]) -> Mapping[str, Path]:
    files = {name: root / name for name in names}
    missing = [name for name, path in files.items() if not is_file(path)]
    if missing:
        raise DataError(f"{root}: {_listed(missing, len(names))} missing; fetch the dataset again")
    return files


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


def _listed(missing: Sequence[str], count: int) -> str:
    """For a message: how many of `count` names, the first few of them, and the verb."""
    more = ", …" if len(missing) > 5 else ""
    verb = "is" if len(missing) == 1 else "are"
    return f"{len(missing)} of {count} pictures ({', '.join(missing[:5])}{more}) {verb}"
