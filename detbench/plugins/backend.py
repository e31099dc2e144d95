"""From the word on the command line to a backend that is ready to be built, with the digest of what it depends on.

What the word names is not imported here: a run whose work is all cached never loads torch.
"""

import math
import re
import tomllib
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from uuid import uuid4

from detbench.core.fetchable import model_weights, superseded_weights
from detbench.core.fingerprints import code_identity, file_sha256, installed_version
from detbench.core.native_readers import unseen_reads
from detbench.core.observed_reads import observed
from detbench.core.paths import CARD_NAME, shipped
from detbench.errors import UsageError, WeightsError, did_you_mean
from detbench.plugins.builtin import DEBLURRER_KINDS, DEBLURRERS, DETECTORS
from detbench.plugins.checkpoint_files import WEIGHTS_SUFFIXES, find_checkpoint, is_checkpoint
from detbench.plugins.declared_files import declared_sha256, split_depends
from detbench.plugins.kinds import Reference, deblurrer_reference, detector_reference
from detbench.plugins.registry import Entry


@dataclass(frozen=True)
class LossDetector:
    """A detector whose features were in the loss that trained a deblurrer; `sha256` is that of its weights."""

    name: str
    sha256: str | None = None

    def __post_init__(self) -> None:
        if not (isinstance(self.name, str) and isinstance(self.sha256, str | None)):
            raise TypeError(f"a detector has a name and a sha256, both text, not {self.name!r} and {self.sha256!r}")

    def is_detector(self, detector: "Backend") -> bool:
        """Whether both are one detector: by the digest of its weights, or by its name where that is unknown."""
        if self.sha256 is not None:
            return bool(self.sha256 == detector.identity["weights_sha256"])
        return self.name in (detector.name, detector.entry.weights)


IN_MEMORY = "it is an object in memory, whose code and data are not all known"


@dataclass(frozen=True, eq=False)
class InMemory:
    """A deblurrer or detector that the calling program built itself; `token` tells its work from that of any other, in
    this process or a later one.
    """

    built: Any
    token: str = field(default_factory=lambda: uuid4().hex)


@dataclass(frozen=True)
class Backend:
    """A deblurrer or detector that a run uses. `identity` (JSON-able) is all that its results depend on besides the
    picture: code, weights, settings and the versions of the libraries below it. The card of its weights gives the
    cost of the network, by metric (`parameters_m`, `gflop_per_mpix`), and the detectors that it was `trained_with`.

    Where `is_observed`, what it reads is noted while it is built and used, and belongs to its identity then. `unknown`
    says why it may depend on more: then its work is of use to the run at hand alone. One that is `in_memory` is there
    already.
    """

    name: str
    entry: Entry
    identity: Mapping[str, Any]
    cost: Mapping[str, float] = field(default_factory=dict)
    trained_with: tuple[LossDetector, ...] = ()
    is_observed: bool = False
    unknown: str | None = None
    in_memory: InMemory | None = None

    @property
    def key(self) -> dict[str, Any]:
        """The identity without the name: two names of one backend share their results."""
        key = {key: value for key, value in self.identity.items() if key != "name"}
        return key if self.in_memory is None else {**key, "token": self.in_memory.token}

    @property
    def is_program(self) -> bool:
        """Whether it starts a program for each picture."""
        return "words" in self.entry.options

    def within(self, seconds: float | None) -> "Backend":
        """The backend whose program may take so long for a picture; as it is without `seconds`, and where it is no
        program or the user's word names a time.
        """
        if seconds is None or not self.is_program:
            return self
        return replace(self, entry=replace(self.entry, options={"seconds": seconds, **self.entry.options}))

    def build(self) -> Any:
        """Import and construct it; raises BackendError or WeightsError where that fails."""
        if self.in_memory is not None:
            return self.in_memory.built
        with self.observed():
            return self.entry.load()

    def observed(self) -> AbstractContextManager[None]:
        """A body in which what it reads is noted, where that is not known from its words."""
        return observed(self.entry.package) if self.is_observed else nullcontext()


