"""Batches of crops in order of their index, prepared ahead by loading processes."""

import atexit
import os
import signal
from collections.abc import Iterator
from itertools import count
from typing import cast

import cv2
from torch.utils.data import DataLoader, Dataset

from detbench.training.data.blur_batch import Batch, collate
from detbench.training.data.crop_sizes import CropSizes
from detbench.training.data.crops import Crop, TrainingCrops
from detbench.training.data.processes import SIGNALS, World

PREPARED = 4
"""Batches that each loading process keeps ready."""


def batches(crops: TrainingCrops, first: int, world: World, workers: int, device_type: str) -> Iterator[Batch]:
    """Endless batches from the `first`-th on, of the crops that `crops.sizes` says; of each, this process's share.

    Any number of processes train on the same ones.
    """
    loader = DataLoader(
        cast(Dataset[Crop], crops),
        batch_sampler=_shares(crops.sizes, first, world),
        collate_fn=collate,
        num_workers=workers,
        prefetch_factor=PREPARED if workers else None,
        # A forked process would inherit OpenCV's threads as locked as they were, and wait for them for ever.
        multiprocessing_context="spawn" if workers else None,
        pin_memory=device_type == "cuda",
        worker_init_fn=_begin_worker,
    )
    return cast(Iterator[Batch], iter(loader))


def _shares(sizes: CropSizes, first: int, world: World) -> Iterator[list[int]]:
    for number in count(first):
        crops = sizes.crops(number)
        yield [crops[place] for place in world.share(len(crops))]


def _begin_worker(_number: int) -> None:
    """SIGINT and SIGTERM reach loading processes too; the training process saves first, and ends them then.
    Where it died, torch's own watchdog does.

    They end before the interpreter is taken down: the thread that hands batches over may be inside torch then, is made
    to exit from there, and the process would abort.
    """
    for number in SIGNALS:
        signal.signal(number, signal.SIG_IGN)
    atexit.register(os._exit, 0)
    cv2.setNumThreads(1)
