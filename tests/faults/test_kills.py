"""Nothing is lost to a kill or a full disk. `nox -s faults` does this at every point and at 200 random moments."""

import re
import subprocess
import sys
from pathlib import Path


def test_a_killed_run_ends_as_an_undisturbed_one() -> None:
    """SIGKILL before and after the write and the rename of a record and of metrics.json, before and after an earlier
    result is removed, and at random moments; a full disk: the repeated command writes what an undisturbed one
    does, byte for byte, and does no picture again but the one that was under way.
    """
    script = Path(__file__).with_name("kills.py")
    done = subprocess.run([sys.executable, script, "--few", "--moments", "3"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert re.match(r"10 named points, 2 full disks, 4 random moments \(\d in the middle\): metrics.json", done.stdout)
