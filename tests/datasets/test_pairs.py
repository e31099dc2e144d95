from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image as PillowImage

from detbench.blur.recipes import parse_recipe
from detbench.datasets.blurred_writer import write_blurred_dataset
from detbench.datasets.opening import looks_like, open_dataset
from detbench.datasets.pairs import PairFolder
from detbench.errors import DataError


def write(folder: Path, *names: str, level: int = 0, size: tuple[int, int] = (6, 4)) -> None:
    """Small pictures, each of its own grey."""
    for place, name in enumerate(names):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        PillowImage.new("RGB", size, (level + place,) * 3).save(path)


def gopro(folder: Path) -> None:
    """Two clips with both of GoPro's blurs."""
    for level, name in enumerate(("sharp", "blur", "blur_gamma")):
        write(folder, f"c2/{name}/000001.png", f"c2/{name}/000010.png", f"c10/{name}/000001.png", level=50 * level)


def realblur(folder: Path) -> None:
    """Two scenes whose files are numbered by role."""
    write(folder, "scene001/gt/gt_1.png", "scene001/gt/gt_2.png", "scene002/gt/gt_1.png")
    write(folder, "scene001/blur/blur_1.png", "scene001/blur/blur_2.png", "scene002/blur/blur_1.png", level=90)


def reds(folder: Path) -> None:
    """The validation set, a folder for each role."""
    write(folder, "val/val_sharp/000/00000000.png", "val/val_sharp/000/00000001.png", "val/val_sharp/001/00000000.png")
    names = "000/00000000.png", "000/00000001.png", "001/00000000.png"
    write(folder, *(f"val/val_blur/{name}" for name in names), level=90)


def hide(folder: Path) -> None:
    """Sharp pictures of all splits in one folder."""
    write(folder, "GT/1fromA.png", "GT/2fromA.png", "GT/3fromB.png", "GT/4fromB.png")
    write(folder, "test/test-close-ups/1fromA.png", "test/test-long-shot/2fromA.png", "train/3fromB.png", level=90)


def repacked(folder: Path) -> None:
    """Input and target, flat, with suffixes that differ."""
    write(folder, "target/a.png", "target/b.png", "target/c.png")
    write(folder, "input/a.jpg", "input/b.jpg", "input/c.jpg", level=90)


@pytest.mark.parametrize(
    ("lay_out", "name", "first", "light"),
    [
        (gopro, "mine-blur_gamma", "c2/blur_gamma/000001.png", {"light": "linear"}),
        (realblur, "mine-blur", "scene001/blur/blur_1.png", {}),
        (reds, "mine-val_blur", "val/val_blur/000/00000000.png", {}),
        (hide, "mine-test-train", "test/test-close-ups/1fromA.png", {}),
        (repacked, "mine-input", "input/a.jpg", {}),
    ],
)
def test_published_layouts(
    tmp_path: Path, lay_out: Callable[[Path], None], name: str, first: str, light: dict[str, str]
) -> None:
    """GoPro, RealBlur, REDS, HIDE and repacked sets are recognised; each blurred picture has its own sharp one, ids
    count in natural order, and the name says which blur it is.
    """
    folder = tmp_path / "mine"
    lay_out(folder)
    assert looks_like(folder) == "pairs"
    dataset = open_dataset(str(folder))
    samples = list(dataset)
    assert (dataset.name, len(dataset), dict(dataset.classes)) == (name, 3, {})
    assert [sample.id for sample in samples] == [1, 2, 3]
    assert samples[0].file_name == first
    for place, sample in enumerate(samples):
        assert sample.sharp is not None
        assert sample.blur is not None
        assert sample.sharp.load()[0, 0, 0] == place
        assert sample.blurred.load()[0, 0, 0] in (place + 90, place + 100)
        assert (dict(sample.blur.parameters), sample.blur.kernel, len(sample.truth)) == (light, None, 0)
        assert sample.blur.kind in name


def test_the_other_blur_of_gopro(tmp_path: Path) -> None:
    """`blur:` takes the plain mean where both are there, and says so in name and parameters."""
    gopro(tmp_path)
    dataset = open_dataset(f"blur:{tmp_path}")
    assert dataset.name.endswith("-blur")
    first = next(iter(dataset))
    assert first.blurred.load()[0, 0, 0] == 50
    assert first.blur is not None
    assert dict(first.blur.parameters) == {"light": "gamma"}


def test_one_split_of_hide(tmp_path: Path) -> None:
    """HIDE's test folder finds its sharp pictures beside it."""
    hide(tmp_path)
    dataset = open_dataset(str(tmp_path / "test"))
    assert (dataset.name, len(dataset)) == ("test-test", 2)


