"""Make the dataset `streets`: path-traced street views, sharp and with true motion blur, and their exact boxes.

    recipe.py test  --out DIR     120 pairs of 24 streets
    recipe.py train --out DIR     600 sharp pictures of 120 other streets, every third street with blurred twins;
                                  with --pair-all every street, laid out as test is

Needs what requirements.txt beside it lists, on Python 3.11; `nox -s streets -- test --out DIR` brings it. A picture
depends on its split, street and view alone, so the same command continues where it was stopped, and `--shard I/N` lets
N processes share the work; whichever finds the last picture done writes the files that describe them:

    DIR/images/…           sharp pictures (JPEG), at mid-exposure
    DIR/blurred/…          test only: their twins, averaged in linear light over the exposure
    DIR/annotations.json   COCO instances; see truth.py for the rules
    DIR/manifest.json      test only: exposure, motion and digests of each pair
    DIR/dataset.toml       the counts
    DIR/pairs/             train only: the pictures that have twins, as a dataset of its own, laid out as test is
"""

import argparse
import hashlib
import io
import json
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent))

import numpy as np
from camera import HEIGHT_PX, WIDTH_PX, Lens, deal, random_lens, set_camera
from exposure import (
    Exposure,
    exposure_gain,
    exposure_seconds,
    random_shake,
    render_blurred,
    render_sharp,
    sensor,
    set_renderer,
    severity_targets,
)
from PIL import Image
from street import CATEGORIES, Street, build_street
from truth import annotate, fit_shake, mean_path_px, motion_of, survey

VERSION = 1
QUALITY = 92


@dataclass(frozen=True)
class Split:
    """Streets, views of each, which streets have blurred twins (every n-th), and light paths a pixel."""

    name: str
    seed: int
    streets: int
    views: int
    twin_every: int
    sharp_samples: int
    blurred_samples: int


SPLITS = {"test": Split("test", 1, 24, 5, 1, 8, 10), "train": Split("train", 2, 120, 5, 3, 5, 6)}


@dataclass(frozen=True)
class Shot:
    """One picture to make."""

    split: Split
    street: int
    view: int

    @property
    def identity(self) -> int:
        """The picture's id in the annotations."""
        return self.street * self.split.views + self.view + 1

    @property
    def name(self) -> str:
        """The picture's file name."""
        return f"{self.split.name}-{self.street:03d}-{self.view}.jpg"

    @property
    def paired(self) -> bool:
        """Whether it gets a blurred twin."""
        return self.street % self.split.twin_every == 0

    @property
    def target_px(self) -> float:
        """Its mean path; the views of the whole split are spread evenly from mild to strong."""
        count = self.split.streets * self.split.views
        return severity_targets(count, Random(f"severity {self.split.seed}"))[self.identity - 1]

    def rng(self, purpose: str) -> Random:
        """Random numbers of this picture's own."""
        return Random(f"{purpose} {self.split.seed} {self.street} {self.view}")


def main(arguments: Sequence[str] | None = None) -> int:
    """Make what is missing of a split, and describe it when it is whole."""
    options = _parse(arguments)
    split = replace(SPLITS[options.split], twin_every=1) if options.pair_all else SPLITS[options.split]
    part, parts = (int(number) for number in options.shard.split("/"))
    streets = [street for street in range(split.streets) if street % parts == part - 1][: options.streets]
    for street in streets:
        missing = [shot for shot in _shots(split, street) if not _is_made(options.out, shot)]
        if missing:
            _make_street(street, missing, options.out, options.threads)
    everything = [shot for street in range(split.streets) for shot in _shots(split, street)]
    done = [shot for shot in everything if _is_made(options.out, shot)]
    if len(done) == len(everything) or options.streets:
        _describe(options.out, split, done)
    _say(f"{len(done)} of {len(everything)} pictures in {options.out}")
    return 0


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("split", choices=SPLITS)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--pair-all", action="store_true", help="give the pictures of every street a blurred twin")
    parser.add_argument("--shard", default="1/1", metavar="I/N", help="make only every N-th street, from the I-th")
    parser.add_argument("--streets", type=int, metavar="N", help="stop after N streets and describe what is there")
    parser.add_argument("--threads", type=int, default=2)
    return parser.parse_args(arguments)


