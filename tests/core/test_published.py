from collections.abc import Callable, Iterator
from contextlib import contextmanager

from detbench.core.published import Published, fetch_watch, megabytes, watched


def test_a_file_is_named_by_its_address() -> None:
    """The name is the address's last part with its quotes undone; the facts are those that are known."""
    assert Published("https://a.b/c/a%20net.pth").name == "a net.pth"
    assert Published("https://a.b/c").facts == ""
    assert Published("https://a.b/c", "c0ffee", 23_466_658).facts == "23.5 MB, SHA-256 c0ffee"
    assert megabytes(1_068_492_871) == "1,068.5 MB"


def test_downloads_are_shown_within_a_body() -> None:
    """Whoever watches does so in the body alone; outside nobody does."""

    @contextmanager
    def watch(_file: Published) -> Iterator[Callable[[int], None]]:
        yield lambda _bytes: None

    outside = fetch_watch.get()
    with watched(watch):
        assert fetch_watch.get() is watch
    assert fetch_watch.get() is outside
