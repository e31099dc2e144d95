from collections.abc import Callable
from pathlib import Path

from detbench.report.render import render_comparison, render_report

Write = Callable[..., Path]
MAPS = {"sharp": 0.4, "blurred": 0.2, "wiener": 0.3, "nah": 0.22}


def contents(folder: Path) -> dict[str, bytes]:
    """Every file by name."""
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_a_runs_plots_and_tables_are_files(write: Write, tmp_path: Path) -> None:
    """Named for what they show, and the same when written again; what else lies in the folder stays."""
    run, figures = write(maps=MAPS), tmp_path / "new" / "figures"
    render_report(run, figures=figures)
    first = contents(figures)
    assert {f"by-class.{suffix}" for suffix in ("svg", "png", "pdf", "csv", "tex")} <= first.keys()
    assert {"arms.tex", "differences.csv", "all-metrics.csv", "boxes-that-changed-hands.tex"} <= first.keys()
    assert b"wiener,+.100," in first["differences.csv"]
    (figures / "mine.txt").write_bytes(b"mine")
    render_report(run, figures=figures)
    assert contents(figures) == {**first, "mine.txt": b"mine"}


def test_a_comparison_has_its_matrix_in_files(write: Write, tmp_path: Path) -> None:
    """Beside the paired differences and each setting's arms; two datasets whose names differ in signs alone have two
    files.
    """
    one = write("one", maps=MAPS, dataset="my data")
    other = write("other", maps=MAPS, dataset="my-data", fingerprint="f" * 64)
    render_comparison([one, other], tmp_path / "all.html", tmp_path / "figures")
    names = contents(tmp_path / "figures").keys()
    assert {"matrix.csv", "matrix.tex", "change-in-map.pdf"} <= names
    assert {"arms-1-my-data-blobs.csv", "arms-2-my-data-blobs.csv"} <= names
