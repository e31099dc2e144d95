"""What a run leaves behind, as values: `result.json` holds exactly one RunResult."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Literal

import msgspec

from detbench.core.arm import ArmKind
from detbench.errors import DataError
from detbench.metrics.claims import FEWEST_PICTURES, holm, is_shown
from detbench.metrics.selective import Rule
from detbench.types import Estimate, MetricSpec

SCHEMA_VERSION = 1

StrategyName = Literal["never", "always", "gated", "oracle"]


@dataclass(frozen=True)
class ArmResult:
    """One way the pictures reached the detector. `metrics` maps metric keys to estimates, `map_per_class` class names
    to mAP; `backend` says what restored the pictures (None for the sharp and the blurred arm), `told_kernel` that it
    was given the blur kernel, which is unknown outside a laboratory, `smaller_tiles` how many pictures went through in
    smaller tiles than the deblurrer's own because memory ran out, `finds_kernel` that it estimates the blur kernel and
    shows what it found, `trained_with_detector` that its training loss contained the features of the run's detector, as
    the card of its weights says.
    """

    name: str
    kind: ArmKind
    metrics: Mapping[str, Estimate]
    map_per_class: Mapping[str, float | None]
    backend: Mapping[str, Any] | None = None
    told_kernel: bool = False
    smaller_tiles: int = 0
    finds_kernel: bool = False
    trained_with_detector: bool = False


@dataclass(frozen=True)
class Difference:
    """A metric of `arm` minus that of `against`, over the same pictures; `p_value` is the paired permutation test's,
    None where it was not made. `p_holm` is adjusted for the run's several deblurrers: over all of them against blurred,
    or over all pairs of them; None where the test stands alone.
    """

    arm: str
    against: str
    metric: str
    difference: Estimate
    p_value: float | None = None
    p_holm: float | None = None

    def __post_init__(self) -> None:
        for p_value in (self.p_value, self.p_holm):
            if p_value is not None and not 0 <= p_value <= 1:
                raise ValueError(f"a p-value lies in 0..1, not {p_value}")

    @property
    def is_shown(self) -> bool:
        """Whether the difference is claimed; else it may be chance."""
        return is_shown(self.difference, self.p_value, self.p_holm)

    @property
    def family(self) -> tuple[str, str]:
        """What is tested, and by which metric: p-values of one family are adjusted together."""
        what = "cost of blur" if self.arm == "blurred" else "gain" if self.against == "blurred" else "lead"
        return what, self.metric


def adjusted(differences: Sequence[Difference]) -> tuple[Difference, ...]:
    """The differences of one run, or of pairs of its arms, with `p_holm` where a family has several."""
    families: dict[tuple[str, str], dict[int, float | None]] = {}
    for place, each in enumerate(differences):
        families.setdefault(each.family, {})[place] = each.p_value
    p_holm = {place: p for tests in families.values() if len(tests) > 1 for place, p in holm(tests).items()}
    return tuple(replace(each, p_holm=p_holm.get(place)) for place, each in enumerate(differences))


def is_ahead(differences: Iterable[Difference], one: str, other: str, spec: MetricSpec) -> bool:
    """Whether the arm `one` is better than `other` in a metric by more than chance."""
    signs = {(one, other): spec.sign, (other, one): -spec.sign}
    return any(
        each.is_shown and signs.get((each.arm, each.against), 0) * (each.difference.value or 0) > 0
        for each in differences
        if each.metric == spec.key
    )


@dataclass(frozen=True)
class Strategy:
    """One way to choose which pictures are restored: mAP, the share of pictures that are restored, the time that this
    takes, spread over all pictures, and the mAP gained over `never` for each second a megapixel (0 where nothing is
    restored). Times are None where they were not measured.
    """

    map: Estimate
    share_restored: float
    restore_s_per_mpix: float | None
    map_per_s: float | None


@dataclass(frozen=True)
class SelectiveRestoration:
    """When to restore with one deblurrer, by a `measure` of the blur of the input picture.

    `strategies` are `never`, `always`, `gated` and `oracle`, see `detbench.metrics.selective`. `rule` is the gate
    chosen on all pictures; the numbers of `gated` are cross-validated. `differences` are those in mAP of gated against
    never and always; `map_per_s` is that of gated minus that of always. `curve` has shares of restored pictures and
    mAP as the threshold moves. `break_even` is the share of sharp pictures from which on restoring all costs more mAP
    than it brings, and `no_break_even` why there is none.
    """

    deblurrer: str
    measure: str
    rule: Rule
    strategies: Mapping[StrategyName, Strategy]
    differences: tuple[Difference, ...]
    map_per_s: Estimate
    curve: tuple[tuple[float, float | None], ...]
    break_even: Estimate
    no_break_even: str = ""

    def change(self, against: StrategyName) -> Difference:
        """How far gated is from `never` or `always` in mAP."""
        return next(each for each in self.differences if each.against == against)

    @property
    def beats_never(self) -> bool:
        """Whether gated has a higher mAP than `never` by more than chance; `never` gains nothing in no time."""
        change = self.change("never")
        return change.is_shown and (change.difference.value or 0) > 0

    @property
    def beats_always(self) -> bool:
        """Whether gated gains more mAP per second than `always`: the interval leaves out 0, over enough pictures."""
        return self.map_per_s.n >= FEWEST_PICTURES and (self.map_per_s.low or 0) > 0

    @property
    def is_better(self) -> bool:
        """Whether gated beats both in mAP per second."""
        return self.beats_never and self.beats_always


@dataclass(frozen=True)
class EvaluatedData:
    """The data that was scored: `source_fingerprint` pins the dataset as it was opened, `fingerprint` the very
    pictures and boxes that were evaluated (after blur, limit and choice of truth); `notes` are sentences
    of the dataset's reader on what it read in another way than it stands there, or left out.
    """

    name: str
    source_fingerprint: str
    fingerprint: str
    images: int
    boxes: int
    unmatched_dataset_classes: tuple[str, ...]
    unmatched_detector_classes: tuple[str, ...]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Consistency:
    """What the detector finds in an arm, from the stated confidence on, where nobody knows what is there: boxes per
    picture, the mean of their confidences (None for no boxes), and by other arm, which of that arm's boxes this one has
    too, as a share (IoU .5, same class; None where that arm has none).
    """

    arm: str
    boxes_per_picture: float
    mean_confidence: float | None
    shared: Mapping[str, float | None]


@dataclass(frozen=True)
class Alarm:
    """An artefact: in so many `pictures` of an arm, `of` how many, a metric reaches the limit of its alarm. The worst
    few are named, the worst first, whose value is `worst_value`.
    """

    arm: str
    metric: str
    pictures: int
    of: int
    worst_ids: tuple[int, ...]
    worst_names: tuple[str, ...]
    worst_value: float


@dataclass(frozen=True)
class PartlyKnown:
    """A backend or metric that may depend on more than is known, with the reason; `reused_steps` are those of its steps
    that an earlier, interrupted command did for the same run folder.
    """

    reason: str
    reused_steps: int


@dataclass(frozen=True)
class RunResult:
    """One evaluation. `specification` is the request, `environment` where and with what it ran,
    `shown` the ids of the pictures that the report shows, `definitions` each metric's by key: a number is only
    comparable with one of the same definition. `failed` says, by name, why an arm of the request is not among
    `arms`: nothing is averaged over the pictures that it did manage. `partly_known` are, by name, the backends and
    metrics whose files are not all known. `settings_from` says of the options that are not the defaults where they come
    from: "command line", "detbench.toml" or "pyproject.toml". `harm_ids` are the ids, ascending, of the pictures that
    harm is over, None for all. `selective` says of each deblurrer when to restore with it, where a run was asked to.
    `alarms` are the artefacts that deblurrers leave, and
    `consistency` is what a run without truth has in place of detection metrics.
    """

    specification: Mapping[str, Any]
    environment: Mapping[str, Any]
    data: EvaluatedData
    detector: Mapping[str, Any]
    arms: tuple[ArmResult, ...]
    differences: tuple[Difference, ...]
    shown: tuple[int, ...]
    definitions: Mapping[str, str] = field(default_factory=dict)
    failed: Mapping[str, str] = field(default_factory=dict)
    partly_known: Mapping[str, PartlyKnown] = field(default_factory=dict)
    settings_from: Mapping[str, str] = field(default_factory=dict)
    harm_ids: tuple[int, ...] | None = None
    selective: tuple[SelectiveRestoration, ...] = ()
    alarms: tuple[Alarm, ...] = ()
    consistency: tuple[Consistency, ...] = ()
    schema: int = SCHEMA_VERSION

    def arm(self, name: str) -> ArmResult | None:
        """The arm called `name`, or None."""
        return next((arm for arm in self.arms if arm.name == name), None)

    def change(self, arm: str, against: str, metric: str = "map") -> Difference | None:
        """How far `arm` is from `against`, or None."""
        wanted = (arm, against, metric)
        return next((each for each in self.differences if (each.arm, each.against, each.metric) == wanted), None)


def flat_metrics(result: RunResult) -> dict[str, float | None]:
    """Every number of every arm as "<arm>.<metric>": the content of `metrics.json`."""
    return {f"{arm.name}.{key}": estimate.value for arm in result.arms for key, estimate in arm.metrics.items()}


def result_to_json(result: RunResult) -> dict[str, Any]:
    """Plain dictionaries and lists for `result.json`."""
    return asdict(result)


def result_from_json(value: Any, where: str) -> RunResult:
    """The inverse of `result_to_json`; raises DataError naming `where` for anything else.

    Results that were written before p-values were adjusted get theirs here.
    """
    if not isinstance(value, dict) or value.get("schema") != SCHEMA_VERSION:
        found = value.get("schema") if isinstance(value, dict) else type(value).__name__
        raise DataError(f"{where}: not a result of schema {SCHEMA_VERSION} (found {found}); run `detbench run` again")
    try:
        result = msgspec.convert(value, RunResult)
    except (msgspec.ValidationError, RecursionError) as error:
        raise DataError(f"{where}: damaged result ({error}); run `detbench run` again") from error
    return replace(result, differences=adjusted(result.differences))
