"""Pack what a training needs into one folder for a bare machine, and join what comes back.

    python models/pack.py pack PACK --photos DIR --pairs DIR --vgg FILE --recipe models/NET/recipe-gpu.toml
    python models/pack.py join OUT TRAINED

The pack holds the code, the recipes, wheels that the machine lacks, street pairs, VGG19, and as many photos as fit
into LIMIT_MIB. Pictures are WebP; photos are scaled as a training scales them. `train_packed.py` in it trains from it.
"""

import argparse
import hashlib
import io
import json
import shutil
import subprocess
import sys
from collections.abc import Collection, Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

from PIL import Image as PillowImage
from train_packed import MANIFEST, join, listed, say

import detbench
from detbench.core.images import read_image, write_atomically
from detbench.datasets.coco_layouts import ANNOTATIONS
from detbench.training.data.crops import PictureStore
from detbench.training.data.sources import TrainingPicture, find_source, place_of, split
from detbench.training.recipe import Recipe
from detbench.types import Image

HERE = Path(__file__).resolve().parent
LIMIT_MIB = 40
MANIFEST_BYTES = 2**18
SUFFIX, QUALITY = ".webp", 90
"""A photo of 640 px takes some 60 kB."""

WHEELS = ("msgspec", "tomli-w", "platformdirs", "defusedxml")
PLATFORM = ("--python-version", "312", "--platform", "manylinux2014_x86_64", "--only-binary=:all:", "--no-deps")
"""What detbench imports and a machine with torch lacks; a training alone needs tomli-w."""


def pack(options: argparse.Namespace, limit_bytes: int = LIMIT_MIB * 2**20) -> None:
    """Write the pack; ends with one line where it is too large without a photo."""
    folder: Path = options.pack
    if folder.exists():
        sys.exit(f"{folder} is there already; name a new folder")
    pack_code(folder)
    for recipe in options.recipe:
        copy(recipe, folder / "recipes" / f"{recipe.resolve().parent.name}.toml")
    pack_wheels(folder / "wheels", options.wheels)
    for name, file in (("vgg", options.vgg), ("start", options.start)):
        if file:
            copy(file, folder / f"{name}.safetensors")
    pack_pairs(options.pairs, folder / "pairs", options.pairs_a_street)
    room = limit_bytes - MANIFEST_BYTES - sum(sizes_of(folder).values())
    if room < 0:
        parts = ", ".join(f"{name} {size / 2**20:.1f}" for name, size in sizes_of(folder).items())
        sys.exit(f"the pack is {-room / 2**20:.1f} MiB too large without a photo; leave something out of {parts} MiB")
    pack_photos(options.photos, folder / "photos", room)
    names = [path.relative_to(folder).as_posix() for path in files_below(folder)]
    write_atomically(folder / MANIFEST, json.dumps(listed(folder, names)))


def pack_code(folder: Path) -> None:
    """The package without its documentation, and the script that trains."""
    ignored = shutil.ignore_patterns("__pycache__", "docs")
    shutil.copytree(Path(detbench.__file__).parent, folder / "detbench", ignore=ignored)
    copy(HERE / "train_packed.py", folder / "train_packed.py")


def pack_wheels(folder: Path, wheels: Path | None) -> None:
    """The wheels of a folder, or those of WHEELS as pip fetches them."""
    if wheels:
        for wheel in wheels.glob("*.whl"):
            copy(wheel, folder / wheel.name)
        return
    words = [sys.executable, "-m", "pip", "download", "--quiet", *PLATFORM, "--dest", str(folder), *WHEELS]
    if subprocess.run(words).returncode:
        sys.exit(f"pip cannot fetch {', '.join(WHEELS)}; put their wheels into a folder and name it by --wheels")


def pack_pairs(pairs: Path, folder: Path, most: int | None) -> None:
    """Pairs at their own size, with their boxes: all that are held out, and of each other street at most so many."""
    source = find_source(pairs)
    if source.kind != "pairs" or not (pairs / "images").is_dir():
        sys.exit(f"{pairs}: no pairs; it must hold images/ and blurred/")
    trained, held_out = (part.pictures for part in split(source))
    chosen = [*thinned(trained, most), *held_out]
    for picture in (path for pair in chosen for path in (pair.sharp, pair.blurred) if path):
        write_atomically(folder / webp_name(picture, pairs), webp(read_image(picture)))
    if source.annotations:
        names = {webp_name(pair.sharp, pairs / "images") for pair in chosen}
        write_atomically(folder / ANNOTATIONS, json.dumps(annotations_of(source.annotations, names)))


