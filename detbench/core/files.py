"""Read whole files from outside; a bad name, disk or encoding raises one DataError."""

import os
from pathlib import Path

from detbench.errors import DataError


def read_bytes(path: Path) -> bytes:
    """A file's bytes; raises DataError where it is missing or cannot be read."""
    try:
        return path.read_bytes()
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise DataError(f"{path}: cannot be read ({reason}); make it a file that you may read") from None


def read_text(path: Path) -> str:
    """A file's text, UTF-8 with or without a mark at its beginning; raises DataError for other bytes too."""
    content = read_bytes(path)
    try:
        return content.decode("utf-8-sig")
    except ValueError as error:
        raise DataError(f"{path}: not a text file ({error}); write it as plain text in UTF-8") from None


def check_name(path: Path | str) -> None:
    """Raise DataError for a name that is not UTF-8, such as a latin-1 one unzipped from Windows: names are keys in
    JSON, CSV and HTML, none of which could hold it.
    """
    try:
        str(path).encode()
    except UnicodeEncodeError:
        shown = os.fsencode(path).decode("utf-8", "backslashreplace")
        raise DataError(
            f"{shown}: the name is not UTF-8, so no result could name it; rename it. For all names of a folder: "
            "convmv -f latin1 -t utf8 -r --notest FOLDER"
        ) from None


def is_file(path: Path) -> bool:
    """Whether there is such a file; no for a name that no disk can hold."""
    try:
        return path.is_file()
    except OSError:
        return False


def exists(path: Path) -> bool:
    """Whether there is such a file or folder; no for a name that no disk can hold."""
    try:
        return path.exists()
    except OSError:
        return False
