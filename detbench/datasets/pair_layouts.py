"""Where the deblurring datasets keep a sharp picture and its blurred twin.

images/a.png            blurred/a.png                      detbench's own
CLIP/sharp/1.png        CLIP/blur_gamma/1.png, CLIP/blur   GoPro (Nah et al., CVPR 2017); `blur_gamma` goes first
SCENE/gt/gt_1.png       SCENE/blur/blur_1.png              RealBlur (Rim et al., ECCV 2020)
SCENE/gt/gt_sharp.png   SCENE/real_blur/real_blur.png      RSBlur (Rim et al., ECCV 2022)
CLIP/GT/1.jpg           CLIP/input/1.jpg                   DVD (Su et al., CVPR 2017)
CLIP/Sharp/RGB/1.png    CLIP/Blur/RGB/1.png                BSD (Zhong et al., ECCV 2020)
val_sharp/000/1.png     val_blur/000/1.png, val_blur_comp  REDS (Nah et al., CVPRW 2019); train_…, test_… alike
test_GT/CLIP/1.png      test_GT_blurred/CLIP/1.png         GoPro and DVD as VRT repacks them; train_… alike
GT/1.png                test/…/1.png, train/1.png          HIDE (Shen et al., ICCV 2019)
gt/1.png                lq/1.png                           BasicSR's names
target/1.png            input/1.png                        Restormer's and MPRNet's
sharp/1.png             blurred/1.png                      Kaggle's "Image Deblurring" collection

Letters of folders may be small or capital. Twins have one path within the two folders, but for the suffix; where no
two have, the words that say which is which are taken off their names (gt_1 and blur_1).
"""

import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from detbench.core.images import folders_in, left_out, natural_order, pictures_below
from detbench.errors import DataError

NEIGHBOURS: Mapping[str, tuple[str, ...]] = {
    "sharp/rgb": ("blur/rgb",),
    "images": ("blurred",),
    "sharp": ("blur_gamma", "blur", "blurred"),
    "gt": ("blur", "real_blur", "input", "lq"),
    "target": ("input",),
    **{f"{part}_sharp": tuple(f"{part}_blur{kind}" for kind in ("", "_comp", "_jpeg")) for part in ("train", "val")},
    "test_sharp": ("test_blur", "test_blur_comp"),
    **{f"{part}_gt": (f"{part}_gt_blurred",) for part in ("train", "val", "test")},
}
"""Folders of sharp pictures, and the folders beside them that hold their twins, the preferred one first."""

POOL = "gt"
"""HIDE keeps the sharp pictures of all splits in one folder."""

SPLITS = ("test", "train")

_SHARP_WORDS = re.compile(r"(?:^|(?<=.)[_-])(?:gt|sharp|target)(?:$|[_-](?=.))", re.IGNORECASE)
_BLURRED_WORDS = re.compile(r"(?:^|(?<=.)[_-])(?:real_blur|blurred|blurry|blur|input|lq)(?:$|[_-](?=.))", re.IGNORECASE)


@dataclass(frozen=True)
class PicturePair:
    """`name` is the blurred picture's path below the dataset's folder; `root` holds the two folders, and `kinds` are
    their names.
    """

    name: str
    sharp: Path
    blurred: Path
    root: Path
    kinds: tuple[str, str]

    @property
    def name_in_root(self) -> str:
        """The blurred picture's path below `root`."""
        return self.blurred.relative_to(self.root).as_posix()


@dataclass(frozen=True)
class PairsFound:
    """The pairs below a folder in order of name, and the files among them that cannot be read as pictures."""

    pairs: tuple[PicturePair, ...]
    others: tuple[Path, ...]

    @property
    def notes(self) -> tuple[str, ...]:
        """What a user is to know of the files that were left out."""
        return left_out(self.others)


@dataclass(frozen=True)
class _Twins:
    """Two folders below `root` whose pictures are twins; `kind` names the blurred one."""

    root: Path
    sharp: Path
    blurred: Path
    kinds: tuple[str, str]


