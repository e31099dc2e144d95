"""Several runs on one page: every arm of every run as a row."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from detbench.report.tables import MAIN_METRICS, Heading, Row, Table, metric_heading, shown_specs, value_cell
from detbench.report.view import Facts
from detbench.results.folder import RunFolder
from detbench.results.schema import RunResult


@dataclass(frozen=True)
class ComparisonView:
    """One table of all runs' arms, what each run was, and whether the runs can be compared at all."""

    table: Table
    runs: Facts
    warnings: tuple[str, ...]


def comparison_of(folders: Sequence[Path]) -> ComparisonView:
    """Read the results of several run folders; raises DataError naming one that is missing or damaged."""
    results = [(folder.resolve().name, RunFolder(folder).read_result()) for folder in folders]
    arms = [(name, arm) for name, result in results for arm in result.arms]
    specs = shown_specs([arm for _, arm in arms], MAIN_METRICS)
    rows = (
        Row(Heading(arm.name, name), tuple(value_cell(spec, arm.metrics.get(spec.key)) for spec in specs))
        for name, arm in arms
    )
    return ComparisonView(
        Table("Arm and run", tuple(metric_heading(spec) for spec in specs), tuple(rows)),
        tuple((name, _ground(result)) for name, result in results),
        tuple(_warnings([result for _, result in results])),
    )


def _ground(result: RunResult) -> str:
    data, specification = result.data, result.specification
    return (
        f"{data.name}, {data.images:,} pictures, {data.boxes:,} true boxes ({data.fingerprint[:12]}), "
        f"detector {specification.get('detector')}, truth {specification.get('truth')}"
    )


def _warnings(results: Sequence[RunResult]) -> Iterator[str]:
    if len({(result.data.fingerprint, result.specification.get("truth")) for result in results}) > 1:
        yield (
            "These runs were not measured on the same pictures and true boxes: "
            "only numbers of runs with the same fingerprint and truth can be compared."
        )
    if len({str(result.detector) for result in results}) > 1:
        yield "These runs used different detectors: a difference between two of them is not the deblurrer's alone."
