from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from detbench.errors import UsageError, WeightsError
from detbench.plugins import checkpoint_files
from detbench.plugins.checkpoint_files import RELEASE, find_checkpoint, is_checkpoint


@pytest.fixture
def release(publisher: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The server in place of the publisher of checkpoints; the working folder is empty."""
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    monkeypatch.setattr(checkpoint_files, "RELEASE", publisher.address("/"))
    return publisher


@pytest.mark.parametrize(
    ("word", "expected"), [("yolov8n.pt", True), ("a/b.pt", True), ("yolov8", False), ("pt", False)]
)
def test_a_checkpoint_is_named_by_its_suffix(word: str, expected: bool) -> None:
    """Words that end in .pt are checkpoints, others are names."""
    assert is_checkpoint(word) is expected


def test_a_file_that_is_there_is_taken(release: Any, tmp_path: Path) -> None:
    """A path, and a bare name in the working folder, are those files; nothing is fetched."""
    (tmp_path / "mine.pt").write_bytes(b"mine")
    Path("yolov8n.pt").write_bytes(b"my own")
    assert find_checkpoint(str(tmp_path / "mine.pt")) == tmp_path / "mine.pt"
    assert find_checkpoint("yolov8n.pt").read_bytes() == b"my own"
    assert release.asked == []


@pytest.mark.parametrize("word", ["models/yolov8n.pt", "./yolov8n.pt", "/no/such/yolov8n.pt", "weights.safetensors"])
def test_a_path_that_leads_nowhere_is_never_fetched(release: Any, word: str) -> None:
    """Who names a folder means a file that is there: a usage error says what to give."""
    with pytest.raises(
        UsageError, match=rf"^no checkpoint at {word}: give the path of a YOLO \.pt or \.safetensors file"
    ):
        find_checkpoint(word)
    assert release.asked == []


def test_a_published_name_is_fetched_once(release: Any, tmp_path: Path) -> None:
    """The first use downloads it into the user's cache, the second finds it there; the working folder stays empty."""
    release.files["/yolov8s.pt"] = b"published"
    first, second = find_checkpoint("yolov8s.pt"), find_checkpoint("yolov8s.pt")
    assert first == second == tmp_path / "cache" / "weights" / "yolov8s.pt"
    assert first.read_bytes() == b"published"
    assert release.asked == [("/yolov8s.pt", None)]
    assert not list(Path().iterdir())


def test_a_registered_name_is_checked(release: Any, register: Callable[..., Any]) -> None:
    """yolov8n.pt has a checksum in the registry, under the address of the release: another file is refused."""
    from detbench.core.fetchable import registry

    assert registry()["yolov8n.pt"].files[0].url == RELEASE + "yolov8n.pt"
    register("yolov8n.pt", "checkpoint", {"yolov8n.pt": b"published"})
    release.files["/yolov8n.pt"] = b"something else"
    with pytest.raises(WeightsError, match="another SHA-256"):
        find_checkpoint("yolov8n.pt")
    release.files["/yolov8n.pt"] = b"published"
    assert find_checkpoint("yolov8n.pt").read_bytes() == b"published"


def test_any_file_name_can_be_asked_for(release: Any, tmp_path: Path) -> None:
    """Spaces and letters beyond ASCII make an address, not a crash; a name that nobody publishes says so."""
    with pytest.raises(WeightsError, match=r"^my größe\?\.pt is not here and .*: it answers 404 Not Found\."):
        find_checkpoint("my größe?.pt")
    assert release.asked == [("/my%20gr%C3%B6%C3%9Fe%3F.pt", None)]
    assert not list(tmp_path.rglob("*.pt"))
