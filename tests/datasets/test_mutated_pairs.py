"""Pairs as datasets and people lay them out, and pictures restored elsewhere: matched as meant or refused.

Every picture is noise of its own, so that a blurred picture held against another's sharp one shows: by digests for
pairs, by the PSNR of a known offset for restored pictures.
"""

import hashlib
import io
import math
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as PillowImage

from detbench.datasets.opening import open_dataset
from detbench.errors import DetbenchError
from detbench.evaluation.request import RunSpec
from detbench.evaluation.run import run
from detbench.results.cache import Cache

Tree = dict[str, bytes]
"""Content of files by path."""

CLIPS, FRAMES = ("GOPR0372_07_00", "GOPR0374_11_01"), (1, 2, 10)
FORMATS = {".png": "PNG", ".jpg": "JPEG", ".bmp": "BMP"}


def noise(*words: object) -> np.ndarray:
    """A picture of its own for each name, the values far from 0 and 255."""
    seed = int(hashlib.sha256(repr(words).encode()).hexdigest()[:8], 16)
    return np.random.default_rng(seed).integers(60, 190, (16, 24, 3), np.uint8)


def encoded(pixels: np.ndarray, suffix: str = ".png") -> bytes:
    """The bytes of a picture's file."""
    stream = io.BytesIO()
    PillowImage.fromarray(pixels).save(stream, FORMATS[suffix.lower()])
    return stream.getvalue()


@dataclass
class Pairs:
    """Pairs on their way to the disk: for each (clip, frame) the paths of the sharp and the blurred picture."""

    places: dict[tuple[str, str], tuple[str, str]]
    opened: str = ""

    def tree(self) -> Tree:
        """The files."""
        files = {}
        for key, paths in self.places.items():
            for role, path in zip(("sharp", "blurred"), paths, strict=True):
                files[path] = encoded(noise(role, *key), Path(path).suffix)
        return files


Layout = Callable[[str, str], tuple[str, str]]


def laid_out(layout: Layout, frame: str = "{:06d}", suffix: str = ".png", opened: str = "") -> Pairs:
    """Pairs of two clips whose frames have the same names."""
    names = [(clip, frame.format(number)) for clip in CLIPS for number in FRAMES]
    return Pairs({(clip, name): layout(clip, name + suffix) for clip, name in names}, opened)


