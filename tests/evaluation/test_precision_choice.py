"""What the word auto becomes: by the machine, by the pictures, and by what is restored in them."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from detbench.core.progress import unwatched
from detbench.evaluation import precision_choice
from detbench.evaluation.precision_choice import Restoration, _difference
from detbench.evaluation.request import RunSpec
from detbench.evaluation.run import run
from detbench.results.cache import Cache
from detbench.results.schema import RunResult
from detbench.types import Detections

BOX, MOVED, FAR = (10.0, 10.0, 50.0, 40.0), (12.0, 10.0, 52.0, 40.0), (60.0, 60.0, 80.0, 80.0)


@pytest.fixture
def able(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine that multiplies in bfloat16; every processor can at least do so slowly."""
    monkeypatch.setattr(precision_choice, "multiplies_in_bf16", lambda _device: True)


def run_of(dataset: Path, folder: Path, *, deblurrer: str = "pix2pix", precision: str = "auto") -> RunResult:
    """Two pictures by one deblurrer."""
    words = {"blur": "trajectory", "limit": 2, "device": "cpu", "precision": precision, "resamples": 0, "harm": "none"}
    spec = RunSpec(str(dataset), (deblurrer,), "blobs", **words)
    return run(spec, folder / precision, Cache(folder / "cache"), unwatched)


def said(result: RunResult) -> str:
    """The notes of a run that are on precision."""
    return " ".join(note for note in result.data.notes if note.startswith("Networks ran"))


@pytest.mark.usefixtures("able")
def test_auto_is_bfloat16_where_it_changes_little(
    drawn_dataset: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The result says which precision it was and why, and its pictures are those of bf16."""
    monkeypatch.setattr(precision_choice, "MOST_PSNR_DB", 1.0)
    result = run_of(drawn_dataset, tmp_path)
    assert result.specification["precision"] == "bf16"
    assert said(result).startswith("Networks ran in bfloat16, which changed nothing on the first 2 pictures")
    quick = run_of(drawn_dataset, tmp_path, precision="bf16")
    assert [arm.metrics["psnr_db"] for arm in result.arms] == [arm.metrics["psnr_db"] for arm in quick.arms]
    assert said(quick) == ""


@pytest.mark.usefixtures("able")
def test_auto_is_single_precision_where_a_picture_changes(
    drawn_dataset: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The note names picture, change and deblurrer; the pictures are those of fp32."""
    monkeypatch.setattr(precision_choice, "MOST_PSNR_DB", 1e-9)
    result = run_of(drawn_dataset, tmp_path)
    assert result.specification["precision"] == "fp32"
    assert "in bfloat16 the PSNR of picture 1 changed by" in said(result)
    assert said(result).endswith("dB by pix2pix")
    exact = run_of(drawn_dataset, tmp_path, precision="fp32")
    assert [arm.metrics["psnr_db"] for arm in result.arms] == [arm.metrics["psnr_db"] for arm in exact.arms]


def test_auto_is_single_precision_on_other_machines(
    drawn_dataset: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And nothing is tried there."""
    monkeypatch.setattr(precision_choice, "multiplies_in_bf16", lambda _device: False)
    result = run_of(drawn_dataset, tmp_path)
    assert (result.specification["precision"], said(result)) == ("fp32", "")


@pytest.mark.usefixtures("able")
def test_without_a_network_there_is_nothing_to_choose(drawn_dataset: Path, tmp_path: Path) -> None:
    """Deconvolution has one precision."""
    result = run_of(drawn_dataset, tmp_path, deblurrer="wiener")
    assert (result.specification["precision"], said(result)) == ("fp32", "")


def restoration(*found: tuple[Sequence[float], float, int], psnr_db: float | None = 25.0) -> list[Restoration]:
    """One picture in which boxes were found, each with its confidence and class."""
    boxes, scores, labels = zip(*found, strict=True) if found else ((), (), ())
    columns = np.array(boxes, np.float64).reshape(-1, 4), np.array(scores, np.float64), np.array(labels, np.int64)
    return [Restoration(psnr_db, Detections(*columns))]


def test_boxes_are_the_same_where_each_sure_one_has_its_like() -> None:
    """One may lie a little aside and be less sure; another class, another place, and one too many are differences."""
    one = restoration((BOX, 0.9, 1), (FAR, 0.3, 1))
    assert _difference(one, restoration((MOVED, 0.45, 1))) == ""
    assert _difference(one, restoration((BOX, 0.9, 2))) == "other boxes were found in picture 1"
    assert _difference(one, restoration()) == "other boxes were found in picture 1"
    assert _difference(one, restoration((BOX, 0.9, 1), (FAR, 0.6, 2))) == "other boxes were found in picture 1"


def test_psnr_may_change_by_little() -> None:
    """Two pictures that equal the sharp one have no difference; one that no longer does has an infinite one."""
    infinite = float("inf")
    assert _difference(restoration(psnr_db=25.0), restoration(psnr_db=25.049)) == ""
    assert _difference(restoration(psnr_db=25.0), restoration(psnr_db=24.9)).endswith("changed by -0.10 dB")
    assert _difference(restoration(psnr_db=infinite), restoration(psnr_db=infinite)) == ""
    assert _difference(restoration(psnr_db=infinite), restoration(psnr_db=40.0)) != ""
    assert _difference(restoration(psnr_db=None), restoration(psnr_db=None)) == ""
