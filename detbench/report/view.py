"""A run as its report tells it: plain values, read from the run folder, before any HTML or Markdown."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pandas as pd

from detbench.errors import DataError
from detbench.metrics.claims import ALPHA, FEWEST_PICTURES
from detbench.metrics.specs import CONFIDENCE, MATCH_IOU, PSEUDO_CONFIDENCE
from detbench.metrics.uncertainty import LEVEL, SEED
from detbench.pages.parts import Exhibit, Table
from detbench.pages.strips import MarkKind, Strip
from detbench.pages.text import UNDEFINED, percent, plural, share
from detbench.report.alarms import AlarmLine, alarm_lines
from detbench.report.bars import Bars, Forest, map_bars, map_forest
from detbench.report.claimed import claims_note, claims_table
from detbench.report.consistency_table import NO_TRUTH, consistency_table
from detbench.report.decision import Decision, decision_of
from detbench.report.error_tables import bin_name, flip_table
from detbench.report.exhibits import RunEvidence, exhibits_of
from detbench.report.figures import (
    BOX_KINDS,
    KINDS_WITHOUT_TRUTH,
    LEAST_CONFIDENCE,
    SIZES,
    Group,
    grouped,
    strips,
    totals,
)
from detbench.report.over_time_view import OverTimeView, over_time_view
from detbench.report.plots import pens
from detbench.report.shown import damage_named, read_shown
from detbench.report.tables import (
    arm_table,
    difference_table,
    harm_note,
    main_specs,
    missed_classes,
    shown_specs,
    trained_with_note,
)
from detbench.report.verdict import ArmVerdict, best_first, leader, verdicts
from detbench.report.when_to_deblur import WhenToDeblur, when_to_deblur
from detbench.results.analysis_schema import ArmAnalysis, analysis_from_json
from detbench.results.folder import RunFolder
from detbench.results.schema import RunResult
from detbench.types import MetricSpec

Facts = tuple[tuple[str, str], ...]
"""Names and values, to be read one below the other."""

TERMS: Mapping[str, str] = {
    "arm": "one way a picture reaches the detector: blurred, sharp, or restored by one deblurrer",
    "floor": "the blurred arm: what the detector finds in blurred pictures",
    "ceiling": "the sharp arm: what it finds in the same pictures without blur",
    "gap recovered": "the share of the mAP between floor and ceiling that a deblurrer brings back",
    "harm": "the mAP that a deblurrer costs when it is run on pictures that are sharp already",
}
"""Words of the house, defined once on the page and wherever one is pointed at."""


@dataclass(frozen=True)
class Choices:
    """What the shown pictures can be filtered by; `blurs` are names of bins and their bounds in pixels."""

    arms: tuple[str, ...]
    classes: tuple[str, ...]
    sizes: tuple[str, ...]
    blurs: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class ReportView:
    """Everything that a report says, arms in one order throughout: ceiling, floor, deblurrers, the best first.

    `verdicts` start with the one to show first; `leader` says which of several deblurrers leads, or that none does;
    `warnings` change how the numbers must be read, `notes` help to; `alarms` are the artefacts that deblurrers leave.
    `consistency` is empty but in a run without truth. `kinds` says what each kind of box means; boxes from
    `least_confidence` on are in the page; `totals` counts the shown pictures' at the stated one, by arm and kind.
    `when_to_deblur` is None where no gate was computed.
    `claims` is what others claim of the run's networks on its public set, None where there is no claim.
    `over_time` is None but for a video.
    """

    run: str
    decision: Decision
    verdicts: tuple[ArmVerdict, ...]
    leader: str
    warnings: tuple[str, ...]
    alarms: tuple[AlarmLine, ...]
    facts: Facts
    forest: Forest
    bars: Bars
    main: Table
    consistency: Table
    claims: Table | None
    claims_note: str
    differences: Table
    when_to_deblur: WhenToDeblur | None
    notes: tuple[str, ...]
    groups: tuple[Group, ...]
    groups_note: str
    kinds: Mapping[MarkKind, str]
    least_confidence: float
    totals: Mapping[str, Mapping[str, int]]
    choices: Choices
    flips: Table
    exhibits: tuple[Exhibit, ...]
    over_time: OverTimeView | None
    all_metrics: Table
    all_differences: Table
    definitions: Facts
    provenance: tuple[tuple[str, Facts], ...]

    @property
    def figures(self) -> tuple[Exhibit, ...]:
        """Every plot of the page, those over time last."""
        return (*self.exhibits, *(() if self.over_time is None else self.over_time.exhibits))

    @property
    def verdict(self) -> ArmVerdict:
        """The one to show first."""
        return self.verdicts[0]


def view_of(folder: Path, is_beside: bool = True, budget: float | None = None) -> ReportView:
    """Read a run folder; raises DataError naming a file that is missing or damaged.

    `is_beside` says that the page will lie in the folder, so that full pictures can be linked. `budget` is the largest
    time for a megapixel that will do, in seconds.
    """
    run = RunFolder(folder)
    result = run.read_result()
    _check_arms(result, folder)
    result = replace(result, arms=best_first(result))
    images = run.read_images()
    pictures, classes = read_shown(run, result, images)  # checks the table's columns
    made = strips(pictures, classes, folder if is_beside else None)
    analysis, exhibits = _analysis(run, result, images, budget)
    over_time = run.read_over_time()
    specs, first_specs = shown_specs(result.arms), main_specs(result.arms)
    found, has_truth = verdicts(result), result.specification.get("truth") != "none"
    return ReportView(
        run=folder.resolve().name,
        decision=decision_of(result, found[0], made, budget),
        verdicts=found,
        leader=leader(result),
        warnings=tuple(_warnings(result)),
        alarms=alarm_lines(result),
        facts=tuple(_facts(result, images)),
        forest=map_forest(result),
        bars=map_bars(result),
        consistency=consistency_table(result),
        main=arm_table(result.arms, first_specs, result.differences),
        claims=claims_table(result),
        claims_note=claims_note(result),
        differences=difference_table(result, first_specs),
        when_to_deblur=when_to_deblur(result, pens(result.arms)),
        notes=(*_notes(result, first_specs), *_kernel_notes(run, result, images)),
        groups=grouped(made),
        groups_note=_groups_note(result),
        kinds=BOX_KINDS if has_truth else KINDS_WITHOUT_TRUTH,
        least_confidence=LEAST_CONFIDENCE,
        totals=totals(made),
        choices=_choices(result, made, analysis),
        flips=flip_table(run.read_flips() if has_truth else run.read_flips().iloc[:0]),
        exhibits=exhibits if has_truth else (),
        over_time=None if over_time is None else over_time_view(result, over_time),
        all_metrics=arm_table(result.arms, specs, result.differences).transposed("Metric"),
        all_differences=difference_table(result, specs).transposed("Metric"),
        definitions=tuple((spec.title, f"{spec.definition}; {spec.better} is better") for spec in specs),
        provenance=tuple(_provenance(result)),
    )


def _analysis(
    run: RunFolder, result: RunResult, images: pd.DataFrame, budget: float | None
) -> tuple[Mapping[str, ArmAnalysis], tuple[Exhibit, ...]]:
    """`analysis.json` in the result's order of arms, and what is drawn from it."""
    path = run.path / "analysis.json"
    names = [arm.name for arm in result.arms]
    records = analysis_from_json(run.read_json(path.name), names, str(path))
    analysis = {name: records[name] for name in names}
    with damage_named(path):
        return analysis, exhibits_of(RunEvidence(result, analysis, images, budget))


