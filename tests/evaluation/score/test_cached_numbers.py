"""Numbers of arms over drawn pictures, and what the cache keeps of them."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from detbench.core.arm import BLURRED, SHARP
from detbench.evaluation.measure.measured import Measurements
from detbench.evaluation.score.arm_evidence import evidence_of_arms
from detbench.evaluation.score.cached_numbers import CachedNumbers
from detbench.evaluation.score.true_boxes import true_boxes
from detbench.results.cache import Cache, Record

QUALITY = {"sharp": ({"psnr_db": None, "ssim": 1.0}, {"psnr_db": None, "ssim": 1.0})}


@pytest.fixture
def numbers_of(make_measured: Callable[..., Measurements], tmp_path: Path) -> Callable[..., CachedNumbers]:
    """Makes the numbers of a run over one cache; sharp finds every box, blurred the bus."""

    def make(resamples: int = 20, sharp: tuple[int, ...] = (21, 22, 23), truth: str = "labels") -> CachedNumbers:
        measured = make_measured({"sharp": sharp, "blurred": (22,)}, quality=QUALITY, truth=truth)
        boxes = true_boxes(measured)
        return CachedNumbers(Cache(tmp_path), boxes, evidence_of_arms(measured.rows, boxes.columns), resamples)

    return make


def test_what_is_undefined_survives_the_cache(numbers_of: Callable[..., CachedNumbers]) -> None:
    """Numbers from the cache equal those that were computed, to the last bit, NaN included."""
    computed, read = numbers_of().jackknifed.own(SHARP), numbers_of().jackknifed.own(SHARP)
    assert computed["map"].shape == (3,)
    assert computed["map"][0] == pytest.approx(1)
    assert np.isnan(read["psnr_db"]).all()
    assert (read["ssim"] == 1).all()
    assert computed.keys() == read.keys()
    assert all(np.array_equal(computed[key], read[key], equal_nan=True) for key in computed)


def test_numbers_are_computed_once(numbers_of: Callable[..., CachedNumbers], monkeypatch: pytest.MonkeyPatch) -> None:
    """What the cache holds is not computed again: numbers and p-values come back though the computing is broken."""

    def broken(*_: object) -> Record:
        raise AssertionError("computed again")

    first = numbers_of()
    own, p_values = first.jackknifed.own(BLURRED), first.p_values(BLURRED, SHARP)
    for name in ("numbers_of_folds", "p_values"):
        monkeypatch.setattr(f"detbench.evaluation.score.cached_numbers.{name}", broken)
    again = numbers_of()
    assert np.array_equal(again.jackknifed.own(BLURRED)["map"], own["map"])
    assert again.p_values(BLURRED, SHARP) == p_values


def test_a_record_belongs_to_its_truth_and_exchanges(numbers_of: Callable[..., CachedNumbers]) -> None:
    """Another number of exchanges, other true boxes, another stage or another key is another record."""
    assert numbers_of().kept("stage", {"arm": 1}, lambda: {"made": 1}) == {"made": 1}
    assert numbers_of().kept("stage", {"arm": 1}, lambda: {"made": 2}) == {"made": 1}
    assert numbers_of(resamples=21).kept("stage", {"arm": 1}, lambda: {"made": 3}) == {"made": 3}
    assert numbers_of(truth="pseudo").kept("stage", {"arm": 1}, lambda: {"made": 4}) == {"made": 4}
    assert numbers_of().kept("other", {"arm": 1}, lambda: {"made": 5}) == {"made": 5}
    assert numbers_of().kept("stage", {"arm": 2}, lambda: {"made": 6}) == {"made": 6}


def test_p_values_are_of_both_arms(numbers_of: Callable[..., CachedNumbers]) -> None:
    """Nothing resampled has none; equal arms have 1; two pictures exchange in four ways, half of them as far apart."""
    assert numbers_of(resamples=0).p_values(BLURRED, SHARP) == {}
    assert numbers_of(sharp=(22,)).p_values(BLURRED, SHARP)["map"] == 1
    p_value = numbers_of(resamples=400).p_values(BLURRED, SHARP)["recall"]
    assert p_value == pytest.approx(0.5, abs=0.1)
