"""A training step beside a plain one, in one interleaved run: `nox -s bench`.

Plain is the same step as public code has it: modules of torch for every pad and norm, float32, NCHW, real and fake
through the critic one after the other, Adam parameter by parameter. That both compute the same is asserted first.
Time is measured round by round, so that a machine whose speed drifts slows both; peak memory in a process of its own.
"""

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median

import numpy as np
import torch
from plain_nets import plain_critic, plain_generator, with_skip
from rich.console import Console
from rich.table import Table
from torch import Tensor, nn

from detbench.core.devices import device_name, resolve_device
from detbench.nets.deblurgan import Critic, Generator
from detbench.nets.nafnet import NAFNet
from detbench.training.data.blur_batch import Batch, blur_batch, collate
from detbench.training.data.crops import Crop
from detbench.training.data.draws import Draws
from detbench.training.data.processes import World
from detbench.training.loop import Trainer
from detbench.training.losses.content import l1
from detbench.training.losses.target import WeightedLoss
from detbench.training.schedule import Schedule
from detbench.training.state import new_state
from detbench.training.training_plan import TrainingPlan

CRITIC_STEPS = 5
SEED = 1
MIB = 2**20

ROWS = (("deblurgan", CRITIC_STEPS), ("deblurgan", 0), ("nafnet", 0))
"""Networks and their critic's steps for each of the generator's."""

Step = Callable[[], dict[str, float]]


@dataclass(frozen=True)
class Measured:
    """Ours beside plain: seconds a step and crops a second, peak memory, and the ratio of times round by round."""

    step: str
    device: str
    ours_s: float
    plain_s: float
    ours_crops_per_s: float
    ratio: float
    ratio_low: float
    ratio_high: float
    ours_peak_mib: float
    plain_peak_mib: float


def main() -> None:
    """Measure DeblurGAN's step with its critic, and its and NAFNet's of content alone; print the table, write
    `reports/bench-training.json`.
    """
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--device", default="auto")
    parser.add_argument("--precision", choices=("fp32", "bf16"), help="of ours; bf16 on an accelerator, else fp32")
    parser.add_argument("--batch", type=int, default=4)
    parser.add_argument("--crop-px", type=int, default=128)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--peak-of", choices=("ours", "plain"), help="run one step alone and print its peak memory")
    parser.add_argument("--critic-steps", type=int, default=CRITIC_STEPS)
    parser.add_argument("--net", choices=("deblurgan", "nafnet"), default="deblurgan")
    words = parser.parse_args()
    words.device = resolve_device(words.device)
    words.precision = words.precision or ("fp32" if words.device == "cpu" else "bf16")
    if words.peak_of:
        sys.stdout.write(f"{peak_mib(words)}\n")
        return
    check_equal(words)
    rows = [measured(argparse.Namespace(**{**vars(words), "net": net}), steps) for net, steps in ROWS]
    Path("reports/bench-training.json").write_text(json.dumps([asdict(row) for row in rows], indent=1) + "\n")
    table = Table("step", "ours s", "plain s", "ratio", "range", "ours MiB", "plain MiB", "crops/s", box=None)
    for row in rows:
        table.add_row(
            row.step,
            *(
                f"{row.ours_s:.3f}",
                f"{row.plain_s:.3f}",
                f"{row.ratio:.2f}×",
                f"{row.ratio_low:.2f}–{row.ratio_high:.2f}",
            ),
            *(f"{row.ours_peak_mib:.0f}", f"{row.plain_peak_mib:.0f}", f"{row.ours_crops_per_s:.1f}"),
        )
    Console(width=120).print(device_name(words.device), table)


def measured(words: argparse.Namespace, critic_steps: int) -> Measured:
    """Time both in turn, after one warm-up of each."""
    steps = [make(words, critic_steps) for make in (our_step, plain_step)]
    for step in steps:
        step()
    times = [[_seconds(step, words.device) for step in steps] for _ in range(words.rounds)]
    ratios = sorted(plain / ours for ours, plain in times)
    ours_s, plain_s = (median(column) for column in zip(*times, strict=True))
    crops = words.batch * (critic_steps + 1)
    name = f"{critic_steps} critic + 1 generator" if critic_steps else "content alone"
    return Measured(
        f"{words.net}, {name}, {words.precision}, {words.batch}×{words.crop_px}²",
        device_name(words.device),
        ours_s,
        plain_s,
        crops / ours_s,
        median(ratios),
        ratios[0],
        ratios[-1],
        *(_peak_in_own_process(words, whose, critic_steps) for whose in ("ours", "plain")),
    )


def check_equal(words: argparse.Namespace) -> None:
    """In float32 and without dropout, both give the same terms in the first two steps, to a thousandth.

    But for G_GAN: the critic's last bias has no gradient but rounding, which Adam makes steps of.
    """
    small = argparse.Namespace(**{**vars(words), "batch": 2, "crop_px": 32, "precision": "fp32"})
    for net, critic_steps in ROWS:
        small.net = net
        ours, plain = (make(small, critic_steps, dropout=0.0) for make in (our_step, plain_step))
        for _ in range(2):
            one, other = ours(), plain()
            for name in ("D_real+fake", "D_penalty", "G_L1") if critic_steps else ("G_L1",):
                assert abs(one[name] - other[name]) <= 1e-3 * max(1, abs(other[name])), (net, name, one, other)