def thinned(pictures: Sequence[TrainingPicture], most: int | None) -> Iterator[TrainingPicture]:
    """At most so many of each place, evenly over them; every place stays, so that the same ones are held out."""
    for _, each in groupby(pictures, place_of):
        place = list(each)
        count = min(most or len(place), len(place))
        yield from (place[number * len(place) // count] for number in range(count))


def annotations_of(file: Path, names: Collection[str]) -> dict[str, Any]:
    """The images of a COCO file that are in the pack under these names, and their boxes."""
    document: dict[str, Any] = json.loads(file.read_bytes())
    for image in document["images"]:
        image["file_name"] = Path(image["file_name"]).with_suffix(SUFFIX).as_posix()
    document["images"] = [image for image in document["images"] if image["file_name"] in names]
    ids = {image["id"] for image in document["images"]}
    document["annotations"] = [each for each in document["annotations"] if each["image_id"] in ids]
    return document


def pack_photos(photos: Path, folder: Path, room: int) -> None:
    """As many photos as fit into `room` bytes, the same ones each time: in the order of their names' digests."""
    for name, data in encoded(photos):
        room -= len(data)
        if room < 0:
            return
        write_atomically(folder / name, data)


def encoded(photos: Path) -> Iterator[tuple[str, bytes]]:
    """Names and bytes, in the order in which they are packed."""
    names = {webp_name(picture.sharp, photos): picture.sharp for picture in find_source(photos).pictures}
    for name in sorted(names, key=lambda name: hashlib.sha256(name.encode()).digest()):
        yield name, webp(PictureStore(Recipe().longest_px).read(names[name]))


def webp_name(picture: Path, folder: Path) -> str:
    """A picture's name in the pack, relative to its folder's."""
    return picture.relative_to(folder).with_suffix(SUFFIX).as_posix()


def webp(image: Image) -> bytes:
    """A picture of shape (H, W, 3) as WebP."""
    stream = io.BytesIO()
    PillowImage.fromarray(image).save(stream, format="WEBP", quality=QUALITY)
    return stream.getvalue()


def copy(file: Path, target: Path) -> None:
    """A file, with the folder it goes into."""
    write_atomically(target, file.read_bytes())


def files_below(folder: Path) -> list[Path]:
    """Every file, in order of its path."""
    return sorted(path for path in folder.rglob("*") if path.is_file())


def sizes_of(folder: Path) -> dict[str, int]:
    """Bytes of each part of a pack, by its name."""
    sizes: dict[str, int] = {}
    for path in files_below(folder):
        part = path.relative_to(folder).parts[0]
        sizes[part] = sizes.get(part, 0) + path.stat().st_size
    return sizes


def main() -> None:
    """Pack or join, as the command line says, and say what there is."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    packing = commands.add_parser("pack", help=f"write a pack of at most {LIMIT_MIB} MiB")
    packing.add_argument("pack", type=Path, help="a new folder")
    packing.add_argument("--photos", type=Path, required=True, help="a folder of sharp pictures")
    packing.add_argument("--pairs", type=Path, required=True, help="images/ and blurred/, with annotations.json or not")
    packing.add_argument("--pairs-a-street", type=int, help="at most, of streets that are trained on; else all")
    packing.add_argument("--vgg", type=Path, help="VGG19 as safetensors, for recipes with a vgg_weight")
    packing.add_argument("--start", type=Path, help="weights to begin with (safetensors)")
    packing.add_argument("--recipe", type=Path, action="append", required=True, help="NET/….toml; repeat it for others")
    packing.add_argument("--wheels", type=Path, help=f"a folder of wheels; else pip fetches {', '.join(WHEELS)}")
    joining = commands.add_parser("join", help="put together what train_packed.py gave back")
    joining.add_argument("returned", type=Path, help="its OUT")
    joining.add_argument("out", type=Path, help="where the training's files go")
    options = parser.parse_args()
    if options.command == "join":
        left_out = join(options.returned, options.out)
        say(f"joined; left out there: {', '.join(left_out) or 'nothing'}")
        return
    pack(options)
    sizes = sizes_of(options.pack)
    parts = ", ".join(f"{name} {size / 2**20:.1f}" for name, size in sizes.items())
    photos = len(files_below(options.pack / "photos"))
    say(f"{sum(sizes.values()) / 2**20:.1f} MiB: {parts}; {photos} photos")


if __name__ == "__main__":
    main()
