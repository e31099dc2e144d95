"""`detbench run`: evaluate deblurrers by what a detector finds before and after."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from detbench.cli.config import settings_from
from detbench.cli.console import note, print_path, print_table, progress_steps
from detbench.cli.log import Tracker, log_and_note
from detbench.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from detbench.results.schema import Difference, RunResult
    from detbench.types import Estimate

SOME_FAILED = 4
"""The exit code of a run that finished, but not in every arm."""


def run(
    context: typer.Context,
    deblurrer: Annotated[list[str], typer.Option(help="A deblurrer; repeat it to compare several.")],
    detector: Annotated[str, typer.Option(help="A detector's name, or a YOLO .pt or .safetensors file.")] = "yolov8",
    dataset: Annotated[str, typer.Option(help="A dataset's name, or a path: COCO, YOLO, VOC, or pairs.")] = "streets",
    blur: Annotated[
        str | None, typer.Option(help="Blur the pictures first: trajectory, shake, or trajectory:seed=3,…")
    ] = None,
    truth: Annotated[
        Literal["labels", "pseudo"],
        typer.Option(help="True boxes: the dataset's, or the detector's on sharp pictures."),
    ] = "labels",
    limit: Annotated[int | None, typer.Option(help="Only the first N pictures by id.")] = None,
    harm: Annotated[
        Literal["all", "sample", "none"],
        typer.Option(help="Sharp pictures that are deblurred to measure harm: all, every fourth, or none."),
    ] = "sample",
    repair: Annotated[
        Literal["clip", "drop"] | None, typer.Option(help="Boxes without area or outside their picture: clip or drop.")
    ] = None,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or cuda:N.")] = "auto",
    precision: Annotated[Literal["fp32", "bf16"], typer.Option(help="Arithmetic of the networks.")] = "fp32",
    resamples: Annotated[
        int, typer.Option(help="Random exchanges of arms for p-values; 0 for neither p-values nor intervals.")
    ] = 1000,
    shard: Annotated[str | None, typer.Option(help="I/N: only the I-th of N shares, for `detbench merge`.")] = None,
    engine: Annotated[
        Literal["local", "ray"], typer.Option(help="Who works: this process, or the workers of a Ray cluster.")
    ] = "local",
    out_folder: Annotated[Path, typer.Option("--out", help="Where run folders go.")] = Path("reports"),
    name: Annotated[str | None, typer.Option(help="The run folder's name.")] = None,
    fresh: Annotated[bool, typer.Option("--fresh", help="Compute everything again, whatever the cache holds.")] = False,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace the run of another request that has this name.")
    ] = False,
    timeout: Annotated[
        int, typer.Option(min=1, help="Seconds that a deblurrer or a detector may take for a picture.")
    ] = 3600,
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
    from detbench.report.trackers import check_trackers
    from detbench.results.cache import Cache

    check_trackers(log_to or ())
    share = None if shard is None else parse_share(shard)
    if share and engine != "local":
        raise UsageError("--shard divides the pictures by hand, --engine ray by itself: leave one out")
    if share and log_to:
        raise UsageError("--log-to logs a whole run: leave it out of --shard, and `detbench log` the merged folder")
    spec = RunSpec(dataset, tuple(deblurrer), detector, blur, truth, limit, device, precision, resamples, repair, harm)
    _note_twins(deblurrer)
    folder, cache = (
        out_folder / (run_name(spec) if name is None else checked_name(name)),
        Cache(cache_folder(), fresh=fresh),
    )
    cache.check_writable()
    try:
        with progress_steps() as steps:
            if share is None:
                result = (run_on_ray if engine == "ray" else run_here)(
                    spec, folder, cache, steps, timeout, overwrite=overwrite
                )
            else:
                folder = folder.with_name(f"{folder.name}-{share.index}-of-{share.count}")
                failed = run_shard(spec, share, folder, cache, steps, timeout, overwrite=overwrite)
    except KeyboardInterrupt:
        note("Interrupted; finished work is kept. Repeat the command to go on.")
        raise typer.Exit(130) from None
    if share is None:
        tell(with_settings(result, folder, settings_from(context)), folder, log_to or ())
    else:
        _note_failed(failed)
        print_path(folder)
        if failed:
            raise typer.Exit(SOME_FAILED)


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


def tell(result: "RunResult", folder: Path, log_to: "Sequence[Tracker]" = ()) -> None:
    """Render a finished run's report, print its notes, its table and its folder, and log it."""
    from detbench.report.render import render_report

    render_report(folder)
    _print_notes(result)
    _print_result(result)
    print_path(folder)
    if log_to:
        log_and_note(folder, log_to)
    if result.failed:
        raise typer.Exit(SOME_FAILED)


