"""Sharp and blurred pictures in pairs, as the deblurring datasets lay them out. They have no boxes.

images/a.png           blurred/a.png                      detbench's own
CLIP/sharp/1.png       CLIP/blur_gamma/1.png, CLIP/blur   GoPro (Nah et al., CVPR 2017); `blur_gamma` goes first
SCENE/gt/gt_1.png      SCENE/blur/blur_1.png              RealBlur (Rim et al., ECCV 2020)
val_sharp/000/1.png    val_blur/000/1.png                 REDS (Nah et al., CVPRW 2019); train_… alike
GT/1.png               test/…/1.png, train/1.png          HIDE (Shen et al., ICCV 2019)
target/1.png           input/1.png                        as restoration networks' authors repack them all
"""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from detbench.core.images import natural_order, picture_files, picture_from_file
from detbench.errors import DataError
from detbench.types import Blur, GroundTruth, Light, Picture, Sample

NEIGHBOURS = {
    "images": ("blurred",),
    "sharp": ("blur_gamma", "blur"),
    "gt": ("blur",),
    "train_sharp": ("train_blur",),
    "val_sharp": ("val_blur",),
    "target": ("input",),
}
"""Names of folders of sharp pictures, and of the folders beside them that hold their twins, the preferred one first."""

POOL = "GT"
"""HIDE keeps the sharp pictures of all splits in one folder."""

SPLITS = ("test", "train")

LIGHT: Mapping[tuple[str, str], Light] = {("sharp", "blur_gamma"): "linear", ("sharp", "blur"): "gamma"}
"""Where GoPro's two blurs were averaged."""


@dataclass(frozen=True)
class PicturePair:
    """`name` is the blurred picture's path below the dataset's folder; `kinds` the names of the two folders."""

    name: str
    sharp: Path
    blurred: Path
    kinds: tuple[str, str]


def find_pairs(folder: Path, kind: str | None = None) -> list[PicturePair]:
    """The pairs below a folder in order of name, none where it is not laid out in pairs.

    `kind` selects the folders of blurred pictures of that name, such as `blur` beside `blur_gamma`. Raises DataError
    where a picture lacks its twin, and where clips were blurred in different ways.
    """
    pairs = [pair for places in _neighbours(folder, kind) for pair in _twins(folder, *places)]
    pairs = pairs or list(_pooled(folder, kind))
    kinds = sorted({pair.kinds[1] for pair in pairs})
    if len(kinds) > 1 and not set(kinds) <= set(SPLITS):
        raise DataError(f"{folder}: some clips have {kinds[0]}/ and others {kinds[1]}/; name one part of it")
    return pairs


def has_pairs(folder: Path) -> bool:
    """Whether a folder has one of these layouts; no picture is opened."""
    return next(_neighbours(folder, None), None) is not None or _pool(folder) is not None


