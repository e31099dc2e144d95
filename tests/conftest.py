"""Fixtures that more than one test module needs."""

import hashlib
import os
import runpy
import threading
from collections.abc import Callable, Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import pytest_socket

from detbench.core import fetchable, observed_reads
from detbench.core.fetchable import Fetchable, RegisteredFile
from detbench.plugins import checkpoint_files
from detbench.results.schema import ArmResult, Difference, EvaluatedData, RunResult
from detbench.types import Estimate

# Before torch is imported: its threads wait by spinning, which on a busy machine makes tests of tiny pictures take
# several times as long as one thread does.
os.environ.setdefault("OMP_NUM_THREADS", "1")


@pytest.fixture(scope="session")
def drawn_dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that `tests/drawn.py` draws, COCO annotations and twelve pictures; copy it before changing it."""
    draw = runpy.run_path(str(Path(__file__).with_name("drawn.py")))["draw"]
    folder: Path = draw(tmp_path_factory.mktemp("datasets") / "drawn")
    return folder


@pytest.fixture(scope="session")
def shared_file() -> Callable[[str], Path]:
    """Finds a file of `shared/` beside the checkout, where photos and checkpoints lie that nobody commits; skips the
    test where it is absent.
    """

    def find(name: str) -> Path:
        file = Path(__file__).resolve().parents[2] / "shared" / name
        if not file.is_file():
            pytest.skip(f"needs ../shared/{name} beside the checkout, which is absent")
        return file

    return find


@pytest.fixture(autouse=True)
def nothing_read_so_far() -> None:
    """Each test begins as a process does, without a file that other people's code has read."""
    observed_reads._observer.cache_clear()


@pytest.fixture
def make_result() -> Callable[..., RunResult]:
    """Makes a small RunResult whose arms have the given mAP, by name."""

    def make(map_of: Mapping[str, float | None] | None = None, images: int = 12, truth: str = "labels") -> RunResult:
        arms = tuple(_arm(name, value) for name, value in (map_of or {"sharp": 0.6, "wiener": 0.1 + 0.2}).items())
        data = EvaluatedData("drawn", "c0ffee" * 8, "decade" * 8, images, 84, ("bus",), ())
        gain = Difference("wiener", "blurred", "map", Estimate(1 / 3, images, low=-0.1, high=0.5))
        return RunResult(
            specification={"dataset": "drawn", "deblurrers": ["wiener"], "truth": truth, "limit": None},
            environment={"detbench": "0", "versions": {"numpy": "2", "torch": None}, "dirty": False},
            data=data,
            detector={"name": "blobs", "settings": {}},
            arms=arms,
            differences=(gain,),
            shown=(3, 1),
        )

    return make


def _arm(name: str, map_value: float | None) -> ArmResult:
    metrics = {"map": Estimate(map_value, 12), "psnr_db": Estimate(None, 0), "f1": Estimate(2 / 3, 12, 0.5, 0.75)}
    per_class = {"car": map_value, "bus": None}
    if name in ("sharp", "blurred"):
        return ArmResult(name, "sharp" if name == "sharp" else "blurred", metrics, per_class)
    return ArmResult(name, "deblurrer", metrics, per_class, {"name": name, "settings": {"device": "cpu"}})


class Publisher(ThreadingHTTPServer):
    """A web server of this process. `files` is what it has, by path; `asked` gets each path with the range that was
    asked for. Where `cut_after` is set, an answer ends after so many bytes, whatever length it announced.
    """

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _PublisherAnswer)
        self.files: dict[str, bytes] = {}
        self.asked: list[tuple[str, str | None]] = []
        self.cut_after: int | None = None
        self.knows_ranges = True

    def address(self, path: str) -> str:
        """The address of a path."""
        return f"http://127.0.0.1:{self.server_port}{path}"


class _PublisherAnswer(BaseHTTPRequestHandler):
    server: Publisher

    def do_GET(self) -> None:
        wanted = self.headers["Range"]
        self.server.asked.append((self.path, wanted))
        content = self.server.files.get(self.path)
        if content is None:
            self.send_error(404)
            return
        begin = int(wanted.removeprefix("bytes=").removesuffix("-")) if wanted and self.server.knows_ranges else 0
        if begin >= len(content) > 0:
            self.send_error(416)
            return
        self.send_response(206 if begin else 200)
        self.send_header("Content-Length", str(len(content) - begin))
        self.end_headers()
        end = None if self.server.cut_after is None else begin + self.server.cut_after
        self.wfile.write(content[begin:end])

    def log_message(self, *_words: object) -> None:
        """Say nothing."""


@pytest.fixture
def publisher(socket_enabled: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Publisher]:
    """A server that a test puts files on; no other host can be reached. What is fetched goes into an empty cache."""
    pytest_socket.socket_allow_hosts(["127.0.0.1"])
    monkeypatch.setenv("no_proxy", "*")
    monkeypatch.delenv("DETBENCH_OFFLINE", raising=False)
    monkeypatch.setenv("DETBENCH_CACHE", str(tmp_path / "cache"))
    with Publisher() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def register(publisher: Publisher, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Fetchable]:
    """Puts files on the server and an entry for them into the registry, in place of one of that name."""

    def put(name: str, kind: str, contents: Mapping[str, bytes], **more: Any) -> Fetchable:
        unpack = more.pop("unpack", ())
        publisher.files |= {f"/{file}": content for file, content in contents.items()}
        files = tuple(
            RegisteredFile(publisher.address(f"/{file}"), hashlib.sha256(content).hexdigest(), len(content), unpack)
            for file, content in contents.items()
        )
        entry = Fetchable(name, kind, "MIT", files, **more)  # type: ignore[arg-type]
        known = {**fetchable.registry(), name: entry}
        for module in (fetchable, checkpoint_files):
            monkeypatch.setattr(module, "registry", lambda: known)
        return entry

    return put
