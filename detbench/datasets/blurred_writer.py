"""Write a blurred dataset: sharp pictures, their blurred twins, the kernels, and a manifest of what was drawn.

    annotations.json   the source's, byte for byte; absent where it has none
    images/            the sharp pictures, byte for byte (frame averaging: the middle frames)
    blurred/           their blurred twins, same names, lossless PNG
    kernels.npz        one array per picture that has one kernel, by its id
    manifest.json      the recipe, and each picture's files, digests, drawn parameters and severity

The manifest is written last, so a folder without one is unfinished. The same command finishes it, or mends it where
files were lost, and gives the same bytes as one run would have.
"""

import io
import json
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detbench.blur.frames import read_frames
from detbench.blur.recipes import AverageRecipe, Recipe, recipe_spec
from detbench.blur.source_pictures import SourcePicture, blurred_name, find_pictures, notes_on
from detbench.blur.videos import frames_folder
from detbench.core.fingerprints import file_sha256
from detbench.core.images import encode_png, faults_of, picture_from_file, refuse_faults, write_atomically
from detbench.errors import OutputError, UsageError
from detbench.types import Blur, Image

MANIFEST_SCHEMA = 1
UNFINISHED = ".unfinished"
"""Folder of what an interrupted run has done: its recipe, and a record per picture. Gone when the manifest is there."""

Progress = Callable[[int, int], None]
"""Called with the number of pictures done and the number of all, after each picture."""


@dataclass(frozen=True)
class BlurringSummary:
    """What was written: how many pictures, how strong their blur is (see `Blur.severity_px`), and notes on files of
    the source that were left out.
    """

    pictures: int
    severity_min_px: float
    severity_median_px: float
    severity_max_px: float
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class _WrittenPicture:
    """One finished picture: its entry in the manifest, and its kernel's weights where it has one kernel."""

    entry: Mapping[str, Any]
    weights: NDArray[np.float64] | None


def write_blurred_dataset(source: Path, out: Path, recipe: Recipe, progress: Progress) -> BlurringSummary:
    """Blur every picture of the folder, or video file, `source` into the dataset folder `out`; see this module.

    Raises DataError where the source is wrong, for all damaged pictures at once and before any is blurred, UsageError
    where `out` overlaps it or holds something made otherwise, OutputError where it holds anything else or cannot be
    written.
    """
    refuse_overlap(source, out)
    with frames_folder(source) as folder:
        return _write(folder, out, recipe, progress)


def refuse_overlap(source: Path, out: Path) -> None:
    """Raise UsageError where one folder is in the other: what is written into the source, the next run would read."""
    inner, outer = sorted((source.resolve(), out.resolve()), key=lambda path: len(path.parts), reverse=True)
    if inner.is_relative_to(outer):
        raise UsageError(f"{out} and the source {source} overlap; choose a folder outside the source")


def _write(source: Path, out: Path, recipe: Recipe, progress: Progress) -> BlurringSummary:
    pictures = find_pictures(source, recipe.window if isinstance(recipe, AverageRecipe) else 1)
    finished = _open_folder(out, recipe)
    _refuse_strangers(out, finished, pictures)
    frames = {frame: None for picture in pictures if picture.id not in finished for frame in picture.frames}
    refuse_faults(faults_of(picture_from_file, frames))
    records = []
    for done, picture in enumerate(pictures, start=1):
        record = finished.get(picture.id)
        if record is None or not _is_intact(record, picture, out):
            record = _blur_one(picture, out, recipe)
            write_atomically(out / UNFINISHED / f"{picture.id}.npz", _record_to_bytes(record))
        records.append(record)
        progress(done, len(pictures))
    _finish(source, out, recipe, records)
    severities = [record.entry["severity_px"] for record in records]
    return BlurringSummary(len(records), min(severities), median(severities), max(severities), notes_on(source))


def _refuse_strangers(out: Path, finished: Mapping[int, _WrittenPicture], pictures: Sequence[SourcePicture]) -> None:
    """Hold the folder to pictures of this source, or the manifest would be wrong."""
    names = {picture.id: f"images/{picture.name}" for picture in pictures}
    for identity, record in finished.items():
        if names.get(identity) != record.entry["sharp"]:
            raise UsageError(
                f"{out} holds picture {identity}, {record.entry['sharp']}, which the source has not; "
                "choose another folder or delete this one"
            )


def _open_folder(out: Path, recipe: Recipe) -> dict[int, _WrittenPicture]:
    """Begin or continue the dataset in `out`; returns the pictures that it already holds, by id."""
    head = {"schema": MANIFEST_SCHEMA, "recipe": recipe_spec(recipe)}
    marker, manifest = out / UNFINISHED / "recipe.json", out / "manifest.json"
    records: dict[int, _WrittenPicture] = {}
    if manifest.exists():
        records = _manifest_records(out, _read_own(manifest, head))
    elif not marker.exists() and out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise OutputError(f"{out} is not an empty folder and holds no blurred dataset; choose another folder")
    if marker.exists():
        _read_own(marker, head)
        unfinished = (_record_from_bytes(file.read_bytes()) for file in sorted(marker.parent.glob("*.npz")))
        records |= {record.entry["id"]: record for record in unfinished}
    else:
        write_atomically(marker, _to_json(head))
    return records