def find_pairs(folder: Path, kind: str | None = None) -> PairsFound:
    """The pairs below a folder, none where it is not laid out in pairs.

    `kind` selects the folders of blurred pictures of that name, such as `blur` beside `blur_gamma`. Raises DataError
    where a picture lacks its twin or has two, and where clips were blurred in different ways.
    """
    if not folder.is_dir():
        return PairsFound((), ())
    others: list[Path] = []
    places = sorted(_neighbours(folder, kind), key=lambda twins: natural_order(twins.sharp))
    _refuse_shared(places)
    pairs = [pair for twins in places for pair in _matched(folder, twins, others)]
    pairs = pairs or list(_pooled(folder, kind, others))
    _refuse_mixture(folder, pairs)
    return PairsFound(tuple(pairs), tuple(others))


def has_pairs(folder: Path) -> bool:
    """Whether a folder has one of these layouts; no picture is opened."""
    return folder.is_dir() and (next(_neighbours(folder, None), None) is not None or _pool(folder) is not None)


def _neighbours(folder: Path, kind: str | None, above: tuple[str, ...] = ()) -> Iterator[_Twins]:
    """Each folder of sharp pictures with the folder of their twins; `above` as in `files_below`."""
    real = os.path.realpath(folder)
    if real in above:
        return
    below = folders_in(folder)
    taken: list[Path] = []
    for names in NEIGHBOURS.items():
        twins = _twins(folder, below, *names, kind)
        if twins is not None and not any(path.is_relative_to(twins.sharp) for path in taken):
            taken += [twins.sharp, twins.blurred]
            yield twins
    for inner in below:
        if not any(path.is_relative_to(inner) for path in taken):
            yield from _neighbours(inner, kind, (*above, real))


def _twins(folder: Path, below: Sequence[Path], name: str, twins: Sequence[str], kind: str | None) -> _Twins | None:
    """The folder `name` in `folder` with the first of its twins, if both are there."""
    sharp = _named(below, name)
    found = (_named(below, twin) for twin in twins if _is_kind(twin.split("/")[0], kind))
    blurred = next((path for path in found if path is not None), None)
    if sharp is None or blurred is None:
        return None
    return _Twins(folder, sharp, blurred, (sharp.relative_to(folder).parts[0], blurred.relative_to(folder).parts[0]))


def _named(folders: Sequence[Path], name: str) -> Path | None:
    """The folder of a name among some, small or capital, and "sharp/rgb" in one; raises DataError where two fit."""
    first, _, rest = name.partition("/")
    fitting = [path for path in folders if path.name.casefold() == first]
    if len(fitting) > 1:
        raise DataError(f"{fitting[0]} and {fitting[1].name}/ differ in small and capital letters alone; rename one")
    return _named(folders_in(fitting[0]), rest) if fitting and rest else next(iter(fitting), None)


def _is_kind(name: str, kind: str | None) -> bool:
    return kind is None or name.casefold() == kind.casefold()


def _refuse_shared(places: Sequence[_Twins]) -> None:
    """A folder that could be the twin of two, as input/ beside gt/ and target/."""
    taken: dict[Path, _Twins] = {}
    for twins in places:
        for path in (twins.sharp, twins.blurred):
            if path in taken:
                first = taken[path]
                ways = f"{'/ with '.join(first.kinds)}/ and {'/ with '.join(twins.kinds)}/"
                raise DataError(f"{twins.root}: {ways} could both be the pairs; take one of them away")
            taken[path] = twins


def _refuse_mixture(folder: Path, pairs: Sequence[PicturePair]) -> None:
    kinds = sorted({pair.kinds[1] for pair in pairs})
    if len(kinds) > 1 and not {kind.casefold() for kind in kinds} <= set(SPLITS):
        raise DataError(
            f"{folder}: some clips have {kinds[0]}/ and others {kinds[1]}/; name one part of it, or say which: "
            f"{folder}#{kinds[0]} or {folder}#{kinds[1]}"
        )


