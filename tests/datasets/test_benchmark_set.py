from pathlib import Path

import pytest
from PIL import Image as PillowImage

from detbench.datasets.benchmark_set import BenchmarkSet, Shake
from detbench.errors import DataError
from detbench.evaluation.request import RunSpec
from detbench.evaluation.run import run
from detbench.results.cache import Cache
from detbench.results.folder import RunFolder


def shake(folder: Path, references: int, size: tuple[int, int] = (48, 40)) -> Shake:
    """A blurred picture with so many references, each brighter than the last."""
    paths = [folder / f"{name}.png" for name in ("blurred", *map(str, range(references)))]
    for level, path in enumerate(paths):
        PillowImage.new("RGB", (48, 40) if level == 0 else size, (60 + 20 * level,) * 3).save(path)
    return Shake("blurred.png", paths[0], paths[1], tuple(paths[1:]))


def test_a_reference_of_another_size_is_refused(tmp_path: Path) -> None:
    """The message names both files and sizes, as a sample is read and as faults are gathered."""
    dataset = BenchmarkSet("set", "shifted_psnr_db", [shake(tmp_path, 1, size=(40, 48))])
    said = r"blurred\.png: 48x40 pixels, but its reference .*0\.png has 40x48; they have one size"
    with pytest.raises(DataError, match=said):
        list(dataset)
    assert [len(faults) for faults in dataset.faults(range(1))] == [1]


def test_the_metric_is_in_the_fingerprint(tmp_path: Path) -> None:
    """The same pictures under another protocol are another dataset."""
    of = [BenchmarkSet("set", metric, [shake(tmp_path, 2)]).fingerprint for metric in ("one", "two")]
    assert of[0] != of[1]


def test_a_run_measures_by_the_sets_own_metric_alone(tmp_path: Path) -> None:
    """A run over Köhler's layout has the PSNR against the best frame in every arm and file, and not Levin's."""
    folder = tmp_path / "kohler"
    folder.mkdir()
    for name, level in (("Blurry1_1", 90), ("GroundTruth1_1_1", 30), ("GroundTruth1_1_2", 100)):
        picture = PillowImage.linear_gradient("L").resize((48, 40)).point(lambda value, level=level: value // 2 + level)
        picture.convert("RGB").save(folder / f"{name}.png")
    run(
        RunSpec(f"kohler:{folder}", ("identity",), "blobs", truth="pseudo", resamples=0),
        tmp_path / "run",
        Cache(tmp_path / "cache"),
        lambda *_: None,
    )
    result = RunFolder(tmp_path / "run").read_result()
    values = {arm.name: arm.metrics["best_frame_psnr_db"].value for arm in result.arms}
    assert values["blurred"] == values["identity"]
    assert values["blurred"] is not None
    assert values["blurred"] > 30
    assert values["sharp"] is None
    assert all("shifted_psnr_db" not in arm.metrics for arm in result.arms)
    columns = RunFolder(tmp_path / "run").read_images().columns
    assert "best_frame_psnr_db" in columns
    assert "shifted_psnr_db" not in columns
    assert any("1 of the set's 48 pictures" in note for note in result.data.notes)
