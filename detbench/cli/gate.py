"""`detbench gate`: exit 0 pass, 1 regression, 2 usage, 3 not evaluable."""

from pathlib import Path
from typing import Annotated

import typer

from detbench.cli.console import out


def gate(
    run: Annotated[Path, typer.Argument(help="A run folder.")],
    baseline: Annotated[Path, typer.Option(help="The result.json, or the run folder, to compare with.")],
    max_drop: Annotated[float, typer.Option(help="How much mAP (0..1) an arm may lose.")] = 0.01,
) -> None:
    """Compare a run's mAP with a baseline's, arm by arm; the exit code tells a CI job what came of it."""
    from detbench.gate import judge
    from detbench.results.folder import RunFolder, read_result

    before = RunFolder(baseline).read_result() if baseline.is_dir() else read_result(baseline)
    verdicts = judge(RunFolder(run).read_result(), before, max_drop)
    for verdict in verdicts:
        word = "REGRESSION" if verdict.is_regression else "ok"
        out.print(f"{verdict.arm}: mAP {verdict.baseline_map:.4f} → {verdict.map:.4f} ({word})", markup=False)
    failed = any(verdict.is_regression for verdict in verdicts)
    out.print(f"{'FAIL' if failed else 'PASS'}: at most {max_drop} mAP may be lost", markup=False)
    raise typer.Exit(1 if failed else 0)
