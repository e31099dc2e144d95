import hashlib
import io
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image as PillowImage

from detbench.datasets import annotated
from detbench.datasets.coco import CocoFolder
from detbench.errors import DataError
from detbench.types import Kernel

SIZES = {"b.png": (12, 7), "sub/a.png": (9, 14), "empty.png": (5, 5)}
DOCUMENT: dict[str, list[dict[str, Any]]] = {
    "images": [
        {"id": 20, "file_name": "b.png", "width": 12, "height": 7},
        {"id": 3, "file_name": "sub/a.png", "width": 9, "height": 14},
        {"id": 7, "file_name": "empty.png", "width": 5, "height": 5},
    ],
    "annotations": [
        {"id": 5, "image_id": 20, "category_id": 2, "bbox": [1, 2, 10, 4.5], "area": 30.25, "iscrowd": 0},
        {"id": 9, "image_id": 3, "category_id": 1, "bbox": [0, 1, 2, 3]},
        {"id": 4, "image_id": 20, "category_id": 1, "bbox": [0, 0, 3, 2], "area": 6, "iscrowd": 1},
    ],
    "categories": [{"id": 1, "name": "car"}, {"id": 2, "name": "bus"}],
}


def write_pictures(folder: Path, level: int) -> None:
    """One plain picture for each of SIZES, grey values around `level`."""
    for name, (width, height) in SIZES.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        PillowImage.new("RGB", (width, height), (level, level, width)).save(folder / name)


def sha256(path: Path) -> str:
    """Digest of a file's bytes."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.fixture
def plain(tmp_path: Path) -> Path:
    """A dataset of three pictures without twins."""
    folder = tmp_path / "plain"
    write_pictures(folder / "images", 90)
    (folder / "annotations.json").write_text(json.dumps(DOCUMENT))
    return folder


@pytest.fixture
def paired(plain: Path) -> Path:
    """The same with blurred twins, whose manifest gives picture 3 a kernel."""
    write_pictures(plain / "blurred", 140)
    stream = io.BytesIO()
    np.savez_compressed(stream, **{"3": np.full((1, 3), 1 / 3).T @ np.array([[0.0, 1.0, 0.0]])})
    (plain / "kernels.npz").write_bytes(stream.getvalue())
    pictures = [
        {
            "id": image["id"],
            "sharp": f"images/{image['file_name']}",
            "sharp_sha256": sha256(plain / "images" / image["file_name"]),
            "blurred": f"blurred/{image['file_name']}",
            "blurred_sha256": sha256(plain / "blurred" / image["file_name"]),
            "kind": "trajectory",
            "parameters": {"light": "linear", "exposure": 0.5},
            "severity_px": 2.5,
            "kernel": "3" if image["id"] == 3 else None,
        }
        for image in DOCUMENT["images"]
    ]
    write_manifest(
        plain, {"schema": 1, "recipe": {}, "kernels_sha256": sha256(plain / "kernels.npz"), "pictures": pictures}
    )
    return plain


def write_manifest(folder: Path, manifest: object) -> None:
    """Put a manifest into a dataset folder."""
    (folder / "manifest.json").write_text(json.dumps(manifest))


def edit_manifest(folder: Path, edit: Callable[[Any], object]) -> None:
    """Change the manifest in place."""
    manifest = json.loads((folder / "manifest.json").read_text())
    edit(manifest)
    write_manifest(folder, manifest)


def test_samples_come_by_image_id(plain: Path) -> None:
    """Samples are sorted by image id, whatever the file's order; pictures without an object are among them."""
    dataset = CocoFolder(plain)
    assert [sample.id for sample in dataset] == [3, 7, 20]
    assert [sample.file_name for sample in dataset] == ["sub/a.png", "empty.png", "b.png"]
    assert len(dataset) == 3
    assert (dataset.name, dataset.classes) == ("plain", {1: "car", 2: "bus"})


