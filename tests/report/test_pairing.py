"""Arms of two runs held against each other: which are, over which pictures, and by how much they differ."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from detbench.errors import DataError
from detbench.report.pairing import pairs_of, read_run

Write = Callable[..., Path]
TRUE_BOX, OTHER_BOX = [5.0, 6.0, 20.0, 10.0], [40.0, 20.0, 10.0, 15.0]
NAMES = ("a.png", "b.png", "c.png")


def changed(folder: Path, section: str, **values: Any) -> Path:
    """Replace values in a section of the result."""
    result = json.loads((folder / "result.json").read_text())
    result[section] |= values
    (folder / "result.json").write_text(json.dumps(result))
    return folder


def find(folder: Path, arm: str, *boxes: list[float]) -> Path:
    """Let an arm find just these boxes in every picture."""
    found = [
        {"image_id": number, "category_id": 1, "bbox": box, "score": 0.9} for number in range(1, 13) for box in boxes
    ]
    (folder / "detections" / f"{arm}.json").write_text(json.dumps(found))
    return folder


def test_deblurrers_of_two_runs_are_paired_picture_by_picture(write: Write) -> None:
    """One that finds both boxes is .5 above one that finds one of two, on every draw of the shared pictures."""
    one = find(write("one", maps={"blurred": 0.2, "wiener": 0.3}, file_names=NAMES), "wiener", TRUE_BOX, OTHER_BOX)
    other = find(write("other", maps={"blurred": 0.2, "nah": 0.3}, file_names=NAMES), "nah", TRUE_BOX)
    (pair,) = pairs_of([read_run(one), read_run(other)])
    assert (pair.run, pair.change.arm, pair.against_run, pair.change.against) == ("one", "wiener", "other", "nah")
    difference = pair.change.difference
    assert (difference.value, difference.n) == (pytest.approx(1 - 51 / 101), 3)
    assert difference.low == difference.high == pytest.approx(difference.value)


def test_only_shared_pictures_are_paired(write: Write) -> None:
    """A run of fewer pictures is compared over those alone; other true boxes make other pictures."""
    one = write("one", maps={"blurred": 0.2, "wiener": 0.3}, file_names=NAMES)
    other = write("other", maps={"blurred": 0.2, "nah": 0.3}, file_names=NAMES[:2])
    truth = json.loads((other / "truth.json").read_text())
    truth["annotations"][0]["bbox"] = [0, 0, 1, 1]
    (other / "truth.json").write_text(json.dumps(truth))
    (pair,) = pairs_of([read_run(one), read_run(other)])
    assert pair.change.difference.n == 1


def test_the_same_arm_under_one_detector_is_no_pair(write: Write) -> None:
    """What two runs of one detector have in common is not held against itself."""
    runs = [read_run(write(name, maps={"blurred": 0.2, "wiener": 0.3})) for name in ("one", "other")]
    assert pairs_of(runs) == ()


def test_two_detectors_are_compared_arm_by_arm(write: Write) -> None:
    """Under two detectors the same arms are paired, the blurred one among them."""
    folders = [write(name, maps={"blurred": 0.2, "wiener": 0.3}) for name in ("one", "other")]
    changed(folders[1], "detector", name="another")
    assert [(pair.change.arm, pair.change.against) for pair in pairs_of([read_run(each) for each in folders])] == [
        ("blurred", "blurred"),
        ("wiener", "wiener"),
    ]


def test_other_weights_make_another_arm(write: Write) -> None:
    """Two trainings of one network are paired under one detector; other weights of the detector make another one."""
    folders = [write(name, maps={"blurred": 0.2, "wiener": 0.3}) for name in ("one", "other")]
    result = json.loads((folders[1] / "result.json").read_text())
    result["arms"][1]["backend"]["weights_sha256"] = "a" * 64
    (folders[1] / "result.json").write_text(json.dumps(result))
    (pair,) = pairs_of([read_run(each) for each in folders])
    assert (pair.change.arm, pair.change.against, pair.change.difference.value) == ("wiener", "wiener", 0.0)
    changed(folders[1], "detector", weights_sha256="b" * 64)
    (pair,) = pairs_of([read_run(each) for each in folders])
    assert (pair.change.arm, pair.change.against) == ("blurred", "blurred")


@pytest.mark.parametrize(
    ("section", "values"),
    [("specification", {"blur": {"kind": "trajectory", "seed": 4}}), ("data", {"source_fingerprint": "0" * 64})],
)
def test_other_pictures_are_no_ground_for_a_pair(write: Write, section: str, values: dict[str, Any]) -> None:
    """Another seed of the blur or another dataset: names and true boxes may agree, the pictures do not."""
    one = write("one", maps={"blurred": 0.2, "wiener": 0.3})
    other = write("other", maps={"blurred": 0.2, "nah": 0.3})
    assert len(pairs_of([read_run(one), read_run(other)])) == 1
    assert pairs_of([read_run(one), read_run(changed(other, section, **values))]) == ()


def test_runs_that_share_no_picture_have_no_pair(write: Write) -> None:
    """The same numbers under other names are other pictures."""
    one = write("one", maps={"blurred": 0.2, "wiener": 0.3}, file_names=("a.png", "b.png"))
    other = write("other", maps={"blurred": 0.2, "nah": 0.3}, file_names=("c.png", "d.png"))
    assert pairs_of([read_run(one), read_run(other)]) == ()


@pytest.mark.parametrize("name", ["truth.json", "detections/nah.json"])
def test_a_damaged_file_of_a_pair_is_named(write: Write, name: str) -> None:
    """Where a run of several is damaged, the message says which file of which run."""
    one = write("one", maps={"blurred": 0.2, "wiener": 0.3})
    other = write("other", maps={"blurred": 0.2, "nah": 0.3})
    (other / name).write_text('[{"image_id": 1}]')
    with pytest.raises(DataError, match=f"other/{name}"):
        pairs_of([read_run(one), read_run(other)])


def test_pairs_have_p_values_adjusted_over_all_of_them(write: Write) -> None:
    """Over twelve pictures a difference in each is one exchange of 2^11; two pairs double the smaller p."""
    names = tuple(f"{number}.png" for number in range(1, 13))
    one = find(write("one", maps={"blurred": 0.2, "wiener": 0.3}, file_names=names), "wiener", TRUE_BOX, OTHER_BOX)
    maps = {"blurred": 0.2, "nah": 0.3, "net": 0.3}
    other = find(write("other", maps=maps, file_names=names), "nah", TRUE_BOX)
    find(other, "net", TRUE_BOX, OTHER_BOX)
    worse, same = pairs_of([read_run(one), read_run(other)])
    assert (worse.change.against, same.change.against) == ("nah", "net")
    assert worse.change.p_value == pytest.approx(1 / 2**11, abs=0.003)
    assert worse.change.p_holm == pytest.approx(2 * worse.change.p_value)
    assert (same.change.p_value, same.change.p_holm) == (1, 1)
    assert (worse.change.is_shown, same.change.is_shown) == (True, False)
