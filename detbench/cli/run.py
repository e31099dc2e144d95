"""`detbench run`: evaluate deblurrers by what a detector finds before and after."""

from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from detbench.cli.answer import print_answer, print_json
from detbench.cli.config import settings_from
from detbench.cli.console import note, print_path, progress_steps
from detbench.cli.log import Tracker, log_and_note
from detbench.core.progress import unheard
from detbench.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from detbench.results.cache import Cache
    from detbench.results.schema import RunResult

SOME_FAILED = 4
"""The exit code of a run that finished, but not in every arm."""


def run(
    context: typer.Context,
    deblurrer: Annotated[
        list[str],
        typer.Option("--deblurrer", "-d", help="A deblurrer; repeat it, or write a,b, to compare several."),
    ],
    detector: Annotated[
        str, typer.Option("--detector", "-t", help="A detector's name, or a YOLO .pt or .safetensors file.")
    ] = "yolov8",
    dataset: Annotated[
        str, typer.Option("--dataset", "-s", help="A dataset's name, or a path: COCO, YOLO, VOC, or pairs.")
    ] = "streets",
    blur: Annotated[
        str | None,
        typer.Option(help="Blur the pictures first: trajectory, shake, kernels:PATH; shake:seed=3,sensor=camera"),
    ] = None,
    truth: Annotated[
        Literal["labels", "pseudo", "none"],
        typer.Option(help="True boxes: the dataset's, the detector's on sharp pictures, or none."),
    ] = "labels",
    limit: Annotated[int | None, typer.Option("--limit", "-l", help="Only the first N pictures by id.")] = None,
    harm: Annotated[
        Literal["all", "sample", "none"],
        typer.Option(help="Sharp pictures that are deblurred to measure harm: all, every fourth, or none."),
    ] = "sample",
    gate_by: Annotated[
        str | None,
        typer.Option(help="A measure of blur, such as blur_effect: does it pay to deblur only where it is high?"),
    ] = None,
    repair: Annotated[
        Literal["clip", "drop"] | None, typer.Option(help="Boxes without area or outside their picture: clip or drop.")
    ] = None,
    metric: Annotated[
        list[str] | None,
        typer.Option(help="Measure this one too: psnr_aligned_db or ssim_aligned; repeat it for several."),
    ] = None,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or cuda:N.")] = "auto",
    precision: Annotated[
        Literal["auto", "fp32", "bf16"],
        typer.Option(help="Arithmetic of the networks; auto is bf16 where that is faster and changes nothing."),
    ] = "auto",
    resamples: Annotated[
        int, typer.Option(help="Random exchanges of arms for p-values; 0 for neither p-values nor intervals.")
    ] = 1000,
    shard: Annotated[str | None, typer.Option(help="I/N: only the I-th of N shares, for `detbench merge`.")] = None,
    engine: Annotated[
        Literal["local", "ray"], typer.Option(help="Who works: this process, or the workers of a Ray cluster.")
    ] = "local",
    out_folder: Annotated[Path, typer.Option("--out", help="Where run folders go.")] = Path("reports"),
    name: Annotated[str | None, typer.Option("--name", "-n", help="The run folder's name.")] = None,
    fresh: Annotated[bool, typer.Option("--fresh", help="Compute everything again, whatever the cache holds.")] = False,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace the run of another request that has this name.")
    ] = False,
    timeout: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="Seconds that a deblurrer or a detector may take for a picture.",
            show_default="300 for command:, 3600 for others",
        ),
    ] = None,
    opened: Annotated[bool, typer.Option("--open", help="Open the report in the browser.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the answer as one JSON object.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="Print errors and the run folder alone.")] = False,
    log_to: Annotated[
        list[Tracker] | None, typer.Option(help="Log the finished run there, too; repeat it for several.")
    ] = None,
) -> None:
    """Run deblurrers over a dataset, detect before and after, and write the run folder with its report.

    Finished work is kept in a cache: a repeated, interrupted or extended run only does what is missing. A deblurrer
    that fails on a picture has no numbers; the others finish, and the exit code is 4. Other codes: 0 all is well, 2 the
    request or the data is wrong, 3 there is nothing to measure, 5 the run is whole but was not logged, 130 interrupted.
    Options may stand in detbench.toml too, in a table [run].

    Examples:
        detbench run --deblurrer deblurgan --deblurrer nafnet --limit 24
        detbench run --deblurrer wiener --detector mine.pt --dataset data/val
    """
    from detbench.core.paths import cache_folder
    from detbench.evaluation.on_ray import run_on_ray
    from detbench.evaluation.request import RunSpec, checked_name, parse_share, run_name
    from detbench.evaluation.run import run as run_here
    from detbench.evaluation.shards import run_shard
    from detbench.plugins.backend import listed_deblurrers
    from detbench.report.trackers import check_trackers
    from detbench.results.cache import Cache

    check_trackers(log_to or ())
    share = None if shard is None else parse_share(shard)
    if share and (engine != "local" or as_json or opened):
        raise UsageError(
            "--shard measures a share of the pictures by hand: leave out --engine, which divides them by itself, and "
            "--json and --open, which need the whole run"
        )
    if share and log_to:
        raise UsageError("--log-to logs a whole run: leave it out of --shard, and `detbench log` the merged folder")
    words = tuple(word for each in deblurrer for word in listed_deblurrers(each))
    spec = RunSpec(
        dataset,
        words,
        detector,
        blur,
        truth,
        limit,
        device,
        precision,
        resamples,
        repair,
        harm,
        gate_by,
        tuple(dict.fromkeys(metric or ())),
    )
    if not quiet:
        _note_twins(words)
    folder = out_folder / (run_name(spec) if name is None else checked_name(name))
    cache = Cache(cache_folder(), fresh=fresh)
    cache.check_writable()
    announce = unheard if quiet else note
    reached: dict[str, tuple[int, int]] = {}
    with _going_on_later(reached, cache):
        with progress_steps(quiet=quiet, reached=reached) as steps:
            if share is None:
                evaluate = run_on_ray if engine == "ray" else run_here
                result = evaluate(spec, folder, cache, steps, timeout, overwrite=overwrite, announce=announce)
            else:
                folder = folder.with_name(f"{folder.name}-{share.index}-of-{share.count}")
                failed = run_shard(spec, share, folder, cache, steps, timeout, overwrite=overwrite, announce=announce)
        if share is None:
            known = with_settings(result, folder, settings_from(context))
            tell(known, folder, log_to or (), cache, quiet=quiet, as_json=as_json, opened=opened)
            return
    _note_failed(failed)
    print_path(folder)
    if failed:
        raise typer.Exit(SOME_FAILED)


@contextmanager
def _going_on_later(reached: "Mapping[str, tuple[int, int]]", cache: "Cache") -> "Iterator[None]":
    """After Ctrl-C, say how much of what was `reached` is kept and how to go on, and end with code 130."""
    try:
        yield
    except KeyboardInterrupt:
        where = "".join(f" ({what}: {done:,}/{count:,})" for what, (done, count) in [*reached.items()][-1:])
        again = " without --fresh" if cache.fresh else ""
        note(
            f"Interrupted{where}. What is finished is kept in the cache {cache.folder}. Repeat the command{again} to "
            "go on from there."
        )
        raise typer.Exit(130) from None


def with_settings(result: "RunResult", folder: Path, sources: "Mapping[str, str]") -> "RunResult":
    """The result with where the options come from, which its file says then too."""
    from dataclasses import replace

    from detbench.results.folder import RunFolder
    from detbench.results.schema import result_to_json

    known = replace(result, settings_from=sources)
    RunFolder(folder).write_json("result.json", result_to_json(known))
    return known


def _note_twins(deblurrers: "Sequence[str]") -> None:
    for word in dict.fromkeys(deblurrers):
        if deblurrers.count(word) > 1:
            note(f"--deblurrer {word} is named {deblurrers.count(word)} times and runs once.")


def tell(
    result: "RunResult",
    folder: Path,
    log_to: "Sequence[Tracker]" = (),
    cache: "Cache | None" = None,
    *,
    quiet: bool = False,
    as_json: bool = False,
    opened: bool = False,
) -> None:
    """Render a finished run's report, print its notes and its answer, log it, and end with code 4 where an arm failed.

    `cache` keeps the page for the next run with the same files. `quiet` leaves the folder alone on stdout and errors on
    stderr, `as_json` prints one object instead of tables, and `opened` shows the report in the browser.
    """
    from detbench.report.kept_page import render_or_reuse

    page = render_or_reuse(folder, cache)
    _note_failed(result.failed)
    if not quiet:
        for sentence in _notes(result):
            note(sentence)
    if as_json:
        print_json(result, folder, page)
    else:
        if not quiet:
            print_answer(result, page)
        print_path(folder)
    if log_to:
        log_and_note(folder, log_to)
    if opened:
        import webbrowser

        webbrowser.open(page.resolve().as_uri())
    if result.failed:
        raise typer.Exit(SOME_FAILED)


def _notes(result: "RunResult") -> "Iterator[str]":
    """What a reader of the numbers should know."""
    from detbench.report.tables import harm_note, missed_classes, trained_with_note

    yield from filter(None, (trained_with_note(result.arms), harm_note(result)))
    for arm in result.arms:
        if arm.smaller_tiles:
            yield f"{arm.name}: memory ran out for {arm.smaller_tiles} pictures, which were restored in smaller tiles."
    if result.arm("sharp") is None and "sharp" not in result.failed:
        yield (
            "The dataset has no sharp pictures, so there is no ceiling, PSNR or SSIM. --blur RECIPE blurs its pictures."
        )
    for sentence in result.data.notes:
        yield f"Dataset {result.data.name}: {sentence}."
    if result.data.unmatched_dataset_classes:
        yield f"Classes the detector does not know, always missed: {', '.join(missed_classes(result.data))}"
    for name, each in result.partly_known.items():
        reused = f" {each.reused_steps} of its steps here are of an interrupted run." if each.reused_steps else ""
        yield f"{name}: {each.reason}. So its work is done anew in every run.{reused}"
    if result.specification["truth"] == "pseudo":
        yield "Truth is the detector's own boxes on the sharp pictures, not labels."


def _note_failed(failed: "Mapping[str, str]") -> None:
    for name, reason in failed.items():
        note(f"{name} failed and has no numbers. {reason}")
