"""From the word on the command line to a dataset: a name, or a path whose format shows by what lies there.

`FORMAT:PATH` says which format is meant, `PATH#SPLIT` which part of it.
"""

from collections.abc import Callable, Mapping
from pathlib import Path

from detbench.core.paths import shipped
from detbench.datasets.annotated import AnnotatedDataset
from detbench.datasets.coco import ANNOTATIONS, CocoFolder, find_coco_file, open_coco_file
from detbench.datasets.pairs import PairFolder, has_pairs
from detbench.datasets.voc import read_voc
from detbench.datasets.yolo_labels import read_yolo
from detbench.datasets.yolo_yaml import find_yaml
from detbench.errors import DataError, UsageError, did_you_mean
from detbench.plugins.builtin import DATASETS
from detbench.types import Dataset

Opener = Callable[[Path, str | None], Dataset]


def embedded_datasets() -> dict[str, Path]:
    """The folders of the datasets that ship with detbench, by name and in its order."""
    return {path.parent.name: path.parent for path in sorted(shipped("datasets").glob(f"*/{ANNOTATIONS}"))}


def open_dataset(word: str) -> Dataset:
    """The dataset that a word on the command line means: a shipped or registered name, else `[FORMAT:]PATH[#SPLIT]`.

    A name wins over a folder that happens to be called the same; `./name` is always the folder. A registered dataset
    is an object or a class built without arguments. Raises UsageError where there is neither, DataError where what
    lies at the path is no dataset.
    """
    embedded = embedded_datasets()
    registered = {entry.name: entry for entry in DATASETS.entries()}
    if word in embedded:
        return CocoFolder(embedded[word])
    if word in registered:
        dataset: Dataset = registered[word].load()
        return dataset
    prefix, path, split = _taken_apart(word)
    if path.exists():
        return FORMATS[prefix or looks_like(path, split)](path, split)
    names = sorted({*embedded, *registered})
    raise UsageError(
        f"no dataset named {word!r}, and no such folder.{did_you_mean(word, names)} "
        f"There are: {', '.join(names) or 'none'}; a folder with {ANNOTATIONS} and images/ is a dataset too, and so "
        "are YOLO's data.yaml, VOC's Annotations/ and pairs of sharp/ and blur/"
    )


def looks_like(path: Path, split: str | None = None) -> str:
    """The format of what lies at a path, by its files' names; raises DataError where they fit none."""
    if path.is_file():
        formats = {".json": "coco", ".yaml": "yolo", ".yml": "yolo"}
        if path.suffix in formats:
            return formats[path.suffix]
    elif find_coco_file(path, split) or (path / ANNOTATIONS).is_file():
        return "coco"
    elif find_yaml(path):
        return "yolo"
    elif (path / "Annotations").is_dir() or next(path.glob("*.xml"), None):
        return "voc"
    elif has_pairs(path):
        return "pairs"
    raise DataError(
        f"{path}: no dataset that can be recognised; it must hold {ANNOTATIONS} (COCO instances) and the folder "
        "images/, or data.yaml (YOLO), or Annotations/ with XML files (VOC), or pairs such as sharp/ and blur/ "
        f"(GoPro). A prefix says which is meant: {', '.join(f'{name}:PATH' for name in FORMATS)}"
    )


def _taken_apart(word: str) -> tuple[str, Path, str | None]:
    """Format (or nothing), path, and split (or None); a `#` that is part of an existing path stays there."""
    prefix, colon, rest = word.partition(":")
    prefix, rest = (prefix, rest) if colon and prefix in FORMATS else ("", word)
    path, _, split = rest.rpartition("#")
    return (prefix, Path(rest), None) if Path(rest).exists() or not path else (prefix, Path(path), split)


def _open_coco(path: Path, split: str | None) -> Dataset:
    if path.is_dir() and (path / ANNOTATIONS).is_file() and split is None:
        return CocoFolder(path)
    file = path if path.is_file() else find_coco_file(path, split)
    if file is None:
        wanted = f"annotations/instances_{split}.json" if split else ANNOTATIONS
        raise DataError(f"{path}: no dataset; it must hold {wanted} (COCO instances) and its pictures")
    return open_coco_file(file)


def _open_yolo(path: Path, split: str | None) -> Dataset:
    return AnnotatedDataset(_name(path, split), read_yolo(path, split))


def _open_voc(path: Path, split: str | None) -> Dataset:
    return AnnotatedDataset(_name(path, split), read_voc(path, split))


def _open_voc_from_0(path: Path, split: str | None) -> Dataset:
    return AnnotatedDataset(_name(path, split), read_voc(path, split, first_pixel=0))


def _pairs_of(kind: str | None) -> Opener:
    def opened(path: Path, split: str | None) -> Dataset:
        return PairFolder(path / split if split else path, kind)

    return opened


def _name(path: Path, split: str | None) -> str:
    folder = path.resolve() if path.is_dir() else path.resolve().parent
    return f"{folder.name}-{split}" if split else folder.name


FORMATS: Mapping[str, Opener] = {
    "coco": _open_coco,
    "yolo": _open_yolo,
    "voc": _open_voc,
    "voc0": _open_voc_from_0,
    "pairs": _pairs_of(None),
    "blur": _pairs_of("blur"),
    "blur_gamma": _pairs_of("blur_gamma"),
}
"""Prefixes of paths; `blur` and `blur_gamma` are pairs of that kind where there are several."""
