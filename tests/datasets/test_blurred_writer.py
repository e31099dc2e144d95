import hashlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image as PillowImage

from detbench.blur.recipes import AverageRecipe, Recipe, ShakeRecipe, TrajectoryRecipe
from detbench.core.images import encode_png, read_image
from detbench.datasets.blurred_writer import BlurringSummary, write_blurred_dataset
from detbench.datasets.coco import CocoFolder
from detbench.errors import DataError, OutputError, UsageError

TRAJECTORY = TrajectoryRecipe(length_px=20)


class StoppedError(Exception):
    """Stands for a run that is broken off."""


def picture(seed: int, height: int = 32, width: int = 45) -> bytes:
    """PNG of random pixels."""
    return encode_png(np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8))


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """COCO folder of three pictures, one of them in a folder of its own."""
    folder = tmp_path / "source"
    names = {4: "a.png", 2: "b.png", 7: "sub/c.png"}
    for identity, name in names.items():
        (folder / "images" / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / "images" / name).write_bytes(picture(identity))
    images = [{"id": identity, "file_name": name, "width": 45, "height": 32} for identity, name in names.items()]
    boxes = [{"id": n, "image_id": n, "category_id": 1, "bbox": [3, 4, 9, 5], "area": 45, "iscrowd": 0} for n in names]
    content = {"images": images, "annotations": boxes, "categories": [{"id": 1, "name": "car"}]}
    (folder / "annotations.json").write_text(json.dumps(content))
    return folder


@pytest.fixture
def out(tmp_path: Path) -> Path:
    """Where the blurred dataset goes; not there yet."""
    return tmp_path / "out"


def write(source: Path, out: Path, recipe: Recipe = TRAJECTORY) -> BlurringSummary:
    """Write without watching the progress."""
    return write_blurred_dataset(source, out, recipe, lambda *_: None)


def break_off_after(count: int) -> Callable[[int, int], None]:
    """Progress function that stops the run once so many pictures are done."""

    def progress(done: int, _total: int) -> None:
        if done == count:
            raise StoppedError

    return progress


def manifest_of(out: Path) -> dict[str, Any]:
    """Manifest as JSON."""
    return json.loads((out / "manifest.json").read_text())


