"""Several runs on one page: who leads where, and how far arms are apart where pictures are shared."""

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import fmean
from urllib.parse import quote

from detbench.metrics.claims import FEWEST_PICTURES
from detbench.metrics.specs import METRICS
from detbench.pages.parts import Cell, Exhibit, Heading, KeyEntry, Row, Table
from detbench.pages.plot import Pen, inline_svg, pen
from detbench.pages.text import UNDEFINED, interval, percent, plural, signed, with_p_value
from detbench.report.pairing import Pair, Run, pairs_of, read_run
from detbench.report.plots import Points, down_categories
from detbench.report.tables import (
    TRAINED_WITH,
    arm_name,
    arm_table,
    main_specs,
    metric_heading,
    tone,
    trained_with_note,
    value_cell,
)
from detbench.report.verdict import leader_in_words, verdicts
from detbench.results.schema import ArmResult, Difference, is_ahead
from detbench.types import Estimate

_GAP = METRICS["gap_recovered"]


@dataclass(frozen=True)
class RunLine:
    """One run: its name, its own report as a relative address, None where there is none, its verdict, what it was."""

    name: str
    report: str | None
    verdict: str
    ground: str


@dataclass(frozen=True)
class Ground:
    """Runs that were measured on the same pictures and true boxes by the same detector, and their arms."""

    title: str
    note: str
    table: Table


@dataclass(frozen=True)
class ComparisonView:
    """What the page says: headline, leaderboard over all grounds, each ground's arms, and paired differences."""

    headline: str
    runs: tuple[RunLine, ...]
    warnings: tuple[str, ...]
    leaderboard: Table
    exhibits: tuple[Exhibit, ...]
    grounds: tuple[Ground, ...]
    pairs: Table | None


@dataclass(frozen=True, eq=False)
class _Ground:
    """Runs of one ground under its name, and the pairs of their arms across them."""

    title: str
    runs: tuple[Run, ...]
    pairs: tuple[Pair, ...]

    def arms(self) -> Iterator[tuple[Run, ArmResult]]:
        """Every arm once: the sharp and the blurred arm are the same in all runs."""
        seen = set()
        for run in self.runs:
            for arm in run.result.arms:
                key = (arm.name, str(arm.backend))
                if key not in seen:
                    seen.add(key)
                    yield run, arm

    def gap_of(self, deblurrer: str) -> Estimate | None:
        """The gap recovered by a deblurrer, of the first run that has it."""
        found = (arm.metrics.get(_GAP.key) for _, arm in self.arms() if arm.name == deblurrer)
        return next((estimate for estimate in found if estimate is not None), None)

    def differences(self) -> list[Difference]:
        """Between any two arms, of one run or of two; none where a name means two arms."""
        names = [arm.name for _, arm in self.arms()]
        if len(set(names)) < len(names):
            return []
        within = (each for run in self.runs for each in run.result.differences)
        return [*within, *(pair.change for pair in self.pairs)]

    def is_ahead(self, deblurrer: str, other: str) -> bool:
        """Whether a deblurrer has more mAP than another arm by more than chance."""
        return is_ahead(self.differences(), deblurrer, other, METRICS["map"])

    def trained(self, deblurrer: str) -> bool:
        """Whether a deblurrer's training loss contained the features of this ground's detector."""
        return any(arm.trained_with_detector for _, arm in self.arms() if arm.name == deblurrer)


def comparison_of(folders: Sequence[Path], out: Path) -> ComparisonView:
    """Read several run folders for a page that lies at `out`; raises DataError naming a file missing or damaged."""
    runs = [read_run(folder) for folder in folders]
    pairs = pairs_of(runs)
    grounds = _grounds(runs, pairs)
    order = _by_rank(grounds)
    return ComparisonView(
        headline=_headline(grounds, order),
        runs=tuple(_line(run, out) for run in runs),
        warnings=tuple(_warnings(runs)),
        leaderboard=_leaderboard(grounds, order),
        exhibits=tuple(_exhibits(grounds, order)),
        grounds=tuple(_shown(ground) for ground in grounds),
        pairs=_pair_table(pairs) if pairs else None,
    )


