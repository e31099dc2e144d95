import subprocess
import sys
from pathlib import Path

import numpy as np

from detbench.datasets.coco import CocoFolder

SCRIPT = Path(__file__).with_name("drawn.py")


def files(folder: Path) -> dict[str, bytes]:
    """Content of every file below a folder, by relative path."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_run_by_its_path_it_draws_the_same_bytes(drawn_dataset: Path, tmp_path: Path) -> None:
    """`python tests/drawn.py OUT` gives, byte for byte, what the tests use."""
    subprocess.run([sys.executable, str(SCRIPT), str(tmp_path / "out")], check=True, capture_output=True)
    assert files(tmp_path / "out") == files(drawn_dataset)


def test_without_a_folder_it_says_how_it_is_used() -> None:
    """Called without OUT, the script fails with a line on its use."""
    done = subprocess.run([sys.executable, str(SCRIPT)], capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert done.stderr.startswith("usage: ")


def test_it_is_a_sound_dataset(drawn_dataset: Path) -> None:
    """Twelve pictures pass the validator, one of them odd-sized, with objects of every class and many sizes."""
    samples = list(CocoFolder(drawn_dataset))
    sides = np.concatenate([s.truth.boxes[:, 2] - s.truth.boxes[:, 0] for s in samples])
    assert len(samples) == 12
    assert (samples[-1].blurred.width, samples[-1].blurred.height) == (317, 241)
    assert set(np.concatenate([s.truth.labels for s in samples])) == {1, 2, 3, 4}
    assert sides.min() < 14
    assert sides.max() > 64


def test_boxes_bound_what_can_be_seen(drawn_dataset: Path) -> None:
    """Inside a box's middle the picture is as vivid as its class; the boxes are where the shapes were drawn."""
    for sample in CocoFolder(drawn_dataset):
        image = sample.blurred.load().astype(int)
        x1, y1, x2, y2 = sample.truth.boxes[-1].astype(int)
        assert np.ptp(image[(y1 + y2) // 2, (x1 + x2) // 2]) > 90
        assert np.ptp(image[y1:y2, x1:x2], axis=2).mean() > 2 * np.ptp(image, axis=2).mean()