def _matched(folder: Path, twins: _Twins, others: list[Path]) -> Iterator[PicturePair]:
    """The pairs of two folders; files that are no pictures are added to `others`."""
    sharp, blurred = (_by_name(place, others) for place in (twins.sharp, twins.blurred))
    if not sharp.keys() & blurred.keys():
        sharp, blurred = _without_words(sharp, _SHARP_WORDS), _without_words(blurred, _BLURRED_WORDS)
    for name, picture in sharp.items():
        if name not in blurred:
            raise DataError(
                f"{picture}: no blurred twin of that name in {twins.blurred}; add it or take the sharp away"
                f"{_unreadable(name, others)}"
            )
        twin = blurred[name]
        yield PicturePair(twin.relative_to(folder).as_posix(), picture, twin, twins.root, twins.kinds)
    alone = [path for name, path in blurred.items() if name not in sharp]
    if alone:
        raise DataError(
            f"{alone[0]}: no sharp twin of that name in {twins.sharp}; add it or take the blurred away"
            f"{_unreadable(PurePosixPath(alone[0].stem), others)}"
        )


def _by_name(place: Path, others: list[Path]) -> dict[PurePosixPath, Path]:
    """The pictures below a folder by their path in it without the suffix; raises DataError where two share one."""
    pictures, rest = pictures_below(place)
    others += rest
    named = ((PurePosixPath(path.relative_to(place).with_suffix("")), path) for path in pictures)
    return _unique(named, "in their suffix")


def _without_words(pictures: Mapping[PurePosixPath, Path], words: re.Pattern[str]) -> dict[PurePosixPath, Path]:
    """The same pictures by names without the words for sharp or blurred: 1 for gt_1, 1_gt and 1."""
    named = ((name.parent / (_bare(name.name, words) or "."), path) for name, path in pictures.items())
    return _unique(named, "in the words for sharp or blurred")


def _bare(name: str, words: re.Pattern[str]) -> str:
    shorter = words.sub("", name, count=1)
    return name if shorter == name else _bare(shorter, words)


def _unique(named: Iterable[tuple[PurePosixPath, Path]], difference: str) -> dict[PurePosixPath, Path]:
    found: dict[PurePosixPath, Path] = {}
    for name, path in named:
        if name in found:
            raise DataError(
                f"{found[name]} and {path.name} differ {difference} alone, so that both have one twin; take one away"
            )
        found[name] = path
    return found


def _unreadable(name: PurePosixPath, others: Sequence[Path]) -> str:
    """For a message: the file of a name that cannot be read."""
    same = next((path for path in others if path.stem == name.name), None)
    return "" if same is None else f". {same.name} is no picture, or of a kind that cannot be read: convert it to PNG"


def _pool(folder: Path) -> Path | None:
    return next((pool for place in (folder, folder.parent) if (pool := _named(folders_in(place), POOL))), None)


def _pooled(folder: Path, kind: str | None, others: list[Path]) -> Iterator[PicturePair]:
    """HIDE: the pictures of a split, or of all, whose twins are in one folder."""
    pool = _pool(folder)
    if pool is None:
        return
    sharp = _by_name(pool, others)
    below = folders_in(folder)
    inside = [split for name in SPLITS if (split := _named(below, name)) is not None]
    by_stem = _by_stem(sharp.values())
    used: dict[Path, Path] = {}
    for split in [folder] if pool.parent != folder else inside:
        for name, picture in _by_name(split, others).items() if _is_kind(split.name, kind) else ():
            twin = sharp.get(PurePosixPath(split.name) / name) or sharp.get(name) or _only_twin(picture, by_stem, pool)
            if twin in used:
                raise DataError(
                    f"{picture} and {used[twin]} would both have the sharp twin {twin}; put the sharp pictures into "
                    "folders as the blurred ones are"
                )
            used[twin] = picture
            file_name = picture.relative_to(folder).as_posix()
            yield PicturePair(file_name, twin, picture, pool.parent, (pool.name, split.name))


def _by_stem(pictures: Iterable[Path]) -> Mapping[str, Sequence[Path]]:
    found: dict[str, list[Path]] = {}
    for path in pictures:
        found.setdefault(path.stem, []).append(path)
    return found


def _only_twin(picture: Path, by_stem: Mapping[str, Sequence[Path]], pool: Path) -> Path:
    """HIDE's own way: a twin is found by its file's name alone, which is there once."""
    twins = by_stem.get(picture.stem, ())
    if not twins:
        raise DataError(f"{picture}: no sharp twin of that name in {pool}; add it or take the blurred away")
    if len(twins) > 1:
        raise DataError(
            f"{picture}: {twins[0]} and {twins[1]} could both be its sharp twin; put it into the folder of its own"
        )
    return twins[0]
