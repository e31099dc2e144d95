from collections.abc import Callable
from dataclasses import replace

import pytest

from detbench.report.claimed import claims_note, claims_table
from detbench.results.schema import RunResult
from detbench.types import Estimate

METRICS = {
    "psnr_db": Estimate(26.5, 24, 26.0, 27.0),
    "ssim": Estimate(0.801, 24),
    "best_frame_psnr_db": Estimate(25.51, 4),
}


@pytest.fixture
def run(make_result: Callable[..., RunResult]) -> Callable[[str, str, tuple[str, ...]], RunResult]:
    """A run of one deblurrer over a dataset, with some of METRICS."""

    def make(arm: str, dataset: str, keys: tuple[str, ...]) -> RunResult:
        made = make_result({"blurred": 0.2, arm: 0.3}, 24)
        arms = tuple(replace(each, metrics={key: METRICS[key] for key in keys}) for each in made.arms)
        return replace(made, arms=arms, data=replace(made.data, name=dataset))

    return make


def test_claimed_stands_beside_measured(run: Callable[..., RunResult]) -> None:
    """On GoPro a row for each claim: both numbers of each metric, the weights, and where the claim stands."""
    result = run("deblurgan", "GOPRO_Large-test-blur", ("psnr_db", "ssim"))
    table = claims_table(result)
    assert table is not None
    assert [[cell.text for cell in row.cells] for row in table.rows] == [
        [
            "28.70",
            "26.50",
            ".958",
            ".801",
            "not known to be the authors’",
            "the paper's table on GoPro, DeblurGAN Comb",
        ],
        ["28.70", "26.50", ".927", ".801", "not known to be the authors’", "repeated in table 1 of DeblurGAN-v2"],
    ]
    assert "24 of 1,111 pictures, so the means are over other pictures than the claims" in claims_note(result)


def test_a_protocol_of_its_own_takes_its_own_metric(run: Callable[..., RunResult]) -> None:
    """On Köhler's set PSNR is that against the best frame; the SSIM against one frame is no such number."""
    table = claims_table(run("deblurgan", "any", ("psnr_db", "ssim", "best_frame_psnr_db")))
    assert table is not None
    assert [cell.text for cell in table.rows[0].cells][:4] == ["26.10", "25.51", ".816", "–"]


def test_without_a_claim_there_is_no_table(run: Callable[..., RunResult]) -> None:
    """Neither for a deblurrer that nobody claims anything of, nor on a set that is not public."""
    assert claims_table(run("blind", "GOPRO_Large", ("psnr_db",))) is None
    drawn = run("deblurgan", "drawn", ("psnr_db",))
    assert claims_table(drawn) is None
    assert claims_note(drawn) == ""