LAYOUTS: dict[str, tuple[str, str, Layout]] = {
    "detbench": ("read", "", lambda c, f: (f"images/{c}/{f}", f"blurred/{c}/{f}")),
    "GoPro": ("read", "", lambda c, f: (f"test/{c}/sharp/{f}", f"test/{c}/blur/{f}")),
    "GoPro by its split": ("read", "#test", lambda c, f: (f"test/{c}/sharp/{f}", f"test/{c}/blur/{f}")),
    "GoPro of linear light": ("read", "", lambda c, f: (f"{c}/sharp/{f}", f"{c}/blur_gamma/{f}")),
    "GoPro by one clip": ("either", f"/{CLIPS[0]}", lambda c, f: (f"{c}/sharp/{f}", f"{c}/blur/{f}")),
    "RealBlur": ("read", "", lambda c, f: (f"{c}/gt/gt_{f}", f"{c}/blur/blur_{f}")),
    "REDS": ("read", "", lambda c, f: (f"val_sharp/{c}/{f}", f"val_blur/{c}/{f}")),
    "REDS in its folders": ("read", "", lambda c, f: (f"val/val_sharp/{c}/{f}", f"val/val_blur/{c}/{f}")),
    "HIDE": ("read", "", lambda c, f: (f"GT/{c}{f}", f"test/{c}{f}")),
    "HIDE by kinds": ("read", "", lambda c, f: (f"GT/{c}{f}", f"test/test-{c}/{c}{f}")),
    "HIDE by clips": ("either", "", lambda c, f: (f"GT/{c}/{f}", f"test/{c}/{f}")),
    "repacked": ("read", "", lambda c, f: (f"test/GoPro/target/{c}-{f}", f"test/GoPro/input/{c}-{f}")),
    "DVD": ("read", "", lambda c, f: (f"quantitative_datasets/{c}/GT/{f}", f"quantitative_datasets/{c}/input/{f}")),
    "BSD": ("read", "", lambda c, f: (f"test/{c}/Sharp/RGB/{f}", f"test/{c}/Blur/RGB/{f}")),
    "VRT": ("read", "", lambda c, f: (f"test_GT/{c}/{f}", f"test_GT_blurred/{c}/{f}")),
    "gt and lq": ("read", "", lambda c, f: (f"gt/{c}/{f}", f"lq/{c}/{f}")),
    "gt and lq in clips": ("read", "", lambda c, f: (f"{c}/gt/{f}", f"{c}/lq/{f}")),
    "suffixes differ": ("read", "", lambda c, f: (f"{c}/sharp/{f}", f"{c}/blur/{Path(f).stem}.jpg")),
    "capital suffixes": ("read", "", lambda c, f: (f"{c}/sharp/{Path(f).stem}.PNG", f"{c}/blur/{f}")),
    "capital folders": ("either", "", lambda c, f: (f"{c}/Sharp/{f}", f"{c}/Blur/{f}")),
    "A and B": ("either", "", lambda c, f: (f"B/{c}/{f}", f"A/{c}/{f}")),
    "HQ and LQ": ("either", "", lambda c, f: (f"HQ/{c}/{f}", f"LQ/{c}/{f}")),
    "clips of the blurred only": ("either", "", lambda c, f: (f"sharp/{c}/{f}", f"blur/{c.lower()}/{f}")),
}
"""Verdict, what follows the folder in the word that opens it, and the places of a picture of a clip."""

FRAME_NAMES = {
    "numbers": "{}", "spaces": "frame  {} x", "unicode": "säge_日本_{}", "dots": "a.{}.b", "a dash": "-{}",
    "brackets": "[{}] #1 100%", "long": "x" * 150 + "{}", "words of roles": "blur_sharp_gt_{}", "gt": "gt_{}",
}  # fmt: skip

Change = Callable[[Tree], Tree]
MAC = b"\0\5\x16\7\0\2\0\0Mac OS X        \xff\xfe"


def beside(name: Callable[[Path], Path | str], content: bytes) -> Change:
    """A file beside every file."""
    return lambda tree: {str(name(Path(path))): content for path in tree} | tree


def without(word: str) -> Change:
    """All files but the first whose path holds a word."""
    return lambda tree: {path: data for path, data in tree.items() if path != next(p for p in tree if word in p)}


def spoiled(word: str, spoil: Callable[[bytes], bytes]) -> Change:
    """The first file whose path holds a word, spoiled."""

    def change(tree: Tree) -> Tree:
        first = next(path for path in tree if word in path)
        return tree | {first: spoil(tree[first])}

    return change


def hidden_copies(tree: Tree) -> Tree:
    """Copies as an editor keeps them."""
    return tree | {str(Path(p).parent / ".ipynb_checkpoints" / f"{Path(p).stem}-copy.png"): tree[p] for p in tree}


