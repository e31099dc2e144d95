"""What detbench reads from outside: for each kind of file a sound one, and how it is read.

Read by `test_fuzz.py`, which spoils the sound files, and by `guided.py`, which does so led by coverage.
"""

import contextlib
import hashlib
import io
import json
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image as PillowImage

from detbench.blur.source_pictures import find_pictures
from detbench.core.images import picture_from_file, read_image
from detbench.core.photos import encode_photo, read_photo
from detbench.datasets.opening import open_dataset
from detbench.detectors.recorded_detections import RecordedDetections
from detbench.evaluation.merging import merge
from detbench.evaluation.request import WHOLE, RunSpec
from detbench.evaluation.run import run
from detbench.evaluation.shards import run_shard
from detbench.gate.baseline import read_baseline, write_baseline
from detbench.gate.gated_run import measured_in
from detbench.gate.judge import judge
from detbench.gate.rules import Rule, read_rules
from detbench.plugins.backend import resolve_deblurrer
from detbench.report.view import view_of
from detbench.results.cache import Cache, digest
from detbench.results.cards import model_index, read_card

Read = Callable[[bytes], object]

TOKENS = (
    b"\0", b"../../../etc/passwd", b"/etc/passwd", b"C:\\x", b"a" * 300, b"\xff\xfe", b"\xed\xa0\x80", b"-1", b"0",
    b"1e999",
    b"nan", b"9" * 5000, b"[" * 3000, b"{", b"}", b"\"", b"\n", b"&a [*a, *a]", b"*a", b"<<: *a", b"!!bool x",
    b"!!timestamp x", b"!!python/object/apply:os.system ['touch canary']", b"<!DOCTYPE a [<!ENTITY b 'c'>]>", b"&b;",
    b"<object/>", b"<name>x</name>", b"=", b"[[rule]]", b"inf", b"true", b"{}", b"null", b"\\ud800", b"1:2:3",
)  # fmt: skip
"""Pieces that are worth a try anywhere."""


@dataclass(frozen=True)
class Target:
    """One kind of file: sound content, and what reads it; either returns or raises a DetbenchError."""

    seed: bytes
    read: Read

    @property
    def document(self) -> Any:
        """The sound content as JSON; None where it is none."""
        with contextlib.suppress(ValueError):
            return json.loads(self.seed)
        return None


def make_targets(folder: Path, drawn: Path) -> dict[str, Target]:
    """Every target by name, over copies of the drawn pictures in a folder of its own."""
    targets: dict[str, Target] = {}
    for part in (_pictures, _coco, _yolo, _voc, _blurred, _results, _shards, _weights):
        part_folder = folder / part.__name__.strip("_")
        part_folder.mkdir(parents=True)
        targets |= part(part_folder, drawn)
    return targets


def _at(path: Path, read: Callable[[], object]) -> Target:
    """The target that one file of a sound folder is; whatever is read first, the file is sound again afterwards."""
    seed = path.read_bytes()

    def use(content: bytes) -> object:
        path.write_bytes(content)
        try:
            return read()
        finally:
            path.write_bytes(seed)

    return Target(seed, use)


def _opened(place: Path, prefix: str = "") -> Callable[[], object]:
    def read() -> object:
        return list(open_dataset(f"{prefix}{place}"))

    return read


def _pictures(folder: Path, _drawn: Path) -> dict[str, Target]:
    picture = PillowImage.fromarray(np.arange(9 * 14 * 3, dtype=np.uint8).reshape(9, 14, 3))
    exif = picture.getexif()
    exif[0x0112] = 6
    targets = {}
    for kind in ("png", "jpeg", "webp", "bmp", "tiff", "gif"):
        file = folder / f"a.{kind}"
        picture.save(file, **({"exif": exif} if kind in ("png", "jpeg", "webp", "tiff") else {}))
        targets[f"picture {kind}"] = _at(file, lambda file=file: (picture_from_file(file), read_image(file)))  # type: ignore[misc]
        if kind != "gif":
            targets[f"photo {kind}"] = _at(file, lambda file=file: _written_again(file))  # type: ignore[misc]
    return targets


def _written_again(file: Path) -> bytes:
    photo = read_photo(file)
    return encode_photo(photo, photo.image)


def _small_coco(folder: Path, drawn: Path) -> Path:
    """The first two drawn pictures as a dataset."""
    document = json.loads((drawn / "annotations.json").read_text())
    document["images"] = document["images"][:2]
    document["annotations"] = [a for a in document["annotations"] if a["image_id"] <= 2]
    for image in document["images"]:
        (folder / "images").mkdir(parents=True, exist_ok=True)
        shutil.copy(drawn / "images" / image["file_name"], folder / "images")
    (folder / "annotations.json").write_text(json.dumps(document))
    return folder


