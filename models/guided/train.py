"""Trains `guided`: makes blurred, guide and sharp pictures once, and then trains by the clock on one processor core.

    python models/guided/train.py triples --photos PHOTOS --pairs STREETS/pairs --out TRIPLES
    python models/guided/train.py train --triples TRIPLES --start models/nafnet/weights.safetensors --minutes 60 \
        --detector yolov8n.pt --backbone mobilenet_v2.pth --out OUT

The guide is what the deblurrer `blind` makes of the blurred picture. It takes two seconds a picture, so that it is made
beforehand. Photos are blurred along random paths or by shakes; pairs are blurred already. Both commands go on where
they were stopped. Weights are those of a moving average, written whenever the held-out pictures are measured.
"""

import argparse
import math
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import safetensors.torch
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from detbench.blur.recipes import PictureRecipe, ShakeRecipe, TrajectoryRecipe
from detbench.core.images import read_image
from detbench.deblurrers.blind import Blind
from detbench.metrics.quality import psnr_db
from detbench.nets.guided_nafnet import GuidedNAFNet
from detbench.nets.layers import zero_outputs_
from detbench.training.data.crops import PictureStore
from detbench.training.data.sources import TrainingPicture, find_source, split
from detbench.training.losses.content import charbonnier, spectrum
from detbench.training.losses.detector_features import load_detector_features
from detbench.training.losses.feature_loss import FeatureLoss
from detbench.training.losses.mobilenet_features import load_mobilenet_features
from detbench.training.losses.target import Target
from detbench.training.muon import Muon, uses_muon

LONGEST_PX = 640
RECIPES: Sequence[PictureRecipe] = (
    TrajectoryRecipe(light="gamma", noise=1),
    TrajectoryRecipe(light="linear", noise=2),
    TrajectoryRecipe(light="gamma", noise=1),
    TrajectoryRecipe(light="linear", noise=3),
    ShakeRecipe(noise=2),
)
HELD_OUT_PAIRS, HELD_OUT_PHOTOS = 12, 24

CROP_PX, BATCH = 192, 5
PAIRS_SHARE = 0.6
SHARP_SHARE, BLIND_LOST_SHARE = 0.05, 0.07
"""Of the crops, so many are sharp already, and in so many `blind` is taken to have found nothing."""
RATE, RAMP_STEPS, CLIP_NORM, DECAY = 3e-4, 60, 1.0, 0.998
SPECTRUM_WEIGHT, FEATURES_WEIGHT = 0.05, 0.15
MEASURED_STEPS = 150

Triple = NDArray[np.uint8]
"""Blurred, guide and sharp picture, (3, H, W, 3)."""


def make_triples(photos: Path, pairs: Path, out: Path) -> None:
    """Write a .npy file for each picture, photos and pairs in turn: a training can begin before all are there."""
    out.mkdir(parents=True, exist_ok=True)
    blind, random = Blind(device="cpu", precision="bf16"), np.random.default_rng(0)
    for kind, picture in _in_turn(photos, pairs, random):
        file = out / f"{kind}-{picture.sharp.stem}.npy"
        if not file.exists():
            triple = _triple(picture, blind)
            np.save(file.with_suffix(".tmp.npy"), triple)
            file.with_suffix(".tmp.npy").rename(file)


def _in_turn(photos: Path, pairs: Path, random: np.random.Generator) -> Iterator[tuple[str, TrainingPicture]]:
    (own, of_photos), (paired, of_pairs) = split(find_source(photos)), split(find_source(pairs))
    yield from (("held-out-pair", each) for each in of_pairs.pictures[:HELD_OUT_PAIRS])
    yield from (("held-out-photo", each) for each in of_photos.pictures[:HELD_OUT_PHOTOS])
    shuffled = [random.permutation(len(source.pictures)) for source in (own, paired)]
    for place in range(max(map(len, shuffled))):
        for kind, source, order in zip(("photo", "pair"), (own, paired), shuffled, strict=True):
            if place < len(order):
                yield kind, source.pictures[order[place]]


def _triple(picture: TrainingPicture, blind: Blind) -> Triple:
    if picture.blurred is not None:
        sharp, blurred = read_image(picture.sharp), read_image(picture.blurred)
    else:
        sharp, key = PictureStore(LONGEST_PX).read(picture.sharp), picture.sharp.stem
        blurred, _ = RECIPES[sum(key.encode()) % len(RECIPES)].apply(sharp, key)
    return np.stack([blurred, blind(blurred), sharp])


