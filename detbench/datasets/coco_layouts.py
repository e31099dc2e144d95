"""Where COCO annotation files lie in a folder, and their pictures beside them, as the tools that write them lay it out.

DIR/annotations.json                     DIR/images/…             detbench
DIR/annotations/instances_val2017.json   DIR/val2017/…            COCO
DIR/annotations/instances_default.json   DIR/images/default/…     CVAT
DIR/annotations/instances.json           DIR/images/…             Supervisely
DIR/valid/_annotations.coco.json         DIR/valid/…              Roboflow
DIR/labels.json                          DIR/data/…               FiftyOne
DIR/result.json                          DIR/images/…             Label Studio
DIR/instances.json                       DIR/images/…             others
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

from detbench.core.files import is_file
from detbench.errors import DataError

ANNOTATIONS = "annotations.json"
ROBOFLOW = "_annotations.coco.json"
FIFTYONE, LABEL_STUDIO = "labels.json", "result.json"
INSTANCES = "instances_"


def coco_files(folder: Path, split: str | None = None) -> Mapping[Path, str | None]:
    """The annotation files of a folder, or of a part of it such as `val2017`, each with the part that it is of.

    Hidden files are none. Beside the folder's own annotations or `instances_*.json`, COCO's captions and key points are
    none either.
    """
    below = _json_files(folder / "annotations")
    instances = [file for file in below if file.name.startswith("instances")]
    parts = {file: part_of(file) for file in instances or ([] if _whole(folder) else below)}
    roboflow = sorted(folder.glob(f"[!.]*/{ROBOFLOW}"))
    parts |= {file: file.parent.name for file in roboflow if file.is_file()}
    if split is not None:
        named = {file: part for file, part in parts.items() if split in (part, file.stem)}
        return {**dict.fromkeys(_whole(folder / split), split), **named}
    return {**dict.fromkeys(_whole(folder)), **parts}


def coco_file(folder: Path, split: str | None = None) -> Path:
    """The only annotation file of a folder, or of a part of it; raises DataError where there is none, or several."""
    files = coco_files(folder, split)
    if len(files) == 1:
        return next(iter(files))
    if files:
        ways = [f"{folder}#{part}" if _is_only(part, files) else str(file) for file, part in files.items()]
        raise DataError(f"{folder}: holds {len(files)} COCO annotation files; say which is meant: {' or '.join(ways)}")
    parts = [part for part in coco_files(folder).values() if part] if split else []
    if parts:
        raise DataError(f"{folder}: has no part {split!r}; there are: {', '.join(parts)}")
    wanted = f"annotations/{INSTANCES}{split}.json" if split else ANNOTATIONS
    raise DataError(f"{folder}: no dataset; it must hold {wanted} (COCO instances) and its pictures")


def part_of(file: Path) -> str:
    """The part of a dataset that an annotation file is of, by its name: val2017 for instances_val2017.json."""
    return file.stem.removeprefix(INSTANCES)


def picture_places(file: Path) -> Sequence[Sequence[Path]]:
    """Folders that may hold the pictures of an annotation file: those beside it, then those beside its folder."""
    here = file.parent
    above = here.resolve().parent if here.name in ("", "..") else here.parent
    part = part_of(file)
    near = (here / "images", here, here / "data")
    return near, (above / part, above / "images" / part, above / "images", above / "data", above)


def _whole(folder: Path) -> list[Path]:
    """Annotation files of the folder as a whole."""
    named = [ANNOTATIONS, ROBOFLOW]
    named += [FIFTYONE] if (folder / "data").is_dir() else []
    named += [LABEL_STUDIO] if (folder / "images").is_dir() else []
    files = [folder / name for name in named if is_file(folder / name)]
    return files + [file for file in _json_files(folder) if file.name.startswith("instances")]


def _json_files(folder: Path) -> list[Path]:
    found = folder.glob("*.json") if folder.is_dir() else ()
    return sorted(file for file in found if not file.name.startswith(".") and file.is_file())


def _is_only(part: str | None, files: Mapping[Path, str | None]) -> bool:
    return part is not None and [*files.values()].count(part) == 1
