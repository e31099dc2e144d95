"""The results page of the shipped networks, from runs: `python reports/results.py STREETS [COCO]`; see results.md.j2.

Writes results.md and figure-9.webp beside this file. Every number is a run's or a card's; the words are the template's,
and are read again whenever the numbers are new.
"""

import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import jinja2
import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle
from scipy.stats import kendalltau

from detbench.core.images import read_image
from detbench.core.paths import shipped
from detbench.evaluation.measure.detection import ALIKE
from detbench.metrics.specs import METRICS
from detbench.pages.strips import Panel
from detbench.pages.text import UNDEFINED, interval, metric_value, share, signed, with_p_value
from detbench.report.figures import strips
from detbench.report.shown import ShownArm, read_shown
from detbench.report.tables import arm_name, trained_with_note
from detbench.report.verdict import leader
from detbench.results.cards import read_card
from detbench.results.folder import RunFolder
from detbench.results.schema import ArmResult, Difference, RunResult
from detbench.types import Estimate

HERE = Path(__file__).parent
FIGURE = HERE / "figure-9.webp"
PICTURES = 6
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
COLOURS = {"found": "#27c93f", "regained": "#27c93f", "false": "#ff9f0a"}
"""Of what a detector found; true boxes that it missed are not drawn."""


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
    """The paper's figure 9: pictures blurred, restored and sharp, with the boxes found."""
    pictures, classes = read_shown(folder, run, folder.read_images())
    rows = [
        replace(picture, arms=tuple(arm for arm in picture.arms if arm.name != ALIKE))
        for picture in pictures[:PICTURES]
    ]
    columns = len(rows[0].arms)
    height = 2.2 * sum(picture.arms[0].height / picture.arms[0].width for picture in rows) + 0.25
    figure, axes = plt.subplots(len(rows), columns, figsize=(2.2 * columns, height), squeeze=False)
    for row, picture, strip in zip(axes, rows, strips(rows, classes), strict=True):
        for axis, arm, panel in zip(row, picture.arms, strip.panels, strict=True):
            _show(axis, arm, panel)
    for axis, arm in zip(axes[0], rows[0].arms, strict=True):
        axis.set_title(arm.name, fontsize=8)
    figure.subplots_adjust(0, 0, 1, 1 - 0.25 / height, wspace=0.01, hspace=0.01)
    figure.savefig(FIGURE, dpi=150, pil_kwargs={"quality": 60, "method": 6})


def _show(axis: Axes, arm: ShownArm, panel: Panel) -> None:
    """The picture in full, with the boxes that the report draws on its small copy."""
    axis.imshow(read_image(arm.file), extent=(0, arm.width, arm.height, 0))
    axis.set_axis_off()
    for mark in panel.marks:
        if mark.kind in COLOURS:
            corner, colour = (mark.x, mark.y), COLOURS[mark.kind]
            axis.add_patch(Rectangle(corner, mark.width, mark.height, fill=False, edgecolor=colour, linewidth=0.8))


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
