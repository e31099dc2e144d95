from pathlib import Path

import numpy as np
import pytest

from detbench.datasets.coco import CocoFolder
from detbench.datasets.export import Format, export_dataset
from detbench.datasets.ids import FILE_NAME
from detbench.datasets.opening import FORMATS
from detbench.errors import DataError


@pytest.mark.parametrize("form", ["yolo", "voc"])
def test_without_the_ids_all_is_numbered_from_1(drawn_dataset: Path, tmp_path: Path, form: Format) -> None:
    """A folder that others wrote has no ids: pictures and boxes count from 1 in the order of names, boxes are exact."""
    source = CocoFolder(drawn_dataset)
    export_dataset(source, form, tmp_path / form)
    (tmp_path / form / FILE_NAME).unlink()
    again = FORMATS[form](tmp_path / form, None, None)
    for ours, theirs in zip(again, source, strict=True):
        assert ours.id == theirs.id
        np.testing.assert_array_equal(ours.truth.boxes, theirs.truth.boxes)
        names = [[d.classes[int(n)] for n in s.truth.labels] for d, s in ((again, ours), (source, theirs))]
        assert names[0] == names[1]
    assert list(again.classes) == [1, 2, 3, 4]


@pytest.mark.parametrize(("form", "file"), [("yolo", "labels/drawn-03.txt"), ("voc", "Annotations/drawn-03.xml")])
def test_ids_of_labels_that_were_edited_are_not_trusted(
    drawn_dataset: Path, tmp_path: Path, form: Format, file: str
) -> None:
    """A label file changed after the conversion no longer fits the ids beside it, and the message says what to do."""
    export_dataset(CocoFolder(drawn_dataset), form, tmp_path / form)
    label = tmp_path / form / file
    label.write_text(label.read_text().replace("\n", " \n", 1))
    with pytest.raises(DataError, match=rf"{FILE_NAME}: not written for the labels of drawn-03\.png.*remove it"):
        FORMATS[form](tmp_path / form, None, None)
    (tmp_path / form / FILE_NAME).unlink()
    assert len(FORMATS[form](tmp_path / form, None, None)) == 12


@pytest.mark.parametrize(
    ("content", "words"), [("{", "not JSON"), ("[]", "cannot be read"), ('{"schema": 7}', "schema 7")]
)
def test_damaged_ids_are_named(drawn_dataset: Path, tmp_path: Path, content: str, words: str) -> None:
    """An ids file that cannot be read says so."""
    export_dataset(CocoFolder(drawn_dataset), "yolo", tmp_path / "yolo")
    (tmp_path / "yolo" / FILE_NAME).write_text(content)
    with pytest.raises(DataError, match=rf"{FILE_NAME}: .*{words}"):
        FORMATS["yolo"](tmp_path / "yolo", None, None)


def test_a_renamed_class_is_not_in_the_ids(drawn_dataset: Path, tmp_path: Path) -> None:
    """A class that data.yaml calls otherwise than the ids do is named."""
    export_dataset(CocoFolder(drawn_dataset), "yolo", tmp_path / "yolo")
    config = tmp_path / "yolo" / "data.yaml"
    config.write_text(config.read_text().replace("red disc", "red ball"))
    with pytest.raises(DataError, match="knows no class 'red ball'"):
        FORMATS["yolo"](tmp_path / "yolo", None, None)