def _grounds(runs: Sequence[Run], pairs: Sequence[Pair]) -> tuple[_Ground, ...]:
    grouped: dict[tuple[object, ...], list[Run]] = {}
    for run in runs:
        key = (run.result.data.fingerprint, run.result.specification.get("truth"), run.detector)
        grouped.setdefault(key, []).append(run)
    pairs = pairs if len({run.name for run in runs}) == len(runs) else ()  # else a name does not say which run
    titles = [f"{some[0].result.data.name} · {some[0].detector[0]}" for some in grouped.values()]
    return tuple(
        _Ground(
            title if titles.count(title) == 1 else f"{title} · {some[0].name}",
            tuple(some),
            tuple(pair for pair in pairs if {pair.run, pair.against_run} <= {run.name for run in some}),
        )
        for title, some in zip(titles, grouped.values(), strict=True)
    )


def _by_rank(grounds: Sequence[_Ground]) -> tuple[str, ...]:
    """Deblurrers by the mean of the gap that they recovered; those where it is undefined throughout come last."""
    names = dict.fromkeys(arm.name for ground in grounds for _, arm in ground.arms() if arm.kind == "deblurrer")
    return tuple(sorted(names, key=lambda name: (_mean_gap(grounds, name) is None, -(_mean_gap(grounds, name) or 0))))


def _mean_gap(grounds: Sequence[_Ground], deblurrer: str) -> float | None:
    found = [ground.gap_of(deblurrer) for ground in grounds]
    values = [estimate.value for estimate in found if estimate is not None and estimate.value is not None]
    return fmean(values) if values else None


def _headline(grounds: Sequence[_Ground], order: Sequence[str]) -> str:
    if len(grounds) == 1:
        found = [verdict for run in grounds[0].runs for verdict in verdicts(run.result)]
        words = next((verdict.words for verdict in found if verdict.arm in order[:1]), found[0].words)
        return _joined(_leader(grounds, order), words)
    mean = _mean_gap(grounds, order[0]) if order else None
    if mean is None:
        return f"{plural(len(order), 'deblurrer', 'deblurrers')}, and no setting that shows that blur costs mAP"
    return _joined(_leader(grounds, order), _over_settings(grounds, order[0], mean))


def _joined(*phrases: str) -> str:
    return "; ".join(filter(None, phrases))


def _leader(grounds: Sequence[_Ground], order: Sequence[str]) -> str:
    """Whether the first in `order` is ahead of every other in all settings that both ran in, those of few pictures
    aside; empty where there is no other setting.
    """
    telling = [each for each in grounds if all(run.result.data.images >= FEWEST_PICTURES for run in each.runs)]
    if not telling:
        return ""

    def is_leading(one: str, other: str) -> bool:
        both = [ground for ground in telling if {one, other} <= {arm.name for _, arm in ground.arms()}]
        return bool(both) and all(ground.is_ahead(one, other) for ground in both)

    return leader_in_words(order, is_leading)


def _over_settings(grounds: Sequence[_Ground], deblurrer: str, mean: float) -> str:
    """What a deblurrer recovers on average, if it helps in all settings where it has a share."""
    where = [ground for ground in grounds if _mean_gap([ground], deblurrer) is not None]
    unsure = sum(not ground.is_ahead(deblurrer, "blurred") for ground in where)
    if unsure:
        return f"{deblurrer}: whether it helps is not known in {unsure} of {len(where)} settings"
    trained = sum(ground.trained(deblurrer) for ground in where)
    with_detector = f"; it was trained with the detector of {trained} of them" if trained else ""
    return (
        f"{deblurrer} recovers {percent(mean)} of the mAP that blur costs, the mean over "
        f"{plural(len(where), 'setting', 'settings')}{with_detector}"
    )


def _line(run: Run, out: Path) -> RunLine:
    data, specification = run.result.data, run.result.specification
    page = run.folder.path / "report.html"
    ground = (
        f"{data.name}, {data.images:,} pictures, {data.boxes:,} true boxes ({data.fingerprint[:12]}), "
        f"detector {specification.get('detector')}, truth {specification.get('truth')}"
    )
    report = quote(Path(os.path.relpath(page.resolve(), out.resolve().parent)).as_posix()) if page.is_file() else None
    return RunLine(run.name, report, verdicts(run.result)[0].sentence, ground)


