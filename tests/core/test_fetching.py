from pathlib import Path

import pytest

from detbench.core.fetching import fetched
from detbench.errors import WeightsError


@pytest.fixture
def published(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A published file of a name that an address has to quote; what is fetched goes into a folder beside it."""
    monkeypatch.setenv("DETBENCH_CACHE", str(tmp_path / "cache"))
    file = tmp_path / "a net.pth"
    file.write_bytes(b"weights")
    return file


def test_a_file_is_fetched_once(published: Path) -> None:
    """The second time it comes from the cache: the publisher may be gone."""
    kept = fetched(published.as_uri())
    published.unlink()
    assert fetched(published.as_uri()) == kept
    assert (kept.name, kept.read_bytes()) == ("a net.pth", b"weights")


def test_what_cannot_be_fetched_leaves_nothing(published: Path, tmp_path: Path) -> None:
    """The message names the file, the folder that it was to come from, and the way out; no half file is kept."""
    address = published.as_uri()
    published.unlink()
    with pytest.raises(
        WeightsError, match=r"a net\.pth is not here and could not be fetched from file:.*pass its path"
    ):
        fetched(address)
    assert not (tmp_path / "cache").exists()