def contents(folder: Path) -> dict[str, bytes]:
    """Every file of a folder by relative name."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def times(folder: Path) -> dict[str, int]:
    """When each blurred picture was written."""
    return {path.name: path.stat().st_mtime_ns for path in (folder / "blurred").rglob("*.png")}


def test_the_layout_is_the_agreed_one(source: Path, out: Path) -> None:
    """Annotations, sharp copies, twins, kernels and manifest: these files and no other."""
    write(source, out)
    assert set(contents(out)) == {
        "annotations.json",
        "manifest.json",
        "kernels.npz",
        *(f"{folder}/{name}" for folder in ("images", "blurred") for name in ("a.png", "b.png", "sub/c.png")),
    }
    assert (out / "annotations.json").read_bytes() == (source / "annotations.json").read_bytes()
    assert (out / "images/sub/c.png").read_bytes() == (source / "images/sub/c.png").read_bytes()


def test_the_manifest_says_what_was_written(source: Path, out: Path) -> None:
    """Digests are those of the files, ids those of the annotations, kernels those of the archive."""
    write(source, out)
    manifest = manifest_of(out)
    assert (manifest["schema"], manifest["recipe"]["kind"]) == (1, "trajectory")
    assert manifest["kernels_sha256"] == hashlib.sha256((out / "kernels.npz").read_bytes()).hexdigest()
    assert [entry["id"] for entry in manifest["pictures"]] == [4, 2, 7]
    with np.load(out / "kernels.npz", allow_pickle=False) as kernels:
        assert set(kernels) == {entry["kernel"] for entry in manifest["pictures"]} == {"4", "2", "7"}
    for entry in manifest["pictures"]:
        for role in ("sharp", "blurred"):
            assert entry[f"{role}_sha256"] == hashlib.sha256((out / entry[role]).read_bytes()).hexdigest()


def test_twins_are_what_the_recipe_makes(source: Path, out: Path) -> None:
    """A blurred file holds the pixels of `recipe.apply(sharp, id)`, as a run with --blur would use them."""
    write(source, out)
    blurred, blur = TRAJECTORY.apply(read_image(source / "images/sub/c.png"), 7)
    assert np.array_equal(read_image(out / "blurred/sub/c.png"), blurred)
    entry = manifest_of(out)["pictures"][2]
    assert (entry["parameters"], entry["severity_px"]) == (dict(blur.parameters), blur.severity_px)
    with np.load(out / "kernels.npz", allow_pickle=False) as kernels:
        assert np.array_equal(kernels["7"], blur.kernel.weights)


def test_the_dataset_reader_reads_it(source: Path, out: Path) -> None:
    """What is written here opens as a dataset of pairs, each with its blur and kernel."""
    write(source, out)
    samples = list(CocoFolder(out))
    assert [sample.id for sample in samples] == [2, 4, 7]
    for sample in samples:
        _, blur = TRAJECTORY.apply(sample.sharp.load(), sample.id)
        assert np.array_equal(sample.blur.kernel.weights, blur.kernel.weights)
        assert sample.blur.severity_px == blur.severity_px


def test_the_summary_tells_count_and_severity(source: Path, out: Path) -> None:
    """Least, middle and greatest severity are those of the manifest."""
    summary = write(source, out)
    severities = sorted(entry["severity_px"] for entry in manifest_of(out)["pictures"])
    assert summary == BlurringSummary(3, *severities)


def test_progress_counts_every_picture(source: Path, out: Path) -> None:
    """The progress function hears of each picture once, with the total."""
    heard = []
    write_blurred_dataset(source, out, TRAJECTORY, lambda done, total: heard.append((done, total)))
    assert heard == [(1, 3), (2, 3), (3, 3)]


@pytest.mark.parametrize("recipe", [TRAJECTORY, ShakeRecipe()])
def test_equal_commands_give_equal_bytes(source: Path, out: Path, tmp_path: Path, recipe: Recipe) -> None:
    """Two folders made alike are equal byte for byte."""
    write(source, out, recipe)
    write(source, tmp_path / "twin", recipe)
    assert contents(out) == contents(tmp_path / "twin")


def test_a_repeated_command_changes_nothing(source: Path, out: Path) -> None:
    """Run twice into one folder, every byte stays and no picture is blurred again."""
    write(source, out)
    before, written = contents(out), times(out)
    write(source, out)
    assert contents(out) == before
    assert times(out) == written


def test_an_interrupted_run_is_finished_by_the_next(source: Path, out: Path, tmp_path: Path) -> None:
    """Broken off after two pictures there is no manifest; the next run blurs the third and ends as if unbroken."""
    with pytest.raises(StoppedError):
        write_blurred_dataset(source, out, TRAJECTORY, break_off_after(2))
    assert not (out / "manifest.json").exists()
    written = times(out)
    assert set(written) == {"a.png", "b.png"}
    write(source, out)
    assert {name: time for name, time in times(out).items() if name in written} == written
    write(source, tmp_path / "unbroken")
    assert contents(out) == contents(tmp_path / "unbroken")


def test_an_interrupted_run_of_another_recipe_is_left_alone(source: Path, out: Path) -> None:
    """An unfinished folder is only continued by the recipe that began it."""
    with pytest.raises(StoppedError):
        write_blurred_dataset(source, out, TRAJECTORY, break_off_after(1))
    with pytest.raises(UsageError, match="choose another folder"):
        write(source, out, ShakeRecipe())


@pytest.mark.parametrize("lost", ["blurred/a.png", "images/sub/c.png", "kernels.npz", "annotations.json"])
def test_lost_files_are_made_again(source: Path, out: Path, lost: str) -> None:
    """Whatever is deleted from a finished folder comes back the same."""
    write(source, out)
    before = contents(out)
    (out / lost).unlink()
    write(source, out)
    assert contents(out) == before


def test_a_damaged_twin_is_made_again(source: Path, out: Path) -> None:
    """A blurred file that is not the one of its digest is replaced."""
    write(source, out)
    before = contents(out)
    (out / "blurred/a.png").write_bytes(b"damaged")
    write(source, out)
    assert contents(out) == before


def test_a_changed_source_picture_is_blurred_again(source: Path, out: Path, tmp_path: Path) -> None:
    """When a source picture has new content, its copy, twin and digests follow."""
    write(source, out)
    (source / "images/a.png").write_bytes(picture(99))
    write(source, out)
    write(source, tmp_path / "fresh")
    assert contents(out) == contents(tmp_path / "fresh")


def test_fewer_or_permuted_pictures_are_blurred_alike(source: Path, out: Path, tmp_path: Path) -> None:
    """A picture's twin does not depend on which others there are, or in what order."""
    write(source, out)
    content = json.loads((source / "annotations.json").read_text())
    content["images"] = content["images"][:0:-1]
    (source / "annotations.json").write_text(json.dumps(content))
    write(source, tmp_path / "fewer")
    assert (tmp_path / "fewer/blurred/b.png").read_bytes() == (out / "blurred/b.png").read_bytes()
    assert (tmp_path / "fewer/blurred/sub/c.png").read_bytes() == (out / "blurred/sub/c.png").read_bytes()


