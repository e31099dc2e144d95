"""A video's frames in their order: flicker, drop-outs, and what a deblurrer behind a live camera keeps up with."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate

import numpy as np
from numpy.typing import NDArray

from detbench.core.arm import BLURRED, SHARP, Arm
from detbench.core.progress import Progress, unwatched
from detbench.evaluation.measure.measured import ArmPicture, Measurements
from detbench.evaluation.score.arm_evidence import ArmEvidence, evidence_of_arms
from detbench.metrics.columns import TrueColumns
from detbench.metrics.dropouts import dropouts_of, triples_of
from detbench.metrics.evidence import point_numbers
from detbench.metrics.flicker import flicker_levels, motion_between
from detbench.metrics.live import late_frames, restored_frames, standing_frames
from detbench.results.over_time_schema import ArmOverTime, OverTime
from detbench.types import Image

Clips = Sequence[Sequence[int]]
"""Ids of the pictures of each clip, in the order of time."""
FrameRows = Sequence[ArmPicture]
"""One arm's rows in the order of time, clip by clip."""


FLICKER = "flicker of frames"
"""What progress counts while frames are held against each other."""


def over_time_of(
    measured: Measurements,
    arms: Iterable[Arm],
    evidence: Mapping[Arm, ArmEvidence],
    truth: TrueColumns,
    progress: Progress = unwatched,
) -> OverTime | None:
    """What the arms' frames say in their order; None where the pictures are no frames of a video."""
    timeline = measured.timeline
    if timeline is None:
        return None
    rows = {arm: {row.sample.id: row for row in measured.rows[arm]} for arm in arms}
    clips = [[identity for identity in clip if identity in rows[BLURRED]] for clip in timeline.clips]
    clips = [clip for clip in clips if clip]
    frames = [identity for clip in clips for identity in clip]
    ordered = {arm: [of_arm[identity] for identity in frames] for arm, of_arm in rows.items()}
    reference = SHARP if SHARP in ordered else BLURRED
    flicker = _flicker(ordered, reference, clips, progress)
    video = _Video(truth, triples_of(truth, clips, timeline.tracks), clips, timeline.fps, _mean(flicker[reference]))
    return OverTime(
        timeline.fps,
        tuple(frames),
        tuple(accumulate((len(clip) for clip in clips[:-1]), initial=0)),
        reference.name,
        {arm.name: _of_arm(video, of_arm, evidence[arm], flicker[arm]) for arm, of_arm in ordered.items()},
    )


@dataclass(frozen=True, eq=False)
class _Video:
    """What all arms share: the true boxes and the triples of each object, the clips, their rate, and the reference's
    mean flicker.
    """

    truth: TrueColumns
    triples: NDArray[np.int64]
    clips: Clips
    fps: float | None
    reference_flicker: float | None


def _of_arm(video: _Video, rows: FrameRows, evidence: ArmEvidence, flicker: Sequence[float | None]) -> ArmOverTime:
    own, reference = _mean(flicker), video.reference_flicker
    dropouts = dropouts_of(evidence.is_taken, video.triples)
    times = [row.restored.restore_ms if row.restored else None for row in rows]
    known = [time for time in times if time is not None]
    fps = video.fps if len(known) == len(times) else None
    restored = np.ones(len(rows), np.bool_) if fps is None else _restored(known, video.clips, fps)
    return ArmOverTime(
        flicker_levels=own,
        flicker_ratio=None if own is None or not reference else own / reference,
        dropouts=dropouts.count,
        dropout_chances=dropouts.chances,
        late_share=None if fps is None else float(late_frames(known, fps).mean()),
        dropped_share=None if fps is None else float((~restored).mean()),
        map_live=None if fps is None else _map_live(rows, restored, video.truth),
        found=tuple(_found_shares(rows, evidence.is_taken, video.truth)),
        restore_ms=tuple(times),
        flicker=tuple(flicker),
        dropped=tuple((~restored).tolist()),
    )


def _flicker(
    rows: Mapping[Arm, FrameRows], reference: Arm, clips: Clips, progress: Progress
) -> dict[Arm, list[float | None]]:
    """Each frame's flicker from the one before, None of a clip's first; two frames of an arm are held at a time."""
    found: dict[Arm, list[float | None]] = {arm: [] for arm in rows}
    starts = {clip[0] for clip in clips}
    before: dict[Arm, Image] = {}
    count = len(rows[reference])
    for place, frames in enumerate(zip(*rows.values(), strict=True)):
        progress(FLICKER, place, count)
        after = {arm: row.picture.load() for arm, row in zip(rows, frames, strict=True)}
        is_first = frames[0].sample.id in starts or before[reference].shape != after[reference].shape
        motion = None if is_first else motion_between(before[reference], after[reference])
        for arm, image in after.items():
            found[arm].append(None if motion is None else flicker_levels(before[arm], image, motion))
        before = after
    progress(FLICKER, count, count)
    return found


def _restored(times_ms: Sequence[float], clips: Clips, fps: float) -> NDArray[np.bool_]:
    """Which frames are restored when each clip plays at `fps`."""
    ends = list(accumulate(len(clip) for clip in clips))
    return np.concatenate(
        [restored_frames(times_ms[end - len(clip) : end], fps) for clip, end in zip(clips, ends, strict=True)]
    )


def _map_live(rows: FrameRows, restored: NDArray[np.bool_], truth: TrueColumns) -> float | None:
    """mAP where each frame has the boxes of the last one restored; every clip's first frame is."""
    standing = standing_frames(restored)
    held = [replace(row, packed=rows[place].packed) for row, place in zip(rows, standing.tolist(), strict=True)]
    (evidence,) = evidence_of_arms({rows[0].arm: held}, truth).values()
    return point_numbers(evidence.evidence)["map"]


def _found_shares(rows: FrameRows, is_taken: NDArray[np.bool_], truth: TrueColumns) -> list[float | None]:
    """The share of each frame's true boxes that is found; crowd regions aside, None of a frame without any."""
    pictures = truth.picture[~truth.crowd]
    count = np.bincount(pictures, minlength=len(truth.image_ids))
    taken = np.bincount(pictures, weights=is_taken[~truth.crowd], minlength=len(truth.image_ids))
    places = np.searchsorted(truth.image_ids, [row.sample.id for row in rows]).tolist()
    return [float(taken[place] / count[place]) if count[place] else None for place in places]


def _mean(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return float(np.mean(known)) if known else None
