from dataclasses import dataclass
from pathlib import Path

import pytest

from detbench.core.observed_reads import observed
from detbench.evaluation.measure.finished_work import FinishedWork, scope_of
from detbench.results.cache import Cache
from detbench.results.schema import PartlyKnown

KEY, RECORD = {"backend": {"target": "mine:net"}, "picture": "c0ffee"}, {"picture": None}


@dataclass(frozen=True)
class Net:
    """A worker of each kind."""

    name: str = "net"
    is_observed: bool = False
    unknown: str | None = None


KNOWN, OBSERVED, UNKNOWN = Net(), Net(is_observed=True), Net(unknown="it reads what it likes")


def test_what_is_known_by_its_words_is_used_by_every_run(tmp_path: Path) -> None:
    """Its key holds everything, so another run folder may use it."""
    FinishedWork(Cache(tmp_path), "one").put("restore", KEY, RECORD, KNOWN)
    other = FinishedWork(Cache(tmp_path), "two")
    assert other.get("restore", KEY, KNOWN) == RECORD
    assert other.partly_known == {}


def test_observed_work_is_used_while_its_files_are_as_they_were(tmp_path: Path) -> None:
    """A file that was read and is another now makes the work of no use; put back, it is of use again."""
    weights = tmp_path / "w.npy"
    weights.write_text("1")
    with observed("mine"):
        weights.read_text()
    FinishedWork(Cache(tmp_path), "one").put("restore", KEY, RECORD, OBSERVED)
    assert FinishedWork(Cache(tmp_path), "two").get("restore", KEY, OBSERVED) == RECORD
    weights.write_text("2")
    assert FinishedWork(Cache(tmp_path), "two").get("restore", KEY, OBSERVED) is None
    weights.write_text("1")
    assert FinishedWork(Cache(tmp_path), "two").get("restore", KEY, OBSERVED) == RECORD


def test_what_may_read_more_is_used_by_its_own_run_folder_alone(tmp_path: Path) -> None:
    """An interrupted run goes on with it and counts it; another run, or one without a folder, does the work anew."""
    first = FinishedWork(Cache(tmp_path), "one")
    first.put("restore", KEY, RECORD, UNKNOWN)
    assert first.get("restore", KEY, UNKNOWN) == RECORD
    assert first.partly_known == {"net": PartlyKnown("it reads what it likes", 0)}
    again = FinishedWork(Cache(tmp_path), "one")
    assert again.get("restore", KEY, UNKNOWN) == RECORD
    assert again.partly_known == {"net": PartlyKnown("it reads what it likes", 1)}
    for scope in ("two", None):
        assert FinishedWork(Cache(tmp_path), scope).get("restore", KEY, UNKNOWN) is None


def test_without_a_folder_a_command_uses_its_own_work(tmp_path: Path) -> None:
    """Pictures that are alike are restored once, whoever runs."""
    work = FinishedWork(Cache(tmp_path))
    work.put("restore", KEY, RECORD, UNKNOWN)
    assert work.get("restore", KEY, UNKNOWN) == RECORD


@pytest.mark.parametrize("worker", [KNOWN, OBSERVED, UNKNOWN])
def test_fresh_uses_nothing_that_was_there(tmp_path: Path, worker: Net) -> None:
    """With `fresh` every record of earlier commands is a miss, those of this one are not."""
    FinishedWork(Cache(tmp_path), "one").put("restore", KEY, RECORD, worker)
    fresh = FinishedWork(Cache(tmp_path, fresh=True), "one")
    assert fresh.get("restore", KEY, worker) is None
    fresh.put("restore", KEY, {"picture": "2"}, worker)
    assert fresh.get("restore", KEY, worker) == {"picture": "2"}


def test_a_list_of_reads_that_is_damaged_is_none(tmp_path: Path) -> None:
    """Where the digests of what was read are gone or changed, the work is done anew."""
    FinishedWork(Cache(tmp_path), "one").put("restore", KEY, RECORD, OBSERVED)
    (list_of_reads,) = (tmp_path / "reads").rglob("*.json")
    list_of_reads.write_text('{"file:/nowhere": null}')
    assert FinishedWork(Cache(tmp_path), "one").get("restore", KEY, OBSERVED) is None


def test_the_mark_of_a_run_folder_lasts_until_its_run_is_finished(tmp_path: Path) -> None:
    """An interrupted run finds its mark again; the next run in the folder has another."""
    with pytest.raises(KeyboardInterrupt), scope_of(tmp_path) as mark:
        raise KeyboardInterrupt
    with scope_of(tmp_path) as again:
        assert again == mark
    with scope_of(tmp_path) as other:
        assert other != mark