def test_boxes_become_corners(plain: Path) -> None:
    """COCO's left, top, width, height become x1, y1, x2, y2; each box keeps its own label, crowd mark, area and id."""
    truth = list(CocoFolder(plain))[2].truth
    assert truth.boxes.tolist() == [[1, 2, 11, 6.5], [0, 0, 3, 2]]
    assert truth.labels.tolist() == [2, 1]
    assert truth.crowd.tolist() == [False, True]
    assert truth.areas.tolist() == [30.25, 6]
    assert truth.ids.tolist() == [5, 4]


def test_the_box_stands_in_for_a_missing_area(plain: Path) -> None:
    """Without `area`, the size class goes by the box; without `iscrowd`, an object is none."""
    truth = next(iter(CocoFolder(plain))).truth
    assert truth.areas.tolist() == [6]
    assert truth.crowd.tolist() == [False]


def test_a_picture_without_objects_has_empty_truth(plain: Path) -> None:
    """No annotation means no box, in the shapes of the contract."""
    truth = list(CocoFolder(plain))[1].truth
    assert truth.boxes.shape == (0, 4)
    assert len(truth) == 0


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


def test_kernels_come_with_their_light(paired: Path) -> None:
    """A uniform blur's kernel is read with the light that it acts on; another sample has none."""
    first, second, _ = CocoFolder(paired)
    assert first.blur is not None
    assert isinstance(first.blur.kernel, Kernel)
    assert first.blur.kernel.light == "linear"
    np.testing.assert_allclose(first.blur.kernel.weights[:, 1], 1 / 3)
    assert second.blur is not None
    assert second.blur.kernel is None


def test_a_twin_may_have_another_suffix(plain: Path) -> None:
    """Lossless twins of JPEG pictures are found by their stem; without a manifest the blur is unknown."""
    write_pictures(plain / "blurred", 140)
    (plain / "blurred" / "b.png").rename(plain / "blurred" / "b.bmp")
    sample = list(CocoFolder(plain))[2]
    assert sample.sharp is not None
    assert sample.blur is None


def test_two_pictures_cannot_share_a_twin(plain: Path) -> None:
    """Where stems collide, one blurred file would stand for two pictures: that is refused."""
    document = json.loads(json.dumps(DOCUMENT))
    document["images"][2]["file_name"] = "b.jpg"
    (plain / "annotations.json").write_text(json.dumps(document))
    shutil.copy(plain / "images" / "empty.png", plain / "images" / "b.jpg")
    write_pictures(plain / "blurred", 140)
    with pytest.raises(DataError, match="two pictures share one twin"):
        CocoFolder(plain)


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


def test_a_scaled_picture_is_refused(plain: Path) -> None:
    """A picture of another size than annotated would have every box in the wrong place."""
    PillowImage.new("RGB", (24, 14)).save(plain / "images" / "b.png")
    with pytest.raises(DataError, match=r"b\.png: 24x14 pixels, but annotations\.json says 12x7 .* scaled boxes"):
        list(CocoFolder(plain))


def test_a_rotated_picture_is_hinted_at(plain: Path) -> None:
    """Width and height swapped point to an EXIF rotation that the annotator did not follow."""
    exif = PillowImage.Exif()
    exif[0x0112] = 6
    PillowImage.new("RGB", (12, 7)).save(plain / "images" / "b.png", exif=exif)
    with pytest.raises(DataError, match=r"7x12 pixels, but .* 12x7 for image id 20; .*EXIF"):
        list(CocoFolder(plain))


def test_a_twin_of_another_size_is_refused(paired: Path) -> None:
    """A twin has the size of its annotation, hence of its sharp picture."""
    PillowImage.new("RGB", (12, 8)).save(paired / "blurred" / "b.png")
    with pytest.raises(DataError, match=r"blurred.b\.png: 12x8 pixels"):
        list(CocoFolder(paired))


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


