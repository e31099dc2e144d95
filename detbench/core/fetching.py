"""Files that are published elsewhere, downloaded once."""

import contextlib
import http.client
import urllib.parse
import urllib.request
from pathlib import Path

from detbench.core.images import write_atomically
from detbench.core.paths import cache_folder
from detbench.errors import OutputError, WeightsError


def fetched(address: str) -> Path:
    """The file at an address, downloaded on first use into the user's cache; raises WeightsError where that fails."""
    folder, _, quoted = address.rpartition("/")
    name = urllib.parse.unquote(quoted)
    kept = cache_folder() / "weights" / name
    if kept.is_file():
        return kept
    try:
        with contextlib.closing(urllib.request.urlopen(address, timeout=60)) as answer:
            write_atomically(kept, bytes(answer.read()))
    except OutputError as error:
        raise OutputError(f"{error}, or name another cache with DETBENCH_CACHE=FOLDER") from error
    except (OSError, http.client.HTTPException) as error:
        raise WeightsError(
            f"{name} is not here and could not be fetched from {folder}/ ({error}). "
            f"Download it on another machine and pass its path"
        ) from error
    return kept