def _coco(folder: Path, drawn: Path) -> dict[str, Target]:
    place = _small_coco(folder / "data", drawn)
    (place / "dataset.toml").write_text('name = "small"\nimages = 2\nannotations = 14\nlicence = "MIT"\n')
    truth = json.loads((place / "annotations.json").read_text())
    samples = list(open_dataset(str(place)))
    found = folder / "found.json"
    found.write_text(json.dumps([
        {"image_id": a["image_id"], "category_id": a["category_id"], "bbox": a["bbox"], "score": 0.5}
        for a in truth["annotations"][:4]
    ]))  # fmt: skip
    return {
        "coco annotations": _at(place / "annotations.json", _opened(place)),
        "coco source of blur": _at(place / "annotations.json", lambda: find_pictures(place, 1)),
        "dataset.toml": _at(place / "dataset.toml", _opened(place)),
        "coco results": _at(found, lambda: RecordedDetections(found, samples, [1, 2, 3, 4]).find("blurred", 1)),
    }


def _converted(folder: Path, drawn: Path, to: Any) -> Path:
    from detbench.datasets.export import export_dataset

    place = folder / "data"
    export_dataset(open_dataset(str(_small_coco(folder / "coco", drawn))), to, place)  # type: ignore[arg-type]
    return place


def _yolo(folder: Path, drawn: Path) -> dict[str, Target]:
    place = _converted(folder, drawn, "yolo")
    label, ids = place / "labels" / "drawn-01.txt", place / "detbench-ids.json"
    targets = {
        "yolo ids": _at(ids, _opened(place, "yolo:")),
        "yolo yaml": _at(place / "data.yaml", _opened(place, "yolo:")),
    }
    plain = folder / "plain"
    shutil.copytree(place, plain, ignore=shutil.ignore_patterns("detbench-ids.json"))
    (plain / "list.txt").write_text("images/drawn-01.png\n./images/drawn-02.png\n")
    (plain / "data.yaml").write_text("val: list.txt\nnames: [red disc, green disc, blue square, yellow square]\n")
    (plain / "labels" / "classes.txt").write_text("red disc\ngreen disc\nblue square\nyellow square\n")
    return targets | {
        "yolo label": _at(plain / "labels" / label.name, _opened(plain, "yolo:")),
        "yolo list": _at(plain / "list.txt", _opened(plain, "yolo:")),
        "yolo classes": _at(plain / "labels" / "classes.txt", _opened(plain, "yolo:")),
    }


def _voc(folder: Path, drawn: Path) -> dict[str, Target]:
    place = _converted(folder, drawn, "voc")
    listing = place / "ImageSets" / "Main" / "val.txt"
    listing.parent.mkdir(parents=True)
    listing.write_text("drawn-01\ndrawn-02\n")
    (place / "detbench-ids.json").unlink()
    return {
        "voc xml": _at(place / "Annotations" / "drawn-01.xml", _opened(place, "voc:")),
        "voc split": _at(listing, lambda: list(open_dataset(f"voc:{place}#val"))),
    }


def _blurred(folder: Path, drawn: Path) -> dict[str, Target]:
    from detbench.blur.recipes import parse_recipe
    from detbench.datasets.blurred_writer import write_blurred_dataset

    place = folder / "data"
    write_blurred_dataset(_small_coco(folder / "coco", drawn), place, parse_recipe("trajectory"), lambda *_: None)
    manifest, kernels = place / "manifest.json", place / "kernels.npz"
    targets = {"manifest": _at(manifest, _opened(place)), "kernels": _at(kernels, _opened(place))}
    sound = json.loads(manifest.read_text())

    def use(content: bytes) -> object:
        sha256 = hashlib.sha256(content).hexdigest()
        manifest.write_text(json.dumps({**sound, "kernels_sha256": sha256}))
        try:
            return targets["kernels"].read(content)
        finally:
            manifest.write_text(json.dumps(sound))

    return {"manifest": targets["manifest"], "kernels": Target(kernels.read_bytes(), use)}


