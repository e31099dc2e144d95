import json
from dataclasses import replace
from pathlib import Path

import pytest

from detbench.evaluation.request import RunSpec
from detbench.evaluation.run import run
from detbench.gate.baseline import write_baseline
from detbench.metrics.image_metrics import OTHER_COLUMNS
from detbench.metrics.resampled import STAT_KEYS
from detbench.metrics.specs import METRICS
from detbench.results.cache import Cache
from detbench.results.folder import RunFolder

COSTS = {
    "restore_ms_p50", "restore_ms_p95", "restore_s_per_mpix", "detect_ms_p50", "detect_ms_p95", "fps_p50", "fps_p95",
    "restore_peak_mib", "parameters_m", "gflop_per_mpix",
}  # fmt: skip
OF_NETWORKS = {"parameters_m", "gflop_per_mpix"}
"""Read from a model's card, which identity has not."""
OF_BENCHMARKS = {"best_frame_psnr_db", "shifted_psnr_db"}
"""Measured in the public sets whose papers use them."""


@pytest.fixture(scope="module")
def run_folder(drawn_dataset: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One picture with a sharp, a blurred and a restored arm, and with the metrics on request."""
    named = tuple(key for key, spec in METRICS.items() if spec.on_request)
    spec = RunSpec(str(drawn_dataset), ("identity",), "blobs", blur="trajectory", limit=1, metrics=named)
    folder = tmp_path_factory.mktemp("specs")
    run(spec, folder / "run", Cache(folder / "cache"), lambda *_: None)
    return folder / "run"


def test_every_metric_of_a_run_is_described(run_folder: Path) -> None:
    """A run writes no number that has no MetricSpec, and each that is not a network's is written by this run."""
    written = {key for arm in RunFolder(run_folder).read_result().arms for key in arm.metrics}
    assert written == set(METRICS) - OF_NETWORKS - OF_BENCHMARKS
    assert set(STAT_KEYS) < written


def test_no_metric_can_have_the_name_of_another_column(run_folder: Path) -> None:
    """`images.csv` holds metrics and OTHER_COLUMNS, and so does the evidence of a baseline."""
    write_baseline(run_folder, run_folder.parent / "baseline.json")
    evidence = json.loads((run_folder.parent / "baseline.json").read_text())["evidence"]
    columns = {*RunFolder(run_folder).read_images(), *evidence["identity"]}
    metrics = {key for key, spec in METRICS.items() if spec.function} - OF_BENCHMARKS
    assert metrics < columns
    assert columns - metrics == OTHER_COLUMNS


def test_keys_are_their_own() -> None:
    """Each metric is found under its own key, with a title that no other has, and says what it is."""
    assert all(spec.key == key and spec.definition for key, spec in METRICS.items())
    assert len({spec.title for spec in METRICS.values()}) == len(METRICS)


def test_time_and_harm_are_better_lower() -> None:
    """Times, costs and harm are better the lower they are, all else the higher, pictures a second too."""
    of_arms = {key: spec for key, spec in METRICS.items() if not spec.function}
    lower = {key for key, spec in of_arms.items() if spec.sign == -1}
    assert lower == {"harm", *COSTS} - {"fps_p50", "fps_p95"}
    assert all(spec.better == ("lower" if spec.key in lower else "higher") for spec in of_arms.values())


def test_costs_are_not_paired() -> None:
    """Times and sizes of networks do not depend on the pictures drawn; everything else does."""
    assert {key for key, spec in METRICS.items() if not spec.is_paired} == COSTS


def test_the_short_tables_have_these() -> None:
    """The metrics of the report's first table, of the terminal and of a card, each in the order of all."""
    shown = {
        "main": [key for key, spec in METRICS.items() if spec.in_main_table],
        "terminal": [spec.terminal_title for spec in METRICS.values() if spec.terminal_title],
        "card": [key for key, spec in METRICS.items() if spec.on_card],
    }
    assert shown == {
        "main": [
            "map", "map50", "map75", "precision", "recall", "f1", "psnr_db", "best_frame_psnr_db", "shifted_psnr_db",
            "ssim", "psnr_aligned_db", "ssim_aligned", "gap_recovered", "harm", "restore_s_per_mpix",
        ],
        "terminal": [
            "mAP", "P @.25", "R @.25", "PSNR dB", "best dB", "shifted dB", "SSIM", "gap rec.", "harm", "s/MP",
        ],
        "card": [
            "map", "map50", "precision", "recall", "psnr_db", "best_frame_psnr_db", "shifted_psnr_db", "ssim",
            "gap_recovered", "harm",
        ],
    }  # fmt: skip


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"key": "Mine"}, "small letters"),
        ({"better": "more"}, "'higher' or 'lower', not 'more'"),
        ({"style": "bold"}, "one of share, percent, number, amount, not 'bold'"),
        ({"function": "mine"}, "'module:function', not 'mine'"),
    ],
)
def test_a_wrong_description_is_refused(wrong: dict[str, str], said: str) -> None:
    """A key that is no column's name, a word that is none, and a function without its module."""
    with pytest.raises(ValueError, match=said):
        replace(METRICS["ssim"], **wrong)


def test_units_are_named_in_keys() -> None:
    """Decibels and milliseconds stand in the key as in the unit."""
    assert METRICS["psnr_db"].unit == "dB"
    assert METRICS["restore_ms_p50"].unit == METRICS["restore_ms_p95"].unit == "ms"
