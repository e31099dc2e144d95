"""A video file or a folder of its frames as a dataset, with boxes from a MOT file where there is one.

    clip.mp4                          with its boxes in clip.txt, if any
    SEQUENCE/img1/000001.jpg …        MOTChallenge's layout, with gt/gt.txt, if any, and seqinfo.ini
    FRAMES/a-0001.png …               named as video:FRAMES; gt/gt.txt and seqinfo.ini as above
    FRAMES/sharp/ beside blur/        as above, with sharp twins in one of the layouts of pairs

Frames are in the order of their names, numbers by their value, and numbered from 1 as in MOT's files.
"""

import hashlib
import weakref
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from detbench.blur.videos import frame_rate, frames_folder, is_video
from detbench.core.files import read_bytes
from detbench.core.images import picture_files, picture_from_file
from detbench.datasets.annotated import Annotated, AnnotatedDataset
from detbench.datasets.coco_records import CocoRecords, check_records
from detbench.datasets.mot import Tracked, read_tracked, sequence_frame_rate
from detbench.datasets.pair_layouts import find_pairs, has_pairs
from detbench.datasets.repair import Repair, repaired
from detbench.errors import DataError
from detbench.types import Timeline

FRAMES = "img1"
"""MOTChallenge's folder of frames."""


class Clip(AnnotatedDataset):
    """The frames of one video, unpacked into a temporary folder for as long as the dataset is in use."""

    def __init__(self, place: Path, repair: Repair | None = None) -> None:
        unpacked = ExitStack()
        weakref.finalize(self, unpacked.close)
        frames = _frames(place, unpacked.enter_context(frames_folder(place)))
        pictures = {path: picture_from_file(path) for path in frames.blurred.values()}
        images = [
            {"id": number, "file_name": name, "width": pictures[path].width, "height": pictures[path].height}
            for number, (name, path) in enumerate(frames.blurred.items(), start=1)
        ]
        truth_file = _truth_file(place)
        found = Tracked() if truth_file is None else read_tracked(truth_file, len(images))
        records = CocoRecords(images, found.annotations, found.categories, found.notes)
        checked = records if truth_file is None else check_records(repaired(records, repair), truth_file)
        sha256 = hashlib.sha256(b"" if truth_file is None else read_bytes(truth_file)).hexdigest()
        annotated = Annotated(place, sha256, checked, frames.blurred, frames.sharp, pictures, frames.notes)
        order = (tuple(range(1, len(images) + 1)),)
        rate = frame_rate(place) if is_video(place) else sequence_frame_rate(place)
        super().__init__(place.resolve().stem, annotated, timeline=Timeline(order, rate, found.tracks))


@dataclass(frozen=True)
class _Frames:
    """Files by the frame's name, in order; `sharp` is empty where there are no twins."""

    blurred: Mapping[str, Path]
    sharp: Mapping[str, Path]
    notes: tuple[str, ...]


def holds_clip(folder: Path) -> bool:
    """Whether a folder is a sequence of MOTChallenge's, by its names; no frame is opened."""
    return (folder / FRAMES).is_dir() and _truth_file(folder) is not None


def _frames(place: Path, folder: Path) -> _Frames:
    inner = folder / FRAMES
    if not inner.is_dir() and has_pairs(folder) and (found := find_pairs(folder)).pairs:
        blurred, sharp = ({pair.name: getattr(pair, kind) for pair in found.pairs} for kind in ("blurred", "sharp"))
        return _Frames(blurred, sharp, found.notes)
    files = picture_files((inner if inner.is_dir() else folder).iterdir()) if folder.is_dir() else []
    if not files:
        raise DataError(f"{place}: no frames; name a video file, or a folder of pictures in the order of their names")
    return _Frames({path.name: path for path in files}, {}, ())


def _truth_file(place: Path) -> Path | None:
    """The MOT file of boxes: `clip.txt` beside a video, `gt/gt.txt` in a folder; None without one."""
    file = place.with_suffix(".txt") if is_video(place) else place / "gt" / "gt.txt"
    return file if file.is_file() else None
