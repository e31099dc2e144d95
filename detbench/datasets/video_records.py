"""COCO files of videos, as YouTube-VIS, BDD100K and TAO have them: when each picture was taken, and which boxes are one
object.

An image has `video_id` and `frame_id` (or `frame_index`), an annotation `track_id` (or `instance_id`).
"""

from collections.abc import Mapping
from typing import Any

from detbench.datasets.coco_records import CocoRecords
from detbench.types import Timeline

_FRAME_KEYS = ("frame_id", "frame_index")
_TRACK_KEYS = ("track_id", "instance_id")


def timeline_of(records: CocoRecords) -> Timeline | None:
    """The timeline of checked records, None unless every image says its video and its place there.

    These files have no rate of frames.
    """
    clips: dict[Any, list[tuple[float, int]]] = {}
    for image in records.images:
        frame = _first(image, _FRAME_KEYS)
        if image.get("video_id") is None or not isinstance(frame, int | float):
            return None
        clips.setdefault(image["video_id"], []).append((frame, image["id"]))
    found = ((each["id"], _first(each, _TRACK_KEYS)) for each in records.annotations)
    tracks = {identity: track for identity, track in found if isinstance(track, int)}
    order = tuple(tuple(identity for _, identity in sorted(frames)) for frames in clips.values())
    return Timeline(order, None, tracks if len(tracks) == len(records.annotations) else {}) if order else None


def _first(record: Mapping[str, Any], keys: tuple[str, ...]) -> Any:
    return next((record[key] for key in keys if record.get(key) is not None), None)
