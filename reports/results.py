"""The results page of the shipped networks, from runs: `python reports/results.py STREETS [COCO]`; see results.md.j2.

Writes results.md and figure-9.webp beside this file. Every number is a run's or a card's; the words are the template's,
and are read again whenever the numbers are new.
"""

import io
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import jinja2
from PIL import Image as PillowImage
from scipy.stats import kendalltau

from detbench.core.paths import shipped
from detbench.errors import NotEvaluableError
from detbench.evaluation.measure.detection import ALIKE
from detbench.metrics.specs import METRICS
from detbench.pages.figure_files import figure_files
from detbench.pages.text import UNDEFINED, interval, metric_value, share, signed, with_p_value
from detbench.report.figure_nine import best_deblurrer, figure_nine
from detbench.report.shown import read_shown
from detbench.report.tables import arm_name, trained_with_note
from detbench.report.verdict import leader
from detbench.results.cards import read_card
from detbench.results.folder import RunFolder
from detbench.results.schema import ArmResult, Difference, RunResult
from detbench.types import Estimate

HERE = Path(__file__).parent
FIGURE = HERE / "figure-9.webp"
COLUMNS = (
    "map50",
    "precision",
    "recall",
    "f1",
    "psnr_db",
    "ssim",
    "gap_recovered",
    "harm",
    "restore_s_per_mpix",
)
"""What stands beside mAP and its gain."""


@dataclass(frozen=True)
class Contender:
    """One arm on a page: its numbers, those against the blurred arm, and the card of its weights (empty without)."""

    arm: ArmResult
    gains: Mapping[str, Difference]
    card: Mapping[str, Any]

    @property
    def name(self) -> str:
        """What the run calls it."""
        return self.arm.name

    @property
    def held_out(self) -> str:
        """PSNR before and after on held-out pictures, of each source by its name where the card has several."""
        measured = self.card["held_out"]
        if "restored" in measured:
            return _gain_db(measured)
        return ", ".join(f"{source} {_gain_db(each)}" for source, each in measured.items())

    def value(self, key: str) -> float | None:
        """A metric's value, None where it has none."""
        return self.arm.metrics[key].value if key in self.arm.metrics else None


def main(streets: Path, others: Sequence[Path]) -> None:
    """Write the page and its figure."""
    runs = [RunFolder(path).read_result() for path in (streets, *others)]
    template = jinja2.Environment(
        loader=jinja2.FileSystemLoader(HERE), autoescape=False, trim_blocks=True, undefined=jinja2.StrictUndefined
    ).get_template("results.md.j2")
    folders = sorted(path.parent for path in shipped("models").glob("*/card.toml"))
    cards = {card.get("sha256"): card for card in map(read_card, folders)}
    pages: list[dict[str, Any]] = [
        {
            "run": run,
            "contenders": contenders(run, cards),
            "pairs": list(pairs(run)),
            "leader": leader(run),
            "note": trained_with_note(run.arms),
        }
        for run in runs
    ]
    text = template.render(
        pages=pages,
        networks={each.name: each for page in pages for each in page["contenders"] if each.card}.values(),
        columns=COLUMNS,
        best=best_deblurrer(runs[0]),
        tau=agreement(runs),
        arm_name=arm_name,
        head=head,
        cell=cell,
        difference=difference,
        share=share,
    )
    (HERE / "results.md").write_text(text, encoding="utf-8")
    draw(RunFolder(streets), runs[0])


def contenders(run: RunResult, cards: Mapping[str | None, Mapping[str, Any]]) -> list[Contender]:
    """The blurred and the sharp arm, then the deblurrers, the largest mAP first; cards are found by their weights."""
    arms = [arm for arm in run.arms if arm.kind != "deblurrer"] + sorted(_restored(run), key=lambda arm: -_map(arm))
    return [
        Contender(arm, _against(run, arm.name, "blurred"), cards.get((arm.backend or {}).get("weights_sha256"), {}))
        for arm in arms
    ]


def _gain_db(measured: Mapping[str, Any]) -> str:
    return f"{measured['blurred']['psnr_db']:.2f} → {measured['restored']['psnr_db']:.2f}"


def pairs(run: RunResult) -> Iterator[Difference]:
    """How far any two deblurrers are apart in mAP, the one with more first."""
    names = {arm.name for arm in _restored(run)}
    for each in run.differences:
        if each.metric == "map" and {each.arm, each.against} <= names:
            turned = replace(each, arm=each.against, against=each.arm, difference=_negated(each.difference))
            yield turned if (each.difference.value or 0) < 0 else each


def agreement(runs: Sequence[RunResult]) -> float | None:
    """Kendall's tau of the deblurrers' order by mAP in two runs; None without a second one."""
    if len(runs) < 2:
        return None
    both = [arm.name for arm in _restored(runs[0]) if runs[1].arm(arm.name)]
    orders = [[_map(run.arm(name)) for name in both] for run in runs[:2]]
    return float(kendalltau(*orders).statistic)


def draw(folder: RunFolder, run: RunResult) -> None:
    """The paper's figure 9: pictures blurred, restored by the best and sharp, with the boxes found."""
    nine = figure_nine(run, *read_shown(folder, run, folder.read_images()))
    if nine is None:
        raise NotEvaluableError(f"{folder.path}: no deblurrer with a mAP, or no picture that the report shows")
    with PillowImage.open(io.BytesIO(figure_files(*nine)["png"])) as picture:
        picture.convert("RGB").save(FIGURE, "WEBP", quality=80, method=6)


def head(key: str) -> str:
    """A metric's title with its unit."""
    return f"{METRICS[key].title} {METRICS[key].unit}".strip()


def cell(contender: Contender, key: str) -> str:
    """A metric's value, a dash where it has none."""
    value = contender.value(key)
    return UNDEFINED if value is None else metric_value(METRICS[key], value)


def difference(change: Difference) -> str:
    """How far two arms are apart in mAP, with the interval and the p-values, and whether that may be chance."""
    spec, estimate = METRICS["map"], change.difference
    if estimate.value is None:
        return UNDEFINED
    bounds = with_p_value(interval(spec, estimate, is_difference=True), change.p_value, change.p_holm)
    chance = "" if change.is_shown or not estimate.value else ", may be chance"
    return f"{signed(spec, estimate.value)} {bounds}".strip() + chance


def _restored(run: RunResult) -> list[ArmResult]:
    """The deblurrers' arms, but for that whose pictures are the blurred ones."""
    return [arm for arm in run.arms if arm.kind == "deblurrer" and arm.name != ALIKE]


def _against(run: RunResult, arm: str, other: str) -> dict[str, Difference]:
    return {each.metric: each for each in run.differences if (each.arm, each.against) == (arm, other)}


def _negated(estimate: Estimate) -> Estimate:
    value, low, high = (None if x is None else -x for x in (estimate.value, estimate.high, estimate.low))
    return Estimate(value, estimate.n, low, high)


def _map(arm: ArmResult | None) -> float:
    value = None if arm is None else arm.metrics["map"].value
    return float("-inf") if value is None else value


if __name__ == "__main__":
    main(Path(sys.argv[1]), [Path(word) for word in sys.argv[2:]])
