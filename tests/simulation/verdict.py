"""Do intervals cover, are claims true, and does the gate judge as it says? Simulated pictures whose truth is known.

`nox -s simulate` prints the tables of reports/verdict.md and writes reports/simulation.json. Each picture has its own
difficulty, so the boxes of one picture stand or fall together, as in real ones. A later run of the same deblurrer
finds a share of the boxes anew (CHURN): that is what retraining, another seed or another library does. Intervals,
claims and verdicts are the product's own. Beside them stand percentiles of bootstrap draws and, where it is installed,
hotcoco's `compare`, over the same pictures.

What is true: mAP over sets of so many pictures, which is the mean of all experiments (with rare classes mAP is higher
the fewer pictures there are, whatever finds the boxes); of a difference, that over LARGE pictures.
"""

import argparse
import json
import math
from dataclasses import dataclass
from functools import cache
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

try:
    import hotcoco
except ImportError:
    hotcoco = None

from detbench.gate.gated_run import Measured
from detbench.gate.judge import judge
from detbench.gate.rules import Rule
from detbench.metrics.claims import holm, is_shown
from detbench.metrics.evidence import Evidence, numbers_of_folds, p_values, point_numbers
from detbench.metrics.jackknifed import estimated
from detbench.metrics.matching import AREAS, IOUS
from detbench.metrics.outcomes import FALSE, TRUE, pack
from detbench.metrics.ranking import Ranking
from detbench.metrics.resampled import Draws, coco_numbers, unit_weights
from detbench.metrics.uncertainty import DRAWS, LEVEL, SEED, draw_pictures, interval, leave_out

PICTURES, LARGE = 500, 40_000
SIZES = (3, 10, 30, 120, 500)
DEBLURRERS = (1, 3, 10)
CLASSES = {"4 classes": (0.4, 0.3, 0.2, 0.1), "20 classes, most rare": tuple(1 / rank for rank in range(1, 21))}
"""How common each class is, up to a factor."""

BETTER, WORSE = 1.0, 0.8
"""Skills of two deblurrers. What is claimed of several equal ones is false."""

HOTCOCO_EVERY = 4
"""In every fourth experiment hotcoco is beside us: it takes twice as long as all else together."""
EXCHANGES = 399
"""As many as let ten tests at once show something: Holm's method multiplies the smallest p, 1 / 400, by ten."""

Bounds = tuple[float, float] | None
BOXES_PER_PICTURE = 5.0
FALSE_PER_PICTURE = 3.0
CHURN = (0.05, 0.2)
DROPS = (0.0, 0.01, 0.02)


@dataclass(frozen=True, eq=False)
class Scene:
    """True boxes of many pictures: `picture` and `category` (M,), and how hard each is to find, (M,); `common` says how
    common each class is.
    """

    pictures: int
    common: tuple[float, ...]
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
    parser.add_argument("--repeats", type=int, default=400, help="Experiments a size; fewer with the most pictures.")
    repeats = parser.parse_args().repeats
    cells = []
    for name, size in product(CLASSES, SIZES):
        cells.append(cell(name, size, repeats))
        Console(stderr=True, soft_wrap=True).print_json(json.dumps(cells[-1]), indent=None)
    content = {"repeats": repeats, "pictures": PICTURES, "claims": cells, "caught": gate_caught(repeats)}
    Path("reports/simulation.json").write_text(json.dumps(content, indent=1) + "\n")
    show(content)


