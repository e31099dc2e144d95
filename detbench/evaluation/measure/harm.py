"""On which sharp pictures deblurrers are run, to measure their harm."""

from typing import Literal, get_args

from detbench.errors import UsageError
from detbench.metrics.claims import FEWEST_PICTURES

Harm = Literal["all", "sample", "none"]
"""Every sharp picture, every fourth, or none."""

EVERY = 4
"""The step of a sample in a large run. On every sharp picture harm would cost half of the run."""


def harm_places(harm: str, images: int) -> range:
    """The places, counted from 0, of the pictures in a run of `images` on which harm is measured.

    A sample has every fourth picture. In a small run the step is shorter, so that FEWEST_PICTURES are measured, or all
    where there are fewer. Raises UsageError for another word.
    """
    if harm not in get_args(Harm):
        raise UsageError(f"harm is measured on {', '.join(get_args(Harm))}, not {harm!r}")
    if harm == "none":
        return range(0)
    return range(0, images, max(1, min(EVERY, images // FEWEST_PICTURES)) if harm == "sample" else 1)
