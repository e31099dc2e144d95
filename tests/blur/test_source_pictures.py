import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from detbench.blur.source_pictures import blurred_name, find_pictures, notes_on
from detbench.core.images import encode_png
from detbench.errors import DataError

PNG = encode_png(np.zeros((2, 3, 3), np.uint8))


def heap(folder: Path, *names: str) -> Path:
    """Folder with small pictures of these names."""
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(PNG)
    return folder


def annotated(folder: Path, images: Any) -> Path:
    """Folder with a COCO file that lists these images."""
    folder.mkdir(exist_ok=True)
    (folder / "annotations.json").write_text(json.dumps({"images": images}))
    return folder


def frames(count: int) -> list[str]:
    """Names of so many frames, numbered without leading zeros."""
    return [f"frame_{number}.png" for number in range(1, count + 1)]


def test_annotated_pictures_are_known_by_id(tmp_path: Path) -> None:
    """A COCO folder lists its images with their ids as keys, in its own order."""
    folder = annotated(tmp_path, [{"id": 9, "file_name": "b/x.jpg"}, {"id": 2, "file_name": "a.jpg"}])
    found = find_pictures(folder, 1)
    assert [(p.id, p.key, p.name) for p in found] == [(9, 9, "b/x.jpg"), (2, 2, "a.jpg")]
    assert [p.sharp for p in found] == [folder / "images/b/x.jpg", folder / "images/a.jpg"]


def test_plain_pictures_are_known_by_name(tmp_path: Path) -> None:
    """A plain folder is read through all its folders; names are keys, ids count from 1, other files are left."""
    heap(tmp_path, "b.PNG", "a/2.png", "a/10.png", ".hidden.png")
    (tmp_path / "notes.txt").write_text("no picture")
    assert [(p.id, p.key, p.name) for p in find_pictures(tmp_path, 1)] == [
        (1, "a/2.png", "a/2.png"),
        (2, "a/10.png", "a/10.png"),
        (3, "b.PNG", "b.PNG"),
    ]


def test_files_that_cannot_be_read_are_counted(tmp_path: Path) -> None:
    """A HEIC beside pictures is left out with a note; annotations name their pictures, so there it is no loss."""
    heap(tmp_path, "a.png", "b.heic", "notes.txt")
    assert notes_on(tmp_path) == ("1 file that is no picture, or of a kind that cannot be read, was left out: b.heic",)
    (tmp_path / "annotations.json").write_text("{}")
    assert notes_on(tmp_path) == ()


def test_frames_are_cut_into_windows_side_by_side(tmp_path: Path) -> None:
    """Sixteen frames make two windows of seven, in the order of their numbers; the middle frame names each."""
    heap(tmp_path, *frames(16))
    first, second = find_pictures(tmp_path, 7)
    assert [path.name for path in first.frames] == frames(7)
    assert [path.name for path in second.frames] == frames(14)[7:]
    assert (first.name, first.sharp.name) == ("frame_4.png", "frame_4.png")


def test_each_folder_is_a_film_of_its_own(tmp_path: Path) -> None:
    """No window reaches from one folder of frames into the next."""
    heap(tmp_path / "one", *frames(8))
    heap(tmp_path / "two", *frames(7))
    found = find_pictures(tmp_path, 7)
    assert [picture.name for picture in found] == ["one/frame_4.png", "two/frame_4.png"]
    assert all(len({path.parent for path in picture.frames}) == 1 for picture in found)


def test_annotated_frames_are_the_middle_of_their_window(tmp_path: Path) -> None:
    """With labels, the window lies around each labelled frame."""
    heap(tmp_path / "images", *frames(12))
    annotated(tmp_path, [{"id": 5, "file_name": "frame_6.png"}])
    (picture,) = find_pictures(tmp_path, 7)
    assert [path.name for path in picture.frames] == frames(9)[2:]
    assert (picture.id, picture.sharp.name) == (5, "frame_6.png")


@pytest.mark.parametrize("name", ["frame_3.png", "frame_10.png"])
def test_annotated_frames_need_neighbours(tmp_path: Path, name: str) -> None:
    """A labelled frame too near the start or the end of its folder is named."""
    heap(tmp_path / "images", *frames(12))
    annotated(tmp_path, [{"id": 5, "file_name": name}])
    with pytest.raises(DataError, match=rf"{name} has too few neighbours .* add 3 frames"):
        find_pictures(tmp_path, 7)


def test_a_labelled_frame_that_is_missing_is_named(tmp_path: Path) -> None:
    """A frame in the annotations and not on disk is an error of its own."""
    heap(tmp_path / "images", *frames(12))
    annotated(tmp_path, [{"id": 5, "file_name": "gone.png"}])
    with pytest.raises(DataError, match=r"gone\.png: no such picture"):
        find_pictures(tmp_path, 7)


def test_too_few_frames_name_their_folder(tmp_path: Path) -> None:
    """Six frames for a window of seven: the folder is named, and what to do."""
    heap(tmp_path / "short", *frames(6))
    with pytest.raises(DataError, match=r"short holds 6 frames, fewer than the window of 7; add frames"):
        find_pictures(tmp_path, 7)


def test_nothing_to_blur_is_an_error(tmp_path: Path) -> None:
    """A missing folder, an empty one, and annotations without images are refused."""
    with pytest.raises(DataError, match="no such folder"):
        find_pictures(tmp_path / "absent", 1)
    with pytest.raises(DataError, match="holds no picture"):
        find_pictures(tmp_path, 1)
    with pytest.raises(DataError, match="lists no images"):
        find_pictures(annotated(tmp_path, []), 1)


@pytest.mark.parametrize("name", ["/etc/x.png", "../x.png", "a/../../x.png", "C:\\x.png", "a\\..\\x.png"])
def test_names_that_leave_the_folder_are_refused(tmp_path: Path, name: str) -> None:
    """A file name in the annotations stays within images/."""
    with pytest.raises(DataError, match=r"image 1 is .* outside images/"):
        find_pictures(annotated(tmp_path, [{"id": 1, "file_name": name}]), 1)


@pytest.mark.parametrize(
    ("images", "message"),
    [
        ([{"id": 1}], r"not COCO.*file_name"),
        ({"id": 1}, "not COCO"),
        ([{"id": "1", "file_name": "a.png"}], "id '1' is not a whole number"),
        ([{"id": True, "file_name": "a.png"}], "id True is not a whole number"),
        ([{"id": 1, "file_name": ""}], "has the file name ''"),
        ([{"id": 1, "file_name": "a.png"}, {"id": 1, "file_name": "b.png"}], "id 1 is used twice"),
        ([{"id": 1, "file_name": "a.png"}, {"id": 2, "file_name": "a.jpg"}], r"a\.png and a\.jpg .* rename one"),
    ],
)
def test_wrong_annotations_say_where(tmp_path: Path, images: Any, message: str) -> None:
    """What is wrong with a COCO file's images is told with the image."""
    with pytest.raises(DataError, match=message):
        find_pictures(annotated(tmp_path, images), 1)


def test_annotations_that_are_not_json_are_refused(tmp_path: Path) -> None:
    """A cut-off annotation file is named."""
    (tmp_path / "annotations.json").write_text('{"images": [')
    with pytest.raises(DataError, match=r"annotations\.json is not COCO"):
        find_pictures(tmp_path, 1)


def test_a_twin_has_the_same_name_as_png() -> None:
    """Folders and stem are kept, the suffix becomes .png."""
    assert blurred_name("a/b.c.JPG") == "a/b.c.png"