def _is_made(out: Path, shot: Shot) -> bool:
    """Whether a picture is there, and beside it the twin that is due to it."""
    record = _record_path(out, shot)
    if not record.is_file():
        return False
    twin = _pairs(out, shot.split) / "blurred" / shot.name
    return not shot.paired or twin.is_file()


def _shots(split: Split, street: int) -> list[Shot]:
    return [Shot(split, street, view) for view in range(split.views)]


def _make_street(number: int, shots: Sequence[Shot], out: Path, threads: int) -> None:
    start = time.monotonic()
    street = build_street(Random(f"street {shots[0].split.seed} {number}"))
    set_renderer(threads)
    _say(f"street {number}: {street.daylight.weather}, built in {time.monotonic() - start:.1f} s")
    for shot in shots:
        start = time.monotonic()
        record = _make_picture(street, shot, out)
        counted = sum(not annotation["iscrowd"] for annotation in record["annotations"])
        _say(f"{shot.name}: {counted} objects, {shot.target_px:.1f} px, {time.monotonic() - start:.1f} s")


def _make_picture(street: Street, shot: Shot, out: Path) -> dict[str, Any]:
    """Render one picture, its twin and its truth; the record is written last, so a file without one is made again."""
    rng = shot.rng("view")
    lens = random_lens(street, rng)
    camera = set_camera(lens)
    dealt = deal(street, lens, rng)
    seen, motion = survey(), motion_of(street, dealt)
    seconds = exposure_seconds(shot.target_px, rng)
    exposure = fit_shake(random_shake(rng), shot.target_px, seconds, seen, motion, lens)
    annotations = annotate(street, seen, motion, lens, exposure)
    sharp = render_sharp(shot.split.sharp_samples)
    gain, iso = (
        exposure_gain(sharp, street.daylight.lights_on),
        rng.uniform(0.4, 2.0 if not street.daylight.lights_on else 4.0),
    )
    digests = {
        "sharp_sha256": _save(out / "images" / shot.name, sensor(sharp, gain, iso, (shot.split.seed, shot.identity, 0)))
    }
    if shot.paired:
        light = render_blurred(camera, lens, dealt, exposure, shot.split.blurred_samples)
        blurred = sensor(light, gain, iso, (shot.split.seed, shot.identity, 1))
        digests["blurred_sha256"] = _save(_pairs(out, shot.split) / "blurred" / shot.name, blurred)
    record = {
        "image": _image_record(shot, street, lens),
        "annotations": annotations,
        "severity_px": round(mean_path_px(exposure, seen, motion, lens), 2),
        "parameters": _parameters(exposure, iso),
        **digests,
    }
    _write(_record_path(out, shot), json.dumps(record))
    return record


def _image_record(shot: Shot, street: Street, lens: Lens) -> dict[str, Any]:
    return {
        "id": shot.identity,
        "file_name": shot.name,
        "width": WIDTH_PX,
        "height": HEIGHT_PX,
        "street": shot.street,
        "view": lens.kind,
        "focal_mm": round(lens.focal_mm, 2),
        "weather": street.daylight.weather,
    }


def _parameters(exposure: Exposure, iso: float) -> dict[str, Any]:
    """What the manifest tells of one exposure."""
    size = exposure.shake.scale
    ends = np.abs(size * np.array(exposure.shake.weights)).sum(axis=1)
    return {
        "light": "linear",
        "exposure_s": round(exposure.seconds, 5),
        "turn_deg": round(float(np.degrees(np.linalg.norm(ends[:3]))), 4),
        "shift_m": round(float(np.linalg.norm(ends[3:])), 5),
        "noise": round(iso, 3),
    }


