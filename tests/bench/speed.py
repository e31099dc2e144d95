"""Speed beside the peers, in one interleaved run: `nox -s bench`.

That ours and the peer's give the same result is asserted before anything is timed. `python tests/bench/speed.py coco
ssim` measures some rows, `--rounds N` makes fewer or more rounds.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import cv2
import faster_coco_eval
import numpy as np
import plain_blur
import pycocotools.coco
import pycocotools.cocoeval
import rust_evaluators
import torch
from coco_like import coco_like
from PIL import Image as PillowImage
from plain_nets import plain_generator, through, with_skip
from plain_run import WANG, evaluated
from rich.console import Console
from rich.table import Table
from side_by_side import Measured, Row, measured
from skimage.metrics import peak_signal_noise_ratio, structural_similarity
from torchmetrics.functional.image import peak_signal_noise_ratio as torch_psnr
from torchmetrics.functional.image import structural_similarity_index_measure as torch_ssim
from whole_rows import detecting_row, whole_rows

from detbench.blur.kernels import convolve, kernel_from_path
from detbench.blur.trajectory import random_trajectory
from detbench.core.devices import device_name, resolve_device
from detbench.core.images import read_image
from detbench.deblurrers.network import DeblurGAN
from detbench.metrics.coco_scores import CocoScores, evaluate, scores_of
from detbench.metrics.coco_text import found_columns_of, true_columns_of
from detbench.metrics.columns import found_columns, true_columns
from detbench.metrics.evidence import Evidence, numbers_of, p_values
from detbench.metrics.quality import psnr_db, ssim
from detbench.metrics.ranking import ranked
from detbench.metrics.resampled import STAT_KEYS, average_precision, unit_weights
from detbench.metrics.uncertainty import draw_pictures
from detbench.types import Image

ROUNDS = 7
RESAMPLES = 1_000
COCO_WORK = "COCO evaluation, 5,000 pictures, 54,000 boxes"
DRAWING = Path(__file__).parents[1] / "drawn.py"
OFFLINE = {"YOLO_OFFLINE": "true", "YOLO_AUTOINSTALL": "false"}


def main() -> None:
    """Measure, print the table, write `reports/bench.json`."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("rows", nargs="*", help=f"some of {', '.join(ROWS)}; none takes all")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    words = parser.parse_args()
    unknown = set(words.rows) - set(ROWS)
    if unknown:
        parser.error(f"no rows {', '.join(sorted(unknown))}")
    done = [measured(row, words.rounds) for name in words.rows or ROWS for row in ROWS[name]()]
    device = device_name(resolve_device("auto"))
    page = {"device": device, "rounds": words.rounds, "rows": [asdict(row) for row in done]}
    Path("reports/bench.json").write_text(json.dumps(page, indent=1) + "\n")
    Console(width=140).print(f"{device}, {words.rounds} rounds", shown(done))


def shown(rows: list[Measured]) -> Table:
    """The table, as printed."""
    table = Table("work", "peer", "ours ms", "peer ms", "ratio", "range", "aim", box=None)
    for row in rows:
        spread = f"{row.ratio_low:.1f}–{row.ratio_high:.1f}"
        aim = "" if row.aim is None else f"{row.aim:g}×"
        table.add_row(row.work, row.peer, f"{row.ours_ms:.2f}", f"{row.peer_ms:.2f}", f"{row.ratio:.1f}×", spread, aim)
    return table


def coco_rows() -> Iterator[Row]:
    """COCO evaluation against pycocotools, whose numbers come out, faster-coco-eval, and two evaluators in Rust."""
    truth, (found,) = coco_like(arms=1)

    def ours() -> CocoScores:
        return evaluate(truth, found)

    for peer, coco, scorer, tolerance, aim in (
        ("pycocotools", pycocotools.coco.COCO, pycocotools.cocoeval.COCOeval, 1e-12, 50),
        ("faster-coco-eval", faster_coco_eval.COCO, faster_coco_eval.COCOeval_faster, 1e-6, 8),
    ):

        def theirs(coco: type = coco, scorer: type = scorer) -> object:
            return evaluated(coco, scorer, truth, found)

        assert_same(ours(), theirs(), tolerance)
        yield Row(COCO_WORK, peer, ours, theirs, aim)
    for peer, theirs in rust_evaluators.from_memory(truth, found).items():
        assert_same(ours(), theirs(), 1e-6)
        yield Row(COCO_WORK, peer, ours, theirs, 1)


def coco_files_rows() -> Iterator[Row]:
    """The same from two JSON files, against the evaluators in Rust."""
    truth, (found,) = coco_like(arms=1)
    with tempfile.TemporaryDirectory() as folder:
        paths = Path(folder) / "truth.json", Path(folder) / "results.json"
        for path, document in zip(paths, (truth, found), strict=True):
            path.write_text(json.dumps(document))
        expected = evaluate(truth, found)
        del truth, found

        def ours() -> CocoScores:
            columns = true_columns_of(paths[0].read_bytes())
            return scores_of(columns, found_columns_of(paths[1].read_bytes(), columns))

        assert ours() == expected
        for peer, theirs in rust_evaluators.from_files(*paths).items():
            assert_same(ours(), theirs(), 1e-6)
            yield Row(f"{COCO_WORK}, from JSON files", peer, ours, theirs, 1)