def _warnings(runs: Sequence[Run]) -> Iterator[str]:
    results = [run.result for run in runs]
    if len({(result.data.fingerprint, result.specification.get("truth")) for result in results}) > 1:
        yield (
            "These runs were not measured on the same pictures and true boxes: "
            "only numbers under the same heading can be compared."
        )
    if len({run.detector for run in runs}) > 1:
        yield "These runs used different detectors: a difference between two of them is not the deblurrer's alone."
    if note := trained_with_note([arm for result in results for arm in result.arms]):
        yield note


def _leaderboard(grounds: Sequence[_Ground], order: Sequence[str]) -> Table:
    """Deblurrers by rank × grounds: the gap recovered; who leads in a ground by more than chance stands out."""
    columns = [Heading("Mean", "↑"), *(Heading(ground.title, "↑", _GAP.definition) for ground in grounds)]

    def row(place: int, name: str) -> Row:
        mean = _mean_gap(grounds, name)
        cells = [_gap_cell(ground, name, order) for ground in grounds]
        return Row(Heading(f"{place}. {name}"), (Cell(UNDEFINED if mean is None else percent(mean)), *cells))

    rows = tuple(row(place, name) for place, name in enumerate(order, 1))
    return Table("Deblurrer", tuple(columns), rows)


def _gap_cell(ground: _Ground, deblurrer: str, order: Sequence[str]) -> Cell:
    gap = ground.gap_of(deblurrer)
    if gap is None:
        return Cell("")
    rivals = [name for name in order if name != deblurrer and ground.gap_of(name) is not None]
    is_leader = bool(rivals) and all(ground.is_ahead(deblurrer, name) for name in rivals)
    cell = value_cell(_GAP, gap, is_leader)
    return replace(cell, text=f"{cell.text} {TRAINED_WITH}") if ground.trained(deblurrer) else cell


def _exhibits(grounds: Sequence[_Ground], order: Sequence[str]) -> Iterator[Exhibit]:
    if not any(_mean_gap([ground], name) is not None for ground in grounds for name in order):
        return
    pens: Mapping[str, Pen] = {name: pen(index) for index, name in enumerate(order)}
    series = [Points(pens[name], [ground.gap_of(name) for ground in grounds]) for name in order]
    draw = down_categories([ground.title for ground in grounds], series, "gap recovered")
    height_in = 0.75 + len(grounds) * max(0.35, 0.14 * len(order))
    plot = inline_svg("gaps", "Plot: gap recovered. Its numbers are in the leaderboard.", draw, height_in)
    key = tuple(KeyEntry(name, pens[name], has_marker=True) for name in order)
    yield Exhibit("Gap recovered", f"{_GAP.definition}; bars are 95 % intervals.", key, plot, None)


def _shown(ground: _Ground) -> Ground:
    first = ground.runs[0].result
    rows = list(ground.arms())
    arms = [arm for _, arm in rows]
    table = arm_table(arms, main_specs(arms), ground.differences())
    named = tuple(
        Row(Heading(arm_name(arm), run.name if arm.kind == "deblurrer" else ""), row.cells)
        for (run, arm), row in zip(rows, table.rows, strict=True)
    )
    note = (
        f"{plural(first.data.images, 'picture', 'pictures')}, {plural(first.data.boxes, 'true box', 'true boxes')}; "
        f"truth {first.specification.get('truth')}."
    )
    return Ground(ground.title, note, Table(table.corner, table.columns, named))


def _pair_table(pairs: Sequence[Pair]) -> Table:
    spec = METRICS["map"]
    rows = tuple(
        Row(
            Heading(f"{pair.change.arm} ({pair.run})", f"minus {pair.change.against} ({pair.against_run})"),
            (_pair_cell(pair.change), Cell(f"{pair.change.difference.n:,}")),
        )
        for pair in pairs
    )
    return Table("Arms", (metric_heading(spec), Heading("Pictures", "shared")), rows)


def _pair_cell(change: Difference) -> Cell:
    spec, value = METRICS["map"], change.difference.value
    if value is None:
        return Cell(UNDEFINED)
    bounds = with_p_value(interval(spec, change.difference, is_difference=True), change.p_value, change.p_holm)
    return Cell(signed(spec, value), bounds, tone=tone(spec, value, change.is_shown))