def _results(folder: Path, drawn: Path) -> dict[str, Target]:
    place, job = _small_coco(folder / "data", drawn), folder / "job"
    spec = RunSpec(str(place), ("identity",), "blobs", blur="trajectory", resamples=5)
    run(spec, job, Cache(folder / "cache"), lambda *_: None)
    names = ("result.json", "truth.json", "images.csv", "flips.csv", "analysis.json", "detections/blurred.json")
    baseline, rules = folder / "baseline.json", folder / "rules.toml"
    write_baseline(job, baseline)
    rules.write_text('[[rule]]\nmetric = "map"\nmax_drop = 0.01\nconfidence = 0.9\narm = "identity"\n')
    sound = measured_in(job)

    def judged() -> object:
        return judge(sound, read_baseline(baseline), [Rule("map", max_drop=0.5)], min_pictures=2)

    def signed(content: bytes) -> object:
        """A forger signs what he changed."""
        with contextlib.suppress(ValueError, AttributeError, TypeError, KeyError, RecursionError):
            document = json.loads(content)
            document.pop("sha256")
            content = json.dumps({**document, "sha256": digest(document)}).encode()
        return targets["baseline"].read(content)

    targets = {f"report of {name}": _at(job / name, lambda: view_of(job)) for name in names}
    targets |= {f"gate of {name}": _at(job / name, lambda: measured_in(job)) for name in names if name != "flips.csv"}
    targets |= {
        "baseline": _at(baseline, judged),
        "signed baseline": Target(baseline.read_bytes(), signed),
        "rules": _at(rules, lambda: read_rules(rules)),
    }
    return targets


def _shards(folder: Path, drawn: Path) -> dict[str, Target]:
    place, shard, cache = _small_coco(folder / "data", drawn), folder / "shard", Cache(folder / "cache")
    spec = RunSpec(str(place), ("identity",), "blobs", blur="trajectory", limit=1, resamples=5)
    run_shard(spec, WHOLE, shard, cache, lambda *_: None)
    head, lines = (shard / name for name in ("shard.json", "pictures.jsonl"))

    def merged() -> object:
        return merge([shard], folder / "merged", cache, lambda *_: None)

    def signed(content: bytes) -> object:
        """A forger signs what he changed."""
        sound = head.read_bytes()
        lines.write_bytes(content)
        document = {**json.loads(sound), "lines_sha256": hashlib.sha256(content).hexdigest()}
        try:
            return _at(head, merged).read(json.dumps(document).encode())
        finally:
            lines.write_bytes(seed)

    seed = lines.read_bytes()
    return {"shard": _at(head, merged), "signed lines of a shard": Target(seed, signed)}


def _weights(folder: Path, _drawn: Path) -> dict[str, Target]:
    from torch import nn

    from detbench.nets.weights import load_weights, save_weights, weights_metadata
    from detbench.training.recipe import Recipe, read_recipe

    net, file = nn.Conv2d(2, 3, 1), folder / "weights.safetensors"
    sha256 = save_weights(net, file, {"architecture": "conv"})
    card = folder / "card.toml"
    card.write_text(
        f'architecture = "conv"\nlicence = "MIT"\npaper = "none"\nsha256 = "{sha256}"\n'
        "[cost]\nparameters = 9\ngflop_per_mpix = 0.1\n[measured.streets]\n"
        'detector = "yolov8"\n[measured.streets.blurred]\nmap = 0.1\n'
    )
    recipe = folder / "recipe.toml"
    recipe.write_text(
        'blurs = ["trajectory:noise=2"]\nepochs = 3\nepoch_steps = 5\nl1_weight = 1\nbetas = [0.5, 0.9]\n'
        "crop_px = 64\nwarm_up_share = 0.5\ncrop_growth = [[0.5, 96, 1]]\nsharp_share = 0.5\n"
    )
    alone = folder / "alone.safetensors"
    shutil.copy(file, alone)

    def load(weights: Path) -> object:
        return weights_metadata(weights), load_weights(net, weights, "conv")

    return {
        "recipe": _at(recipe, lambda: read_recipe(recipe, Recipe())),
        "safetensors": _at(alone, lambda: load(alone)),
        "card of weights": _at(card, lambda: (resolve_deblurrer(f"deblurgan:{file}", "cpu", "fp32").cost, load(file))),
        "card as an index": _at(card, lambda: model_index("mine", read_card(folder))),
    }


Targets = Mapping[str, Target]


def png_that_claims(width: int, height: int) -> bytes:
    """A small PNG whose header claims any size."""
    stream = io.BytesIO()
    PillowImage.new("RGB", (1, 1)).save(stream, format="PNG")
    content = bytearray(stream.getvalue())
    content[16:24] = width.to_bytes(4, "big") + height.to_bytes(4, "big")
    import zlib

    content[29:33] = zlib.crc32(bytes(content[12:29])).to_bytes(4, "big")
    return bytes(content)
