"""Do the intervals cover and does the gate judge as it says? Simulated pictures whose true mAP is known.

`nox -s simulate` prints the tables of reports/verdict.md and writes reports/simulation.json. Each picture has its own
difficulty, so the boxes of one picture stand or fall together, as in real ones. A later run of the same deblurrer
finds a share of the boxes anew (CHURN): that is what retraining, another seed or another library does. The true mAP is
that of LARGE pictures of the same kind; intervals and verdicts are the product's own.
"""

import argparse
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from detbench.gate.gated_run import Measured
from detbench.gate.judge import judge
from detbench.gate.rules import Rule
from detbench.metrics.bootstrap import RESAMPLES, draw_pictures, interval
from detbench.metrics.evidence import Evidence, point_numbers
from detbench.metrics.matching import AREAS, IOUS
from detbench.metrics.outcomes import FALSE, TRUE, pack
from detbench.metrics.ranking import Ranking
from detbench.metrics.resampled import average_precision, unit_weights

PICTURES, LARGE = 500, 40_000
CLASSES = 4
BOXES_PER_PICTURE = 5.0
FALSE_PER_PICTURE = 3.0
CHURN = (0.05, 0.2)
DROPS = (0.0, 0.01, 0.02)


@dataclass(frozen=True, eq=False)
class Scene:
    """True boxes of many pictures: `picture` and `category` (M,), and how hard each is to find, (M,)."""

    pictures: int
    picture: NDArray[np.int64]
    category: NDArray[np.int64]
    difficulty: NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Found:
    """One run over a scene: per true box how many IoU thresholds its best box passes (0: not found) and its score; and
    the false boxes.
    """

    passed: NDArray[np.int64]
    scores: NDArray[np.float64]
    false_picture: NDArray[np.int64]
    false_category: NDArray[np.int64]
    false_scores: NDArray[np.float64]


