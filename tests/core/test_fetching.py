import hashlib
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from detbench.core.fetching import fetched, is_whole
from detbench.core.published import Published, watched
from detbench.errors import DataError, OutputError, WeightsError

CONTENT = bytes(range(256)) * 1000
SHA256 = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture
def net(publisher: Any) -> Published:
    """A published file whose name an address has to quote."""
    publisher.files["/a%20net.pth"] = CONTENT
    return Published(publisher.address("/a%20net.pth"), SHA256, len(CONTENT))


def left_in(folder: Path) -> list[str]:
    """The names of all files below a folder."""
    return sorted(path.name for path in folder.rglob("*") if path.is_file())


def test_a_file_is_fetched_once(publisher: Any, net: Published, tmp_path: Path) -> None:
    """It goes into the cache under its own name; the second time the publisher may be gone."""
    kept = fetched(net)
    publisher.files.clear()
    assert fetched(net) == kept == tmp_path / "cache" / "weights" / "a net.pth"
    assert kept.read_bytes() == CONTENT
    assert left_in(tmp_path) == ["a net.pth"]
    assert len(publisher.asked) == 1


def test_a_file_on_this_machine_has_an_address_too(publisher: Any, tmp_path: Path) -> None:
    """`file:` works without a server, as for weights on a shared disk."""
    (tmp_path / "a net.pth").write_bytes(CONTENT)
    assert fetched(Published((tmp_path / "a net.pth").as_uri())).read_bytes() == CONTENT


def test_a_download_that_ended_early_goes_on(publisher: Any, net: Published, tmp_path: Path) -> None:
    """The message says how much came; the next try requests the rest alone."""
    publisher.cut_after = 100_000
    with pytest.raises(WeightsError, match="the connection ended after 100,000 of 256,000 bytes"):
        fetched(net)
    assert left_in(tmp_path) == [".a net.pth.part"]
    with pytest.raises(WeightsError, match="the connection ended after 200,000 of 256,000 bytes"):
        fetched(net)
    publisher.cut_after = None
    assert fetched(net).read_bytes() == CONTENT
    assert [wanted for _, wanted in publisher.asked] == [None, "bytes=100000-", "bytes=200000-"]
    assert left_in(tmp_path) == ["a net.pth"]


def test_a_server_without_ranges_sends_all(publisher: Any, net: Published) -> None:
    """Where the whole file comes in place of the rest, it takes the place of the part."""
    publisher.cut_after = 100_000
    with pytest.raises(WeightsError):
        fetched(net)
    publisher.cut_after, publisher.knows_ranges = None, False
    assert fetched(net).read_bytes() == CONTENT


def test_a_part_that_is_longer_than_the_file_is_dropped(publisher: Any, net: Published, tmp_path: Path) -> None:
    """The server refuses the range (416): the file is fetched from its beginning."""
    (tmp_path / "cache" / "weights").mkdir(parents=True)
    (tmp_path / "cache" / "weights" / ".a net.pth.part").write_bytes(CONTENT + b"more")
    assert fetched(net).read_bytes() == CONTENT
    assert len(publisher.asked) == 2


def test_a_part_without_a_checksum_is_never_kept(publisher: Any, net: Published, tmp_path: Path) -> None:
    """Nobody would notice that the rest is of another version."""
    publisher.cut_after = 100_000
    with pytest.raises(WeightsError, match="ended after"):
        fetched(Published(net.url))
    assert left_in(tmp_path) == []


def test_another_checksum_is_refused(publisher: Any, net: Published, tmp_path: Path) -> None:
    """What came is deleted, a resumed part with it, and the message says what was wanted."""
    publisher.files["/a%20net.pth"] = CONTENT[::-1]
    with pytest.raises(WeightsError, match=rf"\(0\.3 MB, SHA-256 {SHA256}\): what came has another SHA-256"):
        fetched(net)
    assert left_in(tmp_path) == []


