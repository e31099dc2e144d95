"""`detbench report`: render a run's page again, or several runs on one page."""

from pathlib import Path
from typing import Annotated

import typer

from detbench.cli.console import print_path
from detbench.errors import UsageError


def report(
    runs: Annotated[list[Path] | None, typer.Argument(help="Run folders; none takes all below reports/.")] = None,
    out_file: Annotated[Path | None, typer.Option("--out", help="Where the page goes, if not beside the run.")] = None,
    figures: Annotated[
        Path | None,
        typer.Option(help="A folder for each plot as SVG, PNG and PDF and each table as CSV and LaTeX."),
    ] = None,
    budget: Annotated[
        float | None, typer.Option(help="Seconds per megapixel that are allowed; slower deblurrers are greyed out.")
    ] = None,
) -> None:
    """Render the report of a run again from its files, or compare several runs on one page.

    Examples:
        detbench report reports/run
        detbench report reports/old reports/new --out comparison.html
    """
    if out_file is not None and out_file.suffix.lower() not in (".html", ".htm"):
        raise UsageError(f"--out {out_file}: the page is one HTML file; give it a name that ends in .html")
    if figures is not None and figures.exists() and not figures.is_dir():
        raise UsageError(f"--figures {figures}: this is a file; name a folder, which is made if it is not there")
    if budget is not None and not 0 < budget < float("inf"):
        raise UsageError(f"--budget {budget:g}: give the seconds that a megapixel may take, more than 0")
    folders = runs or sorted(path.parent for path in Path("reports").glob("*/result.json"))
    if not folders:
        raise UsageError("no runs below reports/: name a run folder, or make one with `detbench run`")
    if len(folders) == 1:
        print_path(_page(folders[0], out_file, figures, budget))
    elif budget is not None:
        raise UsageError(f"--budget marks the report of one run, and these are {len(folders)}; name one run folder")
    else:
        from detbench.report.render import render_comparison

        print_path(render_comparison(folders, out_file or Path("reports/comparison.html"), figures))


def _page(folder: Path, out_file: Path | None, figures: Path | None, budget: float | None) -> Path:
    """The page of one run; what drew its plots is needed again only for files of their own."""
    from detbench.core.paths import cache_folder
    from detbench.report.kept_page import render_or_reuse
    from detbench.results.cache import Cache

    if figures is not None:
        from detbench.report.render import render_report

        return render_report(folder, out_file, figures, budget)
    try:
        cache = Cache(cache_folder())
    except UsageError:  # no home folder: the page is drawn all the same
        cache = None
    return render_or_reuse(folder, cache, out_file, budget)
