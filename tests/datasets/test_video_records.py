import json
import shutil
from pathlib import Path

from detbench.datasets.coco_records import CocoRecords
from detbench.datasets.opening import open_dataset
from detbench.datasets.video_records import timeline_of
from detbench.types import Timeline


def records(**annotation: int) -> CocoRecords:
    """Three pictures of two videos, not in order, with one box."""
    images = [
        {"id": 5, "video_id": 1, "frame_id": 1},
        {"id": 4, "video_id": 1, "frame_id": 0},
        {"id": 9, "video_id": 2, "frame_id": 0},
    ]
    return CocoRecords(images, [{"id": 7, "image_id": 5, **annotation}], [])


def made(found: CocoRecords) -> Timeline:
    """The timeline, which is there."""
    timeline = timeline_of(found)
    assert timeline is not None
    return timeline


def test_pictures_are_in_the_order_of_their_videos() -> None:
    """Each video is a clip, its pictures by frame_id, at no known rate."""
    assert (made(records()).clips, made(records()).fps) == (((4, 5), (9,)), None)


def test_boxes_of_one_object_share_a_number() -> None:
    """track_id or instance_id, and nothing unless every box has one."""
    assert made(records(track_id=3)).tracks == made(records(instance_id=3)).tracks == {7: 3}
    assert made(records()).tracks == {}


def test_a_coco_file_of_videos_has_a_timeline(drawn_dataset: Path, tmp_path: Path) -> None:
    """What its images and annotations say reaches the dataset, in the order of frames and not of ids."""
    folder = Path(shutil.copytree(drawn_dataset, tmp_path / "drawn"))
    assert getattr(open_dataset(str(folder)), "timeline", None) is None
    document = json.loads((folder / "annotations.json").read_text())
    for image in document["images"]:
        image |= {"video_id": 1, "frame_id": -image["id"]}
    for annotation in document["annotations"]:
        annotation["track_id"] = annotation["category_id"]
    (folder / "annotations.json").write_text(json.dumps(document))
    timeline = getattr(open_dataset(str(folder)), "timeline", None)
    assert isinstance(timeline, Timeline)
    assert timeline.clips == (tuple(range(12, 0, -1)),)
    assert set(timeline.tracks.values()) == {1, 2, 3, 4}


def test_pictures_without_a_place_are_no_video() -> None:
    """One image without video_id is enough."""
    found = records()
    del found.images[0]["video_id"]
    assert timeline_of(found) is None
    assert timeline_of(CocoRecords([], [], [])) is None
