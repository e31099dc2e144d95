"""How large crops and batches are at each point of a training: long blur does not fit into small crops."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class CropStage:
    """From batch number `first` on, a batch is `batch` crops of `crop_px`."""

    first: int
    crop_px: int
    batch: int


@dataclass(frozen=True)
class CropSizes:
    """Stages in order of their `first`, which is 0 in the first stage; that one's batches are the largest.

    Crops are numbered as if all batches were as large as the first stage's, so a number is a crop of one batch only.
    """

    stages: Sequence[CropStage]

    def stage(self, batch: int) -> CropStage:
        """The stage of a batch by its number."""
        return next(stage for stage in reversed(self.stages) if batch >= stage.first)

    def crop_px(self, crop: int) -> int:
        """The side of a crop by its number."""
        return self.stage(crop // self.stages[0].batch).crop_px

    def crops(self, batch: int) -> range:
        """The numbers of a batch's crops."""
        first = batch * self.stages[0].batch
        return range(first, first + self.stage(batch).batch)
