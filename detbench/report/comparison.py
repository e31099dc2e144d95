"""Several runs on one page: which deblurrer helps where, and how far arms are apart where pictures are shared."""

import os
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from detbench.metrics.claims import FEWEST_PICTURES
from detbench.metrics.specs import METRICS
from detbench.pages.parts import Cell, Exhibit, Heading, Row, Table
from detbench.pages.text import UNDEFINED, interval, joined, plural, share, signed, with_p_value
from detbench.report.matrix import (
    MatrixRow,
    crossing,
    crossing_in_words,
    deblurrers_of,
    matrix_exhibits,
    matrix_table,
)
from detbench.report.pairing import Pair, Run, pairs_of, read_run
from detbench.report.tables import arm_name, arm_table, main_specs, metric_heading, tone, trained_with_note
from detbench.report.verdict import leader_in_words, verdicts
from detbench.results.schema import ArmResult, Difference, RunResult


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
    """What the page says: headline, grounds × deblurrers, each ground's arms, and paired differences."""

    headline: str
    runs: tuple[RunLine, ...]
    warnings: tuple[str, ...]
    matrix: Table
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

    def differences(self) -> list[Difference]:
        """Between any two arms, of one run or of two; none where a name means two arms."""
        names = [arm.name for _, arm in self.arms()]
        if len(set(names)) < len(names):
            return []
        within = (each for run in self.runs for each in run.result.differences)
        return [*within, *(pair.change for pair in self.pairs)]

    def row(self) -> MatrixRow:
        """Its line of the matrix; a deblurrer of several runs has the numbers of the first."""
        gains = {}
        for run in reversed(self.runs):
            for arm in run.result.arms:
                change = run.result.change(arm.name, "blurred")
                if arm.kind == "deblurrer" and change is not None and change.difference.value is not None:
                    gains[arm.name] = change
        trained = frozenset(arm.name for _, arm in self.arms() if arm.trained_with_detector)
        return MatrixRow(self.title, _setting_in_words(self.runs[0].result), gains, self.differences(), trained)


def _setting_in_words(result: RunResult) -> str:
    """How many pictures, their blur, and what it leaves: 60 pictures, trajectory blur, mAP .281 of .450."""
    recipe = result.specification.get("blur")
    blur = "the dataset's own blur" if recipe is None else f"{recipe.get('kind')} blur"
    values = [arm.metrics["map"].value for name in ("blurred", "sharp") if (arm := result.arm(name)) is not None]
    level = " of ".join(share(value) for value in values if value is not None)
    return ", ".join(filter(None, (plural(result.data.images, "picture", "pictures"), blur, level and f"mAP {level}")))


def comparison_of(folders: Sequence[Path], out: Path) -> ComparisonView:
    """Read several run folders for a page that lies at `out`; raises DataError naming a file missing or damaged."""
    runs = [read_run(folder) for folder in folders]
    pairs = pairs_of(runs)
    grounds = _grounds(runs, pairs)
    rows = [ground.row() for ground in grounds]
    order = deblurrers_of(rows)
    return ComparisonView(
        headline=_headline(grounds, rows, order),
        runs=tuple(_line(run, out) for run in runs),
        warnings=tuple(filter(None, (crossing_in_words(rows), *_warnings(runs)))),
        matrix=matrix_table(rows, order),
        exhibits=tuple(matrix_exhibits(rows, order)),
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


def _headline(grounds: Sequence[_Ground], rows: Sequence[MatrixRow], order: Sequence[str]) -> str:
    """Who leads where, and whether it helps there."""
    if not order:
        return "No deblurrer has a number to compare"
    if len(grounds) == 1:
        found = [verdict for run in grounds[0].runs for verdict in verdicts(run.result)]
        words = next((verdict.words for verdict in found if verdict.arm == order[0]), found[0].words)
        is_telling = grounds[0].runs[0].result.data.images >= FEWEST_PICTURES
        return "; ".join(filter(None, (leader_in_words(order, rows[0].is_ahead) if is_telling else "", words)))
    crossed = crossing(rows)
    if crossed is not None:
        one, other = crossed
        return (
            f"Which deblurrer is best depends on the pictures: {one.best} on {one.title}, {other.best} on {other.title}"
        )
    leaders = Counter(row.leader for row in rows if row.leader is not None)
    first = leaders.most_common(1)[0][0] if leaders else order[0]
    return "; ".join(filter(None, (*_leaders_in_words(rows), _where_it_helps(rows, first))))


def _leaders_in_words(rows: Sequence[MatrixRow]) -> Iterator[str]:
    """Who leads where, rows of a single deblurrer aside, and last where no one does."""
    contested = [row for row in rows if len(row.gains) > 1]
    for leader in sorted({row.leader for row in contested}, key=lambda name: (name is None, name or "")):
        where = [row.title for row in contested if row.leader == leader]
        name = leader or ("No one" if len(where) == len(contested) else "no one")
        yield f"{name} leads on {_settings(where, len(rows))}"


def _settings(titles: Sequence[str], count: int) -> str:
    """Settings among `count`: all by their number, one by its name."""
    if len(titles) == count:
        return f"all {count} settings"
    return titles[0] if len(titles) == 1 else f"{len(titles)} of {count} settings"


def _where_it_helps(rows: Sequence[MatrixRow], deblurrer: str) -> str:
    """Where a deblurrer gains and where it loses mAP by more than chance."""
    having = {row.title: row.gains[deblurrer] for row in rows if deblurrer in row.gains}
    shown = {title: change.difference.value or 0.0 for title, change in having.items() if change.is_shown}
    where = {
        "gains mAP": [title for title, value in shown.items() if value > 0],
        "loses mAP": [title for title, value in shown.items() if value < 0],
        "may change nothing": [title for title in having if not shown.get(title)],
    }
    phrases = [f"{what} on {_settings(titles, len(rows))}" for what, titles in where.items() if titles]
    return f"{deblurrer} {joined(phrases)}"


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
    for name in _ambiguous(results):
        yield f"{name} stands for different backends or weights in these runs, so its numbers are not of one deblurrer."
    if note := trained_with_note([arm for result in results for arm in result.arms]):
        yield note


def _ambiguous(results: Sequence[RunResult]) -> Iterator[str]:
    """Names that several deblurrers have."""
    found: dict[str, set[str]] = {}
    for arm in (arm for result in results for arm in result.arms if arm.backend is not None):
        weights = (arm.backend or {}).get("weights_sha256")
        found.setdefault(arm.name, set()).add(f"{(arm.backend or {}).get('name')} {weights}")
    yield from (name for name, backends in found.items() if len(backends) > 1)


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
