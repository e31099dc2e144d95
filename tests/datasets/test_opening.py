import gzip
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image as PillowImage

from detbench.datasets import opening
from detbench.datasets.coco import CocoFolder
from detbench.datasets.export import export_dataset
from detbench.datasets.opening import looks_like, open_dataset
from detbench.errors import DataError, UsageError
from detbench.plugins.registry import Entry, Registry


@pytest.fixture(scope="module")
def as_format(drawn_dataset: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """The drawn pictures as COCO, YOLO, VOC or pairs; nobody may change them."""
    root = tmp_path_factory.mktemp("formats")

    def made(to: str) -> Path:
        folder = root / to
        if to == "pairs" and not folder.exists():
            for name in ("sharp", "blur"):
                shutil.copytree(drawn_dataset / "images", folder / "clip" / name)
        elif not folder.exists():
            export_dataset(CocoFolder(drawn_dataset), to, folder)  # type: ignore[arg-type]
        return folder

    return made


@pytest.mark.parametrize("form", ["coco", "yolo", "voc", "pairs"])
def test_a_folder_shows_what_it_is(as_format: Callable[[str], Path], form: str) -> None:
    """The format follows from the files' names, and a prefix that says the same changes nothing."""
    folder = as_format(form)
    assert looks_like(folder) == form
    assert len(open_dataset(str(folder))) == len(open_dataset(f"{form}:{folder}")) == 12


def test_a_prefix_wins(as_format: Callable[[str], Path]) -> None:
    """What a prefix says is held against the folder, which then lacks it."""
    with pytest.raises(DataError, match="holds no XML file"):
        open_dataset(f"voc:{as_format('yolo')}")
    with pytest.raises(DataError, match=r"holds no data\.yaml"):
        open_dataset(f"yolo:{as_format('voc')}")
    with pytest.raises(DataError, match=r"must hold annotations\.json"):
        open_dataset(f"coco:{as_format('voc')}")
    with pytest.raises(DataError, match="no pairs; it must hold sharp/"):
        open_dataset(f"pairs:{as_format('voc')}")


def test_files_name_a_dataset_too(as_format: Callable[[str], Path]) -> None:
    """The YAML and the annotation file stand for their folder, and give it its name."""
    assert open_dataset(str(as_format("yolo") / "data.yaml")).name == "yolo"
    assert open_dataset(str(as_format("coco") / "annotations.json")).name == "coco"


def test_a_heap_of_pictures_is_a_dataset_without_boxes(drawn_dataset: Path, tmp_path: Path) -> None:
    """Pictures without boxes and twins are read as they are; a folder without any is refused with all that is taken."""
    assert looks_like(drawn_dataset / "images") == "pictures"
    assert len(open_dataset(str(drawn_dataset / "images"))) == 12
    with pytest.raises(DataError, match=r"annotations\.json .*data\.yaml .*Annotations/ .*sharp/ .*pictures:PATH"):
        open_dataset(str(tmp_path))
    with pytest.raises(DataError, match="a single picture; name the folder"):
        open_dataset(str(drawn_dataset / "images" / "drawn-01.png"))


def test_cocos_own_layout(drawn_dataset: Path, tmp_path: Path) -> None:
    """annotations/instances_val2017.json with val2017/ beside it is read by its folder, its split, or its file."""
    shutil.copytree(drawn_dataset / "images", tmp_path / "coco" / "val2017")
    (tmp_path / "coco" / "annotations").mkdir()
    file = Path(shutil.copy(drawn_dataset / "annotations.json", tmp_path / "coco/annotations/instances_val2017.json"))
    for word in (tmp_path / "coco", f"{tmp_path / 'coco'}#val2017", file):
        dataset = open_dataset(str(word))
        assert (dataset.name, len(dataset)) == ("val2017", 12)
        assert next(iter(dataset)).blurred.width == 320
    shutil.copy(file, file.with_name("instances_train2017.json"))
    with pytest.raises(DataError, match=r"holds 2 COCO annotation files; .*coco#train2017 or .*coco#val2017"):
        open_dataset(str(tmp_path / "coco"))
    shutil.move(tmp_path / "coco" / "val2017", tmp_path / "elsewhere")
    with pytest.raises(DataError, match=r"drawn-01\.png is in none of .*train2017"):
        open_dataset(f"{tmp_path / 'coco'}#train2017")


def test_roboflows_coco(drawn_dataset: Path, tmp_path: Path) -> None:
    """_annotations.coco.json among the pictures is a dataset."""
    folder = Path(shutil.copytree(drawn_dataset / "images", tmp_path / "valid"))
    document = json.loads((drawn_dataset / "annotations.json").read_text())
    (folder / "_annotations.coco.json").write_text(json.dumps(document))
    assert len(open_dataset(str(folder))) == 12
    assert len(open_dataset(f"{tmp_path}#valid")) == 12


def test_a_folder_of_two_formats_is_refused(as_format: Callable[[str], Path], tmp_path: Path) -> None:
    """Where COCO's file lies beside YOLO's, neither is taken in silence: a prefix says which is meant."""
    folder = Path(shutil.copytree(as_format("yolo"), tmp_path / "both"))
    shutil.copy(as_format("coco") / "annotations.json", folder)
    with pytest.raises(DataError, match=r"2 formats, coco, yolo; .*coco:.*both or yolo:.*both"):
        open_dataset(str(folder))
    assert len(open_dataset(f"coco:{folder}")) == len(open_dataset(f"yolo:{folder}")) == 12


@pytest.mark.parametrize("name", ["a.json.gz", "a.jsonl"])
def test_packed_and_line_wise_json_is_refused_with_the_mend(tmp_path: Path, name: str) -> None:
    """A file that COCO's tools do not read either reaches the reader, which says what to do."""
    content = gzip.compress(b"{}") if name.endswith("gz") else b'{"a": 1}\n{"a": 2}\n'
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError, match=r"unpack it|not as JSON Lines"):
        open_dataset(str(tmp_path / name))


