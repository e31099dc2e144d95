"""A shard's files, written and read."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from detbench.core.arm import BLURRED, Arm
from detbench.errors import DataError
from detbench.evaluation.measure.measured import Measurements
from detbench.evaluation.request import Share
from detbench.evaluation.shards import MOST_RESAMPLES, pack, read_shard, unpack, write_shard

ON_SHARP = Arm("sharp", "net")
FINDS = {"sharp": (21, 22, 23), "blurred": (21,), "net": (21, 22), "sharp+net": (21,)}
MakeMeasured = Callable[..., Measurements]


def of_images(measured: Measurements, images: int, harm: str = "all") -> Measurements:
    """The same two pictures as a share of so many."""
    specification = {**measured.basis.specification, "harm": harm}
    return replace(measured, basis=replace(measured.basis, images=images, specification=specification))


def test_a_shard_comes_back(make_measured: MakeMeasured, tmp_path: Path) -> None:
    """Share, basis, failures and rows are those that were packed, and the head is the last file to be written."""
    measured = replace(of_images(make_measured(FINDS), 6), failed={"brittle": "9.png: it failed"})
    files = pack(measured, Share(2, 3))
    assert list(files)[-1] == "shard.json"
    write_shard(files, tmp_path)
    shard = read_shard(tmp_path)
    assert (shard.where, shard.share) == (str(tmp_path), Share(2, 3))
    assert (shard.measured.basis, shard.measured.failed) == (measured.basis, measured.failed)
    assert [sample.id for sample in shard.measured.samples] == [9, 4]
    assert list(shard.measured.rows) == list(measured.rows)
    found = {arm: [len(row.found) for row in rows] for arm, rows in shard.measured.rows.items()}
    assert found == {arm: [len(row.found) for row in rows] for arm, rows in measured.rows.items()}


def test_a_shard_brings_the_pictures_that_it_would_show(make_measured: MakeMeasured) -> None:
    """Both pictures in the three reported arms; those on sharp pictures show harm by numbers alone."""
    files = pack(make_measured(FINDS), Share(1, 1))
    shard = unpack(files.__getitem__, "here")
    assert shard.kept == {9, 4}
    assert len(shard.jpegs) == 6
    assert shard.jpegs.items() <= files.items()
    assert all(content.startswith(b"\xff\xd8") for content in shard.jpegs.values())


def test_a_share_may_have_harm_of_some_pictures(make_measured: MakeMeasured) -> None:
    """Of 42 pictures the share 5/37 has the places 4 and 41: the first is in the sample, the second is not. A row
    too few or too many is refused.
    """
    measured = make_measured(FINDS)
    of_first = replace(measured, rows={**measured.rows, ON_SHARP: measured.rows[ON_SHARP][:1]})
    some = of_images(of_first, 42, "sample")
    shard = unpack(pack(some, Share(5, 37)).__getitem__, "here")
    assert [row.sample.id for row in shard.measured.rows[ON_SHARP]] == [9]
    assert shard.measures_harm
    for wrong, share in ((some, Share(4, 37)), (of_images(measured, 42, "sample"), Share(5, 37))):
        with pytest.raises(DataError, match=r"the arm sharp\+net has not the pictures that it should have"):
            unpack(pack(wrong, share).__getitem__, "here")


def test_a_share_may_be_empty(make_measured: MakeMeasured) -> None:
    """A shard without pictures is whole: it says so with no line and no arm."""
    empty = replace(make_measured(FINDS), samples=[], rows={})
    files = pack(empty, Share(3, 3))
    assert files["pictures.jsonl"] == b""
    shard = unpack(files.__getitem__, "here")
    assert (shard.measured.samples, shard.measured.rows, shard.kept) == ([], {}, set())


def test_an_earlier_shard_leaves_no_pictures(make_measured: MakeMeasured, tmp_path: Path) -> None:
    """Writing into its folder removes the pictures that are shown no more."""
    write_shard(pack(make_measured(FINDS), Share(1, 1)), tmp_path)
    write_shard(pack(make_measured({"blurred": (21,)}), Share(1, 1)), tmp_path)
    assert len(list((tmp_path / "pictures").iterdir())) == 2
    assert read_shard(tmp_path).measured.rows.keys() == {BLURRED}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"classes": {"3": "car"}}, "picture 9 has boxes of unknown classes"),
        ({"specification": {"truth": "guessed", "resamples": 0}}, "its specification is none"),
        ({"specification": {"truth": "labels", "resamples": MOST_RESAMPLES + 1}}, "its specification is none"),
        ({"specification": {"truth": "labels", "resamples": -1}}, "its specification is none"),
        ({"specification": {"truth": "labels", "resamples": 0, "harm": "some"}}, "harm is measured on all, sample"),
        ({"deblurrers": {}}, "it has the arms sharp, blurred, net"),
    ],
)
def test_a_shard_that_contradicts_itself_is_refused(
    make_measured: MakeMeasured, change: dict[str, Any], message: str
) -> None:
    """Classes, arms and draws that a run cannot have are one message with the shard's place."""
    files = pack(make_measured(FINDS), Share(1, 1))
    head = json.loads(files["shard.json"])
    head["basis"] |= change
    files = {**files, "shard.json": json.dumps(head).encode()}
    with pytest.raises(DataError, match=rf"here: damaged shard \({message}.*measure it again"):
        unpack(files.__getitem__, "here")
