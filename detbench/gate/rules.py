"""What the gate asks of a run, in words of its own or from a small TOML file.

In a repository's detbench.toml the tables are called [[gate.rule]], in pyproject.toml [[tool.detbench.gate.rule]].

[[rule]]
metric = "map"          # a key of metrics.json
max_drop = 0.01         # against the baseline, paired, at `confidence`
confidence = 0.95       # this is the default
arm = "deblurgan"       # left out: every arm that has the metric

[[rule]]
metric = "map50"
at_least_share = 0.99   # of the baseline's value, paired likewise; at_most_share = 1.05 for what is better lower

[[rule]]
metric = "psnr_db"
at_least = 24.0         # or at_most, for what is better lower: absolute, whatever the baseline says
"""

import math
import tomllib
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from detbench.errors import NotEvaluableError, UsageError, did_you_mean
from detbench.metrics.image_metrics import metric_specs
from detbench.metrics.uncertainty import LEVEL
from detbench.types import MetricSpec

MAX_DROP = 0.01

LIMITS = ("max_drop", "at_least_share", "at_most_share", "at_least", "at_most")
"""What a rule may demand: the first three hold against the baseline, the others are absolute."""


@dataclass(frozen=True)
class Rule:
    """One demand: a limit to the loss against the baseline, or an absolute bound; exactly one of the five LIMITS.

    `max_drop` is in the metric's unit and in the direction that is worse. `at_least_share` (0..1) and `at_most_share`
    (1 or more) are shares of the baseline's value. `arm` None means every arm with the metric.
    """

    metric: str
    arm: str | None = None
    max_drop: float | None = None
    confidence: float = LEVEL
    at_least: float | None = None
    at_most: float | None = None
    at_least_share: float | None = None
    at_most_share: float | None = None

    def __post_init__(self) -> None:
        if self.metric not in metric_specs():
            raise UsageError(
                f"no metric is called {self.metric!r}.{did_you_mean(self.metric, metric_specs())} metrics.json has them"
            )
        if not self.spec.in_gate:
            raise UsageError(
                f"{self.metric} can have no rule: its value alone does not say what is better. Choose another metric"
            )
        limits = [limit for limit in (getattr(self, name) for name in LIMITS) if limit is not None]
        if len(limits) != 1 or not all(isinstance(limit, int | float) and math.isfinite(limit) for limit in limits):
            raise UsageError(f"a rule on {self.metric} needs exactly one number: {', '.join(LIMITS)}")
        if self.max_drop is not None and (self.max_drop < 0 or (self._is_share and self.max_drop > 1)):
            raise UsageError(
                f"a max_drop of {self.metric} is {'from 0 to 1' if self._is_share else '0 or more'}, "
                f"not {self.max_drop}"
            )
        self._check_share()
        if self.margin is not None and not self.spec.is_paired:
            limit = "at_least" if self.spec.better == "higher" else "at_most"
            raise UsageError(f"{self.metric} has no {self.limit[0]}, times depend on the machine: use {limit}")
        if not 0.5 < self.confidence < 1:
            raise UsageError(f"a rule's confidence lies between .5 and 1, not {self.confidence}")

    @property
    def spec(self) -> MetricSpec:
        """What the metric is."""
        return metric_specs()[self.metric]

    @property
    def limit(self) -> tuple[str, float]:
        """The one of LIMITS that the rule has, and its number."""
        return next((name, getattr(self, name)) for name in LIMITS if getattr(self, name) is not None)

    @property
    def is_relative(self) -> bool:
        """Whether losses are shares of the baseline's value."""
        return self.limit[0].endswith("_share")

    @property
    def margin(self) -> float | None:
        """The largest loss that the rule allows against the baseline, 0 or more; None where the bound is absolute.

        In the metric's unit; a share of the baseline's value where the rule is relative.
        """
        name, limit = self.limit
        if name == "max_drop":
            return limit
        return self.spec.sign * (1 - limit) if self.is_relative else None

    def _check_share(self) -> None:
        """A share goes with the metric's direction: one that is better higher has a floor, the other a ceiling."""
        if not self.is_relative:
            return
        name, share = self.limit
        fitting = "at_least_share" if self.spec.better == "higher" else "at_most_share"
        if name != fitting:
            raise UsageError(f"{self.metric} is better {self.spec.better}, so its share is {fitting}, not {name}")
        if name == "at_least_share" and not 0 < share <= 1:
            raise UsageError(f"an at_least_share of {self.metric} is above 0 and at most 1, not {share}")
        if name == "at_most_share" and share < 1:
            raise UsageError(f"an at_most_share of {self.metric} is 1 or more, not {share}")

    @property
    def _is_share(self) -> bool:
        return self.spec.style in ("share", "percent")


def read_rules(path: Path) -> tuple[Rule, ...]:
    """The rules of a TOML file; raises UsageError for what is no rule, NotEvaluableError where there is none."""
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise UsageError(f"{path}: no rules can be read ({error})") from error
    tables, unknown = _rule_tables(content)
    if unknown or not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
        raise UsageError(f"{path}: rules are [[rule]] tables and nothing else{_named(unknown)}")
    if not tables:
        raise NotEvaluableError(
            f"cannot judge: {path} holds no [[rule]], and a gate that asks nothing would always pass"
        )
    return tuple(_rule(table, path) for table in tables)


def _rule_tables(content: dict[str, Any]) -> tuple[Any, set[str]]:
    """The value of `rule`, in a file of its own or among the settings of a repository; and keys that no rule has."""
    for settings in (content, content.get("tool", {}).get("detbench", {})):
        if "gate" in settings:
            return settings["gate"].get("rule", []), set()
    return content.get("rule", []), set(content) - {"rule"}


def _rule(table: dict[str, Any], path: Path) -> Rule:
    known = {field.name for field in fields(Rule)}
    if set(table) - known or "metric" not in table:
        raise UsageError(f"{path}: a rule has the keys {', '.join(sorted(known))}, not {', '.join(sorted(table))}")
    try:
        return Rule(**table)
    except (UsageError, TypeError) as error:
        raise UsageError(f"{path}: {error}") from error


def _named(unknown: set[str]) -> str:
    return f", not {', '.join(sorted(unknown))}" if unknown else ""