def _choices(result: RunResult, made: Sequence[Strip], analysis: Mapping[str, ArmAnalysis]) -> Choices:
    marks = [mark for strip in made for panel in strip.panels for mark in panel.marks]
    bins = [each for each in analysis["blurred"].blur if each.pictures]
    return Choices(
        arms=tuple(arm.name for arm in result.arms if arm.kind == "deblurrer"),
        classes=tuple(sorted({mark.class_name for mark in marks})),
        sizes=tuple(size for size in SIZES if any(mark.size == size for mark in marks)),
        blurs=tuple((bin_name(each), f"{each.from_px:g}-{each.to_px or 'Infinity'}") for each in bins),
    )


def _check_arms(result: RunResult, folder: Path) -> None:
    kinds = {arm.kind for arm in result.arms}
    for kind in ("blurred", "deblurrer"):
        if kind not in kinds and not (kind == "deblurrer" and result.failed):
            raise DataError(f"{folder / 'result.json'}: no {kind} arm, so nothing to report; run `detbench run` again")


def _warnings(result: RunResult) -> Iterator[str]:
    data = result.data
    for name, reason in result.failed.items():
        yield f"{name} failed and has no numbers: {reason}"
    for arm in result.arms:
        if arm.smaller_tiles:
            yield (
                f"Memory ran out in {arm.name} for {plural(arm.smaller_tiles, 'picture', 'pictures')}, restored in "
                "smaller tiles: its numbers may differ a little from those of a machine with more memory."
            )
    if result.specification.get("truth") == "none":
        yield NO_TRUTH
    if result.specification.get("truth") == "pseudo":
        yield (
            f"Truth is pseudo: the detector's own boxes on the sharp pictures, from confidence {PSEUDO_CONFIDENCE:g} "
            "on, not labels. The numbers say how much of what it sees in sharp pictures it still sees, "
            "not how right it is."
        )
    for name, each in result.partly_known.items():
        if each.reused_steps:
            yield (
                f"{plural(each.reused_steps, 'step', 'steps')} of {name} were done by an interrupted run, and not all "
                f"that {name} depends on is known: {each.reason}."
            )
    for sentence in data.notes:
        yield f"Dataset {data.name}: {sentence}."
    if data.unmatched_dataset_classes:
        yield (
            "The detector does not know these classes of the dataset, so their boxes are always missed: "
            f"{', '.join(missed_classes(data))}."
        )


