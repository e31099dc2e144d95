"""`detbench run` on a plain folder of pictures: what can be said, and what is not."""

import json
import shutil
from pathlib import Path

from tests.cli.conftest import Command


def test_a_folder_of_pictures_has_an_answer_without_map(detbench: Command, drawn_dataset: Path, tmp_path: Path) -> None:
    """Identity finds what the blurred arm finds; no mAP, no yes or no, and the words say why."""
    shutil.copytree(drawn_dataset / "images", tmp_path / "frames")
    said = detbench("run", "--dataset", tmp_path / "frames", "--deblurrer", "identity", "--detector", "blobs")
    assert said.code == 0, said.err
    assert said.out.startswith("No answer on identity: there are no true boxes.")
    assert "more boxes are not better boxes" in " ".join(said.out.split())
    folder = Path(said.out.splitlines()[-1])
    result = json.loads((folder / "result.json").read_text())
    assert result["specification"]["truth"] == "none"
    blurred, identity = result["consistency"]
    assert identity["shared"] == {"blurred": 1.0}
    assert identity["boxes_per_picture"] == blurred["boxes_per_picture"] > 1
    metrics = result["arms"][1]["metrics"]
    assert "map" not in metrics
    assert "precision" not in metrics
    assert metrics["ringing"]["value"] == metrics["seams"]["value"] == 0
    assert result["alarms"] == []
    page = (folder / "report.html").read_text()
    assert "a box that the blurred picture has too" in page
    assert "a true box that was detected" not in page
