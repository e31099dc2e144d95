"""Results files that were held against each other, as the page and the terminal show them.

Words claim a difference only where it is shown (see metrics/claims.py).
"""

from collections.abc import Iterator
from dataclasses import dataclass

from detbench.metrics.error_kinds import KINDS
from detbench.metrics.specs import METRICS
from detbench.pages.parts import Cell, Heading, Row, Table
from detbench.pages.text import UNDEFINED, interval, plural, share, signed
from detbench.report.error_tables import error_cell
from detbench.report.tables import metric_heading, value_cell
from detbench.results.compared_files import ComparedFile, FilesCompared
from detbench.results.schema import Difference, is_ahead
from detbench.types import MetricSpec

SHORT = ("map", "map50", "map75", "ar100", "precision", "recall", "f1")
"""The metrics that are shown first."""


@dataclass(frozen=True)
class FilesView:
    """What the page says: a sentence for each pair, and tables of files, differences, flips and errors."""

    sentences: tuple[str, ...]
    ground: str
    notes: tuple[str, ...]
    scores: Table
    differences: Table
    flips: Table
    errors: Table
    files: tuple[tuple[str, str], ...]


def files_view(compared: FilesCompared) -> FilesView:
    """The page's content."""
    truth = compared.truth
    return FilesView(
        sentences=tuple(sentences(compared)),
        ground=(
            f"{truth.name}: {plural(truth.images, 'picture', 'pictures')}, "
            f"{plural(truth.boxes, 'true box', 'true boxes')} ({truth.sha256[:12]})"
        ),
        notes=tuple(f"{note}." for note in compared.notes),
        scores=_scores(compared),
        differences=_differences(compared),
        flips=_flips(compared),
        errors=_errors(compared),
        files=tuple((file.name, _about(file)) for file in compared.files),
    )


def sentences(compared: FilesCompared) -> Iterator[str]:
    """For each pair, whether the one has more mAP than the other, as far as it is shown."""
    for arm, against in compared.pairs():
        each = compared.difference(arm, against, "map")
        value = each.difference.value
        if value is None:
            yield f"mAP of {arm} and {against} is undefined: there are no true boxes to find"
        elif each.is_shown:
            yield f"{arm} has {'more' if value > 0 else 'less'} mAP than {against}: {_in_words(each)}"
        elif compared.resamples:
            yield f"No difference in mAP between {arm} and {against} is shown: {_in_words(each)}"
        else:
            yield f"Nothing was resampled, so what is shown of {arm} and {against} is unknown: {_in_words(each)}"


def _in_words(each: Difference) -> str:
    spec, estimate = METRICS[each.metric], each.difference
    value = UNDEFINED if estimate.value is None else signed(spec, estimate.value)
    p_value = "" if each.p_holm is None else f", p {share(each.p_holm)}"
    return f"{value} {interval(spec, estimate, is_difference=True)}".rstrip() + p_value


def _scores(compared: FilesCompared) -> Table:
    """Files × metrics; what is ahead of all others by more than chance stands out."""
    specs = [METRICS[key] for key in SHORT]
    rows = (
        Row(
            Heading(file.name),
            tuple(value_cell(spec, file.metrics[spec.key], _leads(compared, file, spec)) for spec in specs),
        )
        for file in compared.files
    )
    return Table("File", tuple(map(metric_heading, specs)), tuple(rows))


def _leads(compared: FilesCompared, file: ComparedFile, spec: MetricSpec) -> bool:
    others = [other.name for other in compared.files if other.name != file.name]
    return all(is_ahead(compared.differences, file.name, other, spec) for other in others)


def _differences(compared: FilesCompared) -> Table:
    """Pairs × metrics; only what is shown has a tone."""
    rows = (
        Row(
            Heading(arm, f"minus {against}"),
            tuple(_difference(compared.difference(arm, against, key)) for key in SHORT),
        )
        for arm, against in compared.pairs()
    )
    return Table("Files", tuple(metric_heading(METRICS[key]) for key in SHORT), tuple(rows))


def _difference(each: Difference) -> Cell:
    spec, estimate = METRICS[each.metric], each.difference
    if estimate.value is None:
        return Cell(UNDEFINED, title=f"{spec.title} is undefined here")
    p_values = "" if each.p_value is None else f" p {share(each.p_value)}, Holm {share(each.p_holm or 0)}"
    bounds = f"{interval(spec, estimate, is_difference=True)}{p_values}".strip()
    text = signed(spec, estimate.value)
    if not each.is_shown:
        return Cell(text, bounds, "may be chance")
    return Cell(text, bounds, "shown", tone="better" if spec.sign * estimate.value > 0 else "worse")


def _flips(compared: FilesCompared) -> Table:
    rows = (
        Row(Heading(each.arm, f"against {each.against}"), (Cell(f"{each.gained:,}"), Cell(f"{each.lost:,}")))
        for each in compared.flips
    )
    return Table("Files", (Heading("found by it alone"), Heading("found by the other alone")), tuple(rows))


def _errors(compared: FilesCompared) -> Table:
    """Files × kinds of error: the mAP50 that each costs, and how many there are."""
    columns = tuple(Heading(kind, title=meaning) for kind, meaning in KINDS.items())
    rows = (Row(Heading(file.name), tuple(error_cell(file.errors[kind]) for kind in KINDS)) for file in compared.files)
    return Table("File", columns, tuple(rows))


def _about(file: ComparedFile) -> str:
    return f"{file.file}, {plural(file.detections, 'detection', 'detections')}, SHA-256 {file.sha256[:12]}"
