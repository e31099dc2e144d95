"""The processes of a training: how those of torchrun share each batch, and how a signal stops them.

Ctrl-C, or SIGTERM, as `timeout` sends it: the step in hand is finished and saved first.
"""

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType

import torch
import torch.distributed as dist
from torch import Tensor, nn

from detbench.errors import UsageError

SIGNALS = (signal.SIGINT, signal.SIGTERM)


@dataclass(frozen=True)
class World:
    """How many processes there are, and which this one is, 0 .. size - 1; process 0 writes and reports."""

    rank: int = 0
    size: int = 1

    @property
    def is_main_process(self) -> bool:
        """Whether this is the one process that writes files and reports."""
        return self.rank == 0

    def share(self, batch: int) -> range:
        """Which places of a batch are this process's; raises UsageError where the batch cannot be shared evenly."""
        if batch % self.size:
            raise UsageError(f"a batch of {batch} cannot be shared by {self.size} processes; take a multiple of them")
        count = batch // self.size
        return range(self.rank * count, (self.rank + 1) * count)

    def mean_gradients(self, net: nn.Module) -> None:
        """Give every process the mean of all processes' gradients.

        Not torch's DistributedDataParallel: its hooks run in `backward` alone, and count one pass forward for each;
        a critic's step goes forward three times and takes a gradient of a gradient.
        """
        if self.size == 1:
            return
        gradients = [parameter.grad for parameter in net.parameters() if parameter.grad is not None]
        flat = torch.cat([gradient.flatten() for gradient in gradients])
        dist.all_reduce(flat)
        parts = torch.split(flat / self.size, [gradient.numel() for gradient in gradients])
        for gradient, part in zip(gradients, parts, strict=True):
            gradient.copy_(part.view(gradient.shape))

    def mean(self, values: Tensor) -> Tensor:
        """The mean of all processes' values."""
        if self.size > 1:
            dist.all_reduce(values)
        return values / self.size

    def of_first(self, value: float, device: torch.device) -> float:
        """What process 0 has of a value."""
        return float(
            self.mean(torch.tensor(value * self.is_main_process * self.size, dtype=torch.float64, device=device))
        )

    def any(self, flag: bool, device: torch.device) -> bool:
        """Whether any process says so: all then stop at the same step."""
        return bool(self.mean(torch.tensor(float(flag), device=device)) > 0)


@contextmanager
def world_of_torchrun(device: str) -> Iterator[tuple[World, torch.device]]:
    """The processes that torchrun started, with this one's device; by itself without torchrun."""
    size = int(os.environ.get("WORLD_SIZE", "1"))
    if size == 1:
        yield World(), torch.device(device)
        return
    own = torch.device("cuda", int(os.environ["LOCAL_RANK"])) if device.startswith("cuda") else torch.device(device)
    if own.type == "cuda":
        torch.cuda.set_device(own)
    dist.init_process_group("nccl" if own.type == "cuda" else "gloo")
    try:
        yield World(dist.get_rank(), size), own
    finally:
        dist.destroy_process_group()


@contextmanager
def stop_requests() -> Iterator[Callable[[], bool]]:
    """A function that returns whether SIGINT or SIGTERM has come since the block began.

    A second Ctrl-C does what it did before. The block is one of the main thread, as signals are.
    """
    requested = False
    before = {number: signal.getsignal(number) for number in SIGNALS}

    def request(_number: int, _frame: FrameType | None) -> None:
        nonlocal requested
        requested = True
        _restore()

    def _restore() -> None:
        for number, handler in before.items():
            signal.signal(number, handler)

    for number in SIGNALS:
        signal.signal(number, request)
    try:
        yield lambda: requested
    finally:
        _restore()
