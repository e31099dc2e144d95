"""What a request of a run may say, which share of the pictures is whose, and what a run's folder is called."""

from pathlib import Path
from typing import Any

import pytest

from detbench.errors import UsageError
from detbench.evaluation.request import RunSpec, Share, checked_name, parse_share, run_name


def spec(**changes: Any) -> RunSpec:
    """A request that means something, but for the changes."""
    return RunSpec(**{"dataset": "data/drawn", "deblurrers": ("identity",), "detector": "blobs", **changes})


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"deblurrers": ()}, "no deblurrer named: pass --deblurrer NAME"),
        ({"limit": 0}, "--limit takes a number of pictures from 1 on, not 0"),
        ({"resamples": -1}, "--resamples takes a number from 0 on, not -1"),
    ],
)
def test_what_asks_for_nothing_is_refused(change: dict[str, Any], message: str) -> None:
    """No deblurrer, no picture, fewer draws than none: each is one message with the option's range."""
    with pytest.raises(UsageError, match=message):
        spec(**change)


@pytest.mark.parametrize("name", ["", " ", ".", "..", "a/b", "/a", "a\\b", "a\0b", "a\nb"])
def test_a_name_that_leads_elsewhere_is_refused(name: str) -> None:
    """A run's name is that of a folder in --out; any other text is one."""
    with pytest.raises(UsageError, match=r"give the name of a folder.*--out"):
        checked_name(name)
    assert checked_name("a b.2 #1, x:y") == "a b.2 #1, x:y"


def test_a_share_takes_every_nth_picture() -> None:
    """Share 2/3 of seven pictures has those at places 1 and 4, and prints as it is read."""
    share = parse_share("2/3")
    assert (share, str(share), list(share.of(7))) == (Share(2, 3), "2/3", [1, 4])


@pytest.mark.parametrize("images", [0, 1, 5, 12])
@pytest.mark.parametrize("count", [1, 2, 3, 7])
def test_shares_are_a_partition(images: int, count: int) -> None:
    """Every picture is in one share, and shares differ by one picture at most."""
    shares = [Share(index, count).of(images) for index in range(1, count + 1)]
    assert sorted(place for share in shares for place in share) == list(range(images))
    assert max(map(len, shares)) - min(map(len, shares)) <= 1


@pytest.mark.parametrize("text", ["0/2", "3/2", "1", "1/0", "-1/2", "1/2/3", "a/b", "1/ 2", "", "1/" + "9" * 99])
def test_what_is_no_share_is_refused(text: str) -> None:
    """A shard is I/N with I from 1 to N; anything else is one message that shows the form."""
    with pytest.raises(UsageError, match="such as 2/7"):
        parse_share(text)


def test_a_runs_name_tells_requests_apart(tmp_path: Path) -> None:
    """It reads dataset, blur's kind and detector's stem in letters that any file may have, then a digest of the whole
    request: the same for the same request, another for any change.
    """
    words = {"dataset": str(tmp_path / "my data"), "detector": "nets/yolov8n.pt", "blur": "trajectory:seed=3"}
    name = run_name(spec(**words))
    assert name.startswith("my_data-trajectory-yolov8n-")
    assert len(name.rpartition("-")[2]) == 8
    assert name == run_name(spec(**words))
    changes = [{"blur": "trajectory:seed=4"}, {"limit": 3}, {"deblurrers": ("wiener",)}, {"resamples": 9}]
    assert len({name, *(run_name(spec(**{**words, **change})) for change in changes)}) == 5
    assert run_name(spec(dataset=words["dataset"])).startswith("my_data-blobs-")
