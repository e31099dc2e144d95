"""What a run folder is made for, in `request.json`, so that no run takes the place of another.

    {"specification": …, "dataset": SOURCE, "detector": SOURCE, "deblurrers": {NAME: SOURCE, …}}

The specification is that of `result.json`. A SOURCE is {"place": text or null, "sha256": text or null}: where the
thing is on that machine, and the digest of its weights. It is written before the first picture, so that the folder of
an interrupted run is known too.
"""

import json
from collections.abc import Mapping, Set
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from detbench.core.images import write_atomically
from detbench.errors import UsageError
from detbench.results.folder import REQUEST, check_own_folder

_COMPARED = ("dataset", "detector", "blur", "repair", "truth", "limit", "harm", "metrics", "precision", "resamples")
"""Keys of a specification in which two requests differ. Not the device: it changes times, and hardly a number."""


@dataclass(frozen=True)
class Source:
    """Where a dataset or the weights of a backend are, and the digest of these weights; None where it is unknown."""

    place: str | None = None
    sha256: str | None = None

    def is_other_than(self, other: "Source") -> bool:
        """Whether it is surely another one: elsewhere, and not the same weights."""
        if None not in (self.sha256, other.sha256) and self.sha256 == other.sha256:
            return False
        return None not in (self.place, other.place) and self.place != other.place


@dataclass(frozen=True)
class Request:
    """What a run is asked for: the specification of its result, and where what that names is."""

    specification: Mapping[str, Any]
    dataset: Source
    detector: Source
    deblurrers: Mapping[str, Source]


def claim_folder(path: Path, own_names: Set[str], request: Request, *, overwrite: bool) -> None:
    """Make a folder for a request, or take up that of an earlier one.

    The same request goes on, and so does one that adds deblurrers. Raises OutputError where the folder holds other
    files or cannot be written, UsageError where it is of another request and not to be overwritten.
    """
    check_own_folder(path, own_names)
    earlier = read_request(path)
    differences = [] if earlier is None else _differences(earlier, request)
    if differences and not overwrite:
        raise UsageError(
            f"{path} holds another run: {'; '.join(differences)}. Choose another --name or --out, or replace that run "
            "with --overwrite"
        )
    for name in own_names if differences else ():  # what is left of it must not be taken for this request's
        if (path / name).is_file():
            (path / name).unlink()
    write_atomically(path / REQUEST, json.dumps(asdict(request), indent=1) + "\n")


def read_request(path: Path) -> Request | None:
    """The request that a folder was made for; of a run without `request.json`, as far as its result tells. None where
    there is neither.
    """
    written = _json(path / REQUEST)
    try:
        if written is None:
            known = dict((_json(path / "result.json") or {})["specification"])
            known.pop("precision", None)  # it says what came of the word, and `auto` is another
            return specified(known)
        deblurrers = {name: Source(**each) for name, each in written["deblurrers"].items()}
        dataset, detector = Source(**written["dataset"]), Source(**written["detector"])
        return Request(dict(written["specification"]), dataset, detector, deblurrers)
    except (AttributeError, LookupError, TypeError, ValueError):
        return None


def specified(specification: Mapping[str, Any]) -> Request:
    """A request of which the specification alone is known."""
    return Request(specification, Source(), Source(), dict.fromkeys(specification["deblurrers"], Source()))


def _json(file: Path) -> Any:
    try:
        return json.loads(file.read_bytes())
    except (OSError, ValueError, RecursionError):
        return None


def _differences(earlier: Request, request: Request) -> list[str]:
    """Sentences on what an earlier request has that this one has not."""
    was, now = earlier.specification, json.loads(json.dumps(dict(request.specification)))
    found = [
        f"its {key} is {was[key]!r}, not {now.get(key)!r}"
        for key in _COMPARED
        if key in was and was[key] != now.get(key)
    ]
    pairs = {"dataset": (earlier.dataset, request.dataset), "detector": (earlier.detector, request.detector)}
    for name in earlier.deblurrers.keys() & request.deblurrers.keys():
        pairs[f"deblurrer {name}"] = (earlier.deblurrers[name], request.deblurrers[name])
    found += [f"its {what} is that of {one.place}" for what, (one, two) in pairs.items() if one.is_other_than(two)]
    lost = sorted(earlier.deblurrers.keys() - request.deblurrers.keys())
    return [*found, *([f"it has {', '.join(lost)} too"] if lost else [])]