def test_the_fingerprint_follows_every_byte(paired: Path) -> None:
    """Annotations, sharp and blurred pictures each change the fingerprint; a second reading and a new name do not."""
    seen = [CocoFolder(paired).fingerprint]
    (paired / "dataset.toml").write_text('name = "other"')
    assert CocoFolder(paired).fingerprint == seen[0]
    (paired / "manifest.json").unlink()
    for part in ("images", "blurred"):
        PillowImage.new("RGB", (12, 7), (1, 2, 3)).save(paired / part / "b.png")
        seen.append(CocoFolder(paired).fingerprint)
    (paired / "annotations.json").write_text(json.dumps(DOCUMENT, indent=1))
    seen.append(CocoFolder(paired).fingerprint)
    assert len(set(seen)) == 4


def test_each_file_is_hashed_once(paired: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Opening reads no picture; fingerprint and repeated iteration read each file once in all."""
    hashed: list[Path] = []
    real = annotated.picture_from_file
    monkeypatch.setattr(annotated, "picture_from_file", lambda path: hashed.append(path) or real(path))
    dataset = CocoFolder(paired)
    assert hashed == []
    assert dataset.fingerprint
    assert len(list(dataset)) == len(list(dataset)) == 3
    assert len(hashed) == len(set(hashed)) == 6


@pytest.mark.parametrize("part", ["images", "blurred"])
def test_a_file_changed_after_the_manifest_is_named(paired: Path, part: str) -> None:
    """A picture whose digest is not the manifest's is refused: its kernel and severity may no longer be true."""
    PillowImage.new("RGB", (12, 7), (1, 2, 3)).save(paired / part / "b.png")
    with pytest.raises(
        DataError, match=rf"{part}.b\.png: not the file .*manifest\.json was written for.*detbench blur"
    ):
        list(CocoFolder(paired))


def drop(key: str) -> Callable[[Any], object]:
    """An edit that takes a key away from the manifest's first picture."""
    return lambda manifest: manifest["pictures"][0].pop(key)


MANIFEST_FAULTS: list[tuple[Callable[[Any], object], str]] = [
    (lambda manifest: manifest.update(schema=2), "not a manifest of schema 1"),
    (lambda manifest: manifest.pop("pictures"), "lacks 'pictures'"),
    (lambda manifest: manifest["pictures"].pop(0), "says nothing of the picture with id 20"),
    (lambda manifest: manifest["pictures"].append(7), "manifest"),
    (lambda manifest: manifest.update(kernels_sha256=None), "not the kernels"),
    (lambda manifest: manifest["pictures"][1].update(kernel="4"), "kernel '4' cannot be used"),
    (lambda manifest: manifest["pictures"][1].update(parameters={}), "its light is None"),
    (lambda manifest: manifest["pictures"][1].update(severity_px="far"), "could not convert"),
    *((drop(key), f"lacks '{key}'") for key in ("id", "kind", "parameters", "severity_px", "kernel", "blurred_sha256")),
]


@pytest.mark.parametrize(("edit", "words"), MANIFEST_FAULTS)
def test_a_wrong_manifest_is_an_error(paired: Path, edit: Callable[[Any], object], words: str) -> None:
    """Whatever is wrong with the manifest is a DataError that says how to make it anew."""
    edit_manifest(paired, edit)
    with pytest.raises(DataError, match=words) as caught:
        list(CocoFolder(paired))
    assert "`detbench blur`" in str(caught.value)


def test_a_manifest_that_is_not_json(paired: Path) -> None:
    """A truncated manifest is an error with its place."""
    (paired / "manifest.json").write_text('{"schema": 1,')
    with pytest.raises(DataError, match=r"manifest\.json: not JSON .*line 1"):
        CocoFolder(paired)


def test_a_damaged_kernel_archive_is_an_error(paired: Path) -> None:
    """Kernels that are not those of the manifest, or no archive at all, are not used."""
    (paired / "kernels.npz").write_bytes(b"no archive")
    with pytest.raises(DataError, match=r"kernels\.npz: not the kernels"):
        list(CocoFolder(paired))
    edit_manifest(paired, lambda manifest: manifest.update(kernels_sha256=sha256(paired / "kernels.npz")))
    with pytest.raises(DataError, match="kernel '3' cannot be used"):
        list(CocoFolder(paired))


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
