"""Fixtures that more than one test module needs."""

import os
import runpy
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from detbench.core import observed_reads
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
