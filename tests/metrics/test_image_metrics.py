"""The metrics of single pictures: detbench's own and those of installed packages."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from detbench.core.fingerprints import installed_version
from detbench.errors import BackendError, UsageError
from detbench.metrics import image_metrics as module
from detbench.metrics.image_metrics import (
    ImageMetric,
    check_blur_measure,
    check_metrics,
    image_metrics,
    measured_metrics,
    metric_specs,
    source_of,
)
from detbench.metrics.quality import psnr_db, ssim
from detbench.metrics.specs import METRICS

PACKAGE = """
from detbench.types import MetricSpec

LIGHT = MetricSpec("light", "Light", "", "higher", "mean value", function="their_light:light", needs_sharp=False)
SSIM = MetricSpec("ssim", "SSIM", "", "higher", "another", function="their_light:light")
COLUMN = MetricSpec("width", "Width", "px", "higher", "a column's name", function="their_light:light")
NOTHING = MetricSpec("nothing", "Nothing", "", "higher", "measured by nothing")


def light(image):
    return image.mean()
"""
PICTURE = np.random.default_rng(5).integers(0, 256, (16, 24, 3), dtype=np.uint8)

Install = Callable[[str], None]


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Install]:
    """A function that installs a package with entry points, one a line."""

    def installed(entry_points: str) -> None:
        info = tmp_path / "their_light-1.2.dist-info"
        info.mkdir()
        (tmp_path / "their_light.py").write_text(PACKAGE)
        (info / "METADATA").write_text("Metadata-Version: 2.1\nName: their-light\nVersion: 1.2\n")
        (info / "entry_points.txt").write_text(f"[detbench.metrics]\n{entry_points}\n")
        monkeypatch.syspath_prepend(tmp_path)
        forget()

    def forget() -> None:
        for kept in (metric_specs, image_metrics, module._installed, installed_version):
            kept.cache_clear()

    yield installed
    monkeypatch.undo()
    forget()


def test_own_metrics_are_their_functions() -> None:
    """PSNR and SSIM by key are what their functions give, bit by bit."""
    other = np.roll(PICTURE, 1, axis=1)
    assert image_metrics()["psnr_db"](other, PICTURE) == psnr_db(other, PICTURE)
    assert image_metrics()["ssim"](other, PICTURE) == ssim(other, PICTURE)


def test_without_a_sharp_picture_there_is_no_likeness() -> None:
    """A metric that needs the sharp picture is undefined without it."""
    assert image_metrics()["ssim"](PICTURE, None) is None


def test_those_on_request_are_measured_where_named() -> None:
    """Unnamed, they are left out and all others stay; any name of a metric of single pictures will do, no other."""
    of_benchmarks = {"best_frame_psnr_db", "shifted_psnr_db"}
    unnamed = image_metrics().keys() - measured_metrics(()).keys()
    assert unnamed == {"psnr_aligned_db", "ssim_aligned", *of_benchmarks}
    assert unnamed - measured_metrics(("ssim_aligned", "shifted_psnr_db")).keys() == {
        "psnr_aligned_db",
        "best_frame_psnr_db",
    }
    check_metrics(("ssim_aligned", "psnr_db"))
    with pytest.raises(UsageError, match=r"--metric 'map' is no metric of single pictures"):
        check_metrics(("map",))


def test_a_metric_depends_on_its_own_code_alone() -> None:
    """What PSNR's values depend on names its function and libraries, and no other metric."""
    identity = image_metrics()["psnr_db"].identity
    assert identity["function"] == "detbench.metrics.quality:psnr_db"
    assert identity["versions"] == {name: installed_version(name) for name in ("numpy", "opencv-python")}
    assert identity == ImageMetric(METRICS["psnr_db"]).identity
    assert identity != ImageMetric(replace(METRICS["psnr_db"], function="detbench.metrics.matching:f1")).identity


def test_an_installed_metric_comes_last(install: Install) -> None:
    """It is found under its own key, measures without a sharp picture, and depends on its package's version."""
    install("light = their_light:LIGHT")
    assert list(metric_specs())[-1] == list(image_metrics())[-1] == "light"
    assert image_metrics()["light"](PICTURE, None) == PICTURE.mean()
    assert image_metrics()["light"].identity["versions"]["their-light"] == "1.2"
    assert (source_of("light"), source_of("ssim")) == ("their-light", "detbench")


@pytest.mark.parametrize("value", [np.nan, np.inf, None])
def test_what_is_no_number_is_undefined(value: float | None) -> None:
    """NaN and infinity are None: files know neither."""
    metric = ImageMetric(replace(METRICS["ssim"], needs_sharp=False))
    metric.__dict__["_function"] = lambda image: value
    assert metric(PICTURE, None) is None


@pytest.mark.parametrize(
    ("entry_point", "key"), [("mine = their_light:SSIM", "ssim"), ("x = their_light:COLUMN", "width")]
)
def test_a_key_that_is_taken_is_refused(install: Install, entry_point: str, key: str) -> None:
    """No metric replaces one of detbench's, or another column of images.csv."""
    install(entry_point)
    with pytest.raises(UsageError, match=rf"of the package their-light .*key '{key}' is taken"):
        metric_specs()


def test_two_packages_cannot_have_one_key(install: Install) -> None:
    """The second of two metrics with one key is refused."""
    install("light = their_light:LIGHT\nbright = their_light:LIGHT")
    with pytest.raises(UsageError, match="'light' is taken"):
        image_metrics()


@pytest.mark.parametrize(
    ("entry_point", "said"),
    [
        ("gone = their_light:GONE", r"gone \(their_light:GONE\) cannot be imported"),
        ("light = their_light:light", "is a function; it must be a MetricSpec with a function"),
        ("nothing = their_light:NOTHING", "names no function"),
    ],
)
def test_what_is_no_metric_is_refused(install: Install, entry_point: str, said: str) -> None:
    """An entry point that leads nowhere, or to something else, is one message that names it."""
    install(entry_point)
    with pytest.raises(BackendError, match=said):
        metric_specs()


@pytest.mark.parametrize(
    ("key", "said"),
    [
        ("psnr_db", "needs another picture"),
        ("blur_efect", "Did you mean 'blur_effect'"),
        ("map", "is no metric of single pictures. It takes blur_effect, laplacian_variance, or"),
    ],
)
def test_a_gate_takes_metrics_that_need_no_sharp_picture(key: str, said: str) -> None:
    """Any other word is refused with the names of those that there are."""
    check_blur_measure("laplacian_variance")
    with pytest.raises(UsageError, match=f"--gate-by {key}.*{said}"):
        check_blur_measure(key)
