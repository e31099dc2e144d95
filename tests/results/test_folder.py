import json
from collections.abc import Callable
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image as PillowImage

from detbench.core.images import picture_from_image
from detbench.errors import DataError, OutputError
from detbench.metrics.columns import found_columns, true_columns
from detbench.results.folder import RunFolder, read_result
from detbench.results.schema import RunResult, flat_metrics
from detbench.types import Picture

MakeResult = Callable[..., RunResult]
FOUND = '[{"image_id": 3, "category_id": 1, "bbox": [0.30000000000000004, 1.0, 2.0, 0.5], "score": 0.5}]'
ROWS = [
    {"image_id": 3, "file_name": "007.png", "arm": "wiener", "psnr_db": 0.1 + 0.2, "tp": 4, "picture": ""},
    {"image_id": 7, "file_name": "12", "arm": "42", "psnr_db": None, "tp": 0, "picture": "pictures/1.jpg"},
]


@pytest.fixture
def folder(tmp_path: Path) -> RunFolder:
    """A run folder that does not exist yet."""
    return RunFolder(tmp_path / "reports" / "run")


def picture(level: int) -> Picture:
    """A plain picture that is not square."""
    return picture_from_image(np.full((20, 30, 3), level, np.uint8))


def names(folder: RunFolder) -> list[str]:
    """Every file of the folder."""
    return sorted(path.relative_to(folder.path).as_posix() for path in folder.path.rglob("*") if path.is_file())


def test_a_new_folder_is_made_and_left_empty(folder: RunFolder) -> None:
    """The check makes the folder, and the file that it tries leaves no trace."""
    folder.check_writable()
    assert folder.path.is_dir()
    assert not list(folder.path.iterdir())


@pytest.mark.parametrize("name", ["thesis.tex", "results", "result.json.bak", "coco"])
def test_foreign_files_are_not_written_among(folder: RunFolder, name: str) -> None:
    """A folder with anything that is no run's own is refused by name, and stays as it is."""
    folder.path.mkdir(parents=True)
    (folder.path / name).write_text("mine")
    with pytest.raises(OutputError, match=rf"run holds other files \({name}, …\): choose another --out or --name"):
        folder.check_writable()
    assert names(folder) == [name]


def test_an_earlier_runs_folder_is_written_again(folder: RunFolder, make_result: MakeResult) -> None:
    """A whole run's folder, and what an interrupted run left without result.json, can be used again."""
    folder.write_images(ROWS)
    folder.write_detections({"wiener": FOUND})
    folder.keep_shown(picture(9))
    folder.check_writable()
    (folder.path / ".result.json.x1").write_text("what a killed run leaves")
    folder.write_results(make_result())
    for name in ("truth.json", "report.html", "summary.md"):
        (folder.path / name).write_text("{}")
    folder.check_writable()


def test_a_file_in_the_way_is_named(folder: RunFolder) -> None:
    """A run cannot be written where a file has its name, or the name of a folder above it."""
    folder.path.parent.mkdir()
    folder.path.write_text("mine")
    for path in (folder.path, folder.path / "below"):
        with pytest.raises(OutputError, match=r"cannot be written: .+ Choose another folder"):
            RunFolder(path).check_writable()
    assert folder.path.read_text() == "mine"


def test_results_are_read_as_they_were_written(folder: RunFolder, make_result: MakeResult) -> None:
    """result.json gives the result back, metrics.json its flat numbers in their order."""
    result = make_result({"sharp": 0.6, "blurred": None, "wiener": 1 / 3})
    folder.write_results(result)
    assert folder.read_result() == read_result(folder.path / "result.json") == result
    assert list(folder.read_json("metrics.json").items()) == list(flat_metrics(result).items())


def test_equal_results_are_equal_bytes(folder: RunFolder, make_result: MakeResult) -> None:
    """The same numbers make the same files, on whichever day; another number makes another."""
    written = []
    for map_value in (1 / 3, 1 / 3, 0.25):
        folder.write_results(make_result({"wiener": map_value}))
        written.append((folder.path / "metrics.json").read_bytes())
    assert written[0] == written[1] != written[2]
    assert (
        written[0]
        == b'{\n "wiener.map": 0.3333333333333333,\n "wiener.psnr_db": null,\n "wiener.f1": 0.6666666666666666\n}\n'
    )