def test_a_plain_folder_needs_no_annotations(source: Path, out: Path) -> None:
    """Pictures alone are numbered from 1, blurred by their names, and get no annotations."""
    write(source / "images", out)
    assert not (out / "annotations.json").exists()
    assert [(entry["id"], entry["sharp"]) for entry in manifest_of(out)["pictures"]] == [
        (1, "images/a.png"),
        (2, "images/b.png"),
        (3, "images/sub/c.png"),
    ]
    by_name, _ = TRAJECTORY.apply(read_image(source / "images/a.png"), "a.png")
    assert np.array_equal(read_image(out / "blurred/a.png"), by_name)


def test_blur_that_varies_has_no_kernels(source: Path, out: Path) -> None:
    """A shaken dataset has no kernels.npz, and its manifest says null."""
    write(source, out, ShakeRecipe())
    manifest = manifest_of(out)
    assert not (out / "kernels.npz").exists()
    assert manifest["kernels_sha256"] is None
    assert {entry["kernel"] for entry in manifest["pictures"]} == {None}


def test_frames_are_averaged_around_the_middle_one(tmp_path: Path, out: Path) -> None:
    """Seven frames of 10, 20 … 70 make one pair: the frame of 40, byte for byte, and a plain mean of 40."""
    film = tmp_path / "film"
    film.mkdir()
    for number in range(1, 8):
        (film / f"{number}.png").write_bytes(encode_png(np.full((20, 24, 3), number * 10, np.uint8)))
    summary = write(film, out, AverageRecipe(light="gamma"))
    assert summary.pictures == 1
    assert (out / "images/4.png").read_bytes() == (film / "4.png").read_bytes()
    assert np.unique(read_image(out / "blurred/4.png")).tolist() == [40]
    assert manifest_of(out)["pictures"][0]["parameters"] == {"window": 7, "light": "gamma"}


def test_another_recipe_needs_another_folder(source: Path, out: Path) -> None:
    """A finished dataset is never overwritten by another recipe."""
    write(source, out)
    before = contents(out)
    with pytest.raises(UsageError, match=r"manifest\.json was written for .*'length_px': 20.* choose another folder"):
        write(source, out, TrajectoryRecipe(length_px=30))
    assert contents(out) == before


def test_another_source_needs_another_folder(source: Path, out: Path) -> None:
    """A folder that holds pictures which the source has not is left alone."""
    write(source, out)
    shutil.rmtree(source / "images/sub")
    with pytest.raises(UsageError, match=r"picture \d, images/.*, which the source has not"):
        write(source / "images", out)


def test_a_folder_of_something_else_is_left_alone(source: Path, tmp_path: Path) -> None:
    """A folder with other files, a plain file, and a foreign manifest are refused."""
    (tmp_path / "other").mkdir()
    (tmp_path / "other/thesis.txt").write_text("years of work")
    (tmp_path / "file").write_text("")
    (tmp_path / "app").mkdir()
    (tmp_path / "app/manifest.json").write_text('{"name": "a web page"}')
    for name in ("other", "file"):
        with pytest.raises(OutputError, match="holds no blurred dataset; choose another folder"):
            write(source, tmp_path / name)
    with pytest.raises(OutputError, match="damaged or not of detbench"):
        write(source, tmp_path / "app")


def test_an_empty_folder_is_as_good_as_none(source: Path, out: Path) -> None:
    """A folder that was made beforehand is used."""
    out.mkdir()
    assert write(source, out).pictures == 3


@pytest.mark.parametrize("inside", [".", "blurred", ".."])
def test_source_and_result_do_not_overlap(source: Path, inside: str) -> None:
    """A result in the source, or around it, would be read as a source by the next run."""
    with pytest.raises(UsageError, match="overlap; choose a folder outside"):
        write(source, source / inside)


def test_a_missing_picture_is_named(source: Path, out: Path) -> None:
    """A picture in the annotations and not on disk stops the run with its name."""
    (source / "images/b.png").unlink()
    with pytest.raises(DataError, match=r"b\.png: no such picture"):
        write(source, out)


def test_damaged_pictures_are_named_before_any_is_blurred(tmp_path: Path) -> None:
    """Two truncated pictures of three are one error, and nothing is written for the third."""
    source = tmp_path / "source"
    source.mkdir()
    for name in ("a.jpg", "b.jpg", "c.jpg"):
        PillowImage.effect_noise((64, 48), 50).convert("RGB").save(source / name)
    for name in ("b.jpg", "c.jpg"):
        (source / name).write_bytes((source / name).read_bytes()[:-2])
    with pytest.raises(DataError, match=r"2 pictures cannot be used: \S*b\.jpg: damaged .*c\.jpg: damaged"):
        write(source, tmp_path / "out")
    assert not (tmp_path / "out" / "images").exists()
