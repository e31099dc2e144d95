import platform
import subprocess
import sys

import pytest

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