def test_a_path_may_hold_the_marks(as_format: Callable[[str], Path], tmp_path: Path) -> None:
    """Colons and number signs of an existing path are part of it."""
    folder = Path(shutil.copytree(as_format("yolo"), tmp_path / "voc:mine #2"))
    assert len(open_dataset(str(folder))) == 12
    assert len(open_dataset(f"yolo:{folder}")) == 12
    assert len(open_dataset(f"{folder}#train")) == 12


def test_a_shipped_name_opens_its_folder(drawn_dataset: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Folders with annotations under the shipped datasets are known by their names, before folders nearby."""
    monkeypatch.setattr(opening, "shipped", lambda _: drawn_dataset.parent)
    monkeypatch.chdir(drawn_dataset / "images")
    assert open_dataset("drawn").name == "drawn"
    with pytest.raises(UsageError, match=r"no dataset named 'drown'.* Did you mean 'drawn'\? There are: drawn;"):
        open_dataset("drown")


class Registered:
    """A dataset as a plug-in would bring it."""

    name = "registered"


def test_a_registered_name_is_built(monkeypatch: pytest.MonkeyPatch) -> None:
    """Datasets of the registry are built from their entry."""
    entry = Entry("mine", f"{__name__}:Registered", "a plug-in")
    monkeypatch.setattr(opening, "DATASETS", Registry("dataset", "detbench.no-such-group", (entry,)))
    assert open_dataset("mine").name == "registered"


def test_an_unknown_word_says_what_there_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither a name nor a folder: the error says both, and what a dataset folder is."""
    monkeypatch.setattr(opening, "shipped", lambda _: tmp_path)
    with pytest.raises(
        UsageError, match=r"no dataset named 'x/y', and no such folder\. There are: none; a folder with"
    ):
        open_dataset("x/y")


def test_a_plain_picture_folder_named_images_is_no_pair(tmp_path: Path) -> None:
    """A folder `images` without `blurred` beside it is not taken for half of a pair."""
    (tmp_path / "images").mkdir()
    PillowImage.new("RGB", (4, 4)).save(tmp_path / "images" / "a.png")
    with pytest.raises(DataError, match="recognised"):
        open_dataset(str(tmp_path))