class PairFolder:
    """A dataset of pairs without boxes: `classes` is empty; the detector's boxes on sharp pictures count as true.

    The name holds that of the folder of blurred pictures, which names the blur; ids count from 1 in order of name.
    """

    classes: Mapping[int, str] = {}

    def __init__(self, folder: Path, kind: str | None = None) -> None:
        self._pairs = find_pairs(folder, kind)
        if not self._pairs:
            raise DataError(
                f"{folder}: no pairs{f' with {kind}/' if kind else ''}; it must hold sharp/ beside blur_gamma/ or "
                "blur/ (GoPro), gt/ beside blur/, val_sharp/ beside val_blur/, GT/ beside test/, or target/ beside "
                "input/"
            )
        kinds = dict.fromkeys(pair.kinds[1] for pair in self._pairs)
        self.name = "-".join([folder.resolve().name, *kinds])
        self._pictures: dict[Path, Picture] = {}

    def __len__(self) -> int:
        return len(self._pairs)

    def __iter__(self) -> Iterator[Sample]:
        for number, pair in enumerate(self._pairs, start=1):
            yield self._sample(number, pair)

    @cached_property
    def fingerprint(self) -> str:
        """Digest of every picture's bytes, in the order of their names."""
        digest = hashlib.sha256()
        for sample in self:
            digest.update(
                f"\n{sample.file_name} {sample.sharp and sample.sharp.sha256} {sample.blurred.sha256}".encode()
            )
        return digest.hexdigest()

    def _sample(self, number: int, pair: PicturePair) -> Sample:
        sharp, blurred = self._picture(pair.sharp), self._picture(pair.blurred)
        sizes = (sharp.width, sharp.height), (blurred.width, blurred.height)
        if sizes[0] != sizes[1]:
            raise DataError(
                f"{pair.blurred}: {sizes[1][0]}x{sizes[1][1]} pixels, but its sharp twin {pair.sharp} has "
                f"{sizes[0][0]}x{sizes[0][1]}; pairs have one size"
            )
        light = LIGHT.get(pair.kinds)
        blur = Blur(pair.kinds[1], {"light": light} if light else {}, severity_px=None)
        return Sample(number, pair.name, sharp=sharp, blurred=blurred, truth=_no_boxes(), blur=blur)

    def _picture(self, path: Path) -> Picture:
        if path not in self._pictures:
            self._pictures[path] = picture_from_file(path)
        return self._pictures[path]


def _neighbours(folder: Path, kind: str | None) -> Iterator[tuple[Path, Path]]:
    """Each folder of sharp pictures with the folder of their twins."""
    below = (path for path in folder.rglob("*") if path.name in NEIGHBOURS and path.is_dir())
    for sharp in sorted(below, key=natural_order):
        for name in NEIGHBOURS[sharp.name]:
            if (sharp.parent / name).is_dir() and kind in (None, name):
                yield sharp, sharp.parent / name
                break


def _twins(folder: Path, sharp: Path, blurred: Path) -> Iterator[PicturePair]:
    """Each sharp picture with the blurred one of its relative name, whatever the suffix; RealBlur's gt_1 is blur_1."""
    files = {path.relative_to(blurred).with_suffix(""): path for path in picture_files(blurred.rglob("*"))}
    for picture in picture_files(sharp.rglob("*")):
        name = picture.relative_to(sharp).with_suffix("")
        twin = files.pop(name, None) or files.pop(name.with_name(name.name.replace("gt_", "blur_", 1)), None)
        if twin is None:
            raise DataError(f"{picture}: no blurred twin of that name in {blurred}; add it or take the sharp away")
        yield PicturePair(twin.relative_to(folder).as_posix(), picture, twin, (sharp.name, blurred.name))
    if files:
        lonely = next(iter(files.values()))
        raise DataError(f"{lonely}: no sharp twin of that name in {sharp}; add it or take the blurred away")


def _pool(folder: Path) -> Path | None:
    return next((place / POOL for place in (folder, folder.parent) if (place / POOL).is_dir()), None)


def _pooled(folder: Path, kind: str | None) -> Iterator[PicturePair]:
    """HIDE: the pictures of a split, or of all, whose twins are in one folder, all by name."""
    pool = _pool(folder)
    if pool is None:
        return
    files = {path.stem: path for path in picture_files(pool.rglob("*"))}
    splits = [folder] if pool.parent != folder else [folder / split for split in SPLITS if (folder / split).is_dir()]
    for split in splits:
        for picture in picture_files(split.rglob("*")) if kind in (None, split.name) else ():
            if picture.stem not in files:
                raise DataError(f"{picture}: no sharp twin of that name in {pool}; add it or take the blurred away")
            yield PicturePair(picture.relative_to(folder).as_posix(), files[picture.stem], picture, (POOL, split.name))


def _no_boxes() -> GroundTruth:
    empty = np.zeros(0)
    whole = empty.astype(np.int64)
    return GroundTruth(np.zeros((0, 4)), whole, empty.astype(np.bool_), empty, whole)