class Triples:
    """The triples of a folder, crops of them, and those that are held out."""

    def __init__(self, folder: Path, seed: int) -> None:
        self._folder, self._random = folder, np.random.default_rng(seed)

    def batch(self) -> tuple[Tensor, Tensor]:
        """Blurred picture and guide, (BATCH, 6, CROP_PX, CROP_PX) in -1..1, and sharp ones, (BATCH, 3, …)."""
        crops = np.stack([self._crop() for _ in range(BATCH)])
        return torch.cat([_tensor(crops[:, 0]), _tensor(crops[:, 1])], 1), _tensor(crops[:, 2])

    def held_out(self, kind: str) -> Iterator[Triple]:
        """Those of `photo` or `pair`, cut to sides that the network takes."""
        for file in sorted(self._folder.glob(f"held-out-{kind}-*.npy")):
            triple = np.load(file)
            yield triple[:, : triple.shape[1] // 16 * 16, : triple.shape[2] // 16 * 16]

    def _crop(self) -> Triple:
        kind = "pair" if self._random.random() < PAIRS_SHARE else "photo"
        files = sorted(self._folder.glob(f"{kind}-*.npy"))
        triple = np.load(files[self._random.integers(len(files))], mmap_mode="r")
        top, left = (self._random.integers(side - CROP_PX + 1) for side in triple.shape[1:3])
        crop = np.array(triple[:, top : top + CROP_PX, left : left + CROP_PX])
        if self._random.random() < 0.5:
            crop = crop[:, :, ::-1]
        drawn = self._random.random()
        if drawn < SHARP_SHARE:
            return crop[[2, 2, 2]]
        return crop[[0, 0, 2]] if drawn < SHARP_SHARE + BLIND_LOST_SHARE else crop


def _tensor(pictures: NDArray[np.uint8]) -> Tensor:
    """(N, H, W, 3), 0..255, to (N, 3, H, W), -1..1."""
    return torch.from_numpy(np.ascontiguousarray(pictures)).permute(0, 3, 1, 2).float() / 127.5 - 1


def started(start: Path) -> GuidedNAFNet:
    """The network with the weights of a file: its own, or a NAFNet's, whose guide is trusted by half at first."""
    net = GuidedNAFNet()
    nn.init.normal_(net.guide.weight, std=0.02)
    nn.init.zeros_(net.guide.bias)
    zero_outputs_(net.trust)
    found = {name: tensor.float() for name, tensor in safetensors.torch.load_file(start).items()}
    missing, unknown = net.load_state_dict(found, strict=False)
    if unknown or any(name.partition(".")[0] not in ("guide", "trust") for name in missing):
        raise SystemExit(f"{start}: no weights of a NAFNet at half resolution")
    return net.to(memory_format=torch.channels_last)


def train(triples: Triples, net: GuidedNAFNet, features: FeatureLoss, minutes: float, out: Path) -> None:
    """Descend until the time is up, the rate along a cosine over it; weights and their log go into `out`."""
    weights = [parameter for parameter in net.parameters() if uses_muon(parameter)]
    others = [parameter for parameter in net.parameters() if not uses_muon(parameter)]
    optimisers = [Muon(weights, RATE), torch.optim.AdamW(others, RATE, betas=(0.9, 0.95), weight_decay=0)]
    average = {name: tensor.clone() for name, tensor in net.state_dict().items()}
    begun, step = time.monotonic(), 0
    while (done := (time.monotonic() - begun) / 60 / minutes) < 1:
        if step % MEASURED_STEPS == 0:
            _measure(triples, average, step, out)
        rate = RATE * min(1, (step + 1) / RAMP_STEPS) * (1 + math.cos(math.pi * done)) / 2
        for optimiser in optimisers:
            optimiser.param_groups[0]["lr"] = rate
            optimiser.zero_grad(set_to_none=True)
        _loss(net, *triples.batch(), features, step).backward()
        nn.utils.clip_grad_norm_(net.parameters(), CLIP_NORM)
        for optimiser in optimisers:
            optimiser.step()
        step += 1
        with torch.no_grad():
            for name, tensor in net.state_dict().items():
                average[name].lerp_(tensor, 1 - min(DECAY, step / (step + 9)))
    _measure(triples, average, step, out)


def _loss(net: GuidedNAFNet, pictures: Tensor, sharp: Tensor, features: FeatureLoss, step: int) -> Tensor:
    with torch.autocast("cpu", torch.bfloat16):
        restored = net(pictures.contiguous(memory_format=torch.channels_last))
        seen = features([restored], Target(sharp, sharp.new_ones(len(sharp), 1, 1), step))
    return charbonnier(restored, sharp) + SPECTRUM_WEIGHT * spectrum(restored, sharp) + FEATURES_WEIGHT * seen


@torch.inference_mode()
def _measure(triples: Triples, average: dict[str, Tensor], step: int, out: Path) -> None:
    """Write the averaged weights, and a line with the PSNR of blurred, guide and restored held-out pictures, in dB."""
    net = GuidedNAFNet().eval()
    net.load_state_dict(average)
    lines = []
    for kind in ("pair", "photo"):
        values = []
        for blurred, guide, sharp in triples.held_out(kind):
            with torch.autocast("cpu", torch.bfloat16):
                restored = net(torch.cat([_tensor(blurred[None]), _tensor(guide[None])], 1))
            levels = ((restored[0].float().permute(1, 2, 0).numpy() + 1) * 127.5).round().clip(0, 255).astype(np.uint8)
            values.append([psnr_db(each, sharp) for each in (blurred, guide, levels)])
        lines.append(f"{kind} {' '.join(f'{value:.3f}' for value in np.mean(values, axis=0))}")
    out.mkdir(parents=True, exist_ok=True)
    with (out / "log.txt").open("a") as log:
        log.write(f"step {step}: {', '.join(lines)}\n")
    halved = {name: tensor.half().contiguous() for name, tensor in average.items()}
    safetensors.torch.save_file(halved, out / "weights.safetensors")


def main() -> None:
    """Make triples, or train on them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    making, training = commands.add_parser("triples"), commands.add_parser("train")
    for name in ("--photos", "--pairs", "--out"):
        making.add_argument(name, type=Path, required=True)
    for name in ("--triples", "--start", "--detector", "--backbone", "--out"):
        training.add_argument(name, type=Path, required=True)
    training.add_argument("--minutes", type=float, required=True)
    training.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    torch.set_num_threads(1)
    if given.command == "triples":
        make_triples(given.photos, given.pairs, given.out)
        return
    detectors = [load_detector_features(given.detector), load_detector_features(None)]
    features = FeatureLoss([*detectors, load_mobilenet_features(given.backbone)], given.seed)
    train(Triples(given.triples, given.seed), started(given.start), features, given.minutes, given.out)


if __name__ == "__main__":
    main()