def assert_same(ours: CocoScores, theirs: Any, tolerance: float) -> None:
    """That a peer's evaluator has the same twelve numbers."""
    np.testing.assert_allclose([ours.stats[key] for key in STAT_KEYS], theirs.stats[:12], rtol=0, atol=tolerance)


def resamples_row() -> Iterator[Row]:
    """1,000 paired resamples of two arms' mAP, matching included, against one pycocotools evaluation of one arm."""
    truth, arms = coco_like(arms=2)

    def ours() -> None:
        columns = true_columns(truth)
        draws = draw_pictures(len(columns.image_ids))[1:]
        for found in arms:
            average_precision(ranked(columns, found_columns(found, columns)), draws)

    def theirs() -> object:
        return evaluated(pycocotools.coco.COCO, pycocotools.cocoeval.COCOeval, truth, arms[0])

    yield Row("1,000 paired resamples of mAP", "one pycocotools evaluation", ours, theirs)


def comparing_row() -> Iterator[Row]:
    """1,000 paired resamples of two arms, matching included: ours have p-values, the peer's have intervals."""
    truth, arms = coco_like(arms=2)

    def evidence() -> list[Evidence]:
        columns = true_columns(truth)
        counts = np.zeros((len(columns.image_ids), 3), np.int64)
        return [Evidence(ranked(columns, found_columns(found, columns)), counts, {}) for found in arms]

    once = unit_weights(len(truth["images"]))
    one, other = (numbers_of(each, once)["map"][0] for each in evidence())
    assert abs((other - one) - rust_evaluators.compared(truth, arms, 1)["deltas"]["AP"]) <= 1e-6
    yield Row(
        "1,000 paired resamples of mAP of two arms, p-values included",
        "hotcoco's compare",
        lambda: p_values(*evidence(), RESAMPLES),
        lambda: rust_evaluators.compared(truth, arms, RESAMPLES),
        20,
        most_rounds=1,
    )


def ssim_row() -> Iterator[Row]:
    """SSIM of 1280×720 RGB against scikit-image with Wang's settings, equal to 2e-6."""
    one, other = _pictures()
    assert abs(ssim(one, other) - structural_similarity(one, other, **WANG)) <= 2e-6
    yield Row(
        "SSIM, 1280×720 RGB",
        "scikit-image",
        lambda: ssim(one, other),
        lambda: structural_similarity(one, other, **WANG),
        10,
    )


def psnr_row() -> Iterator[Row]:
    """PSNR of 1280×720 RGB against scikit-image, equal to 1e-9."""
    one, other = _pictures()
    assert abs(psnr_db(one, other) - peak_signal_noise_ratio(other, one, data_range=255)) <= 1e-9
    yield Row(
        "PSNR, 1280×720 RGB",
        "scikit-image",
        lambda: psnr_db(one, other),
        lambda: peak_signal_noise_ratio(other, one, data_range=255),
    )


def folder_row() -> Iterator[Row]:
    """Decode, PSNR and SSIM of a folder of pairs against torchmetrics with Pillow, equal to 1e-4: its SSIM is single
    precision without a care for flat areas.
    """
    with tempfile.TemporaryDirectory() as name:
        pairs = [_written_pair(Path(name), number) for number in range(4)]

        def ours() -> list[tuple[float | None, float | None]]:
            decoded = [tuple(map(read_image, pair)) for pair in pairs]
            return [(psnr_db(*pair), ssim(*pair)) for pair in decoded]

        def theirs() -> list[tuple[float, float]]:
            return [_quality_by_torchmetrics(*map(_tensor, pair)) for pair in pairs]

        np.testing.assert_allclose(ours(), theirs(), rtol=0, atol=1e-4)
        yield Row("decode, PSNR and SSIM of 4 pairs of 1280×720", "torchmetrics with Pillow", ours, theirs, 8)


def blur_rows() -> Iterator[Row]:
    """Camera path, kernel and blurred picture, 720×720, against plain loops: one kernel, and one picture inside."""
    picture = np.ascontiguousarray(_pictures()[0][:, :720])
    path = random_trajectory(60.0, 0.005, np.random.default_rng(5))
    kernel = kernel_from_path(path, "gamma")
    side = len(kernel.weights)
    inside = slice(side, -side)
    assert np.abs(kernel.weights - plain_blur.psf(path, side)).max() <= 1e-12
    difference = convolve(picture, kernel) - plain_blur.blurred(picture, kernel.weights)
    assert np.abs(difference[inside, inside]).max() <= 1e-6
    for straight in (random_trajectory(60.0, 0.0, np.random.default_rng(5)), _plain_path(0.0)):
        assert abs(abs(straight[-1] - straight[0]) - 60) <= 1e-9

    def theirs() -> np.ndarray:
        return plain_blur.blurred(picture, plain_blur.psf(_plain_path(0.005), 65))

    def ours() -> np.ndarray:
        drawn = random_trajectory(60.0, 0.005, np.random.default_rng(5))
        return convolve(picture, kernel_from_path(drawn, "gamma"))

    psf = "kernel of 2,000 moments"
    yield Row(psf, "plain Python loop", lambda: kernel_from_path(path, "gamma"), lambda: plain_blur.psf(path, 65), 100)
    yield Row("camera path, kernel and blur of 720×720 RGB", "plain Python", ours, theirs, 10)


