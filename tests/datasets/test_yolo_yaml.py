import json
from pathlib import Path

import pytest

from detbench.datasets.annotated import AnnotatedDataset
from detbench.datasets.yolo_labels import read_yolo
from detbench.errors import DataError


def read(folder: Path, split: str | None = None) -> AnnotatedDataset:
    """The dataset in a folder."""
    return AnnotatedDataset("mine", read_yolo(folder, split))


@pytest.mark.parametrize(
    "yaml",
    [
        "names: {1: bus, 0: car}\nval: images/val\n",
        "names: [car, bus]\nnc: 2\nval: [images/val]\n",
        "names: [car, bus]\npath: .\nval: ./images/val\ntrain: nowhere\n",
        "names: [car, bus]\nval: ../images/val\n",
        "names: [car, bus]\ntest: images/val\n",
        "names: [car, bus]\nval: images\n",
        'names: {"1": bus, "0": car}\nnc: "2"\nval: images/val\n',
        "\ufeffnames: [car, bus]\nnc: 2.0\nvalidation: images/val\n",
        "names: [car, bus]\nvalid: images/val\nkpt_shape: null\n",
    ],
)
def test_ways_to_write_the_yaml(yolo_folder: Path, yaml: str) -> None:
    """Names as a list or by number, folders as one or several, with `path:`, and one level too high as Roboflow has it
    are the same dataset.
    """
    (yolo_folder / "data.yaml").write_text(yaml)
    dataset = read(yolo_folder)
    assert [len(sample.truth) for sample in dataset] == [2, 0]
    assert list(dataset.classes.values()) == ["car", "bus"]


def test_a_list_of_pictures(yolo_folder: Path) -> None:
    """A text file that lists pictures, from its own folder on, is a split; names start at their common folder."""
    (yolo_folder / "data.yaml").write_text("names: [car, bus]\nval: images/val\ntest: lists/test.txt\n")
    (yolo_folder / "lists").mkdir()
    (yolo_folder / "lists" / "test.txt").write_text("../images/val/a.png\n\n")
    assert [sample.file_name for sample in read(yolo_folder, "test")] == ["a.png"]
    (yolo_folder / "lists" / "test.txt").write_text("../images/val/a.png\n../images/val/c.png\n")
    with pytest.raises(DataError, match=r"test\.txt: line 2 lists \.\./images/val/c\.png, which is not there"):
        read(yolo_folder, "test")


@pytest.mark.parametrize(
    "hostile",
    [
        "names: !!python/object/apply:os.system ['touch {}']\nval: images/val\n",
        "names: [car]\nval: !!python/name:os.system\n",
        "names: &a [*a]\nval: images/val\n",
    ],
)
def test_nothing_in_the_yaml_is_executed(yolo_folder: Path, tmp_path: Path, hostile: str) -> None:
    """Python tags and a list that holds itself are refused, and run nothing."""
    proof = tmp_path / "executed"
    (yolo_folder / "data.yaml").write_text(hostile.format(proof))
    with pytest.raises(DataError, match=r"data\.yaml: "):
        read(yolo_folder)
    assert not proof.exists()


def test_download_is_ignored(yolo_folder: Path, tmp_path: Path) -> None:
    """The script that ultralytics would run is a text like any other."""
    proof = tmp_path / "executed"
    (yolo_folder / "data.yaml").write_text(
        (yolo_folder / "data.yaml").read_text() + f"download: |\n  import os\n  os.system('touch {proof}')\n"
    )
    assert len(read(yolo_folder)) == 2
    assert not proof.exists()


@pytest.mark.parametrize(
    ("yaml", "words"),
    [
        ("- car\n", "must hold `names:` and `val:`"),
        ("names: [car\n", "not YAML that is plain data"),
        ("val: images/val\n", "names is None; list the classes"),
        ("names: [car, no]\nval: images/val\n", "names holds False, which YAML does not read as a text; put it in"),
        ("names: {1: car, 2: bus}\nval: images/val\n", r"numbered \[1, 2\]; number them 0, 1, 2"),
        ("names: [car, bus]\nnc: 3\nval: images/val\n", "nc is 3, but names lists 2 classes"),
        ("names: [car, car]\nval: images/val\n", "names holds 'car' twice, as 0 and 1; give each class its own name"),
        ("names: [car, bus]\n", "names no pictures; add `val:`"),
        ("names: {car: 0, bus: 1}\nval: images/val\n", "numbered .*'bus'.*; number them 0, 1, 2"),
        ("names: {0: car, '0': bus}\nval: images/val\n", "number them 0, 1, 2"),
        ("names: [car, bus]\nnc: two\nval: images/val\n", "nc is 'two'; it must be the number of classes"),
        (f"nc: 1{'0' * 400}\nval: images/val\n", "nc is 1000.*; it must be"),
        ('names: [car, bus]\nval: "\\0*/*"\n', "val is .*, but there is no"),
        ("nc: 1000000000\nval: images/val\n", "nc is 1000000000; it must be"),
        ("names: [car, bus]\nkpt_shape: 17\nval: images/val\n", r"kpt_shape is 17; .* `kpt_shape: \[17, 3\]`"),
        ("names: [car, bus]\nkpt_shape: [17, 4]\nval: images/val\n", r"kpt_shape is \[17, 4\]; a key point has 2"),
        ("names: [car, bus]\nval: 7\n", "val is 7; it must be a folder of pictures"),
        ("names: [car, bus]\nval: images/vla\n", "val is 'images/vla', but there is no .*images/vla; correct `path:`"),
        ("names: [car, bus]\nval: labels\n", "val leads to .*labels, where there is no picture"),
    ],
)
def test_faults_of_the_yaml(yolo_folder: Path, yaml: str, words: str) -> None:
    """What is wrong in data.yaml is named with its value and the mend."""
    (yolo_folder / "data.yaml").write_text(yaml)
    with pytest.raises(DataError, match=rf"data\.yaml: .*{words}"):
        read(yolo_folder)


def test_classes_without_names(yolo_folder: Path) -> None:
    """Where the YAML only counts classes they have the names that ultralytics gives them, and a note says so."""
    (yolo_folder / "data.yaml").write_text("nc: 2\nval: images/val\n")
    dataset = read(yolo_folder)
    assert dataset.classes == {1: "class_0", 2: "class_1"}
    assert "data.yaml names no classes, so they are called class_0 and so on" in dataset.notes


def test_a_split_by_its_other_name(yolo_folder: Path) -> None:
    """Roboflow's folder is called valid: the word means val."""
    assert len(read(yolo_folder, "valid")) == 2


def test_an_unknown_split(yolo_folder: Path) -> None:
    """A split that the YAML does not have is met with those that it has."""
    with pytest.raises(DataError, match=r"data\.yaml: has no 'train'; it has val"):
        read(yolo_folder, "train")


def test_which_yaml(yolo_folder: Path) -> None:
    """The only YAML of a folder will do whatever its name; of several, data.yaml; otherwise one must be named."""
    (yolo_folder / "data.yaml").rename(yolo_folder / "coco8.yaml")
    assert len(read(yolo_folder)) == 2
    (yolo_folder / "other.yaml").write_text("")
    with pytest.raises(DataError, match="several YAML files; name the one"):
        read(yolo_folder)
    (yolo_folder / "data.yaml").write_text(json.dumps({"names": ["car", "bus"], "val": "images/val"}))
    assert len(read(yolo_folder)) == 2
