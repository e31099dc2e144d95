from pathlib import Path

import pytest

from detbench.evaluation.request import RunSpec
from detbench.evaluation.run import run
from detbench.metrics.resampled import STAT_KEYS
from detbench.metrics.specs import METRICS
from detbench.results.cache import Cache
from detbench.results.schema import RunResult

OF_NETWORKS = {"parameters_m", "gflop_per_mpix"}
"""Read from a model's card, which identity has not."""


@pytest.fixture(scope="module")
def result(drawn_dataset: Path, tmp_path_factory: pytest.TempPathFactory) -> RunResult:
    """One picture with a sharp, a blurred and a restored arm."""
    spec = RunSpec(str(drawn_dataset), ("identity",), "blobs", blur="trajectory", limit=1)
    folder = tmp_path_factory.mktemp("specs")
    return run(spec, folder / "run", Cache(folder / "cache"), lambda *_: None)


def test_every_metric_of_a_run_is_described(result: RunResult) -> None:
    """A run writes no number that has no MetricSpec, and each that is not a network's is written by this run."""
    written = {key for arm in result.arms for key in arm.metrics}
    assert written == set(METRICS) - OF_NETWORKS
    assert set(STAT_KEYS) < written


def test_keys_are_their_own() -> None:
    """Each metric is found under its own key, with a title that no other has, and says what it is."""
    assert all(spec.key == key and spec.definition for key, spec in METRICS.items())
    assert len({spec.title for spec in METRICS.values()}) == len(METRICS)


def test_time_and_harm_are_better_lower() -> None:
    """Times, costs and harm are better the lower they are, everything else the higher."""
    lower = {key for key, spec in METRICS.items() if spec.sign == -1}
    assert lower == {"harm", "restore_ms_p50", "restore_ms_p95", "restore_s_per_mpix"} | OF_NETWORKS
    assert all(spec.better == ("lower" if spec.key in lower else "higher") for spec in METRICS.values())


def test_units_are_named_in_keys() -> None:
    """Decibels and milliseconds stand in the key as in the unit."""
    assert METRICS["psnr_db"].unit == "dB"
    assert METRICS["restore_ms_p50"].unit == METRICS["restore_ms_p95"].unit == "ms"
