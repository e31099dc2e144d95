"""The script that makes the results page of the shipped networks."""

from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest
from PIL import Image as PillowImage

from detbench.results.schema import ArmResult, Difference
from detbench.types import Estimate


@pytest.fixture
def results(script: Callable[..., ModuleType], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> ModuleType:
    """The script, with a figure of its own."""
    module = script("results", "results.md.j2", "results-words.md")
    monkeypatch.setattr(module, "FIGURE", tmp_path / "figure-9.webp")
    return module


def test_a_page_has_every_run_and_a_figure(results: ModuleType, write: Callable[..., Path], tmp_path: Path) -> None:
    """One table a run with each arm's numbers, how far the order agrees, and the pictures."""
    maps = {"sharp": 0.6, "blurred": 0.3, "wiener": 0.4, "richardson_lucy": 0.35, "identity": 0.3}
    runs = [write(name, maps=maps) for name in ("one", "two")]
    results.main(runs[0], runs[1:])
    page = (tmp_path / "results.md").read_text()
    assert page.count("`--precision bf16`") == 2
    assert "| PSNR dB | SSIM | Gap recovered | Harm mAP | Restoration s/MP |" in page
    result = results.RunFolder(runs[0]).read_result()
    for arm in result.arms:
        shown = results.share(arm.metrics["map"].value)
        assert page.count(f"| {arm.name} | {shown} |") == (2 if arm.name != "identity" else 0)
    with PillowImage.open(tmp_path / "figure-9.webp") as figure:
        assert figure.width > figure.height / 2


def test_numbers_are_told_as_the_report_does(results: ModuleType) -> None:
    """Without a leading zero, with a true minus, and a dash for what is undefined or not there."""
    told = [results.difference(Difference("net", "blurred", "map", Estimate(x, 50))) for x in (0.5, -0.25, None)]
    assert told == ["+.500, may be chance", "−.250, may be chance", "–"]
    shown = Difference("net", "blurred", "map", Estimate(0.1, 50, 0.05, 0.25), 0.01, 0.03)
    assert results.difference(shown) == "+.100 [+.050,\xa0+.250] p\xa0.010, adjusted\xa0.030"
    metrics = {
        "map": Estimate(0.5, 5),
        "harm": Estimate(-0.25, 5),
        "psnr_db": Estimate(12.5, 5),
        "ssim": Estimate(None, 5),
    }
    contender = results.Contender(ArmResult("net", "deblurrer", metrics, {}), {}, {})
    shown = [results.cell(contender, key) for key in (*metrics, "gap_recovered")]
    assert shown == [".500", "−.250", "12.50", "–", "–"]