def _read_own(path: Path, head: Mapping[str, Any]) -> dict[str, Any]:
    """Read a JSON file that begins as `head`; one of another schema or recipe is not ours to continue."""
    try:
        content = json.loads(path.read_bytes())
        found = {key: content[key] for key in head}
    except (ValueError, KeyError, TypeError) as error:
        raise OutputError(f"{path} is damaged or not of detbench ({error!r}); choose another folder") from error
    if found != head:
        raise UsageError(f"{path} was written for {found}, not for {head}; choose another folder or the same recipe")
    return dict(content)


def _manifest_records(out: Path, manifest: Mapping[str, Any]) -> dict[int, _WrittenPicture]:
    """Pictures of a finished dataset; those whose kernel is lost are left out, and so made again."""
    file = out / "kernels.npz"
    kernels: Mapping[str, NDArray[np.float64]] = {}
    if file.is_file() and file_sha256(file) == manifest.get("kernels_sha256"):
        with np.load(file, allow_pickle=False) as stored:
            kernels = dict(stored)
    entries = [entry for entry in manifest["pictures"] if entry["kernel"] is None or entry["kernel"] in kernels]
    return {entry["id"]: _WrittenPicture(entry, kernels.get(entry["kernel"])) for entry in entries}


def _is_intact(record: _WrittenPicture, picture: SourcePicture, out: Path) -> bool:
    """Whether a picture's files are still those of its record. Frames around a sharp one are not checked again."""
    entry = record.entry
    files = [(out / entry["sharp"], entry["sharp_sha256"]), (out / entry["blurred"], entry["blurred_sha256"])]
    return picture_from_file(picture.sharp).sha256 == entry["sharp_sha256"] and all(
        path.is_file() and file_sha256(path) == digest for path, digest in files
    )


def _blur_one(picture: SourcePicture, out: Path, recipe: Recipe) -> _WrittenPicture:
    blurred, blur = _apply(recipe, picture)
    sharp_name, twin_name = f"images/{picture.name}", f"blurred/{blurred_name(picture.name)}"
    write_atomically(out / sharp_name, picture.sharp.read_bytes())
    write_atomically(out / twin_name, encode_png(blurred))
    entry = {
        "id": picture.id,
        "sharp": sharp_name,
        "sharp_sha256": file_sha256(out / sharp_name),
        "blurred": twin_name,
        "blurred_sha256": file_sha256(out / twin_name),
        "kind": blur.kind,
        "parameters": dict(blur.parameters),
        "severity_px": blur.severity_px,
        "kernel": str(picture.id) if blur.kernel else None,
    }
    return _WrittenPicture(entry, blur.kernel.weights if blur.kernel else None)


def _apply(recipe: Recipe, picture: SourcePicture) -> tuple[Image, Blur]:
    frames = read_frames(picture.frames)
    return recipe.average(frames) if isinstance(recipe, AverageRecipe) else recipe.apply(frames[0], picture.key)


def _finish(source: Path, out: Path, recipe: Recipe, records: Sequence[_WrittenPicture]) -> None:
    """Write what describes the pictures, the manifest last, and clear away the records that are now in it."""
    annotations = source / "annotations.json"
    if annotations.is_file():
        write_atomically(out / "annotations.json", annotations.read_bytes())
    kernels = {record.entry["kernel"]: record.weights for record in records if record.weights is not None}
    kernels_digest = None
    if kernels:
        write_atomically(out / "kernels.npz", _to_npz(kernels))
        kernels_digest = file_sha256(out / "kernels.npz")
    manifest = {
        "schema": MANIFEST_SCHEMA,
        "recipe": recipe_spec(recipe),
        "kernels_sha256": kernels_digest,
        "pictures": [record.entry for record in records],
    }
    write_atomically(out / "manifest.json", _to_json(manifest))
    shutil.rmtree(out / UNFINISHED)


def _record_to_bytes(record: _WrittenPicture) -> bytes:
    arrays = {"entry": np.array(json.dumps(record.entry))}
    return _to_npz(arrays if record.weights is None else {**arrays, "weights": record.weights})


def _record_from_bytes(data: bytes) -> _WrittenPicture:
    with np.load(io.BytesIO(data), allow_pickle=False) as stored:
        return _WrittenPicture(json.loads(str(stored["entry"])), stored.get("weights"))


def _to_npz(arrays: Mapping[str, Any]) -> bytes:
    """Arrays as .npz bytes; equal arrays give equal bytes, as NumPy stamps no time of writing."""
    stream = io.BytesIO()
    np.savez_compressed(stream, **dict(arrays))
    return stream.getvalue()


def _to_json(content: Mapping[str, Any]) -> str:
    return json.dumps(content, indent=1) + "\n"
