"""A run's page that was rendered before from the same files by the same code: the cache has it, nothing is drawn again.

Nothing here imports Matplotlib or pandas: a kept page is there before they would be.
"""

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from detbench.core.fingerprints import file_sha256, package_identity
from detbench.core.images import write_atomically
from detbench.core.paths import shipped
from detbench.errors import OutputError
from detbench.results.cache import Cache, Record

STAGE = "pages"
INPUTS = ("*.json", "*.csv", "detections/*.json", "pictures/*")
"""What a page may be made of, in its run's folder."""


def render_or_reuse(folder: Path, cache: Cache | None, out: Path | None = None, budget: float | None = None) -> Path:
    """Write a run's page and its summary as `render_report` does, from the cache where it holds them.

    A page is kept under the bytes of all files that it may be made of, the whole package's, and the versions of all
    that is installed. A cache that cannot be written, or None, costs the next rendering and nothing else. Returns the
    page's path, and raises what `render_report` raises.
    """
    if cache is None or (depends_on := _depends_on(folder, is_beside=out is None, budget=budget)) is None:
        return _rendered(folder, out, budget)
    record = cache.get(STAGE, depends_on)
    if record is None:
        page = _rendered(folder, out, budget)
        texts = {"page": page.read_bytes().decode(), "summary": _summary(folder).read_bytes().decode()}
        with suppress(OutputError):
            _keep(cache, depends_on, texts)
        return page
    page = out or folder / "report.html"
    write_atomically(page, str(record["page"]))
    write_atomically(_summary(folder), str(record["summary"]))
    return page


def _rendered(folder: Path, out: Path | None, budget: float | None) -> Path:
    from detbench.report.render import render_report

    return render_report(folder, out, budget=budget)


def _keep(cache: Cache, depends_on: dict[str, Any], texts: Record) -> None:
    cache.check_writable()
    cache.put(STAGE, depends_on, texts)


def _summary(folder: Path) -> Path:
    return folder / "summary.md"


def _depends_on(folder: Path, *, is_beside: bool, budget: float | None) -> dict[str, Any] | None:
    """All that a page depends on; None where a file cannot be read, which rendering says better."""
    try:
        files = {str(file.relative_to(folder)): file_sha256(file) for file in _inputs(folder)}
        claims = {file.name: file_sha256(file) for file in (shipped("models") / "published").glob("*.toml")}
    except OSError:
        return None
    own = {"run": folder.resolve().name, "is_beside": is_beside, "budget": budget}
    return {**own, "files": files, "claims": claims, **package_identity()}


def _inputs(folder: Path) -> Iterator[Path]:
    return (file for pattern in INPUTS for file in folder.glob(pattern) if file.name != "request.json")