def test_clips_blurred_in_different_ways(tmp_path: Path) -> None:
    """A mix of blurs under one name is refused."""
    write(tmp_path, "a/sharp/1.png", "b/sharp/1.png", "a/blur/1.png", "b/blur_gamma/1.png")
    with pytest.raises(DataError, match="some clips have blur/ and others blur_gamma/"):
        PairFolder(tmp_path)


@pytest.mark.parametrize(
    ("gone", "words"),
    [
        ("c2/blur_gamma/000010.png", r"sharp/000010\.png: no blurred twin of that name in \S*blur_gamma"),
        ("c2/sharp/000010.png", r"blur_gamma/000010\.png: no sharp twin of that name in \S*sharp"),
    ],
)
def test_a_missing_twin(tmp_path: Path, gone: str, words: str) -> None:
    """Half a pair is named, whichever half is missing."""
    gopro(tmp_path)
    (tmp_path / gone).unlink()
    with pytest.raises(DataError, match=words):
        PairFolder(tmp_path)


def test_hides_missing_twin(tmp_path: Path) -> None:
    """A picture of HIDE without a sharp one is named."""
    hide(tmp_path)
    (tmp_path / "GT" / "1fromA.png").unlink()
    with pytest.raises(DataError, match=r"1fromA\.png: no sharp twin of that name in \S*GT"):
        PairFolder(tmp_path)


def test_twins_of_two_sizes(tmp_path: Path) -> None:
    """A pair has one size."""
    gopro(tmp_path)
    write(tmp_path, "c2/blur_gamma/000001.png", size=(3, 2))
    with pytest.raises(DataError, match=r"000001\.png: 3x2 pixels, but its sharp twin \S* has 6x4"):
        list(PairFolder(tmp_path))


def test_the_fingerprint_follows_every_picture(tmp_path: Path) -> None:
    """A sharp and a blurred picture each change the fingerprint, and so does the choice of the blur."""
    gopro(tmp_path)
    seen = [PairFolder(tmp_path).fingerprint, PairFolder(tmp_path, "blur").fingerprint]
    for name in ("sharp", "blur_gamma"):
        write(tmp_path, f"c2/{name}/000001.png", level=200)
        seen.append(PairFolder(tmp_path).fingerprint)
    assert len(set(seen)) == 4


@pytest.fixture
def blurred(tmp_path: Path) -> Path:
    """What `detbench blur` makes of a plain folder of two pictures, one in a folder."""
    source = tmp_path / "source"
    write(source, "a.png", "clip/b.png", level=90, size=(64, 48))
    write_blurred_dataset(source, tmp_path / "made", parse_recipe("trajectory:seed=3,light=linear"), lambda *_: None)
    return tmp_path / "made"


def test_kernels_of_a_plain_folder_are_read_back(blurred: Path) -> None:
    """What blurred each picture comes from the manifest: kind, severity, and the kernel in its light."""
    samples = list(open_dataset(f"pairs:{blurred}"))
    assert [sample.file_name for sample in samples] == ["blurred/a.png", "blurred/clip/b.png"]
    for sample in samples:
        assert sample.blur is not None
        assert sample.blur.kind == "trajectory"
        assert sample.blur.severity_px is not None
        assert sample.blur.severity_px > 0
        assert sample.blur.kernel is not None
        assert sample.blur.kernel.light == "linear"
        assert sample.blur.kernel.weights.sum() == pytest.approx(1)
    assert samples[0].blur is not None
    assert samples[1].blur is not None
    assert samples[0].blur.parameters != samples[1].blur.parameters


def test_other_files_than_the_manifests_are_refused(blurred: Path) -> None:
    """A changed picture, one more, and one less than the manifest says."""
    write(blurred, "blurred/a.png", level=7, size=(64, 48))
    with pytest.raises(DataError, match=r"blurred/a\.png: not the file that \S*manifest\.json was written for"):
        list(PairFolder(blurred))
    assert "blurred/a.png: not the file that" in next(PairFolder(blurred).faults(range(2)))[0]
    write(blurred, "images/new.png", "blurred/new.png")
    with pytest.raises(DataError, match=r"manifest\.json: has no entry for blurred/new\.png"):
        PairFolder(blurred)
    for name in ("images/a.png", "blurred/a.png"):
        (blurred / name).unlink()
    with pytest.raises(DataError, match=r"blurred/a\.png: listed in \S*manifest\.json, but not there"):
        PairFolder(blurred)


def test_faults_of_both_sides_are_named(tmp_path: Path) -> None:
    """Damaged sharp and blurred pictures are found at their places, without decoding."""
    repacked(tmp_path)
    for name in ("target/b.png", "input/b.jpg", "target/c.png"):
        (tmp_path / name).write_bytes((tmp_path / name).read_bytes()[:40])
    faults = list(PairFolder(tmp_path).faults(range(3)))
    assert [len(found) for found in faults] == [0, 2, 1]
    assert "target/b.png" in faults[1][0]
    assert "input/b.jpg" in faults[1][1]