def resolve_deblurrer(word: str, device: str, precision: str) -> Backend:
    """A deblurrer by name, by reference, or `NAME:FILE` for a network with the user's own weights (safetensors).

    Settings stand behind the colon too: `NAME:light=linear`, `NAME:FILE,light=linear`. `device` is a resolved one;
    networks alone take it and `precision`. Weights of detbench that are not here are fetched.
    """
    reference = deblurrer_reference(word, device)
    if reference is not None:
        return _referred(reference)
    name, _, rest = word.partition(":")
    if Path(name).suffix.lower() in WEIGHTS_SUFFIXES:
        raise UsageError(
            f"no deblurrer named {name!r}: say what the file is. Weights of one of detbench's networks are "
            f"NETWORK:{name}, such as nafnet:{name}; an exported network is onnx:{name}, torchscript:{name} or "
            f"exported:{name}"
        )
    entry = _deblurrer(name)
    if entry.is_foreign:
        return _installed(entry, rest)
    file, settings = _file_and_settings(entry, rest)
    if entry.weights is None:
        if file:
            raise UsageError(f"{name} has no weights that a file could replace: name it without {':' + file!r}")
        return _backend(entry, weights=None)
    weights = Path(file) if file else model_weights(shipped("models") / entry.weights)
    arm = "-".join([_own_name(name, weights) if file else name, *settings.values()])
    options = {"device": device, "precision": precision, **settings}
    return _backend(_with_options(replace(entry, name=arm), weights, **options), weights)


def _deblurrer(name: str) -> Entry:
    """The entry of a name; for superseded weights it is that of their network."""
    if not superseded_weights(name):
        return DEBLURRERS.find(name)
    return replace(DEBLURRERS.find(name.partition("-")[0]), name=name, weights=name)


def listed_deblurrers(word: str) -> tuple[str, ...]:
    """The deblurrers of a word, which may be a list: `identity,wiener`.

    A comma may also belong to a file, a setting or a command, so a word is a list only where each part is a deblurrer.
    Raises UsageError where it seems to be one, for its first part is a name, but another part is no deblurrer.
    """
    parts = tuple(part.strip() for part in word.split(","))
    if len(parts) == 1 or _is_command(word):
        return (word,)
    strangers = [part for part in parts if not _is_deblurrer(part)]
    if not strangers and not any(map(_is_command, parts[:-1])):
        return parts
    if "," not in word.partition(":")[0]:
        return (word,)
    if strangers:
        near = did_you_mean(strangers[0], [entry.name for entry in DEBLURRERS.entries()])
        why = f"{strangers[0]!r} is no deblurrer.{near}"
    else:
        why = f"{next(filter(_is_command, parts))!r} may go on behind its comma."
    raise UsageError(
        f"--deblurrer {word!r}: {why} Name each of several by itself, --deblurrer A --deblurrer B; `detbench list` "
        "shows all"
    )


def _is_deblurrer(word: str) -> bool:
    """Whether a word begins as a deblurrer's does: with a name, or with a kind that has something behind its colon."""
    kinds = "|".join(entry.name for entry in DEBLURRER_KINDS)
    names = {entry.name for entry in DEBLURRERS.entries()}
    name = word.partition(":")[0]
    return name in names or superseded_weights(name) or bool(re.match(rf"([\w.-]+=)?({kinds}):.", word))


def _is_command(word: str) -> bool:
    """Whether all that follows belongs to a program's words, commas too."""
    return bool(re.match(r"([\w.-]+=)?command:", word))


def _file_and_settings(entry: Entry, rest: str) -> tuple[str, dict[str, str]]:
    """What stands behind a name's colon: a file, or none, and those settings that are not the default."""
    file, chosen = "", {}
    for part in filter(None, rest.split(",")):
        key, equals, value = part.partition("=")
        words = entry.settings.get(key, ())
        if equals and key.isidentifier() and value not in words:
            known = "; ".join(f"{name}={'|'.join(values)}" for name, values in entry.settings.items())
            raise UsageError(f"{entry.name} has no setting {part!r}. It takes: {known or 'none'}")
        if words:
            chosen[key] = value
        else:
            file = f"{file},{part}" if file else part
    return file, {key: value for key, value in chosen.items() if value != entry.settings[key][0]}


def resolve_detector(word: str, device: str) -> Backend:
    """A detector by name, by reference, or a YOLO checkpoint by file name or path.

    A bare name such as `yolov8n.pt` that is not in the working folder is fetched once from its publisher.
    """
    reference = detector_reference(word, device)
    if reference is not None:
        return _referred(reference)
    name, _, rest = word.partition(":")
    foreign = {entry.name: entry for entry in DETECTORS.entries() if entry.is_foreign}
    if name in foreign:
        return _installed(foreign[name], rest)
    if is_checkpoint(word):
        yolo = DETECTORS.find("yolov8")
        replace(yolo, name=word).check_installed()
        weights = find_checkpoint(word)
        base = replace(yolo, name=weights.stem, summary=f"checkpoint {word}")
        return _backend(_with_options(base, weights, device=device), weights)
    entry = DETECTORS.find(word)
    entry.check_installed()
    if entry.weights is None:
        return _backend(entry, weights=None)
    weights = model_weights(shipped("models") / entry.weights)
    return _backend(_with_options(entry, weights, device=device), weights)


