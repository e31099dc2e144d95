"""Pictures side by side with the boxes on them, as the pages' template draws them and their script compares them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

MarkKind = Literal["found", "regained", "false", "missed", "lost"]
Role = Literal["before", "after", "goal"]
"""What a panel is to the others: the input, an output, or the sharp picture."""


@dataclass(frozen=True)
class Mark:
    """A box to draw, in the picture's pixels; `name` is its class, with the score of a detection; `class_name` and
    `size` (small, medium or large) are what boxes are filtered by.

    `kind` is what the box is at the stated confidence, None where it is not drawn. What it is at others follows from
    `score`, None of a true box, and `truth`: the true box's index, or that of the one a detection took, None for none.
    """

    kind: MarkKind | None
    x: float
    y: float
    width: float
    height: float
    name: str
    class_name: str
    size: str
    score: float | None = None
    truth: int | None = None


@dataclass(frozen=True)
class Label:
    """A detection's name beside its box; `x` and `y` are the left end of its base line, in the picture's pixels."""

    mark: Mark
    x: float
    y: float
    width: float


@dataclass(frozen=True)
class Inset:
    """A small picture that belongs to a panel: its caption, a data URI, and what it shows in words (`alt`); one
    `is_wide` that has too much in it for a small square.
    """

    caption: str
    picture: str
    alt: str
    is_wide: bool = False


@dataclass(frozen=True)
class Panel:
    """One picture: a data URI, its size in pixels, what it shows in words (`alt`), and what stands below it: `counts`
    of boxes by what they are, `note`, then `insets`, then a note on those.

    `file` is the full picture beside the page, None where there is none; `change` how many true boxes are found that
    the strip's first panel misses, less those that only it finds.
    """

    title: str
    role: Role
    picture: str
    width: int
    height: int
    alt: str
    counts: Mapping[str, int] = field(default_factory=dict)
    note: str = ""
    file: str | None = None
    change: int | None = None
    marks: tuple[Mark, ...] = ()
    labels: tuple[Label, ...] = ()
    label_height: float = 0.0
    insets: tuple[Inset, ...] = ()
    insets_note: str = ""


@dataclass(frozen=True)
class Strip:
    """One picture in all its states, side by side; `severity_px` is the length of its blur, where it is known."""

    title: str
    note: str
    panels: tuple[Panel, ...]
    severity_px: float | None = None

    @property
    def change(self) -> int:
        """The largest change of a panel, gain or loss; of equals the gain."""
        changes = [panel.change for panel in self.panels if panel.change is not None]
        return max(changes, key=lambda change: (abs(change), change), default=0)
