from detbench.datasets.coco_records import CocoRecords
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


def test_pictures_without_a_place_are_no_video() -> None:
    """One image without video_id is enough."""
    found = records()
    del found.images[0]["video_id"]
    assert timeline_of(found) is None
    assert timeline_of(CocoRecords([], [], [])) is None
