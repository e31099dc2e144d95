import http.client
import io
from collections.abc import Callable
from email.message import Message
from pathlib import Path
from urllib.error import HTTPError, URLError

import pytest

from detbench.errors import UsageError, WeightsError
from detbench.plugins.checkpoint_files import RELEASE, find_checkpoint, is_checkpoint

Publisher = Callable[[Callable[[], bytes]], list[str]]


@pytest.fixture
def publisher(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Publisher:
    """Answers downloads with what a function gives, or raises; returns the list of addresses that were asked for."""
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    monkeypatch.setenv("DETBENCH_CACHE", str(tmp_path / "cache" / "detbench"))

    def publish(answer: Callable[[], bytes]) -> list[str]:
        asked: list[str] = []

        def urlopen(address: str, timeout: float) -> io.BytesIO:
            assert timeout > 0
            asked.append(address)
            return io.BytesIO(answer())

        monkeypatch.setattr("urllib.request.urlopen", urlopen)
        return asked

    return publish


def raising(error: Exception) -> Callable[[], bytes]:
    """A publisher that cannot be reached."""

    def answer() -> bytes:
        raise error

    return answer


@pytest.mark.parametrize(
    ("word", "expected"), [("yolov8n.pt", True), ("a/b.pt", True), ("yolov8", False), ("pt", False)]
)
def test_a_checkpoint_is_named_by_its_suffix(word: str, expected: bool) -> None:
    """Words that end in .pt are checkpoints, others are names."""
    assert is_checkpoint(word) is expected


def test_a_file_that_is_there_is_taken(publisher: Publisher, tmp_path: Path) -> None:
    """A path, and a bare name in the working folder, are those files; nothing is fetched."""
    asked = publisher(raising(AssertionError("fetched")))
    (tmp_path / "mine.pt").write_bytes(b"mine")
    Path("yolov8n.pt").write_bytes(b"my own")
    assert find_checkpoint(str(tmp_path / "mine.pt")) == tmp_path / "mine.pt"
    assert find_checkpoint("yolov8n.pt").read_bytes() == b"my own"
    assert asked == []


@pytest.mark.parametrize("word", ["models/yolov8n.pt", "./yolov8n.pt", "/no/such/yolov8n.pt", "weights.safetensors"])
def test_a_path_that_leads_nowhere_is_never_fetched(publisher: Publisher, word: str) -> None:
    """Who names a folder means a file that is there: a usage error says what to give."""
    asked = publisher(raising(AssertionError("fetched")))
    with pytest.raises(
        UsageError, match=rf"^no checkpoint at {word}: give the path of a YOLO \.pt or \.safetensors file"
    ):
        find_checkpoint(word)
    assert asked == []


def test_a_published_name_is_fetched_once(publisher: Publisher, tmp_path: Path) -> None:
    """The first use downloads it into the user's cache, the second finds it there; the working folder stays empty."""
    asked = publisher(lambda: b"published")
    first, second = find_checkpoint("yolov8n.pt"), find_checkpoint("yolov8n.pt")
    assert first == second == tmp_path / "cache" / "detbench" / "weights" / "yolov8n.pt"
    assert first.read_bytes() == b"published"
    assert asked == [RELEASE + "yolov8n.pt"]
    assert not list(Path().iterdir())


@pytest.mark.parametrize(
    "error",
    [
        URLError("Name or service not known"),
        HTTPError(RELEASE, 404, "Not Found", Message(), io.BytesIO()),
        TimeoutError("timed out"),
        http.client.IncompleteRead(b"half of it"),
        http.client.RemoteDisconnected("closed"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_a_failing_download_says_what_to_do(publisher: Publisher, tmp_path: Path, error: Exception) -> None:
    """No network, no such name, or half a file: an error names the source and the way round, and nothing is kept."""
    publisher(raising(error))
    with pytest.raises(WeightsError, match=r"^yolov8n\.pt .* could not be fetched from https://.*pass its path"):
        find_checkpoint("yolov8n.pt")
    assert not list((tmp_path).rglob("*.pt"))


def test_any_file_name_can_be_asked_for(publisher: Publisher) -> None:
    """Spaces and letters beyond ASCII make an address, not a crash."""
    asked = publisher(raising(URLError("no")))
    with pytest.raises(WeightsError, match=r"^my größe\?\.pt is not here"):
        find_checkpoint("my größe?.pt")
    assert asked == [RELEASE + "my%20gr%C3%B6%C3%9Fe%3F.pt"]
