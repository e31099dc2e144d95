from pathlib import Path

import pytest

from detbench.datasets.mot import read_tracked, sequence_frame_rate
from detbench.errors import DataError


@pytest.fixture
def gt(tmp_path: Path) -> Path:
    """A place for a file of boxes."""
    return tmp_path / "gt.txt"


def test_challenge_files_count_from_1_and_have_its_classes(gt: Path) -> None:
    """Pixels are moved by one; pedestrians are persons, what MOT ignores is a crowd region, occluders are left out."""
    gt.write_text(
        "1,7,11,21,30,40,1,1,.9\n1,8,1,1,5,6,0,1,1\n2,9,1,1,5,6,1,12,1\n2,3,1,1,5,6,1,3,1\n2,4,1,1,5,6,1,9,1\n"
    )
    found = read_tracked(gt, 2)
    assert found.annotations[0]["bbox"] == [10, 20, 30, 40]
    assert [each["iscrowd"] for each in found.annotations] == [0, 1, 1, 0]
    assert found.categories == [{"id": 1, "name": "person"}, {"id": 3, "name": "car"}]
    assert found.tracks == {1: 7, 2: 8, 3: 9, 4: 3}


def test_files_without_classes_are_of_people(gt: Path) -> None:
    """MOT15 writes -1 where later ones have the class."""
    gt.write_text("1,1,1,1,5,6,1,-1,-1,-1\n1,2,9,1,5,6\n")
    assert [each["category_id"] for each in read_tracked(gt, 1).annotations] == [1, 1]


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ("3,1,1,1,5,6,1,1,1", "line 1: frame 3, but the clip has frames 1 to 2"),
        ("1,1,1,1,five,6,1,1,1", "line 1: could not convert"),
        ("1,1,1,1", "line 1: 4 columns"),
        ("1,1,1,1,nan,6,1,1,1", "line 1: 9 columns or a number that is not finite"),
        ("1,1,1,1,5,6,1,99,1", r"line 1: class 99 has no name; add labels\.txt"),
    ],
)
def test_a_wrong_line_is_named(gt: Path, line: str, fault: str) -> None:
    """Each fault has its line and what to do."""
    gt.write_text(line + "\n")
    with pytest.raises(DataError, match=fault):
        read_tracked(gt, 2)


@pytest.mark.parametrize("text", ["", "[Sequence]\nframeRate=fast\n", "[Sequence]\nframeRate=0\n"])
def test_a_wrong_rate_is_named(tmp_path: Path, text: str) -> None:
    """A seqinfo.ini without a usable rate is an error, its absence is none."""
    assert sequence_frame_rate(tmp_path) is None
    (tmp_path / "seqinfo.ini").write_text(text)
    with pytest.raises(DataError, match=r"frame ?[rR]ate"):
        sequence_frame_rate(tmp_path)