def our_step(words: argparse.Namespace, critic_steps: int, dropout: float = 0.5) -> Step:
    """One step of the trainer a call."""
    device = torch.device(words.device)
    generator, critic = _nets(words.net, dropout)
    loss = WeightedLoss("L1", 100.0, lambda restored, target: l1(restored[0], target.sharp))
    plan = TrainingPlan(words.net, generator, critic, (loss,), 1e-4, (0.5, 0.999), average_decay=0.999)
    state = new_state(plan, device)
    draws = Draws(SEED, World(), device)
    schedule = Schedule(10**9, 0, 0 if critic_steps else 10**9, critic_steps)
    trainer = Trainer(plan, schedule, draws, words.precision)

    def open_batches(first: int) -> Iterator[Batch]:
        while True:
            yield _batch(words, first)
            first += 1

    def step() -> dict[str, float]:
        logged: list[dict[str, float]] = []
        trainer.train(state, open_batches, lambda terms: bool(logged.append(dict(terms))))
        return logged[0]

    return step


def plain_step(words: argparse.Namespace, critic_steps: int, dropout: float = 0.5) -> Step:
    """One plain step a call, on the same pictures and shares as ours."""
    device = torch.device(words.device)
    generator, critic = (net.to(device) for net in _plain_nets(words.net, dropout))
    restore = with_skip(generator) if words.net == "deblurgan" else generator
    adams = [
        torch.optim.Adam(net.parameters(), lr=1e-4, betas=(0.5, 0.999), foreach=False) for net in (generator, critic)
    ]
    draws = Draws(SEED, World(), device)
    numbers = iter(range(10**9))

    def pictures() -> tuple[Tensor, Tensor, Tensor]:
        number = next(numbers)
        noise, shares = draws.noise_and_shares(number, words.batch, words.crop_px)
        blurred, sharp = blur_batch(_batch(words, number).to(device), noise)
        return blurred.contiguous(), sharp.contiguous(), shares

    def step() -> dict[str, float]:
        terms: dict[str, list[float]] = {"D_real+fake": [], "D_penalty": []}
        for _ in range(critic_steps):
            blurred, sharp, shares = pictures()
            adams[1].zero_grad()
            fake = restore(blurred).detach()
            gap = critic(fake).mean() - critic(sharp).mean()
            share = shares[:, None, None, None]
            between = (share * sharp + (1 - share) * fake).requires_grad_()
            scores = critic(between).mean(dim=(1, 2, 3))
            (slope,) = torch.autograd.grad(scores, between, torch.ones_like(scores), create_graph=True)
            penalty = ((slope.reshape(len(slope), -1).norm(2, dim=1) - 1) ** 2).mean()
            (gap + 10 * penalty).backward()
            adams[1].step()
            terms["D_real+fake"].append(gap.item())
            terms["D_penalty"].append(penalty.item())
        blurred, sharp, _ = pictures()
        adams[0].zero_grad()
        restored = restore(blurred)
        content = (restored - sharp).abs().mean()
        adversarial = -critic(restored).mean() if critic_steps else torch.zeros((), device=device)
        (100 * content + adversarial).backward()
        adams[0].step()
        means = {name: float(np.mean(values)) for name, values in terms.items() if values}
        return {**means, "G_L1": content.item(), "G_GAN": adversarial.item()}

    return step


def peak_mib(words: argparse.Namespace) -> float:
    """Peak memory of a second step: the accelerator's, or else the process's (Linux), above what it starts with."""
    step = (our_step if words.peak_of == "ours" else plain_step)(words, words.critic_steps)
    before = _resident_mib("VmRSS")
    step()
    if words.device.startswith("cuda"):
        torch.cuda.reset_peak_memory_stats()
        step()
        return torch.cuda.max_memory_allocated() / MIB
    Path("/proc/self/clear_refs").write_text("5")  # forget the peak so far
    step()
    return _resident_mib("VmHWM") - before


def _resident_mib(key: str) -> float:
    """A line of the process's status; getrusage would tell the parent's peak."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith(f"{key}:"))


def _peak_in_own_process(words: argparse.Namespace, whose: str, critic_steps: int) -> float:
    settings = {
        "device": words.device,
        "precision": words.precision,
        "batch": words.batch,
        "crop-px": words.crop_px,
        "critic-steps": critic_steps,
        "net": words.net,
    }
    command = [sys.executable, __file__, "--peak-of", whose]
    for key, value in settings.items():
        command += [f"--{key}", str(value)]
    return float(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


def _nets(name: str, dropout: float) -> tuple[nn.Module, nn.Module]:
    """Generator and critic; a NAFNet trains without one, and its critic stands idle."""
    torch.manual_seed(SEED)
    generator, critic = (NAFNet() if name == "nafnet" else Generator()), Critic()
    for module in generator.modules():
        if isinstance(module, nn.Dropout):
            module.p = dropout
    return generator, critic


def _plain_nets(name: str, dropout: float) -> tuple[nn.Module, nn.Module]:
    generator, critic = _nets(name, dropout)
    plain = generator if name == "nafnet" else plain_generator(generator, dropout)  # a NAFNet's file has torch's layers
    return plain, plain_critic(critic)


def _batch(words: argparse.Namespace, number: int) -> Batch:
    """Random crops with a kernel of 61 pixels."""
    numbers = np.random.default_rng(number)
    kernel = np.zeros((61, 61), np.float32)
    kernel[30] = 1 / 61
    side = words.crop_px
    scenes = numbers.integers(0, 256, (words.batch, side + 60, side + 60, 3), dtype=np.uint8)
    gamma, noise = np.float32(2.2), np.float32(1)
    return collate([Crop(scene, scene[30:-30, 30:-30], kernel, gamma, noise) for scene in scenes])


def _seconds(step: Step, device: str) -> float:
    begun = time.perf_counter()
    step()
    if device.startswith("cuda"):
        torch.cuda.synchronize()
    return time.perf_counter() - begun


if __name__ == "__main__":
    sys.exit(main())
