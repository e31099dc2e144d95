from pathlib import Path

import pytest

from detbench.datasets.yolo_pictures import label_file, listed_pictures, without_dots
from detbench.datasets.yolo_yaml import read_config
from detbench.errors import DataError


def names(folder: Path, *entries: str, head: str = "") -> list[str]:
    """The names of the pictures that `val:` leads to."""
    (folder / "data.yaml").write_text(f"names: [car]\n{head}val: {list(entries)}\n")
    return list(listed_pictures(read_config(folder), None)[0])


def test_labels_lie_beside_pictures_without_a_folder_images() -> None:
    """Only the last folder called images becomes labels; without one, the text lies beside the picture."""
    assert label_file(Path("/images/x/images/val/a.b.jpg")) == Path("/images/x/labels/val/a.b.txt")
    assert label_file(Path("/x/a.jpg")) == Path("/x/a.txt")


def test_entries_of_a_split(yolo_folder: Path) -> None:
    """A folder, a picture, a pattern, a list, Windows's separators, and `path:` in front: the same pictures."""
    both = ["a.png", "sub/b 1.png"]
    (yolo_folder / "val.txt").write_text("\ufeff./images/val/a.png\n.\\images\\val\\sub\\b 1.png\n")
    assert names(yolo_folder, "images/val") == both
    assert names(yolo_folder, "images/*") == both
    assert names(yolo_folder, "images/val/a.png", "images/*/sub/*.png") == both
    assert names(yolo_folder, "val.txt") == both
    assert names(yolo_folder, "images\\val") == both
    assert names(yolo_folder, "val", head=f"path: {yolo_folder}/images\n") == both
    assert names(yolo_folder, "val", head="path: ./images\n") == both
    assert names(yolo_folder, "images/val", head="path: ../not/here\n") == both
    with pytest.raises(DataError, match=r"val is 'images/\*\*/x'; name the folder"):
        names(yolo_folder, "images/**/x")


def test_a_home_folder_in_path(yolo_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`~` is the home folder."""
    monkeypatch.setenv("HOME", str(yolo_folder))
    assert names(yolo_folder, "val", head="path: ~/images\n") == ["a.png", "sub/b 1.png"]


def test_a_line_that_may_be_two_pictures(yolo_folder: Path) -> None:
    """A line that names one picture from the list's folder and another from `path:` is refused; with ./ it is the
    list's.
    """
    other = yolo_folder / "lists" / "images" / "val"
    other.mkdir(parents=True)
    (other / "a.png").write_bytes((yolo_folder / "images" / "val" / "a.png").read_bytes())
    (yolo_folder / "lists" / "val.txt").write_text("images/val/a.png\n")
    with pytest.raises(DataError, match=r"line 1 lists images/val/a\.png, which may be \S*lists\S* or \S*a\.png;"):
        names(yolo_folder, "lists/val.txt")
    (yolo_folder / "lists" / "val.txt").write_text("./images/val/a.png\n")
    assert list(listed_pictures(read_config(yolo_folder), "val")[0].values()) == [other / "a.png"]


def test_links_are_followed_and_keep_their_names(yolo_folder: Path) -> None:
    """A folder that is a link is searched under its name; links to a folder above them end there."""
    real = yolo_folder / "far"
    (yolo_folder / "images" / "val" / "sub").rename(real)
    (yolo_folder / "images" / "val" / "sub").symlink_to(real)
    for name in ("up", "upper"):
        (yolo_folder / "images" / "val" / name).symlink_to(yolo_folder / "images")
        (real / name).symlink_to(yolo_folder)
    (yolo_folder / "data.yaml").write_text("names: [car]\nval: images/val\n")
    found, _ = listed_pictures(read_config(yolo_folder), None)
    assert found["sub/b 1.png"] == yolo_folder / "images" / "val" / "sub" / "b 1.png"
    assert "a.png" in found


def test_a_link_to_nothing_is_refused(yolo_folder: Path) -> None:
    """A picture whose content was not fetched is named, not left out."""
    (yolo_folder / "images" / "val" / "c.png").symlink_to("../../store/12")
    with pytest.raises(DataError, match=r"c\.png: a link to \.\./\.\./store/12, which is not there; fetch it"):
        names(yolo_folder, "images/val")


def test_hidden_folders_hold_no_pictures(yolo_folder: Path) -> None:
    """Notebooks leave copies of pictures in .ipynb_checkpoints."""
    copy = yolo_folder / "images" / "val" / ".ipynb_checkpoints" / "a-checkpoint.png"
    copy.parent.mkdir()
    copy.write_bytes((yolo_folder / "images" / "val" / "a.png").read_bytes())
    assert names(yolo_folder, "images/val") == ["a.png", "sub/b 1.png"]


def test_dots_are_taken_out_and_links_left(tmp_path: Path) -> None:
    """`..` takes back the folder before it, unless that is a link: then it starts from where the link leads."""
    (tmp_path / "far" / "inner").mkdir(parents=True)
    (tmp_path / "far" / "a").touch()
    (tmp_path / "near").mkdir()
    (tmp_path / "near" / "b").touch()
    (tmp_path / "near" / "link").symlink_to(tmp_path / "far" / "inner")
    assert without_dots(tmp_path / "near" / "link" / ".." / "a") == tmp_path / "far" / "a"
    assert without_dots(tmp_path / "near" / ".." / "near" / "link") == tmp_path / "near" / "link"


def test_a_link_that_was_copied_as_its_text(yolo_folder: Path) -> None:
    """Archives without links leave a file that holds the name of the folder: the message says so."""
    (yolo_folder / "images").rename(yolo_folder / "raw")
    (yolo_folder / "images").write_text("raw")
    with pytest.raises(DataError, match=r"images: line 1 lists a folder, raw; was the file a link"):
        names(yolo_folder, "images")
