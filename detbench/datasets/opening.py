"""From the word on the command line to a dataset: a name, or a path whose format shows by what lies there.

`FORMAT:PATH` says which format is meant, `PATH#SPLIT` which part of it.
"""

from collections.abc import Callable, Collection, Mapping
from pathlib import Path

from detbench.blur.videos import VIDEO_SUFFIXES
from detbench.core.images import PICTURE_SUFFIXES, is_picture_name
from detbench.core.paths import shipped
from detbench.datasets.annotated import AnnotatedDataset
from detbench.datasets.benchmark_set import BenchmarkSet
from detbench.datasets.clips import Clip, holds_clip
from detbench.datasets.coco import CocoFolder, open_coco_file
from detbench.datasets.coco_layouts import ANNOTATIONS, coco_file, coco_files
from detbench.datasets.installed_formats import InstalledFormat, formats_that_recognise, installed_format
from detbench.datasets.kohler import open_kohler
from detbench.datasets.levin import open_levin
from detbench.datasets.pair_layouts import has_pairs
from detbench.datasets.pairs import PairFolder
from detbench.datasets.picture_folder import PictureFolder
from detbench.datasets.repair import Repair
from detbench.datasets.voc import holds_voc, read_voc
from detbench.datasets.yolo_labels import read_yolo
from detbench.datasets.yolo_yaml import find_yaml
from detbench.errors import DataError, UsageError, did_you_mean
from detbench.plugins.builtin import DATASETS
from detbench.plugins.checkpoint_files import WEIGHTS_SUFFIXES
from detbench.plugins.registry import Entry
from detbench.types import Dataset

_FORMAT_OF_ENDING = {
    ".json": "coco",
    ".jsonl": "coco",
    ".ndjson": "coco",
    ".json.gz": "coco",
    ".yaml": "yolo",
    ".yml": "yolo",
}
"""What a file is read as; the reader says what to do about one that COCO's tools would not read either."""
ARCHIVE_SUFFIXES = frozenset({".zip", ".tar", ".gz", ".tgz", ".bz2", ".xz", ".7z", ".rar"})

Opener = Callable[[Path, str | None, Repair | None], Dataset]


def embedded_datasets() -> dict[str, Path]:
    """The folders of the datasets that ship with detbench, by name and in its order."""
    return {path.parent.name: path.parent for path in sorted(shipped("datasets").glob(f"*/{ANNOTATIONS}"))}


def open_dataset(word: str, repair: Repair | None = None) -> Dataset:
    """The dataset that a word on the command line means: a shipped or registered name, else `[FORMAT:]PATH[#SPLIT]`.

    A name wins over a folder that happens to be called the same; `./name` is always the folder. A registered dataset
    is an object or a class built without arguments; a registered format (DatasetFormat) takes a path. `repair` says
    what becomes of boxes that a reader of detbench's own would refuse. Raises UsageError where there is no such
    dataset, or none of its boxes could be repaired, DataError where what lies at the path is no dataset, or one of
    several formats.
    """
    embedded = embedded_datasets()
    registered = {entry.name: entry for entry in DATASETS.entries()}
    if word in embedded:
        return CocoFolder(embedded[word], repair)
    if word in registered:
        _refuse_repair(repair, word)
        return _open_registered(registered[word])
    prefix, path, split = _taken_apart(word, {*FORMATS, *registered})
    if path.exists():
        form = prefix or looks_like(path, split)
        if form in FORMATS:
            return FORMATS[form](path, split, repair)
        _refuse_repair(repair, form)
        return _installed(registered[form]).open(path, split)
    names = sorted({*embedded, *registered})
    raise UsageError(
        f"no dataset named {word!r}, and no such folder.{did_you_mean(word, names)} "
        f"There are: {', '.join(names) or 'none'}; a folder with {ANNOTATIONS} and images/ is a dataset too, and so "
        "are YOLO's data.yaml, VOC's Annotations/ and pairs of sharp/ and blur/"
    )


def coco_annotations(word: str) -> Path | None:
    """The annotation file where a word means a COCO dataset by its path, None where it means any other dataset.

    Raises DataError as `open_dataset` does where several files or formats may be meant.
    """
    registered = {entry.name for entry in DATASETS.entries()}
    prefix, path, split = _taken_apart(word, {*FORMATS, *registered})
    if word in {*embedded_datasets(), *registered} or not path.exists():
        return None
    is_coco = (prefix or looks_like(path, split)) == "coco"
    return (path if path.is_file() else coco_file(path, split)) if is_coco else None


def dataset_place(word: str) -> str | None:
    """Where the dataset that a word means lies, as an absolute `PATH[#SPLIT]`; None for a dataset with a name."""
    registered = {entry.name for entry in DATASETS.entries()}
    if word in {*embedded_datasets(), *registered}:
        return None
    _, path, split = _taken_apart(word, {*FORMATS, *registered})
    return f"{path.resolve()}#{split}" if split else str(path.resolve())


