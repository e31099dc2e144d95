import csv
from collections.abc import Callable
from pathlib import Path

import pytest

from detbench.errors import DataError
from detbench.report.shown import ShownPicture, read_shown
from detbench.results.folder import RunFolder

Write = Callable[..., Path]
MAPS = {"sharp": 0.4, "blurred": 0.2, "blind": 0.3}


def shown_of(folder: Path) -> tuple[ShownPicture, ...]:
    """The pictures that the run's report shows."""
    run = RunFolder(folder)
    pictures, _ = read_shown(run, run.read_result(), run.read_images())
    return pictures


def test_pictures_come_in_the_results_order_with_the_sharp_arm_last(write: Write) -> None:
    """The result lists picture 2 first; boxes are corners, and every arm has what it found."""
    second, first = shown_of(write(maps=MAPS))
    assert (second.file_name, second.severity_px, first.file_name) == ("second.png", 8.0, "first.png")
    assert second.truth.boxes.tolist() == [[5, 6, 25, 16], [40, 20, 50, 35]]
    assert [arm.name for arm in second.arms] == ["blurred", "blind", "sharp"]
    assert second.arms[0].found.scores.tolist() == [0.9, 0.4, 0.1]
    assert (second.arms[0].psnr_db, second.arms[2].psnr_db) == (25.25, None)


def test_a_blind_arm_comes_with_its_kernels(write: Write) -> None:
    """Where it found a kernel, that is there with its similarity; where it found none, only the true one is."""
    second, first = shown_of(write(maps=MAPS, finds=("blind",)))
    found, missed = first.arms[1].blur, second.arms[1].blur
    assert found is not None
    assert missed is not None
    assert (found.cells, found.similarity) == (1, 0.75)
    assert found.found_kernel is not None
    assert found.found_kernel.is_file()
    assert (missed.cells, missed.found_kernel, missed.similarity) == (0, None, None)
    assert missed.true_kernel is not None
    assert first.arms[0].blur is None


def test_a_picture_outside_the_run_is_never_read(write: Write) -> None:
    """images.csv may name files of pictures/ alone: a report that is passed on would embed any other."""
    folder = write(maps=MAPS)
    with (folder / "images.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    with (folder / "images.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows({**row, "picture": "../secret.png"} for row in rows)
    with pytest.raises(DataError, match=r"images\.csv: not as .*secret\.png is no file of pictures/"):
        shown_of(folder)