def test_a_file_that_is_gone_says_so(publisher: Any, net: Published, tmp_path: Path) -> None:
    """The message has the address, the answer, and the place for a copy by hand; nothing is left."""
    publisher.files.clear()
    place = tmp_path / "cache" / "weights" / "a net.pth"
    with pytest.raises(DataError) as caught:
        fetched(net, failure=DataError)
    assert str(caught.value) == (
        f"a net.pth is not here and could not be fetched from {net.url} (0.3 MB, SHA-256 {SHA256}): it answers 404 Not "
        f"Found. Download it on another machine and place it at {place}"
    )
    assert left_in(tmp_path) == []


def test_nothing_is_fetched_without_a_network(publisher: Any, net: Published) -> None:
    """A server that cannot be reached is named with the reason."""
    publisher.shutdown()
    publisher.server_close()
    with pytest.raises(WeightsError, match=rf"from {net.url} \(.*\): \[Errno \d+\] Connection refused\. Download it"):
        fetched(net)


def test_nothing_is_fetched_offline(
    publisher: Any, net: Published, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """DETBENCH_OFFLINE forbids it before any address is resolved; a copy placed by hand is taken."""
    monkeypatch.setenv("DETBENCH_OFFLINE", "1")
    place = tmp_path / "by hand" / "net"
    with pytest.raises(WeightsError, match=rf"0\.3 MB, SHA-256 {SHA256}\): DETBENCH_OFFLINE is set\..*{place}$"):
        fetched(net, place)
    place.parent.mkdir()
    place.write_bytes(b"another")
    with pytest.raises(WeightsError, match="and the file at its place has another SHA-256"):
        fetched(net, place)
    place.write_bytes(CONTENT)
    assert fetched(net, place) == place
    assert publisher.asked == []


def test_a_damaged_file_is_fetched_again(publisher: Any, net: Published) -> None:
    """A file with another checksum is not whole, and the next use replaces it."""
    kept = fetched(net)
    kept.write_bytes(CONTENT[:-1])
    assert not is_whole(net, kept)
    assert fetched(net).read_bytes() == CONTENT


def test_progress_is_the_bytes_that_are_here(publisher: Any, net: Published) -> None:
    """Each download is named once, and its last number is the size of the file."""
    seen: list[int] = []
    named: list[str] = []

    @contextmanager
    def watch(file: Published) -> Iterator[Callable[[int], None]]:
        named.append(file.name)
        yield seen.append

    with watched(watch):
        fetched(net)
        fetched(net)
    assert named == ["a net.pth"]
    assert seen == sorted(seen)
    assert seen[-1] == len(CONTENT)


def test_a_cache_that_cannot_be_written_is_named(publisher: Any, net: Published, tmp_path: Path) -> None:
    """It is no fault of the network: the message says what to free or which folder to name."""
    (tmp_path / "cache").write_text("a file")
    with pytest.raises(OutputError, match="or name another cache with DETBENCH_CACHE=FOLDER"):
        fetched(net)
    assert publisher.asked == []


def test_a_full_disk_is_no_fault_of_the_network(
    publisher: Any, net: Published, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The message names the folder and the reason, not the address."""

    class Full:
        def write(self, _chunk: bytes) -> None:
            raise OSError(28, "No space left on device")

    from detbench.core import fetching

    write = fetching._write
    monkeypatch.setattr(fetching, "_write", lambda _stream, chunk, target: write(Full(), chunk, target))
    with pytest.raises(OutputError, match="No space left on device"):
        fetched(net)


def test_two_processes_do_not_extend_one_part(publisher: Any, net: Published, tmp_path: Path) -> None:
    """A part is taken over by its name: a second download that begins meanwhile starts from nothing."""
    publisher.cut_after = 100_000
    with pytest.raises(WeightsError):
        fetched(net)
    publisher.cut_after = None
    other = tmp_path / "other"

    @contextmanager
    def watch(_file: Published) -> Iterator[Callable[[int], None]]:
        def show(_bytes: int) -> None:
            if not other.exists():
                shutil.copytree(tmp_path / "cache", other)

        yield show

    with watched(watch):
        fetched(net)
    assert ".a net.pth.part" not in left_in(other)
