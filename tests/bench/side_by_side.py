"""Ours beside a peer, in turn, so that a machine whose speed drifts slows both; what counts is each round's ratio."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median

Work = Callable[[], object]


@dataclass(frozen=True)
class Row:
    """One comparison, with the ratio that is aimed at (None where there is no aim). A peer that takes minutes may allow
    only so many rounds.
    """

    work: str
    peer: str
    ours: Work
    theirs: Work
    aim: float | None = None
    most_rounds: int | None = None


@dataclass(frozen=True)
class Measured:
    """A row's times, and the peer's time over ours, round by round."""

    work: str
    peer: str
    ours_ms: float
    peer_ms: float
    ratio: float
    ratio_low: float
    ratio_high: float
    aim: float | None


def measured(row: Row, rounds: int) -> Measured:
    """Time both in turn, `rounds` times after one warm-up of each, or as often as the row allows."""
    rounds = min(rounds, row.most_rounds or rounds)
    row.ours(), row.theirs()
    times = [(_milliseconds(row.ours), _milliseconds(row.theirs)) for _ in range(rounds)]
    ratios = sorted(their / our for our, their in times)
    ours_ms, peer_ms = (median(column) for column in zip(*times, strict=True))
    return Measured(row.work, row.peer, ours_ms, peer_ms, median(ratios), ratios[0], ratios[-1], row.aim)


def _milliseconds(work: Work) -> float:
    begun = time.perf_counter()
    work()
    return (time.perf_counter() - begun) * 1000
