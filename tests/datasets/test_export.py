import io
import json
import shutil
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pytest
import yaml
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from PIL import Image as PillowImage

from detbench.datasets.annotated import AnnotatedDataset
from detbench.datasets.coco import CocoFolder
from detbench.datasets.coco_records import SMALLEST_SIDE_PX
from detbench.datasets.export import Format, export_dataset
from detbench.datasets.opening import FORMATS, looks_like
from detbench.errors import DataError, UsageError

FORMS: tuple[Format, ...] = ("coco", "yolo", "voc")
SIZES = [(64, 48), (31, 57), (1, 1), (640, 3)]
FULL, SMALLEST_PX = 1 - 2**-50, 1e-3


@cache
def png(size: tuple[int, int]) -> bytes:
    """A black picture of that width and height."""
    stream = io.BytesIO()
    PillowImage.new("RGB", size).save(stream, format="PNG")
    return stream.getvalue()


def write_coco(folder: Path, document: dict[str, Any]) -> CocoFolder:
    """A COCO folder with black pictures."""
    for image in document["images"]:
        path = folder / "images" / image["file_name"]
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(png((image["width"], image["height"])))
    (folder / "annotations.json").write_text(json.dumps(document))
    return CocoFolder(folder)


def facts(dataset: AnnotatedDataset) -> dict[int, Any]:
    """All that a dataset says of its pictures, box by box under their ids."""
    return {
        sample.id: (
            sample.file_name,
            sample.blurred.sha256,
            {
                int(truth.ids[k]): (dataset.classes[int(truth.labels[k])], int(truth.labels[k]), bool(truth.crowd[k]))
                for k in range(len(truth))
            },
        )
        for sample in dataset
        for truth in [sample.truth]
    }


def numbers(dataset: AnnotatedDataset) -> np.ndarray[Any, Any]:
    """Boxes and areas, in the order of annotation ids."""
    rows = [
        [number, *box, area]
        for sample in dataset
        for number, box, area in zip(sample.truth.ids, sample.truth.boxes, sample.truth.areas, strict=True)
    ]
    return np.array(sorted(rows))


def opened(folder: Path, form: str | None = None) -> AnnotatedDataset:
    """The dataset of a folder that has boxes, in that format or in the one that it looks like."""
    dataset = FORMATS[form or looks_like(folder)](folder, None, None)
    assert isinstance(dataset, AnnotatedDataset)
    return dataset


names = st.text(st.characters(codec="utf-8", exclude_categories=("C", "Z")), min_size=1, max_size=8)
file_names = st.from_regex(r"[a-z0-9_ äß東]{0,6}[a-z0-9東]\.(png|jpg)", fullmatch=True)


@st.composite
def boxes(draw: st.DrawFn, size: tuple[int, int]) -> list[float]:
    """Left, top, width, height within a picture, whole pixels or fractions of them."""
    box = []
    for side in size:
        if draw(st.booleans()):
            start = draw(st.integers(0, side - 1))
            box.append((float(start), float(draw(st.integers(start + 1, side)) - start)))
        else:
            start, share = side * draw(st.floats(0, 0.99)), draw(st.floats(0, FULL))
            box.append((start, max(SMALLEST_PX, share * (side - start))))
    return [box[0][0], box[1][0], box[0][1], box[1][1]]


@st.composite
def documents(draw: st.DrawFn) -> dict[str, Any]:
    """COCO instances with ids from anywhere, crowds, outlines' areas, unused classes and pictures without a box."""
    ids = st.integers(0, 2**40)
    chosen = draw(st.lists(st.tuples(ids, names), min_size=1, max_size=4, unique_by=(lambda c: c[0], lambda c: c[1])))
    categories = [{"id": number, "name": name} for number, name in chosen]
    pictures = draw(
        st.lists(
            st.tuples(ids, file_names, st.sampled_from(SIZES)),
            min_size=1,
            max_size=3,
            unique_by=(lambda p: p[0], lambda p: p[1].rpartition(".")[0]),
        )
    )
    images = [{"id": n, "file_name": f"sub/{name}", "width": w, "height": h} for n, name, (w, h) in pictures]
    annotations = []
    for number in draw(st.lists(st.integers(1, 2**40), min_size=1, max_size=5, unique=True)):
        image = draw(st.sampled_from(images))
        category, crowd = draw(st.sampled_from(categories)), draw(st.integers(0, 1))
        bbox = draw(boxes((image["width"], image["height"])))
        annotation = {"id": number, "image_id": image["id"], "category_id": category["id"], "bbox": bbox}
        area = draw(st.none() | st.floats(0, 1e6))
        annotations.append(annotation | {"iscrowd": crowd} | ({} if area is None else {"area": area}))
    # Boxes that all lie in the first pixel are refused as shares of a picture, unless it is hardly larger.
    is_large = {image["id"]: min(image["width"], image["height"]) >= SMALLEST_SIDE_PX for image in images}
    judged = [a["bbox"] for a in annotations if is_large[a["image_id"]]]
    assume(not judged or any(max(box[0] + box[2], box[1] + box[3]) > 1.001 for box in judged))
    return {"images": images, "annotations": annotations, "categories": categories}


