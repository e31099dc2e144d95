import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from detbench.core.images import encode_png, image_sha256
from detbench.errors import DataError, OutputError
from detbench.results.cache import FORMAT, TAG_NAME, Cache, canonical_json, digest
from detbench.types import Image

KEY = {"backend": {"name": "wiener", "settings": {"balance": 0.01}}, "picture": "ab12"}
RECORD = {"boxes": [[0.1 + 0.2, 1 / 3, 5e-324, 1e300]], "scores": [0.9999999999999999], "name": "größe", "none": None}


@pytest.fixture
def cache(tmp_path: Path) -> Cache:
    """An empty cache."""
    return Cache(tmp_path / "cache")


@pytest.fixture
def image() -> Image:
    """A picture that is not square."""
    return np.random.default_rng(4).integers(0, 256, (14, 23, 3), dtype=np.uint8)


def only_file(cache: Cache) -> Path:
    """The one file that the cache holds."""
    (file,) = (path for path in cache.folder.rglob("*") if path.is_file())
    return file


def test_a_record_comes_back_exactly(cache: Cache) -> None:
    """What is put is got again to the last bit, at once and by another Cache over the same folder."""
    assert cache.put("detect", KEY, RECORD) == RECORD
    assert cache.get("detect", KEY) == RECORD
    assert Cache(cache.folder).get("detect", KEY) == RECORD


def test_put_returns_what_get_will(cache: Cache) -> None:
    """A first run computes with the same values as a repeated one: tuples are lists from the beginning."""
    assert cache.put("blur", KEY, {"side": (1, 2)}) == cache.get("blur", KEY) == {"side": [1, 2]}


def test_nothing_is_found_before_it_is_put(cache: Cache) -> None:
    """An empty cache, and one whose folder does not exist, has no record and no picture."""
    assert cache.get("detect", KEY) is None
    assert cache.picture("ab12", 3, 4) is None


@pytest.mark.parametrize(
    "other",
    [
        {**KEY, "picture": "ab13"},
        {**KEY, "kernel": None},
        {**KEY, "backend": {"name": "wiener", "settings": {"balance": 0.02}}},
        {"picture": "ab12"},
    ],
)
def test_whatever_a_result_depends_on_is_its_key(cache: Cache, other: dict[str, Any]) -> None:
    """A record is not found for another picture, backend or setting, however deep the difference lies."""
    cache.put("detect", KEY, RECORD)
    assert cache.get("detect", other) is None


def test_stages_keep_apart(cache: Cache) -> None:
    """Two steps that depend on the same things have a record each."""
    cache.put("detect", KEY, {"is": "detect"})
    cache.put("restore", KEY, {"is": "restore"})
    assert cache.get("detect", KEY) == {"is": "detect"}
    assert cache.get("quality", KEY) is None


def test_the_order_of_a_key_does_not_matter(cache: Cache) -> None:
    """Equal values are one key, in whatever order they were written."""
    cache.put("detect", KEY, RECORD)
    assert cache.get("detect", dict(reversed(KEY.items()))) == RECORD
    assert digest({"a": 1, "b": 2}) == digest({"b": 2, "a": 1}) != digest({"a": 2, "b": 1})


@pytest.mark.parametrize("content", [b"", b'{"boxes": [[0.30', b"\xff\xfe", b"[1, 2]", b"null"])
def test_a_damaged_record_counts_as_missing(cache: Cache, content: bytes) -> None:
    """Empty, truncated, no text, no record: the step is done again and its record replaced."""
    cache.put("detect", KEY, RECORD)
    only_file(cache).write_bytes(content)
    assert cache.get("detect", KEY) is None
    cache.put("detect", KEY, RECORD)
    assert cache.get("detect", KEY) == RECORD


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf])
def test_what_is_not_a_number_is_refused(cache: Cache, number: float) -> None:
    """NaN and infinity are neither kept nor part of a key, and leave nothing behind."""
    with pytest.raises(ValueError, match="not JSON compliant"):
        cache.put("detect", KEY, {"score": number})
    with pytest.raises(ValueError, match="not JSON compliant"):
        cache.get("detect", {"threshold": number})
    assert not list(cache.folder.rglob("*.json"))


def test_canonical_json_is_one_text() -> None:
    """Keys are sorted and nothing is spaced."""
    assert canonical_json({"b": [1, 0.5], "a": None}) == '{"a":null,"b":[1,0.5]}'


def test_a_picture_comes_back_exactly(cache: Cache, image: Image) -> None:
    """Pixels are kept without loss, under the digest of their content."""
    kept = cache.keep_picture(image)
    assert (kept.sha256, kept.width, kept.height) == (image_sha256(image), 23, 14)
    again = Cache(cache.folder).picture(kept.sha256, 23, 14)
    assert again == kept
    np.testing.assert_array_equal(kept.load(), image)
    np.testing.assert_array_equal(again.load(), image)


