"""`detbench speed`: how fast deblurrers are on this device."""

import csv
import io
import json
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from detbench.cli.console import note, print_path, print_table, progress_steps
from detbench.cli.export import parse_size
from detbench.errors import UsageError

if TYPE_CHECKING:
    from detbench.evaluation.device_speed import Speed, SpeedJob

COLUMNS = {
    "restore_ms_p50": "ms p50",
    "restore_ms_p95": "ms p95",
    "fps": "fps",
    "fps_p50": "fps + det.",
    "restore_peak_mib": "MiB",
    "process_peak_mib": "MiB in all",
    "energy_j": "J",
}
"""Of the table; `--json` and `--out` have all."""


def speed(
    deblurrers: Annotated[list[str], typer.Argument(help="Deblurrers, as `detbench run` takes them.")],
    detector: Annotated[
        str | None,
        typer.Option("--detector", "-t", help="A detector that follows each.", show_default="deblurrers alone"),
    ] = None,
    size: Annotated[str, typer.Option(help="WIDTHxHEIGHT of the pictures.")] = "1280x720",
    threads: Annotated[
        str | None, typer.Option(help="Numbers of threads, such as 1,2,4.", show_default="one for each core")
    ] = None,
    seconds: Annotated[float, typer.Option(min=0, help="How long pictures are measured, after a warm-up.")] = 10,
    pictures: Annotated[
        list[Path] | None,
        typer.Option(help="Files and folders, cut or mirrored to the size.", show_default="the embedded streets"),
    ] = None,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or cuda:N.")] = "auto",
    precision: Annotated[Literal["fp32", "bf16"], typer.Option(help="Arithmetic of the networks.")] = "fp32",
    out_file: Annotated[Path | None, typer.Option("--out", help="A CSV file to write.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")] = False,
) -> None:
    """Measure pictures a second on this device, alone and with a detector, and the memory and energy that they take.

    Each deblurrer and number of threads has a process of its own. The first pictures, until times are steady, are left
    out. Energy is that of the GPU (with `pip install 'detbench[energy]'`) or of the processor, where its counter can be
    read.

    Examples:
        detbench speed nafnet deblurgan --detector yolov8
        detbench speed onnx:nafnet.onnx --size 640x360 --threads 1,2,4 --out speed.csv
    """
    from detbench.core.devices import device_name, resolve_device
    from detbench.evaluation.device_speed import SpeedJob, backends_of
    from detbench.plugins.backend import listed_deblurrers

    sides, counts, resolved = parse_size(size), parse_threads(threads), resolve_device(device)
    jobs = [
        SpeedJob(name, detector, resolved, precision, sides, count, seconds, tuple(pictures or ()))
        for word in deblurrers
        for name in listed_deblurrers(word)
        for count in counts
    ]
    for job in jobs:
        backends_of(job)  # a wrong word is better known now than after the others were measured
    measured = _measure(jobs)
    head = {
        "device": resolved,
        "device_name": device_name(resolved),
        "processor": device_name("cpu"),
        "size": f"{sides[1]}x{sides[0]}",
        "detector": detector,
        "precision": precision,
    }
    if out_file:
        from detbench.core.images import write_atomically

        write_atomically(out_file, _as_csv(head, measured))
    if as_json:
        plain = {**head, "speeds": [asdict(each) for each in measured]}
        sys.stdout.write(json.dumps(plain, indent=1, allow_nan=False) + "\n")
        return
    _print(head, measured)
    if out_file:
        print_path(out_file)


def parse_threads(text: str | None) -> list[int]:
    """Numbers of threads as they are typed, 1,2,4, each once; without them one for each core that this process has."""
    if text is None:
        usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
        return [usable or 1]
    parts = [part.strip() for part in text.split(",")]
    if not all(part.isdecimal() and int(part) for part in parts):
        raise UsageError(f"--threads is {text!r}, but must be whole numbers from 1 on, such as 1,2,4")
    return list(dict.fromkeys(map(int, parts)))


def _measure(jobs: "Sequence[SpeedJob]") -> "list[Speed]":
    from detbench.evaluation.device_speed import measured_apart

    measured = []
    with progress_steps() as steps:
        for done, job in enumerate(jobs):
            steps("measuring", done, len(jobs), f"{job.deblurrer}, threads: {job.threads}")
            measured.append(measured_apart(job))
        steps("measuring", len(jobs), len(jobs))
    return measured


def _print(head: Mapping[str, str | None], measured: "Sequence[Speed]") -> None:
    from detbench.pages.text import UNDEFINED, amount

    def cell(value: float | None) -> str:
        return UNDEFINED if value is None else amount(value)

    known = {key: title for key, title in COLUMNS.items() if key != "fps_p50" or head["detector"]}
    rows = [[each.deblurrer, str(each.threads), *(cell(getattr(each, key)) for key in known)] for each in measured]
    print_table(["deblurrer", "threads", *known.values()], rows, numbers=True)
    note(f"{head['device_name']} ({head['device']}), pictures of {head['size']}, {head['precision']}.")
    if head["detector"]:
        detected = [each.detect_ms_p50 for each in measured if each.detect_ms_p50 is not None]
        note(f"fps + det.: with {head['detector']}, which takes {amount(min(detected))} ms (p50) at best.")
    counted = ", ".join(f"{each.deblurrer} {each.warm_up} and {each.pictures}" for each in measured)
    note(f"Pictures left out to warm up, and pictures that count: {counted}.")


def _as_csv(head: Mapping[str, Any], measured: "Sequence[Speed]") -> str:
    """A line for each deblurrer and number of threads; what is unknown is empty."""
    lines = io.StringIO()
    rows = [{**head, **asdict(each)} for each in measured]
    writer = csv.DictWriter(lines, rows[0].keys(), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return lines.getvalue()