@settings(max_examples=500, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(documents(), st.sampled_from(FORMS), st.sampled_from(FORMS))
def test_any_way_round_gives_the_same(document: dict[str, Any], first: Format, second: Format) -> None:
    """COCO to one format to another, 500 times: ids, names, crowds and pictures are the same after each of the 1,000
    conversions, boxes and areas to 1e-6 relative.
    """
    with TemporaryDirectory() as place:
        folder = Path(place)
        source = write_coco(folder / "source", document)
        export_dataset(source, first, folder / "first")
        export_dataset(opened(folder / "first", first), second, folder / "second")
        for made, form in (("first", first), ("second", second)):
            again = opened(folder / made, form)
            assert facts(again) == facts(source)
            assert dict(again.classes) == dict(source.classes)
            np.testing.assert_allclose(numbers(again), numbers(source), rtol=1e-6, atol=1e-9)


def test_crowds_are_no_labels_of_yolo(drawn_dataset: Path, tmp_path: Path) -> None:
    """YOLO has no crowds: they are kept beside the labels, where its own tools do not see them, and come back."""
    folder = Path(shutil.copytree(drawn_dataset, tmp_path / "crowded"))
    document = json.loads((folder / "annotations.json").read_text())
    document["annotations"][0]["iscrowd"] = 1
    (folder / "annotations.json").write_text(json.dumps(document))
    export_dataset(CocoFolder(folder), "yolo", tmp_path / "yolo")
    lines = sum(len(file.read_text().splitlines()) for file in (tmp_path / "yolo" / "labels").iterdir())
    assert lines == len(document["annotations"]) - 1
    assert facts(opened(tmp_path / "yolo")) == facts(CocoFolder(folder))


def test_a_full_folder_is_not_written_to(drawn_dataset: Path, tmp_path: Path) -> None:
    """Nothing is overwritten: a folder that holds something, and a file, are refused."""
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "thesis.tex").write_text("")
    for place in (tmp_path / "full", tmp_path / "full" / "thesis.tex"):
        with pytest.raises(UsageError, match="not an empty folder"):
            export_dataset(CocoFolder(drawn_dataset), "coco", place)


def test_pictures_that_would_share_a_label_file(tmp_path: Path) -> None:
    """a.png and a.jpg cannot both have a.txt, and are named; COCO can hold both."""
    images = [{"id": k, "file_name": name, "width": 1, "height": 1} for k, name in enumerate(["a.png", "a.jpg"])]
    annotations = [{"id": 1, "image_id": 0, "category_id": 1, "bbox": [0, 0, 1, 1]}]
    document = {"images": images, "annotations": annotations, "categories": [{"id": 1, "name": "car"}]}
    source = write_coco(tmp_path / "source", document)
    with pytest.raises(DataError, match=r"a\.png and a\.jpg would share the label file a\.txt"):
        export_dataset(source, "yolo", tmp_path / "yolo")
    export_dataset(source, "coco", tmp_path / "coco")
    assert facts(opened(tmp_path / "coco")) == facts(source)


def test_a_name_that_xml_would_change(tmp_path: Path) -> None:
    """XML keeps no control characters and readers trim spaces, so such a class is refused by VOC alone."""
    images = [{"id": 1, "file_name": "a.png", "width": 1, "height": 1}]
    annotations = [{"id": 1, "image_id": 1, "category_id": 1, "bbox": [0, 0, 1, 1]}]
    document = {"images": images, "annotations": annotations, "categories": [{"id": 1, "name": "bell\x07"}]}
    source = write_coco(tmp_path / "source", document)
    with pytest.raises(DataError, match=r"class 'bell\\x07' has letters that XML does not keep"):
        export_dataset(source, "voc", tmp_path / "voc")
    export_dataset(source, "yolo", tmp_path / "yolo")
    assert dict(opened(tmp_path / "yolo").classes) == {1: "bell\x07"}
    assert yaml.safe_load((tmp_path / "yolo" / "data.yaml").read_text())["names"] == ["bell\x07"]


def test_either_side_of_pairs(drawn_dataset: Path, tmp_path: Path) -> None:
    """Of pairs, the sharp or the blurred pictures are copied, under the suffix that they have."""
    folder = Path(shutil.copytree(drawn_dataset, tmp_path / "pairs"))
    (folder / "blurred").mkdir()
    for path in sorted((folder / "images").iterdir()):
        PillowImage.open(path).convert("L").convert("RGB").save(folder / "blurred" / f"{path.stem}.jpg")
    source = CocoFolder(folder)
    export_dataset(source, "yolo", tmp_path / "sharp", "sharp")
    export_dataset(source, "voc", tmp_path / "blurred", "blurred")
    for place, role in (("sharp", "sharp"), ("blurred", "blurred")):
        copies = [sample.blurred.sha256 for sample in opened(tmp_path / place)]
        assert copies == [getattr(sample, role).sha256 for sample in source]
    with pytest.raises(UsageError, match="has no sharp pictures"):
        export_dataset(CocoFolder(drawn_dataset), "coco", tmp_path / "none", "sharp")