def _pairs(out: Path, split: Split) -> Path:
    """Where a split's pairs lie: the split itself, unless some of its pictures have no twin."""
    return out if split.twin_every == 1 else out / "pairs"


def _describe(out: Path, split: Split, shots: Sequence[Shot]) -> None:
    """Write annotations, manifest and counts; for a split with few twins, those go to a dataset of their own."""
    pairs = _pairs(out, split)
    if pairs != out:
        _describe_folder(out, split.name, shots, out, twins=False)
    paired = [shot for shot in shots if shot.paired]
    for shot in paired if pairs != out else ():
        _write(pairs / "images" / shot.name, (out / "images" / shot.name).read_bytes())
    if paired:
        _describe_folder(pairs, split.name if pairs == out else f"{split.name}-pairs", paired, out, twins=True)


def _describe_folder(folder: Path, name: str, shots: Sequence[Shot], records: Path, twins: bool) -> None:
    loaded = [json.loads(_record_path(records, shot).read_text()) for shot in shots]
    annotations = [
        {"id": 0, "image_id": record["image"]["id"], **annotation}
        for record in loaded
        for annotation in record["annotations"]
    ]
    for identity, annotation in enumerate(annotations, start=1):
        annotation["id"] = identity
    categories = [{"id": identity, "name": category} for category, identity in CATEGORIES.items()]
    content = {"images": [record["image"] for record in loaded], "annotations": annotations, "categories": categories}
    _write(folder / "annotations.json", _lines(content))
    if twins:
        pictures = [_manifest_entry(record) for record in loaded]
        recipe = {"kind": "streets", "split": name, "version": VERSION}
        manifest = {"schema": 1, "recipe": recipe, "kernels_sha256": None, "pictures": pictures}
        _write(folder / "manifest.json", json.dumps(manifest, indent=1) + "\n")
    shipped = "streets" if name == "test" else f"streets-{name}"
    toml = f'name = "{shipped}"\nimages = {len(shots)}\nannotations = {len(annotations)}\n'
    _write(folder / "dataset.toml", toml)


def _manifest_entry(record: Mapping[str, Any]) -> dict[str, Any]:
    name = record["image"]["file_name"]
    return {
        "id": record["image"]["id"],
        "sharp": f"images/{name}",
        "sharp_sha256": record["sharp_sha256"],
        "blurred": f"blurred/{name}",
        "blurred_sha256": record["blurred_sha256"],
        "kind": "exposure",
        "parameters": record["parameters"],
        "severity_px": record["severity_px"],
        "kernel": None,
    }


def _lines(content: Mapping[str, Sequence[Mapping[str, Any]]]) -> str:
    """JSON with one record a line, so that a difference can be read."""
    lists = [f' "{key}": [\n  ' + ",\n  ".join(map(json.dumps, records)) + "\n ]" for key, records in content.items()]
    return "{\n" + ",\n".join(lists) + "\n}\n"


def _record_path(out: Path, shot: Shot) -> Path:
    return out / ".records" / f"{shot.name}.json"


def _save(path: Path, picture: np.ndarray) -> str:
    """Store a picture as JPEG; returns the digest of its bytes."""
    stream = io.BytesIO()
    Image.fromarray(picture).save(stream, "JPEG", quality=QUALITY, subsampling=0, optimize=True)
    _write(path, stream.getvalue())
    return hashlib.sha256(stream.getvalue()).hexdigest()


def _write(path: Path, content: str | bytes) -> None:
    """Write through a temporary name, so that no half file is ever found."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(path.name + ".tmp")
    temporary.write_bytes(content.encode() if isinstance(content, str) else content)
    temporary.replace(path)


def _say(line: str) -> None:
    sys.stderr.write(line + "\n")


if __name__ == "__main__":
    sys.exit(main())
