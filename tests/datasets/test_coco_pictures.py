import shutil
import unicodedata
from pathlib import Path

import pytest
from PIL import Image as PillowImage

from detbench.datasets.coco_pictures import with_pictures
from detbench.datasets.coco_records import CocoRecords
from detbench.errors import DataError

SOURCE = Path("annotations.json")


def records(*names: str) -> CocoRecords:
    """Records of pictures of those names."""
    return CocoRecords([{"id": n, "file_name": name} for n, name in enumerate(names)], [], [])


def save(*paths: Path, level: int = 90) -> None:
    """Plain pictures."""
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        PillowImage.new("RGB", (8, 8), (level, level, level)).save(path)


def found(folders: list[Path], *names: str) -> tuple[list[Path], list[str], tuple[str, ...]]:
    """Files, names and notes of pictures that are in one of the folders."""
    changed, files = with_pictures(records(*names), [folders], SOURCE, "they are nowhere; add them")
    kept = [image["file_name"] for image in changed.images]
    return [files[name] for name in kept], kept, changed.notes


def test_all_names_decide(tmp_path: Path) -> None:
    """A folder with the first picture alone is not taken for that of all."""
    save(tmp_path / "images" / "a.png", level=10)
    save(tmp_path / "data" / "a.png", tmp_path / "data" / "b.png")
    files, names, notes = found([tmp_path / "images", tmp_path / "data"], "a.png", "b.png")
    assert files == [tmp_path / "data" / "a.png", tmp_path / "data" / "b.png"]
    assert (names, notes) == (["a.png", "b.png"], ())


def test_two_folders_that_differ_are_refused(tmp_path: Path) -> None:
    """Where two folders hold all pictures, they must be the same, byte by byte."""
    one, other = tmp_path / "images", tmp_path / "data"
    save(one / "a.png", one / "b.png", other / "a.png", other / "b.png")
    assert found([one, other], "a.png", "b.png")[0][0].parent == one
    save(other / "b.png", level=91)
    with pytest.raises(DataError, match=r"are in .*images and in .*data, and b\.png differs between them; move"):
        found([one, other], "a.png", "b.png")


def test_a_folder_by_two_names_is_one(tmp_path: Path) -> None:
    """A link to a folder of pictures is no second folder."""
    save(tmp_path / "images" / "a.png")
    (tmp_path / "link").symlink_to(tmp_path / "images")
    assert found([tmp_path / "images", tmp_path / "link"], "a.png")[0] == [tmp_path / "images" / "a.png"]


def test_the_nearer_group_goes_first(tmp_path: Path) -> None:
    """Pictures beside the annotations are theirs, whatever a folder further up holds."""
    save(tmp_path / "ds" / "images" / "a.png")
    save(tmp_path / "images" / "a.png", level=10)
    groups = [[tmp_path / "ds" / "images"], [tmp_path / "images"]]
    _, files = with_pictures(records("a.png"), groups, SOURCE, "add them")
    assert files["a.png"] == tmp_path / "ds" / "images" / "a.png"


@pytest.mark.parametrize("prefix", ["images/", "my/set/images/"])
def test_the_folders_own_name_is_left_out(tmp_path: Path, prefix: str) -> None:
    """Names that begin with the folder they are in already are those below it."""
    save(tmp_path / "images" / "sub" / "a.png", tmp_path / "images" / "b.png")
    files, names, notes = found([tmp_path / "images"], f"{prefix}sub/a.png", f"{prefix}b.png")
    assert files == [tmp_path / "images" / "sub" / "a.png", tmp_path / "images" / "b.png"]
    assert names == ["sub/a.png", "b.png"]
    assert notes == (f"file names go without the folder of the pictures: sub/a.png for {prefix}sub/a.png (2 of 2)",)


def test_a_folder_of_pictures_is_no_part_of_a_name(tmp_path: Path) -> None:
    """Label Studio's `images/a.png` is a.png, as in COCO, so that converted copies do not lie in images/images/; a
    folder that pictures are not looked for in stays.
    """
    save(tmp_path / "images" / "a.png", tmp_path / "clip" / "b.png")
    note = "file names go without the folder of the pictures: a.png for images/a.png (1 of 1)"
    assert found([tmp_path / "images", tmp_path], "images/a.png")[1:] == (["a.png"], (note,))
    assert found([tmp_path / "images", tmp_path], "clip/b.png")[1:] == (["clip/b.png"], ())


def test_another_folders_name_is_not_left_out(tmp_path: Path) -> None:
    """Pictures of train/ are not those of the same names in another folder."""
    save(tmp_path / "val" / "a.png")
    with pytest.raises(DataError, match=r"annotations\.json: they are nowhere; add them"):
        found([tmp_path / "val"], "train/a.png")


@pytest.mark.parametrize(
    ("on_disk", "name"),
    [("a.JPG", "a.jpg"), ("Sub/A.png", "sub/a.png"), (unicodedata.normalize("NFD", "tür.png"), "tür.png")],
)
def test_letter_case_and_accents_may_differ(tmp_path: Path, on_disk: str, name: str) -> None:
    """Names from Windows and macOS, which tell neither letter case nor forms of accents apart, find their file."""
    save(tmp_path / on_disk, tmp_path / "b.png")
    files, names, notes = found([tmp_path], name, "b.png")
    assert (files[0], names) == (tmp_path / on_disk, [on_disk, "b.png"])
    assert notes[0].endswith(f"differ in letter case or form of accents: {on_disk} for {name} (1 of 2)")


def test_one_file_for_two_names_is_refused(tmp_path: Path) -> None:
    """A.png and a.png are two pictures: one file does not stand for both, and of two files neither for a third name."""
    save(tmp_path / "a.png")
    with pytest.raises(DataError, match=r"1 of 2 pictures \(A\.png\) is missing"):
        found([tmp_path], "a.png", "A.png")
    shutil.copy(tmp_path / "a.png", tmp_path / "A.png")
    with pytest.raises(DataError, match="they are nowhere"):
        found([tmp_path], "a.PNG")


def test_what_is_missing_is_named_where_most_is(tmp_path: Path) -> None:
    """The message is about the folder that lacks fewest, and lists five names at most."""
    save(tmp_path / "data" / "0.png", tmp_path / "images" / "other.png")
    names = [f"{number}.png" for number in range(8)]
    with pytest.raises(DataError, match=r"data: 7 of 8 pictures \(1\.png, .*5\.png, …\) are missing; fetch"):
        found([tmp_path / "images", tmp_path / "data"], *names)