CHANGES: dict[str, tuple[str, Change]] = {
    "._ files": ("read", beside(lambda path: path.with_name(f"._{path.name}"), MAC)),
    "__MACOSX": ("read", beside(lambda path: f"__MACOSX/{path.parent}/._{path.name}", MAC)),
    ".DS_Store": ("read", beside(lambda path: path.parent / ".DS_Store", b"\0")),
    "Thumbs.db": ("read", beside(lambda path: path.parent / "Thumbs.db", b"\xd0\xcf")),
    "texts": ("read", beside(lambda path: path.with_suffix(".txt"), b"x")),
    "copies in hidden folders": ("read", hidden_copies),
    "a blurred one missing": ("refuse", without("/blur/")),
    "a sharp one missing": ("refuse", without("/sharp/")),
    "a blurred one too many": ("refuse", lambda tree: tree | {f"{CLIPS[0]}/blur/99.png": encoded(noise(9))}),
    "a sharp one smaller": ("refuse", spoiled("/sharp/", lambda data: encoded(noise(8)[:9]))),
    "a blurred one empty": ("refuse", spoiled("/blur/", lambda data: b"")),
    "a blurred one cut": ("either", spoiled("/blur/", lambda data: data[: len(data) // 2])),
    "a sharp one no picture": ("refuse", spoiled("/sharp/", lambda data: b"<html>")),
}


def linked_pictures(folder: Path) -> None:
    """Every picture a link into a store, under another name."""
    for number, path in enumerate([path for path in folder.rglob("*") if path.is_file()]):
        target = folder.parent / "store" / f"{number:04x}"
        target.parent.mkdir(exist_ok=True)
        path.rename(target)
        path.symlink_to(target)


def linked_clips(folder: Path) -> None:
    """Every clip a link to a folder of another name."""
    for number, path in enumerate([*folder.iterdir()]):
        target = folder.parent / "raw" / str(number)
        target.parent.mkdir(exist_ok=True)
        path.rename(target)
        path.symlink_to(os.path.relpath(target, path.parent))


def linked_roles(folder: Path) -> None:
    """sharp and blur of each clip links to folders of other names."""
    for number, path in enumerate([*folder.glob("*/*")]):
        target = folder.parent / "raw" / str(number)
        target.parent.mkdir(exist_ok=True)
        path.rename(target)
        path.symlink_to(target)


def linked_whole(folder: Path) -> None:
    """The dataset a link."""
    folder.rename(folder.with_name("real"))
    folder.symlink_to(folder.with_name("real"))


LINKS = {
    "pictures": linked_pictures, "clips": linked_clips, "sharp and blur": linked_roles, "all": linked_whole,
}  # fmt: skip


@dataclass(frozen=True)
class Case:
    """Pairs, a change of their files, what is done to the folder, and what must become of it."""

    name: str
    verdict: str
    pairs: Pairs
    change: Change = dict
    link: Callable[[Path], None] = lambda folder: None


def pair_cases() -> list[Case]:
    """Every layout with padded frames and with plain numbers; names, changes and links of GoPro's layout."""
    gopro = LAYOUTS["GoPro of linear light"][2]
    cases = []
    for name, (verdict, opened, layout) in LAYOUTS.items():
        cases.append(Case(f"layout {name}", verdict, laid_out(layout, opened=opened)))
        cases.append(Case(f"layout {name}, plain numbers", verdict, laid_out(layout, "{}", opened=opened)))
    cases += [
        Case(f"frames {name}, {kind}", "read", laid_out(LAYOUTS[kind][2], frame))
        for name, frame in FRAME_NAMES.items()
        for kind in ("GoPro of linear light", "REDS", "repacked")
    ]
    plain = laid_out(lambda c, f: tuple(path.replace("_gamma", "") for path in gopro(c, f)))
    cases += [Case(f"files: {name}", verdict, plain, change) for name, (verdict, change) in CHANGES.items()]
    cases += [Case(f"links: {name}", "read", plain, link=link) for name, link in LINKS.items()]
    return cases


def written(tree: Tree, folder: Path) -> None:
    """Write files into a folder."""
    for name, content in tree.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)


def verdict_on_pairs(case: Case, tmp_path: Path) -> tuple[str, str]:
    """`right`, or what is wrong with the reading of pairs."""
    folder = tmp_path / "pairs"
    tree = case.pairs.tree()
    written(case.change(tree), folder)
    case.link(folder)
    clips = (
        case.pairs.places if "one clip" not in case.name else [key for key in case.pairs.places if key[0] in CLIPS[0]]
    )
    meant = {tuple(hashlib.sha256(tree[path]).hexdigest() for path in case.pairs.places[key]) for key in clips}
    try:
        samples = list(open_dataset(f"{folder}{case.pairs.opened}"))
        found = [(sample.sharp.sha256 if sample.sharp else "", sample.blurred.sha256) for sample in samples]
        for sample in samples:
            sample.blurred.load()
    except DetbenchError as error:
        return ("unnecessary refusal" if case.verdict == "read" else named(str(error), folder)), str(error)
    except Exception as error:
        return "foreign exception", f"{type(error).__name__}: {error}"
    if case.verdict == "refuse":
        return "read, and must be refused", ""
    wrong = len(set(found) ^ meant)
    return ("right", "") if not wrong and len(found) == len(meant) else ("silent wrong reading", f"{wrong} differ")


def named(message: str, folder: Path) -> str:
    """`right` where a message names the dataset, or what is in it."""
    return "right" if folder.name in message and "Traceback" not in message else "refused without a file"


@pytest.mark.parametrize("case", [pytest.param(case, id=case.name) for case in pair_cases()])
def test_pairs_are_matched_as_meant_or_refused(case: Case, tmp_path: Path) -> None:
    """Each blurred picture with the sharp one of its clip and frame, and all of them."""
    kind, words = verdict_on_pairs(case, tmp_path)
    assert kind == "right", f"{kind}: {words}"


# ---- restored pictures ----------------------------------------------------------------------------------------------

Namer = Callable[[str, str], str]
"""The path of a restored picture of a clip and a frame."""

RESTORED: dict[str, tuple[str, str, Namer]] = {
    "the same tree": ("read", "clips", lambda c, f: f"{c}/blur/{f}.png"),
    "clips without blur/": ("read", "clips", lambda c, f: f"{c}/{f}.png"),
    "another suffix": ("read", "clips", lambda c, f: f"{c}/{f}.bmp"),
    "capital suffixes": ("read", "clips", lambda c, f: f"{c}/{f}.PNG"),
    "a folder above": ("either", "clips", lambda c, f: f"results/GoPro/{c}/{f}.png"),
    "flat, clips in names": ("either", "clips", lambda c, f: f"{c}_{f}.png"),
    "flat, one stem for two": ("refuse", "clips", lambda c, f: f"{f}.png"),
    "clips and _deblurred": ("either", "clips", lambda c, f: f"{c}/{f}_deblurred.png"),
    "clips backwards": ("either", "clips", lambda c, f: f"{c[::-1]}/{f}.png"),
    "flat": ("read", "flat", lambda c, f: f"{c}-{f}.png"),
    "flat, in a folder": ("read", "flat", lambda c, f: f"out/{c}-{f}.png"),
    "_deblurred": ("read", "flat", lambda c, f: f"{c}-{f}_deblurred.png"),
    "_fake_B": ("read", "flat", lambda c, f: f"{c}-{f}_fake_B.png"),
    "BasicSR": ("read", "flat", lambda c, f: f"{c}-{f}/{c}-{f}_20000.png"),
    "_out": ("either", "flat", lambda c, f: f"{c}-{f}_out.png"),
    "restored in front": ("either", "flat", lambda c, f: f"restored_{c}-{f}.png"),
    "frames alone, _deblurred": ("read", "numbers", lambda c, f: f"{number_of(c, f)}_deblurred.png"),
    "frames alone, padded": ("either", "numbers", lambda c, f: f"{number_of(c, f):05d}.png"),
    "frames alone, BasicSR": ("read", "numbers", lambda c, f: f"{number_of(c, f)}/{number_of(c, f)}_1.png"),
    "frames alone, a number behind": (
        "either",
        "numbers",
        lambda c, f: f"{number_of(c, f)}_{12 - number_of(c, f)}.png",
    ),
}


def number_of(clip: str, frame: str) -> int:
    """A number of its own for each picture, 1, 2, 10 and 11, 12, 20: each begins as others do."""
    return int(frame) + 10 * CLIPS.index(clip)


DATASETS: dict[str, Layout] = {
    "clips": lambda c, f: (f"{c}/sharp/{f}", f"{c}/blur/{f}"),
    "flat": lambda c, f: (f"target/{c}-{f}", f"input/{c}-{f}"),
    "numbers": lambda c, f: tuple(f"{x}/{number_of(c, Path(f).stem)}.png" for x in ("target", "input")),
}

BLURRED_TOO: dict[str, Callable[[str], str]] = {
    "nothing else": lambda path: "",
    "inputs as _real_A": lambda path: path.replace("_fake_B", "_real_A").replace("_deblurred", "_real_A"),
    "._ files": lambda path: str(Path(path).with_name(f"._{Path(path).name}")),
    "hidden copies": lambda path: str(Path(path).parent / ".ipynb_checkpoints" / Path(path).name),
    "inputs by their names": lambda path: path.replace("_fake_B", "").replace("_deblurred", ""),
    "targets beside": lambda path: path.replace("_fake_B", "_gt").replace("_deblurred", "_gt"),
}
"""What else lies in the folder: the blurred picture under another name, by the restored one's."""


def restored_cases() -> list[tuple[str, str, str]]:
    """The names of a way to name restored pictures and of what lies beside, and the verdict."""
    cases = [(name, "nothing else", verdict) for name, (verdict, _, _) in RESTORED.items()]
    cases += [
        (name, other, "read") for name in ("the same tree", "_deblurred") for other in ("._ files", "hidden copies")
    ]
    cases += [(name, "inputs as _real_A", "read") for name in ("_fake_B",)]
    cases += [(name, "inputs by their names", "either") for name in ("_fake_B", "_deblurred")]
    return cases + [(name, "targets beside", "either") for name in ("_fake_B", "_deblurred")]


def verdict_on_restored(name: str, other: str, verdict: str, tmp_path: Path) -> tuple[str, str]:
    """`right`, or what is wrong with the pictures that an arm of restored ones got."""
    _, dataset, namer = RESTORED[name]
    pairs = laid_out(DATASETS[dataset], "{}")
    written(pairs.tree(), tmp_path / "pairs")
    files, psnr_db = {}, []
    for number, key in enumerate(pairs.places, start=1):
        path = namer(*key)
        extra = BLURRED_TOO[other](path)
        files |= {extra: MAC if "._" in extra else encoded(noise("blurred", *key))} if extra else {}
        files[path] = encoded(noise("sharp", *key) + np.uint8(number), Path(path).suffix)
        psnr_db.append(20 * math.log10(255 / number))
    written(files, tmp_path / "restored")
    spec = RunSpec(
        str(tmp_path / "pairs"), (f"recorded:{tmp_path / 'restored'}",), "blobs", None, "pseudo", resamples=0
    )
    try:
        result = run(spec, tmp_path / "run", Cache(tmp_path / "cache"), lambda *_: None)
    except DetbenchError as error:
        return ("unnecessary refusal" if verdict == "read" else named(str(error), tmp_path / "restored")), str(error)
    except Exception as error:
        return "foreign exception", f"{type(error).__name__}: {error}"
    if verdict == "refuse":
        return "read, and must be refused", ""
    found = next(arm for arm in result.arms if arm.name == "recorded-restored").metrics["psnr_db"].value
    meant = sum(psnr_db) / len(psnr_db)
    right = found is not None and abs(found - meant) < 1e-9
    return ("right", "") if right else ("silent wrong pictures", f"PSNR {found} dB, meant are {meant} dB")


@pytest.mark.parametrize(("name", "other", "verdict"), restored_cases())
def test_restored_pictures_are_matched_as_meant_or_refused(name: str, other: str, verdict: str, tmp_path: Path) -> None:
    """Each dataset's picture with the one restored from it: the mean PSNR of known offsets, to 1e-9 dB."""
    kind, words = verdict_on_restored(name, other, verdict, tmp_path)
    assert kind == "right", f"{kind}: {words}"