def _facts(result: RunResult, images: pd.DataFrame) -> Iterator[tuple[str, str]]:
    specification, data = result.specification, result.data
    limit = specification.get("limit")
    pictures = plural(data.images, "picture", "pictures") + ("" if limit is None else f" (limit {limit})")
    yield "Dataset", data.name
    truth = specification.get("truth")
    boxes = "no true boxes" if truth == "none" else plural(data.boxes, "true box", "true boxes")
    yield "Size", f"{pictures}, {boxes}"
    yield "Blur", _blur(specification.get("blur"), images)
    yield "Detector", str(specification.get("detector", UNDEFINED))
    yield "Truth", "the dataset's labels" if truth == "labels" else str(truth)
    yield "Device", str(result.environment.get("device_name") or result.environment.get("device") or UNDEFINED)


def _blur(recipe: Mapping[str, Any] | None, images: pd.DataFrame) -> str:
    """The recipe's name and the median severity over the pictures, where it is known."""
    name = "the dataset's own" if recipe is None else str(recipe.get("kind"))
    severities_px = images.drop_duplicates("image_id")["severity_px"].dropna()
    return name if severities_px.empty else f"{name}, median {severities_px.median():.1f} px"


def _notes(result: RunResult, specs: tuple[MetricSpec, ...]) -> Iterator[str]:
    if result.arm("sharp") is None and "sharp" not in result.failed:
        yield "There are no sharp pictures, so there is no ceiling: PSNR, SSIM, gap recovered and harm are undefined."
    given_kernel = [arm.name for arm in result.arms if arm.told_kernel]
    if given_kernel:
        yield f"Told the blur kernel, so no rival of blind deblurrers: {', '.join(given_kernel)}."
    yield from filter(None, (trained_with_note(result.arms), harm_note(result)))
    yield from _notes_on_chance(result)
    yield f"Precision, recall and F1 are at confidence ≥ {CONFIDENCE:g} and IoU ≥ {MATCH_IOU:g}."
    for spec in specs:
        yield from _partly_defined(result, spec)