def _print_notes(result: "RunResult") -> None:
    from detbench.report.tables import harm_note, missed_classes, trained_with_note

    _note_failed(result.failed)
    for sentence in filter(None, (trained_with_note(result.arms), harm_note(result))):
        note(sentence)
    for arm in result.arms:
        if arm.smaller_tiles:
            note(f"{arm.name}: memory ran out for {arm.smaller_tiles} pictures, which were restored in smaller tiles.")
    if result.arm("sharp") is None and "sharp" not in result.failed:
        note(
            "The dataset has no sharp pictures, so there is no ceiling, PSNR or SSIM. --blur RECIPE blurs its pictures."
        )
    for sentence in result.data.notes:
        note(f"Dataset {result.data.name}: {sentence}.")
    if result.data.unmatched_dataset_classes:
        note(f"Classes the detector does not know, always missed: {', '.join(missed_classes(result.data))}")
    for name, each in result.partly_known.items():
        reused = f" {each.reused_steps} of its steps here are of an interrupted run." if each.reused_steps else ""
        note(f"{name}: {each.reason}. So its work is done anew in every run.{reused}")
    if result.specification["truth"] == "pseudo":
        note("Truth is the detector's own boxes on the sharp pictures, not labels.")


def _note_failed(failed: "Mapping[str, str]") -> None:
    for name, reason in failed.items():
        note(f"{name} failed and has no numbers. {reason}")


def _print_result(result: "RunResult") -> None:
    from detbench.metrics.image_metrics import metric_specs
    from detbench.report.tables import arm_name

    columns = {spec.terminal_title: key for key, spec in metric_specs().items() if spec.terminal_title}
    rows = [[arm_name(arm), *(_short(arm.metrics.get(key)) for key in columns.values())] for arm in result.arms]
    rows += [[arm, "failed", *([""] * (len(columns) - 1))] for arm in result.failed]
    print_table(["arm", *columns], rows, numbers=True)
    changes = [difference for difference in result.differences if difference.metric == "map"]
    adjusted = ["adjusted p"] if any(difference.p_holm is not None for difference in changes) else []
    lines = [_change(difference, bool(adjusted)) for difference in changes]
    print_table(["mAP difference", "", "interval", "p", *adjusted, ""], lines, numbers=True)


def _change(difference: "Difference", is_adjusted: bool) -> list[str]:
    """One row: who against whom, by how much, between which bounds, how often chance does as much, and whether this may
    be chance.
    """
    from detbench.metrics.specs import METRICS
    from detbench.pages.text import UNDEFINED, interval, signed

    spec, estimate = METRICS[difference.metric], difference.difference
    p_values = (difference.p_value, difference.p_holm) if is_adjusted else (difference.p_value,)
    return [
        f"{difference.arm} − {difference.against}",
        UNDEFINED if estimate.value is None else signed(spec, estimate.value),
        interval(spec, estimate, is_difference=True) or UNDEFINED,
        *(UNDEFINED if p_value is None else f"{p_value:.3f}" for p_value in p_values),
        "" if difference.is_shown or not estimate.value else "may be chance",
    ]


def _short(estimate: "Estimate | None") -> str:
    if estimate is None or estimate.value is None:
        return "–"
    return f"{estimate.value:.3f}" if abs(estimate.value) < 10 else f"{estimate.value:.1f}"
