import subprocess
import sys
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import pytest
import torch

from detbench.blur.recipes import TrajectoryRecipe
from detbench.errors import UsageError
from detbench.training.data.batches import batches
from detbench.training.data.blur_batch import Batch
from detbench.training.data.crop_sizes import CropSizes, CropStage
from detbench.training.data.crops import CropRecipe, TrainingCrops
from detbench.training.data.processes import World
from detbench.training.data.sources import find_sources

RECIPE = CropRecipe(crop_px=32, longest_px=640, blurs=(TrajectoryRecipe(length_px=12),))


def drawn(
    photos: Path,
    first: int,
    count: int,
    world: World | None = None,
    workers: int = 0,
    later: Sequence[CropStage] = (),
) -> list[Batch]:
    """`count` batches of four crops of 32 px, and of what is said in later stages."""
    sizes = CropSizes((CropStage(0, 32, 4), *later))
    crops = TrainingCrops(find_sources([photos], None, Fraction(1)), RECIPE, seed=0, sizes=sizes)
    opened = batches(crops, first, world or World(), workers, "cpu")
    return [next(opened) for _ in range(count)]


def equal(one: Batch, other: Batch) -> bool:
    """Whether two batches are the same to the last bit."""
    return all(torch.equal(a, b) for a, b in zip(one, other, strict=True))


def test_batches_go_on_anywhere(photos: Path) -> None:
    """What begins at batch 2 is what comes after two batches; all are different."""
    whole = drawn(photos, 0, 4)
    assert all(equal(*pair) for pair in zip(drawn(photos, 2, 2), whole[2:], strict=True))
    assert not equal(whole[0], whole[1])
    assert whole[0].scene.shape == (4, 46, 46, 3)


def test_crops_grow_from_a_batch_on(photos: Path) -> None:
    """Two crops of 48 px from batch 2 on, one of 64 from 3 on; loading processes and a later start see the same."""
    later = (CropStage(2, 48, 2), CropStage(3, 64, 1))
    whole = drawn(photos, 0, 5, later=later)
    assert [tuple(batch.sharp.shape[:2]) for batch in whole] == [(4, 32), (4, 32), (2, 48), (1, 64), (1, 64)]
    assert all(equal(*pair) for pair in zip(drawn(photos, 2, 3, workers=1, later=later), whole[2:], strict=True))
    assert all(equal(*pair) for pair in zip(drawn(photos, 0, 2), whole[:2], strict=True))


def test_loading_processes_change_nothing(photos: Path) -> None:
    """Two processes that prepare pictures give the same batches in the same order as none."""
    assert all(equal(*pair) for pair in zip(drawn(photos, 3, 3, workers=2), drawn(photos, 3, 3), strict=True))


def test_loading_begins_after_opencv_was_busy(photos: Path, tmp_path: Path) -> None:
    """That the training process used OpenCV's threads before does not hold its loading processes up."""
    script = tmp_path / "script.py"
    script.write_text(BUSY)
    subprocess.run([sys.executable, script, photos], check=True, timeout=120)


BUSY = """
import sys
from fractions import Fraction
from pathlib import Path
import cv2, numpy
from detbench.training.data.batches import batches
from detbench.training.data.crops import CropRecipe, TrainingCrops
from detbench.training.data.processes import World
from detbench.training.data.sources import find_sources

if __name__ == "__main__":
    cv2.setNumThreads(2)
    cv2.warpPerspective(numpy.zeros((2000, 2000, 3), numpy.uint8), numpy.eye(3), (2000, 2000))
    crops = TrainingCrops(find_sources([Path(sys.argv[1])], None, Fraction(1)), CropRecipe(32, 64, ()), seed=0)
    next(batches(crops, 0, World(), 1, "cpu"))
"""


def test_processes_share_a_batch(photos: Path) -> None:
    """Side by side, the shares of two training processes are the whole batch."""
    (whole,) = drawn(photos, 5, 1)
    ((first,), (second,)) = (drawn(photos, 5, 1, World(rank, 2)) for rank in (0, 1))
    assert equal(Batch(*(torch.cat(parts) for parts in zip(first, second, strict=True))), whole)
    with pytest.raises(UsageError, match="a batch of 4 cannot be shared by 3 processes"):
        drawn(photos, 0, 1, World(0, 3))