def _notes_on_chance(result: RunResult) -> Iterator[str]:
    """When a difference is claimed."""
    differences, exchanges = result.differences, result.specification.get("resamples")
    if all(each.difference.low is None or each.p_value is None for each in differences):
        yield "No intervals and p-values were computed: any difference may be chance, so nothing is claimed."
        return
    yield (
        f"Brackets hold {percent(LEVEL)} intervals, by leaving pictures out, the same for all arms (jackknife); p is "
        f"how often chance alone does as much ({exchanges} exchanges of paired arms). A difference is claimed, and has "
        f"a colour, where its interval leaves out zero and p is below {share(ALPHA)}, over at least "
        f"{FEWEST_PICTURES} pictures. Every other one may be chance."
    )
    families = Counter(each.family for each in differences if each.p_holm is not None)
    if families:
        yield (
            "With several deblurrers the adjusted p counts: Holm’s method keeps all claims together from being false "
            f"more often than {share(ALPHA)}."
        )
    if isinstance(exchanges, int) and max(families.values(), default=0) >= ALPHA * (exchanges + 1):
        yield (
            f"{max(families.values())} tests at once are too many for {exchanges} exchanges to show all that is there. "
            f"More would: --resamples {exchanges * 10}."
        )


def _kernel_notes(run: RunFolder, result: RunResult, images: pd.DataFrame) -> Iterator[str]:
    """In how many pictures each deblurrer that estimates the blur kernel found one, and how good it is."""
    with damage_named(run.path / "images.csv"):
        for arm in result.arms:
            if arm.finds_kernel:
                rows = images[images["arm"] == arm.name]
                yield _kernel_note(arm.name, len(rows), int(rows["found_light"].count()), rows["kernel_similarity"])


def _kernel_note(arm: str, pictures: int, found: int, similarities: "pd.Series[float]") -> str:
    summary = f"{arm} estimates the blur kernel itself, and found one in {found:,} of {pictures:,} pictures"
    if not similarities.count():
        return f"{summary}."
    return (
        f"{summary}. Its similarity to the true kernel is {share(float(similarities.mean()))} on average: the largest "
        "normalised cross-correlation over all shifts, 1 for the same shape."
    )


def _partly_defined(result: RunResult, spec: MetricSpec) -> Iterator[str]:
    """A metric that is undefined on some of the pictures says over how many it is; of harm, on some that it is over."""
    harmed = result.data.images if result.harm_ids is None else len(result.harm_ids)
    estimates = {arm.name: arm.metrics[spec.key] for arm in result.arms if spec.key in arm.metrics}
    partly = [
        f"{estimate.n:,} ({name})"
        for name, estimate in estimates.items()
        if estimate.value is not None and estimate.n < (harmed if spec.key == "harm" else result.data.images)
    ]
    if partly:
        pictures = f"{result.data.images:,} pictures"
        yield f"{spec.title} is undefined on some of the {pictures}; it is over {', '.join(partly)}."


def _groups_note(result: RunResult) -> str:
    shown, images = len(result.shown), result.data.images
    if shown == images:
        return f"All {plural(images, 'picture', 'pictures')} of the run."
    return (
        f"{shown} of {plural(images, 'picture', 'pictures')}, chosen by rule: those where a deblurrer regained most "
        "true boxes, and as many where one lost most."
    )


def _provenance(result: RunResult) -> Iterator[tuple[str, Facts]]:
    """Everything that the numbers depend on, section by section."""
    data = result.data
    yield (
        "Data",
        (
            ("dataset", data.name),
            ("dataset fingerprint", data.source_fingerprint),
            ("evaluated pictures and boxes", data.fingerprint),
            ("images", f"{data.images:,}"),
            ("boxes", f"{data.boxes:,}"),
            ("classes the detector does not know", ", ".join(data.unmatched_dataset_classes) or "none"),
            ("detector's classes left out", ", ".join(data.unmatched_detector_classes) or "none"),
        ),
    )
    yield "Specification", (*_flat(result.specification), ("seed of the exchanges", str(SEED)))
    yield f"Detector {result.specification.get('detector', '')}".strip(), tuple(_flat(result.detector))
    if result.partly_known:
        yield "Not fully known", tuple((name, each.reason) for name, each in result.partly_known.items())
    for arm in result.arms:
        if arm.backend is not None:
            yield f"Deblurrer {arm.name}", tuple(_flat(arm.backend))
    yield "Environment", tuple(_flat(result.environment))


def _flat(value: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    """Nested mappings as "outer.inner" and text."""
    for key, item in value.items():
        name = f"{prefix}{key}"
        if isinstance(item, Mapping):
            yield from _flat(item, f"{name}.")
        else:
            yield name, _plain(item)


def _plain(value: Any) -> str:
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
