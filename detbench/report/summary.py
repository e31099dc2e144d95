"""`summary.md`: the verdict and its tables in a screen of Markdown, for a pull request."""

from collections.abc import Iterator

from detbench.pages.parts import Cell, Heading, Table
from detbench.pages.text import markdown
from detbench.report.view import ReportView


def summary_of(view: ReportView) -> str:
    """The report's words and main tables as GitHub's Markdown; every name in it is escaped."""
    return "\n".join(_lines(view)) + "\n"


def _lines(view: ReportView) -> Iterator[str]:
    yield f"### {markdown(view.verdict.decision)}"
    yield ""
    yield f"mAP {markdown(view.verdict.numbers)}"
    yield ""
    if view.verdict.answer != "unknown":  # else the decision says it already
        yield f"{markdown(view.verdict.words)}."
    yield ""
    if view.leader:
        yield f"{markdown(view.leader)}."
        yield ""
    for verdict in view.verdicts[1:]:
        yield f"- {markdown(verdict.sentence)}"
    yield ""
    for warning in view.warnings:
        yield f"> **Note:** {markdown(warning)}"
        yield ""
    for alarm in view.alarms:
        yield f"> **Artefact:** {markdown(alarm.words)}"
        yield ""
    yield from table_lines(view.main)
    yield ""
    if view.consistency.rows:
        yield "What each arm finds, and which share of the other arms' boxes it has too:"
        yield ""
        yield from table_lines(view.consistency)
        yield ""
    if view.differences.columns:
        yield "Each deblurrer minus blurred:"
        yield ""
        yield from table_lines(view.differences)
        yield ""
    if view.claims:
        yield f"Claimed and measured. {markdown(view.claims_note)}"
        yield ""
        yield from table_lines(view.claims)
        yield ""
    yield " · ".join(f"{markdown(name)}: {markdown(value)}" for name, value in view.facts)
    yield ""
    yield from (f"- {markdown(note)}" for note in view.notes)


def table_lines(table: Table) -> Iterator[str]:
    """A table as lines of GitHub's Markdown."""
    yield _row([table.corner, *(_heading(column) for column in table.columns)])
    yield _row(["---", *("---:" for _ in table.columns)])
    for row in table.rows:
        yield _row([_heading(row.heading), *(_cell(cell) for cell in row.cells)])


def _row(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _heading(heading: Heading) -> str:
    return markdown(f"{heading.text} {heading.note}".strip())


def _cell(cell: Cell) -> str:
    text = markdown(f"{cell.text} {cell.interval}".strip())
    return f"**{text}**" if cell.best else text
