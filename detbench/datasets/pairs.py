"""Pairs of sharp and blurred pictures without boxes, laid out as in `pair_layouts.py`, as a dataset."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property, partial
from pathlib import Path

import numpy as np

from detbench.core.images import faults_of, message_of, picture_from_file
from detbench.datasets.manifest import AGAIN, MANIFEST, Manifest, read_manifest
from detbench.datasets.pair_layouts import PicturePair, find_pairs
from detbench.errors import DataError
from detbench.types import Blur, GroundTruth, Light, Picture, Sample

LIGHT: Mapping[tuple[str, str], Light] = {("sharp", "blur_gamma"): "linear", ("sharp", "blur"): "gamma"}
"""Where GoPro's two blurs were averaged."""


class PairFolder:
    """A dataset of pairs without boxes: `classes` is empty; the detector's boxes on sharp pictures count as true.

    The name holds that of the folder of blurred pictures, which names the blur; ids count from 1 in order of name.
    """

    classes: Mapping[int, str] = {}

    def __init__(self, folder: Path, kind: str | None = None) -> None:
        found = find_pairs(folder, kind)
        self._pairs, self.notes = found.pairs, found.notes
        if not self._pairs:
            raise DataError(
                f"{folder}: no pairs{f' with {kind}/' if kind else ''}; it must hold sharp/ beside blur_gamma/ or "
                "blur/ (GoPro), gt/ beside blur/, input/ or lq/, val_sharp/ beside val_blur/, GT/ beside test/, or "
                f"target/ beside input/{''.join(f'. {note}' for note in found.notes)}"
            )
        self._manifests = _manifests(self._pairs)
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

    def faults(self, places: range) -> Iterator[list[str]]:
        """For each of these places of the dataset's order, counted from 0: what is wrong with its pictures."""
        for place in places:
            pair = self._pairs[place]
            fault = message_of(partial(self._sample, 0), pair)
            yield faults_of(self._picture, (pair.sharp, pair.blurred)) or ([] if fault is None else [fault])

    def _sample(self, number: int, pair: PicturePair) -> Sample:
        sharp, blurred = self._picture(pair.sharp), self._picture(pair.blurred)
        sizes = (sharp.width, sharp.height), (blurred.width, blurred.height)
        if sizes[0] != sizes[1]:
            raise DataError(
                f"{pair.blurred}: {sizes[1][0]}x{sizes[1][1]} pixels, but its sharp twin {pair.sharp} has "
                f"{sizes[0][0]}x{sizes[0][1]}; pairs have one size"
            )
        blur = self._blur(pair, sharp, blurred)
        return Sample(number, pair.name, sharp=sharp, blurred=blurred, truth=no_boxes(), blur=blur)

    def _blur(self, pair: PicturePair, sharp: Picture, blurred: Picture) -> Blur:
        """The blur in the manifest beside a pair, with its kernel; without one, what the layout says."""
        manifest = self._manifests.get(pair.root)
        if manifest is None:
            light = LIGHT.get(pair.kinds)
            return Blur(pair.kinds[1], {"light": light} if light else {}, severity_px=None)
        identity = manifest.id_of(pair.name_in_root)
        return manifest.checked_blur(identity, (pair.sharp, sharp), (pair.blurred, blurred))

    def _picture(self, path: Path) -> Picture:
        if path not in self._pictures:
            self._pictures[path] = picture_from_file(path)
        return self._pictures[path]


def _manifests(pairs: Sequence[PicturePair]) -> Mapping[Path, Manifest]:
    """What `detbench blur` wrote beside pairs, by the folder that it is in.

    Raises DataError where pictures of a manifest are gone, as those that are left would pass for the whole, and where
    there are others.
    """
    roots = {pair.root for pair in pairs if pair.kinds == ("images", "blurred")}
    found = {root: read_manifest(file) for root in sorted(roots) if (file := root / MANIFEST).is_file()}
    there = {pair.blurred for pair in pairs}
    for root, manifest in found.items():
        missing = [name for name in manifest.ids if root / name not in there]
        if missing:
            raise DataError(f"{root / missing[0]}: listed in {manifest.path}, but not there; {AGAIN}")
    for pair in pairs:
        if pair.root in found:
            found[pair.root].id_of(pair.name_in_root)
    return found


def no_boxes() -> GroundTruth:
    """The truth of a picture without boxes."""
    empty = np.zeros(0)
    whole = empty.astype(np.int64)
    return GroundTruth(np.zeros((0, 4)), whole, empty.astype(np.bool_), empty, whole)