def test_the_result_is_written_last(
    folder: RunFolder, make_result: MakeResult, monkeypatch: pytest.MonkeyPatch
) -> None:
    """result.json says that the run is whole: it appears when everything else lies there."""
    order: list[str] = []
    write = RunFolder.write_json
    monkeypatch.setattr(
        RunFolder, "write_json", lambda self, name, value: order.append(name) or write(self, name, value)
    )
    folder.write_results(make_result())
    assert order[-1] == "result.json"


def test_numbers_that_are_none_are_not_written(folder: RunFolder) -> None:
    """NaN is no JSON: the file is refused, and an older one stays."""
    folder.write_json("truth.json", {"area": 1.0})
    with pytest.raises(ValueError, match="not JSON compliant"):
        folder.write_json("truth.json", {"area": float("nan")})
    assert folder.read_json("truth.json") == {"area": 1.0}


def test_detections_are_kept_as_they_were_written(folder: RunFolder) -> None:
    """Each arm has its own file, byte for byte what was given, and readable as JSON."""
    folder.write_detections({"wiener": FOUND, "sharp+wiener": "[]"})
    assert (folder.path / "detections" / "wiener.json").read_text() == FOUND
    assert folder.read_json("detections/wiener.json") == json.loads(FOUND)
    assert folder.read_json("detections/sharp+wiener.json") == []


def test_detections_of_other_arms_are_removed(folder: RunFolder) -> None:
    """A repeated run without a deblurrer leaves none of its detections lying."""
    folder.write_detections({"blurred": "[]", "nah": FOUND, "nah.v2": FOUND})
    folder.write_detections({"blurred": FOUND, "nah.v2": "[]"})
    assert names(folder) == ["detections/blurred.json", "detections/nah.v2.json"]


def test_a_shown_picture_is_kept_once(folder: RunFolder) -> None:
    """Arms that share a picture share its file, a JPEG of its size, named by its content."""
    loads: list[int] = []
    shown = picture(90)
    counted = Picture(shown.sha256, 30, 20, lambda: loads.append(1) or shown.load())  # type: ignore[func-returns-value]
    first, again, other = folder.keep_shown(counted), folder.keep_shown(counted), folder.keep_shown(picture(91))
    assert first == again != other
    assert len(loads) == 1
    assert names(folder) == sorted([first, other])
    with PillowImage.open(folder.path / first) as opened:
        assert (opened.format, opened.size) == ("JPEG", (30, 20))


def test_pictures_of_an_earlier_run_are_removed(folder: RunFolder) -> None:
    """Only the pictures that are shown now stay; without a folder of pictures there is nothing to do."""
    folder.prune_pictures(set())
    kept, _ = folder.keep_shown(picture(1)), folder.keep_shown(picture(2))
    folder.prune_pictures({kept})
    assert names(folder) == [kept]


def test_image_rows_come_back(folder: RunFolder) -> None:
    """Numbers are exact, names stay texts even where they look like numbers, and what is undefined is missing."""
    folder.write_images(ROWS)
    table = folder.read_images()
    assert table["file_name"].tolist() == ["007.png", "12"]
    assert table["arm"].tolist() == ["wiener", "42"]
    assert table["psnr_db"].isna().tolist() == [False, True]
    assert table["psnr_db"][0] == 0.1 + 0.2
    assert table["picture"].isna().tolist() == [True, False]
    assert table["tp"].tolist() == [4, 0]


@pytest.mark.parametrize("content", [None, b"", b'a,b\n1,2,3\n"x', b"\xff\xfe\x00"])
def test_unreadable_image_rows_are_named(folder: RunFolder, content: bytes | None) -> None:
    """A table that is missing, empty or damaged is a DataError that names it."""
    folder.path.mkdir(parents=True)
    if content is not None:
        (folder.path / "images.csv").write_bytes(content)
    with pytest.raises(DataError, match=r"images\.csv: .+; run `detbench run` again"):
        folder.read_images()


@pytest.mark.parametrize("read", [RunFolder.read_result, lambda folder: folder.read_json("result.json")])
def test_a_folder_without_a_result_is_no_run(folder: RunFolder, read: Callable[[RunFolder], Any]) -> None:
    """A missing file is named, and the message says what a run folder is."""
    with pytest.raises(
        DataError, match=r"result\.json: no such file; a run folder is what `detbench run` printed last"
    ):
        read(folder)