def main() -> None:
    """Simulate, print the tables, write the file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=280)
    repeats = parser.parse_args().repeats
    coverage, caught = Counts(), Counts()
    truth = true_map(1.0, 0), true_map(0.8, 0)
    lost = {drop: share_for(drop, truth[0]) for drop in DROPS}
    for repeat in range(repeats):
        simulate_coverage(np.random.default_rng([1, repeat]), truth, coverage)
        for churn in CHURN:
            simulate_gate(np.random.default_rng([2, repeat]), churn, lost, caught)
    content = {"repeats": repeats, "pictures": PICTURES, "coverage": coverage.shares(), "caught": caught.shares()}
    Path("reports/simulation.json").write_text(json.dumps(content, indent=1) + "\n")
    show(content)


class Counts:
    """How often each thing was asked and how often it was so."""

    def __init__(self) -> None:
        self._seen: dict[str, list[bool]] = {}

    def add(self, name: str, is_so: bool) -> None:
        """One more answer."""
        self._seen.setdefault(name, []).append(is_so)

    def shares(self) -> dict[str, float]:
        """The share of yes, by name."""
        return {name: float(np.mean(answers)) for name, answers in self._seen.items()}


def scene(rng: np.random.Generator, pictures: int) -> Scene:
    """Pictures of 0 to about 15 boxes; classes are unequally common, pictures unequally hard."""
    counts = rng.poisson(BOXES_PER_PICTURE, pictures)
    picture = np.repeat(np.arange(pictures), counts)
    category = rng.choice(CLASSES, len(picture), p=[0.4, 0.3, 0.2, 0.1])
    hard = rng.normal(0, 1, pictures)[picture] + rng.normal(0, 1, len(picture)) + 0.3 * category
    return Scene(pictures, picture, category, hard)


def found(rng: np.random.Generator, seen: Scene, skill: float = 1.0) -> Found:
    """What a detector finds: the harder a box, the rarer, the looser and the less sure."""
    ease = skill - seen.difficulty + rng.normal(0, 0.7, len(seen.picture))
    passed = np.clip(np.floor(5 + 2.5 * ease), 0, len(IOUS)).astype(np.int64)
    scores = 1 / (1 + np.exp(-ease - rng.normal(0, 0.7, len(ease))))
    alarms = int(rng.poisson(FALSE_PER_PICTURE * seen.pictures))
    false_scores = 1 / (1 + np.exp(1.5 - rng.normal(0, 1, alarms)))
    false_picture, false_category = rng.integers(seen.pictures, size=alarms), rng.integers(CLASSES, size=alarms)
    return Found(passed, scores, false_picture, false_category, false_scores)


def again(rng: np.random.Generator, seen: Scene, before: Found, churn: float, lost: float) -> Found:
    """Another run: a share `churn` of the boxes is found anew, and a share `lost` of all no longer."""
    fresh = found(rng, seen)
    anew = rng.random(len(before.passed)) < churn
    passed = np.where(anew, fresh.passed, before.passed)
    passed[rng.random(len(passed)) < lost] = 0
    scores = np.where(anew, fresh.scores, before.scores)
    old, new = _false_rows(before), _false_rows(fresh)
    renewed = np.concatenate([old[rng.random(len(old)) >= churn], new[rng.random(len(new)) < churn]])
    return Found(passed, scores, renewed[:, 0].astype(np.int64), renewed[:, 1].astype(np.int64), renewed[:, 2])


def _false_rows(run: Found) -> NDArray[np.float64]:
    return np.stack([run.false_picture, run.false_category, run.false_scores], axis=1)


def ranking_of(seen: Scene, run: Found) -> Ranking:
    """The run as it is after matching."""
    hit = run.passed > 0
    picture = np.concatenate([seen.picture[hit], run.false_picture])
    category = np.concatenate([seen.category[hit], run.false_category])
    scores = np.concatenate([run.scores[hit], run.false_scores])
    passed = np.concatenate([run.passed[hit], np.zeros(len(run.false_picture), np.int64)])
    order = np.lexsort((picture, -scores, category))
    is_true = np.arange(len(IOUS))[:, None] < passed[order]
    outcomes = np.broadcast_to(np.where(is_true, TRUE, FALSE).astype(np.uint8), (len(AREAS), *is_true.shape))
    counts = np.zeros((seen.pictures, CLASSES), np.int64)
    np.add.at(counts, (seen.picture, seen.category), 1)
    true_boxes = np.broadcast_to(counts, (len(AREAS), *counts.shape))
    rank = np.zeros(len(order), np.int64)
    return Ranking(picture[order], category[order], scores[order], rank, pack(outcomes), true_boxes)


def map_of(ranking: Ranking, draws: NDArray[np.int32]) -> NDArray[np.float64]:
    """mAP over draws, (B,)."""
    return np.asarray(average_precision(ranking, draws).mean(axis=(0, 1)))


def true_map(skill: float, lost: float) -> float:
    """mAP over LARGE pictures."""
    rng = np.random.default_rng(99)
    seen = scene(rng, LARGE)
    run = found(rng, seen, skill)
    ranking = ranking_of(seen, again(rng, seen, run, 0.0, lost))
    return float(map_of(ranking, unit_weights(seen.pictures))[0])


def share_for(drop: float, start: float) -> float:
    """Which share of the boxes must be lost for mAP to fall by so much, by halving."""
    low, high = 0.0, 0.2
    while drop and high - low > 1e-4:
        middle = (low + high) / 2
        low, high = (middle, high) if start - true_map(1.0, middle) < drop else (low, middle)
    return low if drop else 0.0


def simulate_coverage(rng: np.random.Generator, truth: tuple[float, float], counts: Counts) -> None:
    """One experiment: do the intervals of mAP and of a difference between two arms hold the truth?"""
    seen = scene(rng, PICTURES)
    draws = draw_pictures(PICTURES, RESAMPLES)
    better, worse = (map_of(ranking_of(seen, found(rng, seen, skill)), draws) for skill in (1.0, 0.8))
    for name, values, true in (
        ("mAP", better, truth[0]),
        ("difference of two arms", better - worse, truth[0] - truth[1]),
    ):
        bounds = interval(values)
        counts.add(name, bounds is not None and bounds[0] <= true <= bounds[1])


def simulate_gate(rng: np.random.Generator, churn: float, lost: dict[float, float], counts: Counts) -> None:
    """One baseline and a later run for each drop: which of them does the gate stop?"""
    seen = scene(rng, PICTURES)
    before = found(rng, seen)
    baseline = ranking_of(seen, before)
    after = {f"{drop:g}": ranking_of(seen, again(rng, seen, before, churn, share)) for drop, share in lost.items()}
    verdicts = judge(measured(after), measured(dict.fromkeys(after, baseline)), [Rule("map", max_drop=0.01)])
    for verdict in verdicts:
        counts.add(f"churn {churn:g}, drop {verdict.arm}", not verdict.is_pass)


def measured(rankings: dict[str, Ranking]) -> Measured:
    """Rankings as the gate wants them; other metrics are left empty."""
    evidence = {arm: Evidence(ranking, np.zeros((PICTURES, 3), np.int64), {}) for arm, ranking in rankings.items()}
    values = {arm: {"map": point_numbers(each)["map"]} for arm, each in evidence.items()}
    ground = dict.fromkeys(("images", "truth", "detector", "detector_weights_sha256", "fingerprint"), "simulated")
    return Measured(ground, {"map": "simulated"}, tuple(range(PICTURES)), values, evidence)


def show(content: dict[str, Any]) -> None:
    """Both tables."""
    console = Console(width=100)
    table = Table("95 % interval of", "holds the truth", box=None)
    for name, share in content["coverage"].items():
        table.add_row(name, f"{share:.1%}")
    console.print(table)
    table = Table("boxes found anew", *(f"true drop {drop:g}" for drop in DROPS), box=None)
    for churn in CHURN:
        cells = (f"{content['caught'][f'churn {churn:g}, drop {drop:g}']:.1%}" for drop in DROPS)
        table.add_row(f"{churn:.0%}", *cells)
    console.print(table)


if __name__ == "__main__":
    main()