def restoring_rows() -> Iterator[Row]:
    """The shipped DeblurGAN on 640×360 against plain modules in float32, the same to 1e-4 before rounding; in bfloat16,
    where the device is quick in it, to .05 dB.
    """
    device = resolve_device("auto")
    picture = cv2.resize(_pictures()[0], (640, 360))
    single = DeblurGAN(device=device)
    plain = with_skip(plain_generator(single.net).eval().to(device))
    assert np.abs(single._restore_tile(picture) - through(plain, picture, device)).max() <= 1e-4
    kinds = [("float32", single, 1.3)]
    if device != "cpu" or torch.ops.mkldnn._is_mkldnn_bf16_supported():
        half = DeblurGAN(device=device, precision="bf16")
        sharp = cv2.resize(_pictures()[1], (640, 360))
        assert abs(psnr_db(half(picture), sharp) - psnr_db(single(picture), sharp)) <= 0.05
        kinds.append(("bfloat16", half, 2.5))
    for precision, deblurrer, aim in kinds:
        yield Row(
            f"DeblurGAN, 640×360, {precision}",
            "plain modules, float32",
            lambda deblurrer=deblurrer: deblurrer(picture),
            lambda: through(plain, picture, device),
            aim,
        )


def starting_rows() -> Iterator[Row]:
    """Commands that should not wait for torch, as whole processes, against `yolo version`."""
    yolo = [shutil.which("yolo", path=str(Path(sys.executable).parent)) or "yolo", "version"]
    detbench = [sys.executable, "-m", "detbench"]
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([sys.executable, str(DRAWING), f"{folder}/drawn"], check=True)
        job = [
            "run",
            "--deblurrer",
            "identity",
            "--detector",
            "blobs",
            "--blur",
            "trajectory",
            "--dataset",
            "drawn",
            "--name",
            "job",
        ]
        _process([*detbench, *job], folder)
        for words in (["--help"], ["report", "reports/job"]):
            yield Row(
                f"detbench {words[0]}",
                "yolo version",
                lambda words=words: _process([*detbench, *words], folder),
                lambda: _process(yolo, folder),
                3,
            )


ROWS: dict[str, Callable[[], Iterator[Row]]] = {
    "coco": coco_rows,
    "coco_files": coco_files_rows,
    "ssim": ssim_row,
    "psnr": psnr_row,
    "folder": folder_row,
    "blur": blur_rows,
    "restoring": restoring_rows,
    "starting": starting_rows,
    "resamples": resamples_row,
    "comparing": comparing_row,
    "detecting": detecting_row,
    "whole": whole_rows,
}


def _plain_path(anxiety: float) -> np.ndarray:
    return plain_blur.trajectory(60.0, anxiety, np.random.default_rng(5))


def _process(command: list[str], folder: str) -> None:
    cache = {"DETBENCH_CACHE": f"{folder}/cache", "PYTHONPATH": str(Path.cwd())}
    subprocess.run(command, cwd=folder, env={**os.environ, **OFFLINE, **cache}, check=True, capture_output=True)


def _written_pair(folder: Path, number: int) -> tuple[Path, Path]:
    paths = folder / f"{number}-restored.jpg", folder / f"{number}-sharp.jpg"
    for path, picture in zip(paths, _pictures(seed=number), strict=True):
        PillowImage.fromarray(picture).save(path, quality=92)
    return paths


def _quality_by_torchmetrics(one: torch.Tensor, other: torch.Tensor) -> tuple[float, float]:
    """PSNR and SSIM; its own mean takes the border in, where the window sees a reflection."""
    window = {"sigma": 1.5, "kernel_size": 11, "data_range": 255.0}
    _, similarity = torch_ssim(one, other, return_full_image=True, **window)
    return float(torch_psnr(one, other, data_range=255.0)), float(similarity[..., 5:-5, 5:-5].mean())


def _tensor(path: Path) -> torch.Tensor:
    pixels = np.array(PillowImage.open(path).convert("RGB"))
    return torch.from_numpy(pixels).permute(2, 0, 1)[None].float()


def _pictures(seed: int = 1) -> tuple[Image, Image]:
    """A blurred and a sharp picture, 1280×720."""
    coarse = np.random.default_rng(seed).integers(0, 256, (45, 80, 3), dtype=np.uint8)
    sharp = cv2.resize(coarse, (1280, 720), interpolation=cv2.INTER_CUBIC)
    return cv2.GaussianBlur(sharp, (0, 0), 3), sharp


if __name__ == "__main__":
    main()