def test_a_picture_is_stored_once(cache: Cache, image: Image) -> None:
    """The same pixels, whoever made them, are one file that is not written again."""
    cache.keep_picture(image)
    before = only_file(cache).stat()
    cache.keep_picture(image.copy())
    assert only_file(cache).stat().st_mtime_ns == before.st_mtime_ns
    assert only_file(cache).stat().st_ino == before.st_ino


def other_pixels(_: bytes) -> bytes:
    """Other pixels in a sound file."""
    return encode_png(np.zeros((14, 23, 3), np.uint8))


@pytest.mark.parametrize("fresh", [True, False], ids=["kept now", "found later"])
@pytest.mark.parametrize(
    "damage", [other_pixels, lambda data: data[: len(data) // 2], lambda _: b"", lambda _: b"no picture"]
)
def test_a_damaged_picture_is_removed(cache: Cache, image: Image, damage: Any, fresh: bool) -> None:
    """Other pixels, a truncated file, no picture at all: an error says so once, and the next run makes it anew."""
    kept = cache.keep_picture(image)
    file = only_file(cache)
    file.write_bytes(damage(file.read_bytes()))
    found = cache.keep_picture(image) if fresh else cache.picture(kept.sha256, 23, 14)
    assert found is not None
    with pytest.raises(DataError, match=r"\.png: a cached picture was damaged and is now removed; repeat the command"):
        found.load()
    assert cache.picture(kept.sha256, 23, 14) is None
    np.testing.assert_array_equal(cache.keep_picture(image).load(), image)


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    """A cache below a file cannot be made; the error names the place."""
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match=r"file.detect.* cannot be written"):
        Cache(tmp_path / "file").put("detect", KEY, RECORD)


def test_an_unwritable_cache_names_its_variable(tmp_path: Path, image: Image) -> None:
    """The check, a record and a picture say alike how to name another cache, also where its disk fills up midway."""
    (tmp_path / "file").write_text("")
    cache = Cache(tmp_path / "file")
    for write in (cache.check_writable, lambda: cache.put("detect", KEY, RECORD), lambda: cache.keep_picture(image)):
        with pytest.raises(OutputError, match=r"the cache .*file: .* cannot be written.* DETBENCH_CACHE=FOLDER"):
            write()
    good = Cache(tmp_path / "good")
    good.check_writable()
    assert [path.name for path in good.folder.iterdir()] == [TAG_NAME]


def test_a_cache_is_marked_as_such(tmp_path: Path, image: Image) -> None:
    """The check leaves the tag that backup programs know; a folder of another program's tag is none of detbench's."""
    cache = Cache(tmp_path / "cache")
    assert not cache.is_marked()
    cache.check_writable()
    assert cache.is_marked()
    assert (tmp_path / "cache" / TAG_NAME).read_text().startswith("Signature: 8a477f597d28d172789f06886806bc55\n")
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / TAG_NAME).write_text("Signature: 8a477f597d28d172789f06886806bc55\n# of another program\n")
    Cache(tmp_path / "other").check_writable()
    assert not Cache(tmp_path / "other").is_marked()


def test_files_are_records_and_pictures_alone(cache: Cache, image: Image) -> None:
    """What has no name of a digest, or stands in another digest's folder, is not the cache's."""
    cache.put("detect", KEY, RECORD)
    picture = cache.keep_picture(image)
    for name in (f"pictures/ab/{picture.sha256}.png", "detect/ab/notes.json", f"detect/{'0' * 64}.json"):
        (cache.folder / name).parent.mkdir(parents=True, exist_ok=True)
        (cache.folder / name).write_text("{}")
    found = {file.path.name: file for file in cache.files() if file.path.parent.name != "ab"}
    assert [file.is_picture for file in found.values()].count(True) == 1
    assert len(list(cache.files())) == 2
    kept = found[f"{picture.sha256}.png"]
    assert kept.size_bytes == kept.path.stat().st_size
    assert kept.written_s == kept.path.stat().st_mtime


def test_another_formats_records_are_misses(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a version with other record keys kept is neither read nor lost."""
    Cache(tmp_path).put("detect", KEY, RECORD)
    monkeypatch.setattr("detbench.results.cache.FORMAT", FORMAT + 1)
    assert Cache(tmp_path).get("detect", KEY) is None
    monkeypatch.undo()
    assert Cache(tmp_path).get("detect", KEY) == RECORD


def test_what_is_kept_is_computed_once(cache: Cache) -> None:
    """The first call computes the record, later ones give it back; other inputs have a record of their own."""
    computed = []

    def compute() -> dict[str, Any]:
        computed.append(len(computed))
        return {"sides": (1, 2)}

    assert cache.kept("score", KEY, compute) == cache.kept("score", KEY, compute) == {"sides": [1, 2]}
    cache.kept("score", {**KEY, "picture": "cd34"}, compute)
    assert len(computed) == 2
