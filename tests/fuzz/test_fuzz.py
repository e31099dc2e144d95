"""Spoiled files of every kind: each is read or refused in one message, without a traceback, a hang or much memory.

`DETBENCH_FUZZ` says how many of each kind; `nox -s fuzz` tries thousands.
"""

import contextlib
import copy
import json
import os
import resource
import runpy
import signal
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st

from detbench.errors import DetbenchError

CASES = int(os.environ.get("DETBENCH_FUZZ", "8"))
SECONDS = 5
MEMORY_KIB = 1 << 20
TARGETS = runpy.run_path(str(Path(__file__).with_name("targets.py")))
NAMES = (
    *(f"picture {kind}" for kind in ("png", "jpeg", "webp", "bmp", "tiff", "gif")),
    *(f"photo {kind}" for kind in ("png", "jpeg", "webp", "bmp", "tiff")),
    "coco annotations", "coco source of blur", "dataset.toml", "coco results",
    "yolo ids", "yolo yaml", "yolo label", "yolo list", "yolo classes", "voc xml", "voc split", "manifest", "kernels",
    *(f"report of {name}" for name in ("result.json", "truth.json", "images.csv", "flips.csv", "analysis.json")),
    *(f"gate of {name}" for name in ("result.json", "truth.json", "images.csv", "analysis.json")),
    "report of detections/blurred.json", "gate of detections/blurred.json",
    "baseline", "signed baseline", "shard", "signed lines of a shard",
    "rules", "recipe", "safetensors", "card of weights", "card as an index",
)  # fmt: skip
ODD: list[Any] = [
    None, True, -1, 0, 1.5, 1e308, 10**30, "", "\0", "a" * 300, "a/" * 3000, "../../x", "/etc/passwd", "\ud800",
    "C:\\x", [], {},
    [[[]]], float("nan"), float("inf"), {"id": 1}, ["id"],
]  # fmt: skip


@pytest.fixture(scope="module")
def targets(tmp_path_factory: pytest.TempPathFactory, drawn_dataset: Path) -> dict[str, Any]:
    """Every kind of file by name."""
    made: dict[str, Any] = TARGETS["make_targets"](tmp_path_factory.mktemp("targets"), drawn_dataset)
    return made


def places(document: Any) -> Iterator[tuple[Any, Any]]:
    """Each container in a document with each of its keys."""
    waiting = [document]
    while waiting:
        container = waiting.pop()
        keys = list(container) if isinstance(container, dict) else range(min(len(container), 30))
        for key in keys:
            yield container, key
            if isinstance(container[key], dict | list):
                waiting.append(container[key])


@st.composite
def spoiled_documents(draw: st.DrawFn, document: Any) -> bytes:
    """JSON of which one to three values are odd, missing or there twice."""
    spoiled = copy.deepcopy(document)
    for _ in range(draw(st.integers(1, 3))):
        if not isinstance(spoiled, dict | list) or not spoiled:
            break
        found = list(places(spoiled))
        container, key = found[draw(st.integers(0, len(found) - 1))]
        kind = draw(st.sampled_from(("odd", "odd", "odd", "missing", "twice")))
        if kind == "odd":
            container[key] = draw(st.sampled_from(ODD))
        elif kind == "missing":
            del container[key]
        elif isinstance(container, list):
            container.append(container[key])
    return json.dumps(spoiled).encode()


@st.composite
def spoiled_bytes(draw: st.DrawFn, seed: bytes) -> bytes:
    """Bytes that were cut, changed, swapped or added to in one to four places."""
    data = bytearray(seed)
    for _ in range(draw(st.integers(1, 4))):
        place = draw(st.integers(0, len(data)))
        length = draw(st.integers(0, 40))
        kind = draw(st.sampled_from(("cut", "drop", "change", "token", "token", "repeat")))
        if kind == "cut":
            del data[place:]
        elif kind == "drop":
            del data[place : place + length]
        elif kind == "change":
            data[place : place + 4] = draw(st.binary(max_size=6))
        elif kind == "token":
            data[place : place + length] = draw(st.sampled_from(TARGETS["TOKENS"]))
        else:
            data[place:place] = data[place : place + length] * draw(st.integers(1, 50))
    return bytes(data)


@contextmanager
def within_limits() -> Iterator[None]:
    """Fail where the body takes more processor time or memory than it may."""

    def stop(*_: object) -> None:
        raise AssertionError(f"took longer than {SECONDS} s")

    before, memory = signal.signal(signal.SIGPROF, stop), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    signal.setitimer(signal.ITIMER_PROF, SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - memory
    assert grown < MEMORY_KIB, f"took {grown} KiB"


def read(target: Any, content: bytes) -> None:
    """Read a spoiled file; to be refused by a DetbenchError is as good as success."""
    with within_limits(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with contextlib.suppress(DetbenchError):
            target.read(content)


@pytest.mark.parametrize("name", NAMES)
def test_a_spoiled_file_is_read_or_refused(targets: dict[str, Any], name: str) -> None:
    """Whatever was done to a file, reading it succeeds or is one DetbenchError, in little time and memory."""
    target = targets[name]
    target.read(target.seed)  # a sound one is read
    document = target.document
    spoiled = spoiled_bytes(target.seed)
    if document is not None:
        spoiled = st.one_of(spoiled_documents(document), spoiled_documents(document), spoiled)

    @settings(
        max_examples=CASES,
        deadline=None,
        database=None,
        derandomize=True,
        suppress_health_check=list(HealthCheck),
        phases=(Phase.explicit, Phase.generate),  # to make a failing page's file smaller takes minutes
    )
    @example(b"")
    @example(b"\0" * 100)
    @example(b"[" * 100_000)
    @given(spoiled)
    def check(content: bytes) -> None:
        read(target, content)

    check()


def test_every_target_is_named(targets: dict[str, Any]) -> None:
    """No kind of file is left out of the list above."""
    assert sorted(targets) == sorted(NAMES)


@pytest.mark.parametrize("size", [(100_000, 100_000), (2**31 - 1, 1), (65_000, 1_000)])
def test_a_small_file_does_not_become_a_large_picture(targets: dict[str, Any], size: tuple[int, int]) -> None:
    """A PNG of a few bytes that claims more than 64 million pixels is refused by its header."""
    with pytest.raises(DetbenchError, match="more than 64,000,000 pixels"):
        targets["picture png"].read(TARGETS["png_that_claims"](*size))