def cell(classes: str, size: int, repeats: int) -> dict[str, Any]:
    """What is found out about runs of one size: the shares of intervals that hold the truth, by their method, and of
    runs with a false claim, by the number of deblurrers.
    """
    common = CLASSES[classes]
    gain = map_over_many(common, BETTER) - map_over_many(common, WORSE)
    found_intervals: list[Intervals] = []
    claims = Counts()
    for repeat in range(math.ceil(repeats * min(1.0, 120 / size))):
        rng = np.random.default_rng([1, size, len(common), repeat])
        seen = scene(rng, size, common)
        if len(seen.picture):
            better, worse = found(rng, seen, BETTER), found(rng, seen, WORSE)
            found_intervals.append(intervals_of(seen, better, worse, with_hotcoco=repeat % HOTCOCO_EVERY == 0))
            count_false_claims(rng, seen, claims)
    expected = float(np.mean([each.value for each in found_intervals]))
    return {
        "classes": classes,
        "pictures": size,
        "map": covering([each.of_map for each in found_intervals], expected),
        "difference": covering([each.of_difference for each in found_intervals], gain),
        "false_claims": claims.shares(),
    }


@dataclass(frozen=True)
class Intervals:
    """mAP of one run, its intervals by method, and those of its difference from another run."""

    value: float
    of_map: dict[str, Bounds]
    of_difference: dict[str, Bounds]


def intervals_of(seen: Scene, better: Found, worse: Found, with_hotcoco: bool) -> Intervals:
    """The product's intervals, percentiles of draws, and of the difference those of hotcoco."""
    runs = [evidence_of(ranking_of(seen, run)) for run in (better, worse)]
    (own, ours), (_, theirs) = (folded_map(run) for run in runs)
    drawn, others = (map_of(run.ranking, draw_pictures(seen.pictures)[1:]) for run in runs)
    of_map = {"detbench": interval(own, seen.pictures), "percentiles": percentiles(drawn)}
    difference = {"detbench": interval(ours - theirs, seen.pictures), "percentiles": percentiles(drawn - others)}
    if hotcoco is not None and with_hotcoco:
        difference["hotcoco"] = hotcoco_bounds(seen, better, worse)
    return Intervals(float(own[0]), of_map, difference)


