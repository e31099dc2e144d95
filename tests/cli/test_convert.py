import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

Run = Callable[..., Any]


def test_convert_says_what_it_wrote(detbench: Run, drawn_dataset: Path, tmp_path: Path) -> None:
    """The folder is the only line of stdout; counts go to stderr; a second time nothing is overwritten."""
    said = detbench("convert", drawn_dataset, "--to", "voc", "--out", "there")
    assert (said.code, said.out) == (0, "there\n")
    assert "12 pictures with 84 boxes of 4 classes written as VOC" in said.err
    again = detbench("convert", drawn_dataset, "--to", "voc", "--out", "there")
    assert again.code == 2
    assert "there: is not an empty folder" in again.err


def test_pairs_cannot_be_converted(detbench: Run, drawn_dataset: Path, tmp_path: Path) -> None:
    """Pictures without boxes have nothing to convert."""
    for name in ("sharp", "blur"):
        shutil.copytree(drawn_dataset / "images", tmp_path / "mine" / name)
    said = detbench("convert", "mine", "--to", "coco", "--out", "there")
    assert said.code == 2
    assert "mine-blur has no boxes" in said.err
