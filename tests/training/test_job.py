import hashlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from detbench.errors import WeightsError
from detbench.training.data.sources import Source, TrainingPicture
from detbench.training.job import TrainingJob, settings_of, start_sha256, trained_with
from detbench.training.losses.detector_features import SHIPPED
from detbench.training.recipe import Recipe

JOB = TrainingJob("nafnet", Recipe(vgg_weight=0, detector_weight=1), (Path("photos"),), Path("out"), "cpu")


@pytest.fixture
def file_of(tmp_path: Path) -> Callable[[str], Path]:
    """Writes a file that holds its own path below the test's folder."""

    def write(name: str) -> Path:
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(name)
        return file

    return write


def digest(text: str) -> str:
    """Of a text's bytes."""
    return hashlib.sha256(text.encode()).hexdigest()


def source_of(folder: str, *names: str) -> Source:
    """Sharp pictures of a folder."""
    return Source("photos", "sharp", tuple(TrainingPicture(Path(folder) / name, None) for name in names), 1.0)


def test_networks_are_named_by_folder_or_file(file_of: Callable[[str], Path]) -> None:
    """weights.safetensors by its folder, any other file by itself; detectors in their order, then the backbone."""
    files = [file_of(name) for name in ("cars/weights.safetensors", "buses.pt", "mobile/net.v2.pth")]
    job = replace(JOB, detectors=(files[0], files[1]), backbone=files[2])
    assert trained_with(job) == [
        {"name": "cars", "sha256": digest("cars/weights.safetensors")},
        {"name": "buses", "sha256": digest("buses.pt")},
        {"name": "net.v2", "sha256": digest("mobile/net.v2.pth")},
    ]


def test_networks_without_a_weight_do_not_count(file_of: Callable[[str], Path]) -> None:
    """Neither detectors nor VGG19 whose loss is 0; with a weight and no file, the shipped detector, and no VGG19."""
    vgg, yolo = file_of("vgg19.pth"), file_of("yolo.pt")
    named = replace(JOB, vgg=vgg, detectors=(yolo,), backbone=yolo)
    assert trained_with(replace(named, recipe=Recipe(vgg_weight=0, l1_weight=1))) == []
    assert [each["name"] for each in trained_with(replace(named, recipe=Recipe(vgg_weight=1)))] == ["vgg19"]
    both = replace(JOB, recipe=Recipe(vgg_weight=1, detector_weight=1))
    assert [each["name"] for each in trained_with(both)] == [SHIPPED.parent.name]


def test_weights_that_cannot_be_read_are_named() -> None:
    """Each message has the file, what it is for, and the cause; without a start there is no digest."""
    gone = Path("gone.pt")
    with pytest.raises(WeightsError, match=r"no weights to train with: gone\.pt cannot be read \(No such file"):
        trained_with(replace(JOB, detectors=(gone,)))
    with pytest.raises(WeightsError, match=r"no weights to start from: gone\.pt cannot be read \(No such file"):
        start_sha256(replace(JOB, start=gone))
    assert start_sha256(JOB) is None


def test_a_resume_may_change_where_it_runs(file_of: Callable[[str], Path]) -> None:
    """Device, precision, workers and folders are no settings; what the weights depend on is."""
    settings = settings_of(JOB, [source_of("here", "a.png", "b.png")])
    elsewhere = replace(JOB, device="cuda", precision="bf16", workers=8, out=Path("there"), resume=True)
    assert settings_of(elsewhere, [source_of("there", "a.png", "b.png")]) == settings
    start = file_of("start.safetensors")
    others = (replace(JOB, minutes=5), replace(JOB, start=start), replace(JOB, recipe=replace(JOB.recipe, seed=1)))
    changed = [settings_of(job, [source_of("here", "a.png", "b.png")]) for job in others]
    assert [{key for key in settings if each[key] != settings[key]} for each in changed] == [
        {"minutes"},
        {"start"},
        {"seed"},
    ]
    assert changed[1]["start"] == digest("start.safetensors")


@pytest.mark.parametrize("names", [("b.png", "a.png"), ("a.png",), ("a.png", "c.png"), ("a.pngb.png",)])
def test_other_pictures_are_another_training(names: tuple[str, ...]) -> None:
    """Names, their number and their order decide which crops a step sees."""
    settings, other = (settings_of(JOB, [source_of("here", *each)]) for each in (("a.png", "b.png"), names))
    assert settings["data"][0]["pictures"].startswith("2, ")
    assert other["data"] != settings["data"]
