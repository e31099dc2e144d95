from collections.abc import Sequence

import numpy as np

from detbench.metrics.columns import TrueColumns, true_columns
from detbench.metrics.dropouts import Dropouts, dropouts_of, triples_of


def walking(frames: int, step: int, crowd: Sequence[int] = ()) -> TrueColumns:
    """Two objects of one class, 20 px wide and 100 px apart, that walk `step` px a frame; ids 1, 2 are in frame 1."""
    annotations = [
        {
            "id": 2 * frame + kind + 1,
            "image_id": frame + 1,
            "category_id": 1,
            "bbox": [100 * kind + step * frame, 10, 20, 20],
            "area": 400,
            "iscrowd": int(2 * frame + kind + 1 in crowd),
        }
        for frame in range(frames)
        for kind in (0, 1)
    ]
    return true_columns(
        {"images": [{"id": n + 1} for n in range(frames)], "annotations": annotations, "categories": [{"id": 1}]}
    )


TRACKS = {number: 1 + (number - 1) % 2 for number in range(1, 21)}


def test_every_third_frame_lost_is_counted() -> None:
    """Ten frames in which one object is lost in frames 3, 6 and 9: three drop-outs of three, and of the other none of
    eight.
    """
    truth = walking(10, step=4)
    taken = np.ones(20, np.bool_)
    taken[[4, 10, 16]] = False
    triples = triples_of(truth, [range(1, 11)], TRACKS)
    assert triples.shape == (16, 3)
    # Of the first object's eight triples those around 3, 6 and 9 are chances: the others begin or end at a loss.
    assert dropouts_of(taken, triples) == Dropouts(3, 3 + 8)


def test_objects_without_numbers_are_linked_by_overlap() -> None:
    """Slow ones as their numbers say, those that leap out of their own box not at all."""
    truth = walking(5, step=4)
    assert triples_of(truth, [range(1, 6)], {}).tolist() == triples_of(truth, [range(1, 6)], TRACKS).tolist()
    leaping = walking(5, step=15)
    assert len(triples_of(leaping, [range(1, 6)], {})) == 0
    assert len(triples_of(leaping, [range(1, 6)], TRACKS)) == 6


def test_clips_do_not_run_into_each_other() -> None:
    """Two clips of three frames have one triple for each object, not four."""
    assert len(triples_of(walking(6, step=4), [[1, 2, 3], [4, 5, 6]], TRACKS)) == 4


def test_crowd_regions_are_no_objects() -> None:
    """A region of many in the middle frame ends what went through it."""
    assert len(triples_of(walking(3, step=4, crowd=[3]), [range(1, 4)], TRACKS)) == 1


def test_without_a_chance_there_is_no_share() -> None:
    """An arm that finds nothing loses nothing."""
    triples = triples_of(walking(3, step=4), [range(1, 4)], TRACKS)
    nothing = dropouts_of(np.zeros(6, np.bool_), triples)
    assert (nothing, nothing.share) == (Dropouts(0, 0), None)
    assert Dropouts(1, 4).share == 0.25
