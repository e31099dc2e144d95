"""What a run folder says of what was measured and scored."""

from collections.abc import Callable
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import Any

import pytest

from detbench.core.arm import Arm
from detbench.evaluation.measure.measured import Measurements
from detbench.evaluation.run_files import write_run
from detbench.evaluation.score.scoring import score
from detbench.results.cache import Cache
from detbench.results.folder import RunFolder

FINDS = {"sharp": (21, 22, 23), "blurred": (21,), "net": (22, 23), "sharp+net": (21, 22, 23)}


@pytest.fixture
def written(make_measured: Callable[..., Measurements], tmp_path: Path) -> Callable[..., RunFolder]:
    """Makes the run folder of two pictures."""

    def make(finds: dict[str, tuple[int, ...]] | None = None, **settings: Any) -> RunFolder:
        measured = make_measured(finds or FINDS, **settings)
        scored = score(measured, Cache(tmp_path / "cache"))
        folder = RunFolder(tmp_path / "run")
        write_run(folder, measured, scored)
        return folder

    return make


def test_image_rows_are_picture_by_picture(written: Callable[..., RunFolder]) -> None:
    """Each picture has a row in every reported arm, in the dataset's order, with the counts of its own id."""
    table = written().read_images()
    rows = list(zip(table["image_id"], table["arm"], table["tp"], table["fp"], table["fn"], strict=True))
    assert rows == [
        (9, "sharp", 2, 0, 0),
        (9, "blurred", 1, 0, 1),
        (9, "net", 1, 0, 1),
        (4, "sharp", 1, 0, 0),
        (4, "blurred", 0, 0, 1),
        (4, "net", 1, 0, 0),
    ]
    assert table["severity_px"].tolist() == [6, 6, 6, 18, 18, 18]


def test_detections_are_cocos(written: Callable[..., RunFolder]) -> None:
    """Every arm has its file, that on sharp pictures too: left, top, width, height, unrounded; no boxes are `[]`."""
    folder = written({**FINDS, "blurred": ()}, score=1 / 3)
    assert list(chain.from_iterable(folder.read_detections("net"))) == [
        {"image_id": 9, "category_id": 7, "bbox": [50, 20, 40, 40], "score": 1 / 3},
        {"image_id": 4, "category_id": 3, "bbox": [0, 0, 40, 20], "score": 1 / 3},
    ]
    assert sum(map(len, folder.read_detections("sharp+net"))) == 3
    assert (folder.path / "detections" / "blurred.json").read_text() == "[]"


def test_only_shown_pictures_have_files(written: Callable[..., RunFolder]) -> None:
    """Rows of pictures whose pixels are at hand name each arm's file, the others none; no other file lies there."""
    written()
    folder = written(kept={4})
    table = folder.read_images()
    named = table.loc[table["image_id"] == 4, "picture"].tolist()
    assert len(set(named)) == 3
    assert table.loc[table["image_id"] == 9, "picture"].isna().all()
    assert sorted(named) == sorted(f"pictures/{path.name}" for path in (folder.path / "pictures").iterdir())


def test_an_arm_that_is_not_reported_has_no_rows(make_measured: Callable[..., Measurements], tmp_path: Path) -> None:
    """Flips, analysis and rows are of the reported arms; a deblurrer without harm writes what one with it does."""
    measured = make_measured(FINDS)
    without = {arm: rows for arm, rows in measured.rows.items() if arm != Arm.named("sharp+net")}
    for name, each in (("with", measured), ("without", replace(measured, rows=without))):
        write_run(RunFolder(tmp_path / name), each, score(each, Cache(tmp_path / "cache")))
    for file in ("images.csv", "flips.csv", "analysis.json", "truth.json"):
        assert (tmp_path / "with" / file).read_bytes() == (tmp_path / "without" / file).read_bytes()
    flips = RunFolder(tmp_path / "with").read_flips()
    assert flips["change"].tolist() == ["lost", "lost", "lost", "gained", "gained"]
    assert flips["annotation_id"].tolist() == [22, 23, 21, 22, 23]
