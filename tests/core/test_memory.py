import platform
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from detbench.core import memory
from detbench.core.memory import CLEAR_REFS, peak_of, peak_so_far

REPEATED = """
import resource
import numpy
from detbench.core.memory import keep_freed_memory

keep_freed_memory()
def written():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    numpy.full(100 << 20, 1, numpy.uint8)
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before
print(written(), written())
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc's malloc is told anything")
def test_memory_that_was_freed_is_kept() -> None:
    """The second 100 MiB are the first: hardly a page comes from the system."""
    done = subprocess.run([sys.executable, "-c", REPEATED], check=True, capture_output=True, text=True)
    first, second = map(int, done.stdout.split())
    assert second < max(first / 10, 100)


HANDED_BACK = """
import numpy
from pathlib import Path
from detbench.core.memory import hand_back_freed_memory, keep_freed_memory

keep_freed_memory()
def resident():
    return int(Path("/proc/self/statm").read_text().split()[1])
before = resident()
layers = [numpy.full(10 << 20, 1, numpy.uint8) for _ in range(10)]
later = numpy.full(1 << 20, 1, numpy.uint8)
del layers
kept = resident()
hand_back_freed_memory()
print(kept - before, resident() - before)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc's malloc is told anything")
def test_memory_that_was_kept_is_handed_back() -> None:
    """Also what lies below memory that is still in use goes back to the system."""
    done = subprocess.run([sys.executable, "-c", HANDED_BACK], check=True, capture_output=True, text=True)
    kept, left = map(int, done.stdout.split())
    assert left < kept / 5


MIB = 1 << 20
on_linux = pytest.mark.skipif(not CLEAR_REFS.exists(), reason="only Linux sets peaks back")


@on_linux
def test_the_most_memory_of_a_call_is_what_it_held_at_once() -> None:
    """200 MiB that are written and freed again are about 200 MiB, whatever was held at most before; then a call that
    takes nothing takes next to nothing.
    """
    np.ones(300 * MIB, np.uint8)
    kept, peak = peak_of(lambda: len(np.ones(200 * MIB, np.uint8)))
    assert kept == 200 * MIB
    assert peak == pytest.approx(200, rel=0.2)
    assert peak_of(lambda: None)[1] == pytest.approx(0, abs=20)
    assert (peak_so_far() or 0) > 20


def test_where_peaks_cannot_be_set_back_they_are_undefined(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A refused file, as in some containers, and a system without /proc give the result and no number."""
    monkeypatch.setattr(memory, "CLEAR_REFS", tmp_path / "absent" / "clear_refs")
    assert peak_of(lambda: "made") == ("made", None)
    monkeypatch.setattr(memory, "STATUS", tmp_path / "absent" / "status")
    assert peak_so_far() is None


def test_memory_of_gpus_comes_first(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where torch took memory on a GPU, it is that beyond what it held there before: 30 MiB on each of two."""
    cuda = SimpleNamespace(
        is_initialized=lambda: True,
        device_count=lambda: 2,
        memory_allocated=lambda _index: 70 * MIB,
        max_memory_allocated=lambda _index: 100 * MIB,
        reset_peak_memory_stats=lambda _index: None,
    )
    monkeypatch.setitem(sys.modules, "torch", SimpleNamespace(cuda=cuda))
    assert peak_of(lambda: 1) == (1, 60)
