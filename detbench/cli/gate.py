"""`detbench gate`: exit 0 pass, 1 regression, 2 usage, 3 not evaluable; and `detbench baseline`, which it needs."""

import os
from pathlib import Path
from typing import Annotated

import typer

from detbench.cli.console import note, out, print_path
from detbench.errors import NotEvaluableError, UsageError


def gate(
    run: Annotated[Path, typer.Argument(help="A run folder.")],
    baseline_file: Annotated[
        Path, typer.Option("--baseline", help="A file of `detbench baseline`, or another run folder.")
    ],
    max_drop: Annotated[
        float | None, typer.Option(help="How much mAP (0..1) each arm may lose; .01 by default.")
    ] = None,
    confidence: Annotated[float, typer.Option(help="How surely a larger loss must be excluded.")] = 0.95,
    rules: Annotated[Path | None, typer.Option(help="A TOML file of [[rule]] tables, in place of --max-drop.")] = None,
    min_pictures: Annotated[int, typer.Option(min=2, help="Fewer pictures are not judged: exit 3.")] = 10,
    summary: Annotated[Path | None, typer.Option(help="Write the verdicts as Markdown here.")] = None,
    junit: Annotated[Path | None, typer.Option(help="Write the verdicts as JUnit XML here.")] = None,
) -> None:
    """Hold a run against a baseline, picture by picture; the exit code is for a CI job.

    0 pass, 1 regression (or one that the pictures cannot exclude), 2 usage, 3 not evaluable. On GitHub the verdicts are
    annotations and a step summary, too. Options may stand in detbench.toml, in a table [gate], and rules there
    as [[gate.rule]].

    Example:
        detbench gate reports/run --baseline baseline.json --max-drop 0.02
    """
    from detbench.gate.baseline import read_baseline
    from detbench.gate.gated_run import measured_in
    from detbench.gate.judge import judge
    from detbench.gate.outputs import (
        annotations,
        conclusion,
        error_rate,
        gate_junit,
        gate_markdown,
        sentence,
        status_label,
    )
    from detbench.gate.rules import MAX_DROP, Rule, read_rules

    if rules is not None and max_drop is not None:
        raise UsageError("--rules and --max-drop both limit the loss: leave one out")
    try:
        drop = MAX_DROP if max_drop is None else max_drop
        chosen = (Rule("map", max_drop=drop, confidence=confidence),) if rules is None else read_rules(rules)
        measured = measured_in(run)
        verdicts = judge(measured, read_baseline(baseline_file), chosen, min_pictures)
    except NotEvaluableError as error:
        _tell_refusal(str(error), summary, junit)
        raise
    for verdict in verdicts:
        out.print(f"{status_label(verdict):10} {sentence(verdict)}", markup=False)
    _write_outputs(gate_markdown(verdicts, str(measured.ground["truth"])), gate_junit(verdicts), summary, junit)
    if measured.ground["truth"] == "pseudo":
        note("Truth is the detector's own boxes on the sharp pictures, not labels.")
    if _on_github():
        for line in annotations(verdicts):
            out.print(line, markup=False)
    if error_rate(verdicts):
        out.print(error_rate(verdicts), markup=False)
    out.print(conclusion(verdicts), markup=False)
    raise typer.Exit(0 if all(verdict.is_pass for verdict in verdicts) else 1)


def baseline(
    run: Annotated[Path, typer.Argument(help="A run folder.")],
    out_file: Annotated[Path, typer.Option("--out", help="Where the baseline goes.")] = Path("reports/baseline.json"),
) -> None:
    """Write a run's baseline for `detbench gate`: one file, small enough to commit, with every picture's matches.

    Example:
        detbench baseline reports/run --out baseline.json
    """
    from detbench.gate.baseline import write_baseline

    measured = write_baseline(run, out_file)
    note(f"{len(measured.image_ids)} pictures, arms {', '.join(measured.values)}, {out_file.stat().st_size:,} bytes")
    print_path(out_file)


def _tell_refusal(message: str, summary: Path | None, junit: Path | None) -> None:
    from detbench.gate.outputs import annotation, refusal_junit, refusal_markdown

    _write_outputs(refusal_markdown(message), refusal_junit(message), summary, junit)
    if _on_github():
        note(annotation(message))


def _write_outputs(text: str, xml: str, summary: Path | None, junit: Path | None) -> None:
    """Write the requested files, and the step summary where GitHub reads one."""
    from detbench.core.images import write_atomically

    if summary is not None:
        write_atomically(summary, text)
    if junit is not None:
        write_atomically(junit, xml)
    step_summary = os.environ.get("GITHUB_STEP_SUMMARY")
    if step_summary:
        with Path(step_summary).open("a", encoding="utf-8") as file:
            file.write(text)


def _on_github() -> bool:
    return os.environ.get("GITHUB_ACTIONS") == "true"
