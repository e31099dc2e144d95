import hashlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from detbench.datasets.coco import CocoFolder
from detbench.errors import DataError


def sha256(path: Path) -> str:
    """Digest of a file's bytes."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_without_twins_the_picture_is_the_blurred_one(plain: Path) -> None:
    """A dataset without blurred/ has no sharp pictures: it takes its pictures as they are."""
    sample = next(iter(CocoFolder(plain)))
    assert sample.sharp is None
    assert sample.blur is None
    assert sample.blurred.load().shape == (14, 9, 3)


def test_twins_make_pairs(paired: Path) -> None:
    """With blurred/, images/ holds the sharp pictures, and the manifest says what blurred each."""
    sample = next(iter(CocoFolder(paired)))
    assert sample.sharp is not None
    assert (sample.sharp.load()[0, 0, 0], sample.blurred.load()[0, 0, 0]) == (90, 140)
    assert sample.blur is not None
    assert (sample.blur.kind, sample.blur.severity_px) == ("trajectory", 2.5)
    assert sample.blur.parameters["exposure"] == 0.5


def test_a_twin_may_have_another_suffix(paired: Path) -> None:
    """Lossless twins of JPEG pictures are found by their stem; without a manifest the blur is unknown."""
    (paired / "manifest.json").unlink()
    (paired / "blurred" / "b.png").rename(paired / "blurred" / "b.bmp")
    sample = list(CocoFolder(paired))[2]
    assert sample.sharp is not None
    assert sample.blur is None


def test_two_pictures_cannot_share_a_twin(paired: Path) -> None:
    """Where stems collide, one blurred file would stand for two pictures: that is refused."""
    (paired / "manifest.json").unlink()
    document = json.loads((paired / "annotations.json").read_text())
    document["images"][2]["file_name"] = "b.jpg"
    (paired / "annotations.json").write_text(json.dumps(document))
    shutil.copy(paired / "images" / "empty.png", paired / "images" / "b.jpg")
    with pytest.raises(DataError, match="two pictures share one twin"):
        CocoFolder(paired)


def test_missing_twins_are_named(paired: Path) -> None:
    """Every picture needs its twin: the error lists those without, and says what to do."""
    (paired / "blurred" / "b.png").unlink()
    with pytest.raises(DataError, match=r"blurred: .* 1 of 3 pictures \(b\.png\) is missing; .*remove blurred/"):
        CocoFolder(paired)


def test_missing_pictures_are_named(plain: Path) -> None:
    """A picture that the annotations name and the folder lacks is never skipped silently."""
    shutil.rmtree(plain / "images" / "sub")
    (plain / "images" / "b.png").unlink()
    with pytest.raises(DataError, match=r"images: 2 of 3 pictures \(sub/a\.png, b\.png\) are missing; fetch"):
        CocoFolder(plain)


def test_a_folder_without_annotations_is_no_dataset(tmp_path: Path) -> None:
    """The error says what a dataset folder holds."""
    with pytest.raises(DataError, match=r"must hold annotations\.json .* and the folder images/"):
        CocoFolder(tmp_path)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("images = 4", r"pins images = 4, but annotations\.json has 3"),
        ("annotations = 2", r"pins annotations = 2, but annotations\.json has 3"),
        ('images = "3"', "pins images = 3, but"),
        ("images = ", "not TOML"),
        ("name = 7", "name is 7; it must be a text"),
    ],
)
def test_pinned_counts_hold(plain: Path, text: str, words: str) -> None:
    """dataset.toml pins how many pictures and boxes there are: any other number is an error."""
    (plain / "dataset.toml").write_text(text)
    with pytest.raises(DataError, match=rf"dataset\.toml: {words}"):
        CocoFolder(plain)


def test_dataset_toml_names_the_dataset(plain: Path) -> None:
    """The name in dataset.toml wins over the folder's; keys for other readers are let be."""
    (plain / "dataset.toml").write_text('name = "streets"\nimages = 3\nannotations = 3\nlicence = "CC0"\n')
    assert CocoFolder(plain).name == "streets"


def test_a_manifest_needs_its_twins(paired: Path) -> None:
    """A manifest without blurred/ describes pictures that are gone."""
    shutil.rmtree(paired / "blurred")
    with pytest.raises(DataError, match="no blurred/ beside it"):
        CocoFolder(paired)


def test_real_coco_photos_pass(shared_file: Callable[[str], Path]) -> None:
    """128 COCO photos with 1,107 boxes of 80 classes pass every check, and decode in their annotated sizes."""
    dataset = CocoFolder(shared_file("data/coco-val-128/annotations.json").parent)
    samples = list(dataset)
    assert (len(dataset), len(dataset.classes)) == (128, 80)
    assert sum(len(sample.truth) for sample in samples) == 1107
    first = samples[0].blurred
    assert first.load().shape == (first.height, first.width, 3)
