"""`detbench compare`: results files of several detectors, held against the same true boxes and against each other."""

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from detbench.cli.console import note, print_path, print_table
from detbench.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from detbench.results.compared_files import FilesCompared
    from detbench.results.schema import Difference
    from detbench.types import Estimate


def compare(
    truth: Annotated[str, typer.Argument(help="The true boxes: a COCO file, or any dataset that `run` takes.")],
    files: Annotated[
        list[str] | None, typer.Argument(help="Two or more files of COCO results, each FILE or NAME=FILE.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")] = False,
    out_folder: Annotated[Path, typer.Option("--out", help="Where the comparison's folder goes.")] = Path("reports"),
    name: Annotated[str | None, typer.Option(help="The folder's name; a comparison that has it is replaced.")] = None,
    resamples: Annotated[
        int, typer.Option(help="Random exchanges of arms for p-values; 0 for neither p-values nor intervals.")
    ] = 1000,
    repair: Annotated[
        Literal["clip", "drop"] | None,
        typer.Option(help="True boxes without area or outside their picture: clip or drop."),
    ] = None,
) -> None:
    """Compare what several detectors found in the same pictures: is one better, by how much, or may it be chance?

    The first file is what the others are held against, and every pair is compared. Each number has its interval, each
    difference its interval and p-value. No picture is opened; of COCO the annotation file alone is needed.

    Example:
        detbench compare instances_val2017.json old.json new=runs/7/predictions.json
    """
    from detbench.datasets.true_records import open_true_records
    from detbench.evaluation.comparing import compare_files
    from detbench.evaluation.request import checked_name, folder_name
    from detbench.report.render import render_compared
    from detbench.results.cache import digest
    from detbench.results.compared_files import COMPARISON_NAMES, compared_to_json
    from detbench.results.folder import RunFolder, check_own_folder

    if resamples < 0:
        raise UsageError(f"--resamples takes a number from 0 on, not {resamples}")
    paths = named_files(files or [])
    request = [truth, {label: str(path) for label, path in paths.items()}, resamples, repair]
    own_name = folder_name(["compare", *list(paths)[:3], digest(request)[:8]])
    folder = RunFolder(out_folder / (own_name if name is None else checked_name(name)))
    check_own_folder(folder.path, COMPARISON_NAMES)
    compared = compare_files(open_true_records(truth, repair), paths, resamples, folder)
    render_compared(compared, folder.path / "report.html")
    if as_json:
        sys.stdout.write(json.dumps(compared_to_json(compared), indent=1, allow_nan=False) + "\n")
    else:
        _tell(compared, folder.path)


def named_files(words: "Sequence[str]") -> "dict[str, Path]":
    """Files by their names, `FILE` (its stem) or `NAME=FILE`; raises UsageError for fewer than two, and where two have
    one name or are one file.
    """
    named: dict[str, Path] = {}
    for word in words:
        label, separator, file = word.partition("=")
        is_named = bool(label and separator and file) and not Path(word).exists()
        path = Path(file if is_named else word)
        label = label if is_named else path.stem
        twin = next((other for other in named.values() if other.resolve() == path.resolve()), None)
        if twin is not None:
            raise UsageError(f"{path} is named twice: name another file, for one differs in nothing from itself")
        if label in named:
            raise UsageError(f"{named[label]} and {path} would both be called {label!r}; give one a name: NAME={path}")
        named[label] = path
    if len(named) < 2:
        raise UsageError(
            f"compare needs two or more results files, not {len(named)}: detbench compare TRUTH A.json B.json; one "
            "alone is scored by detbench run --deblurrer identity --detector recorded:FILE --dataset TRUTH"
        )
    return named


def _tell(compared: "FilesCompared", folder: Path) -> None:
    """Print the notes, the tables, what is shown, and the folder."""
    from detbench.metrics.specs import METRICS
    from detbench.pages.text import UNDEFINED
    from detbench.report.files_view import SHORT, sentences

    for sentence in compared.notes:
        note(f"{sentence[0].upper()}{sentence[1:]}.")
    rows = [
        [METRICS[key].title, *(_value(key, file.metrics[key]) or UNDEFINED for file in compared.files)] for key in SHORT
    ]
    print_table(["", *(file.name for file in compared.files)], rows, numbers=True)
    for flips in compared.flips:
        differences = [compared.difference(flips.arm, flips.against, key) for key in SHORT]
        print_table(
            [f"{flips.arm} − {flips.against}", "", "interval", "p", "p (Holm)", "shown"],
            [_difference(each) for each in differences],
            numbers=True,
        )
    flipped = [[each.arm, each.against, f"{each.gained:,}", f"{each.lost:,}"] for each in compared.flips]
    print_table(["true boxes found by", "and not by", "", "the other way"], flipped)
    for sentence in sentences(compared):
        print_path(sentence)
    print_path(folder)


def _value(key: str, estimate: "Estimate") -> str:
    from detbench.metrics.specs import METRICS
    from detbench.pages.text import interval, metric_value

    if estimate.value is None:
        return ""
    spec = METRICS[key]
    return f"{metric_value(spec, estimate.value)} {interval(spec, estimate, is_difference=False)}".rstrip()


def _difference(each: "Difference") -> list[str]:
    from detbench.metrics.specs import METRICS
    from detbench.pages.text import UNDEFINED, interval, share, signed

    spec, estimate = METRICS[each.metric], each.difference
    return [
        spec.title,
        UNDEFINED if estimate.value is None else signed(spec, estimate.value),
        interval(spec, estimate, is_difference=True) or UNDEFINED,
        *(UNDEFINED if p_value is None else share(p_value) for p_value in (each.p_value, each.p_holm)),
        "yes" if each.is_shown else "no",
    ]
