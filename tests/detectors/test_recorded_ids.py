import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from detbench.detectors.recorded_ids import IdSource, Pictures, with_dataset_ids
from detbench.errors import DataError

FRAMES = {number + 1: f"cam/{number:06d}.jpg" for number in range(7)}
"""Seven frames from 000000.jpg on, numbered from 1."""


def read(
    image_ids: Sequence[object],
    id_source: IdSource = "numbered",
    source: Path = Path("mine.json"),
    names: dict[int, str] = FRAMES,
    **more: Any,
) -> list[Any]:
    """What records with these ids are of, by the dataset's ids."""
    records = [{"image_id": number, **more} for number in image_ids]
    return [record["image_id"] for record in with_dataset_ids(records, Pictures(names, id_source), source)[0]]


def test_ultralytics_names_pictures_by_stem() -> None:
    """A numeric stem is a number without its zeros, another one text, in one file; so are stems as text."""
    assert read([0, 6, 3]) == [1, 7, 4]
    assert read(["000000", "000006"]) == [1, 7]
    mixed = {1: "a.jpg", 2: "0785.jpg"}
    assert read(["a", 785], names=mixed) == [1, 2]


def test_file_names_decide() -> None:
    """Where each record has its `file_name`, the number is not asked: ids that would fit do not count."""
    records = [{"image_id": n, "file_name": f"{n:06d}.jpg"} for n in (1, 2, 6)]
    for id_source in ("numbered", "kept", "format"):
        resolved, how = with_dataset_ids(records, Pictures(FRAMES, id_source), Path("mine.json"))  # type: ignore[arg-type]
        assert ([record["image_id"] for record in resolved], how) == ([2, 3, 7], "by its file_name")


def test_a_first_frame_without_detections_is_no_reason_to_be_wrong() -> None:
    """Frames 1 to 6 of 0 to 6 may be stems or our numbers 1 to 6: refused where both fit, never taken for ours."""
    for id_source in ("numbered", "kept"):
        with pytest.raises(DataError, match=r"1 may be cam/000001\.jpg by its stem, and cam/000000\.jpg by"):
            read(range(1, 7), id_source)  # type: ignore[arg-type]


def test_a_cocos_ids_are_its_own() -> None:
    """COCO's image_id is the id, whatever file names say; a stem's number counts where the ids do not fit all."""
    assert read(range(1, 7), "format") == [1, 2, 3, 4, 5, 6]
    assert read(["1", 2.0], "format") == [1, 2]
    assert read([0, 6], "format") == [1, 7]
    assert read(["000001.jpg", "cam/000003"], "format") == [2, 4]


def test_numbers_that_nobody_was_given_are_no_ids() -> None:
    """Pictures a.jpg and b.jpg have no ids outside detbench: 1 and 2 are refused unless they were kept or a run's."""
    letters = {1: "a.jpg", 2: "b.jpg"}
    with pytest.raises(DataError, match=r"image_id 1 is no number in a file name, and a\.jpg by the number"):
        read([1, 2], names=letters)
    assert read([1, 2], "kept", names=letters) == [1, 2]


def test_a_runs_own_detections_are_read_by_its_truth(tmp_path: Path) -> None:
    """`truth.json` above `detections/` names the pictures, whose numbers may have moved on since."""
    (tmp_path / "detections").mkdir()
    images = [{"id": number - 3, "file_name": name} for number, name in FRAMES.items() if number > 3]
    (tmp_path / "truth.json").write_text(json.dumps({"images": images}))
    assert read([1, 4], source=tmp_path / "detections" / "blurred.json") == [4, 7]


def test_folders_and_suffixes_of_names() -> None:
    """Folders agree as far as both name them; a suffix may differ; a name of two pictures is no name."""
    pictures = Pictures({1: "a/1.jpg", 2: "b/1.jpg", 3: "b/2.jpg"}, "numbered")
    names = ("a/1.jpg", "1.jpg", "2.png", "val/b/2.jpg", "a/2.jpg", "b\\2.jpg", "3.jpg")
    assert [pictures.named(name) for name in names] == [1, None, 3, 3, None, 3, None]


def test_what_fits_no_picture_is_left_to_the_check_of_each_record() -> None:
    """Records of unknown pictures, and things that are no records, come back as they were."""
    for results in ([{"image_id": 785}], [{"image_id": None}, {"image_id": 1}], [3], [{}], []):
        assert with_dataset_ids(results, Pictures(FRAMES, "numbered"), Path("mine.json")) == (results, None)
