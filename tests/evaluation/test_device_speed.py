import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as PillowImage

from detbench.core.memory import CLEAR_REFS
from detbench.errors import ArmError, UsageError
from detbench.evaluation.device_speed import SpeedJob, is_steady, measure_speed, measured_apart, pictures_of

SLEEPY = '''
import time
import numpy as np

def sleepy(blurred):
    """Holds 200 MiB for 20 ms."""
    held = np.ones(200 << 20, np.uint8)
    time.sleep(0.02)
    return blurred

def threaded(blurred):
    """Fails with the number of threads that libraries take."""
    import os
    raise ValueError(os.environ["OMP_NUM_THREADS"], os.environ["OPENCV_FOR_THREADS_NUM"])

def killed(blurred):
    """Ends the process as the system does where memory runs out."""
    import os
    os._exit(9)
'''


@pytest.fixture
def backends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The module `sleepy_backends`, in the working folder."""
    (tmp_path / "sleepy_backends.py").write_text(SLEEPY)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path, str(tmp_path)])
    monkeypatch.delitem(sys.modules, "sleepy_backends", raising=False)


def job(word: str, detector: str | None = None, threads: int = 1) -> SpeedJob:
    """A fifth of a second of pictures of 160x90."""
    return SpeedJob(word, detector, "cpu", "fp32", (90, 160), threads, seconds=0.2)


@pytest.mark.usefixtures("backends")
def test_a_deblurrer_of_known_time_and_memory() -> None:
    """20 ms of sleep and 200 MiB are at least 20 ms and about 200 MiB; with a detector a picture takes both times."""
    speed = measure_speed(job("python:sleepy_backends:sleepy", "blobs"))
    assert speed.deblurrer == "python-sleepy"
    assert speed.warm_up >= 2
    assert speed.pictures >= 1
    assert speed.restore_ms_p95 >= speed.restore_ms_p50 >= 20
    assert speed.fps == pytest.approx(1000 / speed.restore_ms_p50)
    assert speed.detect_ms_p50 is not None
    assert speed.detect_ms_p95 is not None
    assert speed.fps_p50 == pytest.approx(1000 / (speed.restore_ms_p50 + speed.detect_ms_p50))
    assert speed.fps_p95 == pytest.approx(1000 / (speed.restore_ms_p95 + speed.detect_ms_p95))
    if CLEAR_REFS.exists():
        assert speed.restore_peak_mib == pytest.approx(200, rel=0.2)
        assert speed.process_peak_mib is not None
        assert speed.process_peak_mib > speed.restore_peak_mib


def test_a_deblurrer_alone_has_no_numbers_of_a_detector() -> None:
    """And nothing is restored for no time at all: one picture counts at least."""
    speed = measure_speed(job("identity"))
    assert (speed.detect_ms_p50, speed.detect_ms_p95, speed.fps_p50, speed.fps_p95) == (None,) * 4
    assert speed.pictures >= 1
    assert speed.restore_peak_mib is None or speed.restore_peak_mib < 50


@pytest.mark.usefixtures("backends")
def test_each_job_has_a_process_with_its_own_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    """The number of threads is in the environment of the process from its start, and this one's stays as it is; what
    fails there is the same error here.
    """
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    monkeypatch.delenv("OPENCV_FOR_THREADS_NUM", raising=False)
    with pytest.raises(ArmError, match=r"python-threaded failed: ValueError: \('3', '3'\)"):
        measured_apart(job("python:sleepy_backends:threaded", threads=3))
    import os

    assert os.environ["OMP_NUM_THREADS"] == "7"
    assert "OPENCV_FOR_THREADS_NUM" not in os.environ


@pytest.mark.usefixtures("backends")
def test_a_process_that_dies_is_named() -> None:
    """One that is killed, as where memory runs out, is a message with the deblurrer, and no traceback."""
    with pytest.raises(Exception, match=r"python:sleepy_backends:killed: its process was ended from outside"):
        measured_apart(job("python:sleepy_backends:killed"))


def test_what_runs_nothing_has_no_speed(tmp_path: Path) -> None:
    """Recorded pictures and detections, and oracles, which need a kernel that no camera gives, are refused."""
    with pytest.raises(UsageError, match=r"recorded-.* holds what was made before"):
        measure_speed(job(f"recorded:{tmp_path}"))
    with pytest.raises(UsageError, match=r"recorded-.* holds what was made before"):
        measure_speed(job("identity", f"recorded:{tmp_path}"))
    with pytest.raises(UsageError, match="wiener needs the blur kernel"):
        measure_speed(job("wiener"))


def test_pictures_are_cut_or_mirrored_to_the_size(tmp_path: Path) -> None:
    """Of a picture of 2 rows and 3 columns, one of 4 rows and 2 columns has the first two columns, down and up again;
    without any, those of the embedded streets are taken.
    """
    rows = np.arange(18, dtype=np.uint8).reshape(2, 3, 3)
    PillowImage.fromarray(rows).save(tmp_path / "a.png")
    (made,) = pictures_of([tmp_path / "a.png"], (4, 2))
    np.testing.assert_array_equal(made, rows[[0, 1, 1, 0], :2])
    streets = pictures_of([], (300, 400))
    assert [image.shape for image in streets] == [(300, 400, 3)] * 4
    assert len({image.tobytes() for image in streets}) == 4


@pytest.mark.parametrize(
    ("times_ms", "is_it"),
    [
        ([], False),
        ([10, 10], False),
        ([90, 10, 10.5, 10.9], True),
        ([10, 10, 90, 10, 10], False),
        ([10, 8.9, 10], False),
    ],
)
def test_times_are_steady_once_three_in_a_row_are_alike(times_ms: list[float], is_it: bool) -> None:
    """Within a tenth of the middle one; what was before does not count."""
    assert is_steady(times_ms) is is_it
