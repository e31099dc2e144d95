"""Work that was finished before, and whether it may be used again: everything that it rests on must be as it was.

What is fully known by its words (code, weights, settings) has all of that in its key. Of other people's code the files
that it read stand in each record, and are compared. What may have read more than could be observed is used again by
the same run folder alone, until its run is finished, so that an interrupted run goes on.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol
from uuid import uuid4

from detbench.core.files import is_file, read_text
from detbench.core.images import write_atomically
from detbench.core.observed_reads import are_current, reads_so_far, unseen_so_far
from detbench.results.cache import Cache, Record, digest
from detbench.results.schema import PartlyKnown

SCOPE_NAME = ".unfinished"


class Worker(Protocol):
    """Who does a step: a backend, or a metric."""

    @property
    def name(self) -> str:
        """What messages call it."""

    @property
    def is_observed(self) -> bool:
        """Whether what it reads is noted while it works."""

    @property
    def unknown(self) -> str | None:
        """Why it may depend on more, None where it does not."""


@dataclass(frozen=True)
class _Kept:
    """A record of a worker that is not known by its words: the digest of what was read by then, why it may depend on
    more (None where it does not), and the run folder's mark.
    """

    record: Record
    reads: str
    unknown: str | None
    scope: str | None


class FinishedWork:
    """The records of one command over a cache; `scope` is its run folder's mark, None where it has no folder.

    `partly_known` says, by name, who may depend on more than is known, and how many of its steps are of an earlier
    command.
    """

    def __init__(self, cache: Cache, scope: str | None = None) -> None:
        self.cache, self._scope = cache, scope
        self.partly_known: dict[str, PartlyKnown] = {}
        self._current: dict[str, bool] = {}
        self._own: set[str] = set()

    def get(self, stage: str, depends_on: Mapping[str, Any], worker: Worker, *, is_used: bool = True) -> Record | None:
        """A record that may be used, or None; `depends_on` is what is known beforehand. One that is not used is only
        looked up, and counts for no reuse.
        """
        if _is_known(worker):
            return self.cache.get(stage, depends_on)
        key = _key(depends_on)
        found = self.cache.get(stage, key)
        if found is None:
            return None
        kept, is_own = _Kept(**found), digest([stage, key]) in self._own
        is_here = is_own or (kept.scope is not None and kept.scope == self._scope)
        if not self._is_current(kept.reads) or (kept.unknown is not None and not is_here):
            return None
        if is_used and kept.unknown is not None:
            self._note(worker.name, kept.unknown, reused=not is_own)
        return kept.record

    def put(self, stage: str, depends_on: Mapping[str, Any], record: Record, worker: Worker) -> Record:
        """Keep a record, and return it as a later `get` will."""
        if _is_known(worker):
            return self.cache.put(stage, depends_on, record)
        reads, unknown = (
            (reads_so_far(), worker.unknown or unseen_so_far()) if worker.is_observed else ({}, worker.unknown)
        )
        sha256 = digest(reads)
        if sha256 not in self._current:
            self.cache.put("reads", {"sha256": sha256}, dict(reads))
            self._current[sha256] = True
        if unknown is not None:
            self._note(worker.name, unknown, reused=False)
        key = _key(depends_on)
        self._own.add(digest([stage, key]))
        kept = {"record": record, "reads": sha256, "unknown": unknown, "scope": self._scope}
        return dict(self.cache.put(stage, key, kept)["record"])

    def _is_current(self, sha256: str) -> bool:
        if sha256 not in self._current:
            reads = self.cache.get("reads", {"sha256": sha256})
            self._current[sha256] = reads is not None and digest(reads) == sha256 and are_current(reads)
        return self._current[sha256]

    def _note(self, name: str, unknown: str, *, reused: bool) -> None:
        before = self.partly_known.get(name, PartlyKnown(unknown, 0))
        self.partly_known[name] = replace(before, reused_steps=before.reused_steps + reused)


@contextmanager
def scope_of(folder: Path) -> Iterator[str]:
    """The mark of a run folder while its run is not finished: its own from an interrupted run, or a new one. Once the
    body is done it goes, for the next run here is another.
    """
    file = folder / SCOPE_NAME
    if not is_file(file):
        write_atomically(file, uuid4().hex)
    yield read_text(file)
    file.unlink(missing_ok=True)


def _is_known(worker: Worker) -> bool:
    return not worker.is_observed and worker.unknown is None


def _key(depends_on: Mapping[str, Any]) -> dict[str, Any]:
    return {**depends_on, "is_fully_known": False}
