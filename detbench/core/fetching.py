"""Files that are published elsewhere: downloaded once, checked, and gone on with where a connection ended."""

import contextlib
import http.client
import os
import urllib.error
import urllib.request
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from detbench.core.fingerprints import file_sha256
from detbench.core.images import check_writable
from detbench.core.paths import cache_folder
from detbench.core.published import Published, fetch_watch
from detbench.errors import DetbenchError, OutputError, WeightsError

OFFLINE = "DETBENCH_OFFLINE"
"""The environment variable that forbids all downloads."""

_TIMEOUT_S = 60
_CHUNK_BYTES = 1 << 16


def is_whole(file: Published, place: Path) -> bool:
    """Whether the file is at a place, with the checksum that it must have where that is known."""
    return place.is_file() and file.sha256 in (None, file_sha256(place))


def fetched(file: Published, place: Path | None = None, failure: type[DetbenchError] = WeightsError) -> Path:
    """The file, downloaded on first use to `place`, by default below `weights/` of the user's cache.

    A download that ends early is gone on with the next time, if its checksum is known. Raises `failure`, with address,
    size, checksum and the place for a copy by hand, where there is no file and none can be fetched, and OutputError
    where it cannot be written.
    """
    kept = place or cache_folder() / "weights" / file.name
    if is_whole(file, kept):
        return kept
    if os.environ.get(OFFLINE):
        raise failure(_not_fetched(file, kept, f"{OFFLINE} is set"))
    _check_writable(kept.parent)
    try:
        with fetch_watch.get()(file) as show:
            _retrieve(file, kept, show)
    except urllib.error.HTTPError as error:
        error.close()
        raise failure(_not_fetched(file, kept, f"it answers {error.code} {error.reason}")) from error
    except (OSError, http.client.HTTPException) as error:
        raise failure(_not_fetched(file, kept, str(getattr(error, "reason", error)))) from error
    except ValueError as error:  # pooch's word for another checksum; it has deleted the file
        raise failure(
            _not_fetched(file, kept, "what came has another SHA-256, damaged or published anew, and was deleted")
        ) from error
    return kept


def _not_fetched(file: Published, kept: Path, why: str) -> str:
    there = ", and the file at its place has another SHA-256" if kept.is_file() else ""
    facts = f" ({file.facts})" if file.facts else ""
    return (
        f"{file.name} is not here and could not be fetched from {file.url}{facts}: {why}{there}. "
        f"Download it on another machine and place it at {kept}"
    )


def _check_writable(folder: Path) -> None:
    try:
        check_writable(folder)
    except OutputError as error:
        raise OutputError(f"{error}, or name another cache with DETBENCH_CACHE=FOLDER") from error


def _retrieve(file: Published, kept: Path, show: Callable[[int], None]) -> None:
    """Through pooch: to a temporary name in the same folder, checked, then moved into place."""
    from pooch.core import retrieve
    from pooch.utils import get_logger

    get_logger().setLevel("ERROR")
    known_hash = None if file.sha256 is None else f"sha256:{file.sha256}"
    part = kept.with_name(f".{kept.name}.part")
    into = partial(_download, file, part, show)
    retrieve(file.url, known_hash, fname=kept.name, path=kept.parent, downloader=into)


def _download(file: Published, part: Path, show: Callable[[int], None], url: str, output: str, _pooch: Any) -> None:
    """Pooch's downloader. The part of an earlier try is taken over by its name, so that no two processes extend one.

    Without a checksum nobody would notice a part of another version, so none is kept.
    """
    target = Path(output)
    with contextlib.suppress(FileNotFoundError):
        part.replace(target)
    try:
        _receive(url, target, show)
    except BaseException:
        if file.sha256 is not None and target.stat().st_size:
            target.replace(part)
        raise


def _receive(url: str, target: Path, show: Callable[[int], None]) -> None:
    """Append what `target` lacks; all of it where the server sends no parts."""
    with contextlib.closing(_answer(url, target.stat().st_size)) as answer:
        is_rest = answer.status == http.HTTPStatus.PARTIAL_CONTENT
        with target.open("ab" if is_rest else "wb") as stream:
            length = answer.headers["Content-Length"]
            whole = None if length is None else stream.tell() + int(length)
            for chunk in iter(partial(answer.read, _CHUNK_BYTES), b""):
                _write(stream, chunk, target)
                show(stream.tell())
            came = stream.tell()
    if whole is not None and came < whole:
        raise ConnectionError(f"the connection ended after {came:,} of {whole:,} bytes")


def _answer(url: str, begun_bytes: int) -> Any:
    headers = {"Range": f"bytes={begun_bytes}-"} if begun_bytes else {}
    try:
        return urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=_TIMEOUT_S)
    except urllib.error.HTTPError as error:
        if error.code != http.HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
            raise
        error.close()  # there is more here than there: begin anew
        return urllib.request.urlopen(url, timeout=_TIMEOUT_S)


def _write(stream: Any, chunk: bytes, target: Path) -> None:
    try:
        stream.write(chunk)
    except OSError as error:
        raise OutputError(
            f"{target.parent} cannot be written: {error.strerror}. Free it, or name another cache with "
            "DETBENCH_CACHE=FOLDER"
        ) from error