def looks_like(path: Path, split: str | None = None) -> str:
    """The format of what lies at a path, built in or installed, by its files' names.

    Raises DataError where no format recognises it, and where several do.
    """
    built_in = _built_in_formats(path, split)
    installed = [entry for entry in DATASETS.entries() if entry.name not in FORMATS]
    found = [*built_in, *formats_that_recognise(path, installed)]
    if len(found) > 1:
        raise DataError(
            f"{path}: recognised by {len(found)} formats, {', '.join(found)}; "
            f"say in front which is meant: {' or '.join(f'{name}:{path}' for name in found)}"
        )
    if found:
        return found[0]
    if path.is_dir() and any(is_picture_name(file) for file in path.iterdir()):
        return "pictures"
    if path.suffix.lower() in ARCHIVE_SUFFIXES and path.is_file():
        raise DataError(f"{path}: an archive; unpack it, and name the folder")
    if path.suffix.lower() in PICTURE_SUFFIXES and path.is_file():
        raise DataError(f"{path}: a single picture; name the folder of its dataset, or see `detbench deblur`")
    if path.suffix.lower() in WEIGHTS_SUFFIXES:
        raise DataError(f"{path}: weights of a network; --dataset takes pictures with their boxes, --detector weights")
    names = [*FORMATS, *(entry.name for entry in installed if installed_format(entry))]
    raise DataError(
        f"{path}: no dataset that can be recognised; a dataset holds {ANNOTATIONS} (COCO instances) and the folder "
        "images/, or data.yaml (YOLO), or Annotations/ with XML files (VOC), or pairs such as sharp/ and blur/ "
        f"(GoPro). A COCO file of another name is named itself (PATH/any.json); "
        f"a prefix says which is meant: {', '.join(f'{name}:PATH' for name in names)}"
    )


def _built_in_formats(path: Path, split: str | None) -> list[str]:
    """The formats of detbench's own that a path may be of; pairs are those of pictures that no boxes come with."""
    if path.is_file():
        if path.suffix.lower() in VIDEO_SUFFIXES:
            return ["video"]
        ends = [form for end, form in _FORMAT_OF_ENDING.items() if path.name.lower().endswith(end)]
        return ends[:1]
    found = ["coco"] if coco_files(path, split) or (path / ANNOTATIONS).is_file() else []
    found += ["yolo"] if find_yaml(path) else []
    found += ["voc"] if holds_voc(path) else []
    found += ["video"] if holds_clip(path) else []
    if not found and split and coco_files(path):
        return ["coco"]  # whose reader says which parts there are
    return found or (["pairs"] if has_pairs(path) else [])


def _refuse_repair(repair: Repair | None, form: str) -> None:
    if repair is not None:
        raise UsageError(f"--repair {repair} is for boxes in COCO, YOLO or VOC files, and this is {form}: leave it out")


def _open_registered(entry: Entry) -> Dataset:
    """A dataset that is known by name alone."""
    if installed_format(entry) is not None:
        raise UsageError(f"{entry.name} is a format, no dataset; say what to read: {entry.name}:PATH")
    dataset: Dataset = entry.load()
    return dataset


def _installed(entry: Entry) -> InstalledFormat:
    form = installed_format(entry)
    if form is None:
        raise UsageError(f"{entry.name} is a dataset, no format; name it without a path: {entry.name}")
    return form


def _taken_apart(word: str, formats: Collection[str]) -> tuple[str, Path, str | None]:
    """Format (or nothing), path, and split (or None); a `#` that is part of an existing path stays there."""
    prefix, colon, rest = word.partition(":")
    prefix, rest = (prefix, rest) if colon and prefix in formats else ("", word)
    path, _, split = rest.rpartition("#")
    return (prefix, Path(rest), None) if Path(rest).exists() or not path else (prefix, Path(path), split)


def _open_coco(path: Path, split: str | None, repair: Repair | None) -> Dataset:
    file = path if path.is_file() else coco_file(path, split)
    is_own = path.is_dir() and file.name == ANNOTATIONS and file.parent == path
    return CocoFolder(path, repair) if is_own else open_coco_file(file, repair)


def _open_yolo(path: Path, split: str | None, repair: Repair | None) -> Dataset:
    return AnnotatedDataset(_name(path, split), read_yolo(path, split, repair))


def _open_voc(path: Path, split: str | None, repair: Repair | None) -> Dataset:
    return AnnotatedDataset(_name(path, split), read_voc(path, split, repair))


def _open_voc_from_0(path: Path, split: str | None, repair: Repair | None) -> Dataset:
    return AnnotatedDataset(_name(path, split), read_voc(path, split, repair, first_pixel=0))


def _open_clip(path: Path, split: str | None, repair: Repair | None) -> Dataset:
    if split is not None:
        raise UsageError(f"a clip has no parts, and #{split} names one: leave it out, and name the file or folder")
    return Clip(path, repair)


def _pairs_of(kind: str | None) -> Opener:
    def opened(path: Path, split: str | None, repair: Repair | None) -> Dataset:
        _refuse_repair(repair, "pairs")
        if split is not None and kind is None and not has_pairs(path / split):
            return PairFolder(path, split)  # the name of its blurred pictures' folder: reds#val_blur
        return PairFolder(path / split if split else path, kind)

    return opened


def _open_pictures(path: Path, split: str | None, repair: Repair | None) -> Dataset:
    _refuse_repair(repair, "pictures")
    return PictureFolder(path / split if split else path)


def _benchmark(form: str, open_folder: Callable[[Path], BenchmarkSet]) -> Opener:
    def opened(path: Path, split: str | None, repair: Repair | None) -> Dataset:
        _refuse_repair(repair, form)
        if split is not None:
            raise UsageError(f"{form}:{path}#{split}: a set without parts; leave #{split} out")
        return open_folder(path)

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
    "pictures": _open_pictures,
    "kohler": _benchmark("kohler", open_kohler),
    "levin": _benchmark("levin", open_levin),
    "video": _open_clip,
}
"""Prefixes of paths; `blur` and `blur_gamma` are pairs of that kind where there are several, `pictures` a
plain folder of them.
"""