def percentiles(values: NDArray[np.float64]) -> Bounds:
    """The interval between the outer percentiles of draws, those left out that have no mAP."""
    low, high = np.nanquantile(values, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return float(low), float(high)


def hotcoco_bounds(seen: Scene, better: Found, worse: Found) -> Bounds:
    """The interval that hotcoco's `compare` gives; None where it gives none."""
    truth = hotcoco.COCO(coco_truth(seen))
    runs = []
    for run in (worse, better):
        run_of = hotcoco.COCOeval(truth, truth.load_res(coco_results(seen, run)), "bbox")
        run_of.evaluate()
        runs.append(run_of)
    bounds = hotcoco.compare(*runs, n_bootstrap=DRAWS, seed=SEED, confidence=LEVEL)["ci"]
    return (bounds["AP"]["lower"], bounds["AP"]["upper"]) if bounds else None


WIDTH, STEP = 60.0, 100.0


def coco_truth(seen: Scene) -> dict[str, Any]:
    """The true boxes as COCO has them: those of a picture stand in a row, far apart."""
    boxes = zip(seen.picture.tolist(), seen.category.tolist(), places(seen), strict=True)
    return {
        "images": [{"id": number, "width": 10_000, "height": 1000} for number in range(seen.pictures)],
        "categories": [{"id": number, "name": str(number)} for number in range(len(seen.common))],
        "annotations": [
            {"id": 1 + number, "image_id": picture, "category_id": category, "iscrowd": 0, "area": WIDTH**2}
            | {"bbox": [place, 0.0, WIDTH, WIDTH]}
            for number, (picture, category, place) in enumerate(boxes)
        ],
    }


def coco_results(seen: Scene, run: Found) -> list[dict[str, Any]]:
    """What was found as COCO has it: as wide a part of each true box as passes its thresholds; false boxes below."""
    hit = run.passed > 0
    overlap = 0.475 + 0.05 * run.passed[hit]
    columns = (seen.picture[hit], seen.category[hit], run.scores[hit], places(seen)[hit], 0 * overlap, WIDTH * overlap)
    alarms = len(run.false_picture)
    below = (STEP * np.arange(alarms) % 9000, np.full(alarms, 500.0), np.full(alarms, WIDTH))
    false = (run.false_picture, run.false_category, run.false_scores, *below)
    rows = (np.concatenate(pair).tolist() for pair in zip(columns, false, strict=True))
    return [
        {"image_id": picture, "category_id": category, "score": score, "bbox": [x, y, width, WIDTH]}
        for picture, category, score, x, y, width in zip(*rows, strict=True)
    ]


def places(seen: Scene) -> NDArray[np.float64]:
    """Where each true box stands in its picture, px from the left."""
    firsts = np.searchsorted(seen.picture, seen.picture)
    return STEP * (np.arange(len(seen.picture)) - firsts)


def covering(intervals: list[dict[str, Bounds]], truth: float) -> dict[str, float]:
    """The share of intervals that hold the truth, by method; a number without an interval claims nothing."""
    counts = Counts()
    for each in intervals:
        for method, bounds in each.items():
            if bounds is not None:
                counts.add(method, bounds[0] <= truth <= bounds[1])
    return counts.shares()


def count_false_claims(rng: np.random.Generator, seen: Scene, claims: "Counts") -> None:
    """Is anything claimed of the first, of the first three, and of all deblurrers, which change nothing but chance?"""
    blurred, *deblurrers = (evidence_of(ranking_of(seen, found(rng, seen, WORSE))) for _ in range(1 + max(DEBLURRERS)))
    floor = folded_map(blurred)[1]
    gains = [folded_map(each)[1] - floor for each in deblurrers]
    tested = [p_values(each, blurred, EXCHANGES).get("map") for each in deblurrers]
    for several in DEBLURRERS:
        adjusted = holm(dict(enumerate(tested[:several])))
        shown = [
            is_shown(estimated(float(gain[0]), seen.pictures, gain), p, adjusted[place])
            for place, (gain, p) in enumerate(zip(gains[:several], tested[:several], strict=True))
        ]
        claims.add(str(several), any(shown))


def folded_map(run: Evidence) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """mAP with each fold left out, for its own interval and for differences."""
    own, paired = numbers_of_folds(run, leave_out(len(run.counts)), ("all",))
    return own["map"], paired["map"]


def evidence_of(ranking: Ranking) -> Evidence:
    """A run as the product holds it; other metrics are left empty."""
    return Evidence(ranking, np.zeros((ranking.true_boxes.shape[1], 3), np.int64), {})


def gate_caught(repeats: int) -> dict[str, float]:
    """How often the gate stops a later run, by the share of boxes found anew and by what was lost."""
    common = CLASSES["4 classes"]
    lost = {drop: share_for(drop, common) for drop in DROPS}
    caught = Counts()
    for repeat in range(repeats):
        for churn in CHURN:
            simulate_gate(np.random.default_rng([2, repeat]), common, churn, lost, caught)
    return caught.shares()


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


def scene(rng: np.random.Generator, pictures: int, common: tuple[float, ...]) -> Scene:
    """Pictures of 0 to about 15 boxes; classes are unequally common, pictures unequally hard."""
    counts = rng.poisson(BOXES_PER_PICTURE, pictures)
    picture = np.repeat(np.arange(pictures), counts)
    category = rng.choice(len(common), len(picture), p=np.divide(common, sum(common)))
    hard = rng.normal(0, 1, pictures)[picture] + rng.normal(0, 1, len(picture)) + 0.3 * (category % 4)
    return Scene(pictures, common, picture, category, hard)


def found(rng: np.random.Generator, seen: Scene, skill: float = 1.0) -> Found:
    """What a detector finds: the harder a box, the rarer, the looser and the less sure."""
    ease = skill - seen.difficulty + rng.normal(0, 0.7, len(seen.picture))
    passed = np.clip(np.floor(5 + 2.5 * ease), 0, len(IOUS)).astype(np.int64)
    scores = 1 / (1 + np.exp(-ease - rng.normal(0, 0.7, len(ease))))
    alarms = int(rng.poisson(FALSE_PER_PICTURE * seen.pictures))
    false_scores = 1 / (1 + np.exp(1.5 - rng.normal(0, 1, alarms)))
    false_picture = rng.integers(seen.pictures, size=alarms)
    false_category = rng.choice(len(seen.common), alarms, p=np.divide(seen.common, sum(seen.common)))
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
    counts = np.zeros((seen.pictures, len(seen.common)), np.int64)
    np.add.at(counts, (seen.picture, seen.category), 1)
    true_boxes = np.broadcast_to(counts, (len(AREAS), *counts.shape))
    rank = np.zeros(len(order), np.int64)
    return Ranking(picture[order], category[order], scores[order], rank, pack(outcomes), true_boxes)


def map_of(ranking: Ranking, weights: Draws) -> NDArray[np.float64]:
    """mAP over multisets of pictures, (B,): the mean over the classes that have true boxes there."""
    return np.asarray(coco_numbers(ranking, weights, ("all",))["map"])


@cache
def map_over_many(common: tuple[float, ...], skill: float, lost: float = 0.0) -> float:
    """mAP over LARGE pictures."""
    rng = np.random.default_rng(99)
    seen = scene(rng, LARGE, common)
    run = found(rng, seen, skill)
    ranking = ranking_of(seen, again(rng, seen, run, 0.0, lost))
    return float(map_of(ranking, unit_weights(seen.pictures))[0])


def share_for(drop: float, common: tuple[float, ...]) -> float:
    """Which share of the boxes must be lost for mAP to fall by so much, by halving."""
    low, high, start = 0.0, 0.2, map_over_many(common, BETTER)
    while drop and high - low > 1e-4:
        middle = (low + high) / 2
        low, high = (middle, high) if start - map_over_many(common, BETTER, middle) < drop else (low, middle)
    return low if drop else 0.0


def simulate_gate(
    rng: np.random.Generator, common: tuple[float, ...], churn: float, lost: dict[float, float], counts: Counts
) -> None:
    """One baseline and a later run for each drop: which of them does the gate stop?"""
    seen = scene(rng, PICTURES, common)
    before = found(rng, seen)
    baseline = ranking_of(seen, before)
    after = {f"{drop:g}": ranking_of(seen, again(rng, seen, before, churn, share)) for drop, share in lost.items()}
    verdicts = judge(measured(after), measured(dict.fromkeys(after, baseline)), [Rule("map", max_drop=0.01)])
    for verdict in verdicts:
        counts.add(f"churn {churn:g}, drop {verdict.arm}", not verdict.is_pass)


def measured(rankings: dict[str, Ranking]) -> Measured:
    """Rankings as the gate wants them."""
    evidence = {arm: evidence_of(ranking) for arm, ranking in rankings.items()}
    values = {arm: {"map": point_numbers(each)["map"]} for arm, each in evidence.items()}
    ground = dict.fromkeys(("images", "truth", "detector", "detector_weights_sha256", "fingerprint"), "simulated")
    return Measured(ground, {"map": "simulated"}, tuple(range(PICTURES)), values, evidence)


def show(content: dict[str, Any]) -> None:
    """All tables."""
    console = Console(width=120)
    methods = list(content["claims"][0]["difference"])  # the first experiment has them all
    heads = [f"mAP: {method}" for method in ("detbench", "percentiles")] + [f"difference: {each}" for each in methods]
    table = Table("classes", "pictures", *heads, *(f"false claims, {many} deblurrers" for many in DEBLURRERS), box=None)
    for row in content["claims"]:
        columns = (row["map"], row["difference"], row["false_claims"])
        shares = [f"{share:.1%}" for column in columns for share in column.values()]
        table.add_row(row["classes"], str(row["pictures"]), *shares)
    console.print(table)
    table = Table("boxes found anew", *(f"true drop {drop:g}" for drop in DROPS), box=None)
    for churn in CHURN:
        cells = (f"{content['caught'][f'churn {churn:g}, drop {drop:g}']:.1%}" for drop in DROPS)
        table.add_row(f"{churn:.0%}", *cells)
    console.print(table)


if __name__ == "__main__":
    main()