@pytest.mark.parametrize("content", [b"", b'{"schema": 1', b"\xff\xfe\x00"])
def test_a_damaged_file_is_named(folder: RunFolder, content: bytes) -> None:
    """A file that is no JSON is a DataError that names it."""
    folder.path.mkdir(parents=True)
    (folder.path / "truth.json").write_bytes(content)
    with pytest.raises(DataError, match=r"truth\.json: cannot be read \(.+\); run `detbench run` again"):
        folder.read_json("truth.json")


def test_a_folder_in_a_files_place_is_named(folder: RunFolder) -> None:
    """A folder that is called result.json cannot be read as one."""
    (folder.path / "result.json").mkdir(parents=True)
    with pytest.raises(DataError, match=r"result\.json: cannot be read"):
        folder.read_result()


def test_a_reopened_folder_claims_nothing(tmp_path: Path, make_result: Callable[..., RunResult]) -> None:
    """Before a run writes into an earlier one's folder, the earlier result is gone: no half-new folder looks whole."""
    folder = RunFolder(tmp_path / "job")
    folder.write_results(make_result({"blurred": 0.3}))
    (tmp_path / "job" / "report.html").write_text("old")
    folder.reopen()
    assert list((tmp_path / "job").iterdir()) == []
    folder.reopen()


RESULTS = [{"bbox": [0.1, 2, 3, 4.5], "category_id": 1, "image_id": n // 7, "score": 1 / n} for n in range(1, 60)]
TRUE_DOCUMENT: dict[str, Any] = {
    "images": [{"id": number} for number in range(9)],
    "categories": [{"id": 1, "name": "car"}],
    "annotations": [],
}
TRUTH = true_columns(TRUE_DOCUMENT)


@pytest.mark.parametrize("separators", [(",", ":"), (", ", ": "), (",\n", ":")])
@pytest.mark.parametrize("count", [0, 1, 59])
@pytest.mark.parametrize("block", [1, 7, 100, 1 << 20])
def test_detections_come_in_pieces(
    folder: RunFolder, monkeypatch: pytest.MonkeyPatch, separators: tuple[str, str], count: int, block: int
) -> None:
    """However a file is cut, and whatever space it has, its pieces are lists that join to the whole of it."""
    monkeypatch.setattr("detbench.results.folder._BLOCK", block)
    folder.write_detections({"blurred": [json.dumps(RESULTS[:count], separators=separators)]})
    pieces = list(folder.read_detections("blurred"))
    assert list(chain.from_iterable(pieces)) == RESULTS[:count]
    found, expected = folder.read_found("blurred", TRUTH), found_columns(RESULTS[:count], TRUTH)
    np.testing.assert_array_equal(found.boxes_xywh, expected.boxes_xywh)
    np.testing.assert_array_equal(found.picture, expected.picture)
    np.testing.assert_array_equal(found.scores, expected.scores)
    if separators == (",", ":") and count == 59:
        assert (len(pieces) > 20) == (block <= 100)


@pytest.mark.parametrize("content", [None, b"", b"{}", b"[{},{}", b'[{"a":1},{"a":1]', b"[{},{}]]", b"null"])
def test_damaged_detections_are_named(
    folder: RunFolder, monkeypatch: pytest.MonkeyPatch, content: bytes | None
) -> None:
    """A file of detections that is missing, cut short or no list is a DataError that names it."""
    monkeypatch.setattr("detbench.results.folder._BLOCK", 4)
    (folder.path / "detections").mkdir(parents=True)
    if content is not None:
        (folder.path / "detections/blurred.json").write_bytes(content)
    with pytest.raises(DataError, match=r"blurred\.json: .+run"):
        list(folder.read_detections("blurred"))
    with pytest.raises(DataError, match=r"blurred\.json: .+run"):
        folder.read_found("blurred", TRUTH)


def test_true_boxes_are_read_as_columns(folder: RunFolder) -> None:
    """The truth of a run comes back as it was written; a damaged one is a DataError that names the file."""
    folder.write_json("truth.json", TRUE_DOCUMENT)
    assert folder.read_truth().image_ids.tolist() == list(range(9))
    (folder.path / "truth.json").write_bytes(b'{"images": []}')
    with pytest.raises(DataError, match=r"truth\.json: .+annotations.+run"):
        folder.read_truth()
