"""Files from outside, and names that are none."""

import os
from pathlib import Path

import pytest

from detbench.core.files import check_name, exists, is_file, read_bytes, read_text
from detbench.errors import DataError


def test_what_cannot_be_read_is_named(tmp_path: Path) -> None:
    """A missing file, a folder and a name with NUL are each a DataError that names it."""
    for name, reason in (("none", "No such file"), (".", "Is a directory"), ("a\0b", "null byte")):
        with pytest.raises(DataError, match=f"cannot be read .{reason}|cannot be read .*{reason}"):
            read_bytes(tmp_path / name)


def test_text_is_utf8(tmp_path: Path) -> None:
    """UTF-8 is read with and without the mark that editors put before it; other bytes are no text."""
    file = tmp_path / "a.txt"
    for content in ("größe".encode(), b"\xef\xbb\xbf" + "größe".encode()):
        file.write_bytes(content)
        assert read_text(file) == "größe"
    file.write_bytes(b"gr\xf6\xdfe")
    with pytest.raises(DataError, match=r"a\.txt: not a text file"):
        read_text(file)


def test_a_name_that_no_disk_can_hold_is_no_file(tmp_path: Path) -> None:
    """Asked for a name that is too long, the answer is no, and not an error."""
    for name in ("a" * 300, "a/" * 3000, "a\0b"):
        assert not is_file(tmp_path / name)
        assert not exists(tmp_path / name)
    assert exists(tmp_path)
    assert not is_file(tmp_path)


def test_a_name_is_utf8(tmp_path: Path) -> None:
    """A latin-1 name is shown escaped with its mend; every other name passes."""
    check_name(tmp_path / "größe 界")
    with pytest.raises(DataError, match=r"/caf\\xe9\.png: the name is not UTF-8.*rename it"):
        check_name(tmp_path / os.fsdecode(b"caf\xe9.png"))
