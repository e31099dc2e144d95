import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Run = Callable[..., Any]


@pytest.fixture
def job(drawn_run: Run) -> Path:
    """A finished run's folder: twelve pictures, a deblurrer that restores and one that does nothing."""
    said = drawn_run("--name", "job", "--resamples", "20", deblurrers=("wiener", "identity"))
    assert said.code == 0, said.err
    return Path("reports/job")


def test_power_plans_by_a_runs_own_spread(detbench: Run, job: Path) -> None:
    """Each deblurrer has its difference, what twelve pictures could see, and how many see the effect: a quarter of the
    effect takes sixteen times the pictures, and more power more. One that changes nothing has no spread to plan by.
    """
    said = detbench("power", job, "--effect", "0.01", "--json")
    assert said.code == 0, said.err
    told = json.loads(said.out)
    assert {key: told[key] for key in ("metric", "pictures", "effect", "power", "alpha")} == {
        "metric": "map", "pictures": 12, "effect": 0.01, "power": 0.8, "alpha": 0.05,
    }  # fmt: skip
    wiener, identity = told["arms"]["wiener"], told["arms"]["identity"]
    metrics = json.loads((job / "metrics.json").read_text())
    assert wiener["difference"] == pytest.approx(metrics["wiener.map"] - metrics["blurred.map"])
    assert wiener["detectable_effect"] == pytest.approx(2.8016 * wiener["standard_error"], rel=1e-4)
    assert wiener["pictures_needed"] == pytest.approx(12 * (wiener["detectable_effect"] / 0.01) ** 2, abs=1)
    assert identity == {"difference": 0, "standard_error": 0, "detectable_effect": None, "pictures_needed": None}
    finer, surer = (
        json.loads(detbench("power", job, "--json", *words).out)["arms"]["wiener"]["pictures_needed"]
        for words in (("--effect", "0.0025"), ("--power", "0.95"))
    )
    assert finer == pytest.approx(16 * wiener["pictures_needed"], rel=0.01)
    assert surer == pytest.approx(1.656 * wiener["pictures_needed"], rel=0.01)
    table = detbench("power", job)
    row = next(line for line in table.out.splitlines() if line.startswith("wiener")).split()
    assert row[-1] == f"{wiener['pictures_needed']:,}"
    assert next(line for line in table.out.splitlines() if line.startswith("identity")).split()[-2:] == ["–", "–"]
    assert "spread of 12 pictures, power 0.8" in table.err
    decibels = detbench("power", job, "--metric", "psnr_db", "--effect", "0.5")
    assert "pictures to see 0.5 dB" in decibels.out


REFUSED = [
    (("--effect", "0"), 2, "a difference above 0, not 0.0"),
    (("--effect", "nan"), 2, "a difference above 0, not nan"),
    (("--power", "80"), 2, "between .5 and 1, not 80"),
    (("--power", "0.2"), 2, "between .5 and 1, not 0.2"),
    (("--metric", "mapp"), 2, "Did you mean 'map'"),
    (("--metric", "restore_ms_p50"), 2, "has no spread over pictures"),
    (("--metric", "harm"), 3, "no deblurrer of the run has harm"),
]


def test_what_cannot_be_planned_is_refused(detbench: Run, job: Path) -> None:
    """Each ends with its exit code, one message and nothing on stdout."""
    for words, code, said in REFUSED:
        refused = detbench("power", job, *words)
        assert (refused.code, refused.out) == (code, ""), words
        assert said in refused.err


def test_a_pilot_of_nine_pictures_is_too_small(detbench: Run, drawn_run: Run) -> None:
    """Ten is the least: exit 3 with the number that there is."""
    assert drawn_run("--name", "nine", "--limit", "9", "--resamples", "0", deblurrers=("wiener",)).code == 0
    refused = detbench("power", "reports/nine")
    assert (refused.code, "a pilot of 9 pictures" in refused.err) == (3, True)
    assert drawn_run("--name", "ten", "--limit", "10", "--resamples", "0", deblurrers=("wiener",)).code == 0
    assert detbench("power", "reports/ten").code == 0