def backend_in_memory(name: str, built: Any) -> Backend:
    """The backend called `name` that is an object of the calling program: a function, or whatever can be called."""
    code = built if hasattr(built, "__qualname__") else type(built)
    entry = Entry(name, f"{code.__module__}:{code.__qualname__}", "an object of the calling program")
    identity: dict[str, Any] = {
        "name": name,
        "target": entry.target,
        "versions": {},
        "weights_sha256": None,
        "settings": {},
    }
    return Backend(name, entry, identity, unknown=IN_MEMORY, in_memory=InMemory(built))


def renamed(backend: Backend, name: str) -> Backend:
    """The same backend under another name."""
    entry = replace(backend.entry, name=name)
    return replace(backend, name=name, entry=entry, identity={**backend.identity, "name": name})


def _own_name(network: str, weights: Path) -> str:
    """A network's name with that of the user's file, or with that of its folder, where all files have one name."""
    own = weights.resolve().parent.name if weights.stem == "weights" else weights.stem
    return own if own.startswith(f"{network}-") else f"{network}-{own}"


def _installed(entry: Entry, rest: str) -> Backend:
    """A backend of an installed package; `rest` may be `depends=PATH`, once or more."""
    unknown, paths = split_depends(f",{rest}" if rest else "")
    if unknown:
        raise UsageError(f"{entry.name}:{rest}: a package's backend takes nothing but depends=PATH")
    return _referred(Reference(entry, declared_sha256(entry.name, paths), is_declared=bool(paths)))


def _referred(reference: Reference) -> Backend:
    entry = reference.entry
    identity = _identity(entry, reference.weights_sha256, reference.settings)
    unknown = reference.unknown
    if entry.is_foreign and not reference.is_declared:
        unknown = unseen_reads(entry.target.partition(":")[0])
    is_observed = entry.is_foreign or reference.is_observed
    return Backend(entry.name, entry, identity, is_observed=is_observed, unknown=unknown)


def _with_options(entry: Entry, weights: Path, **options: Any) -> Entry:
    return replace(entry, options={"weights": weights, **options})


def _backend(entry: Entry, weights: Path | None) -> Backend:
    sha256 = None if weights is None else _weights_sha256(entry, weights)
    settings = {key: value for key, value in entry.options.items() if key != "weights"}
    for name in entry.more_weights:
        settings[f"{name}_sha256"] = _weights_sha256(entry, model_weights(shipped("models") / name))
    card = {} if weights is None else card_beside(weights, sha256)
    return Backend(entry.name, entry, _identity(entry, sha256, settings), _cost(card), loss_detectors(card))


def _identity(entry: Entry, weights_sha256: str | None, settings: Mapping[str, Any]) -> dict[str, Any]:
    try:
        code = code_identity(entry.target.partition(":")[0])
    except ImportError as error:
        raise entry.not_imported(error) from error
    needed = {name: installed_version(name) for name in entry.distributions}
    return {
        "name": entry.name,
        "target": entry.target,
        **code,
        "versions": {**code["versions"], **needed},
        "weights_sha256": weights_sha256,
        "settings": settings,
    }


def card_beside(weights: Path, sha256: str | None) -> dict[str, Any]:
    """The card beside weights, empty where there is none of theirs; `load_weights` reports a damaged one."""
    try:
        card = tomllib.loads(weights.with_name(CARD_NAME).read_text(encoding="utf-8"))
    except (OSError, RecursionError, ValueError):
        return {}
    return card if card.get("sha256") == sha256 else {}


def loss_detectors(card: Mapping[str, Any]) -> tuple[LossDetector, ...]:
    """Those that a card names under `trained_with`; raises WeightsError where it holds anything else."""
    try:
        return tuple(LossDetector(**each) for each in card.get("trained_with", ()))
    except TypeError as error:
        raise WeightsError(
            f"{CARD_NAME} of {card.get('architecture')}: trained_with must be a list of tables with name and sha256 "
            f"({error})"
        ) from error


def _cost(card: Mapping[str, Any]) -> dict[str, float]:
    """The cost that a card gives; nothing where it is damaged."""
    try:
        cost = {"parameters_m": card["cost"]["parameters"] / 1e6, "gflop_per_mpix": card["cost"]["gflop_per_mpix"] / 1}
        return cost if all(math.isfinite(number) for number in cost.values()) else {}
    except (ArithmeticError, LookupError, TypeError, ValueError):
        return {}


def _weights_sha256(entry: Entry, weights: Path) -> str:
    if not weights.is_file():
        raise WeightsError(
            f"{entry.name} has no weights: {weights} is missing. Train them (`detbench train {entry.network}`) or "
            "bring the file; `detbench list` shows what is ready"
        )
    return file_sha256(weights)
