"""The page of Levin et al.'s 32 pictures of real camera shake: `python reports/levin.py FOLDER [DEBLURRER …]`.

FOLDER is as downloaded: im{1..4}_kernel{1..8}_img.png, the sharp gt/im{1..4}.png and the measured gt/kernel{1..8}.png.
The set comes with Levin, Weiss, Durand, Freeman, CVPR 2009; these files are in the repository csdwren/SelfDeblur.
Writes levin.md beside this file. The numbers are the run's, on the processor; the words are those of levin.md.j2.
"""

import argparse
import time
from collections.abc import Sequence
from dataclasses import dataclass
from operator import attrgetter
from pathlib import Path
from statistics import fmean, median
from typing import Any

import jinja2

from detbench.blur.kernels import convolve
from detbench.blur.noise import to_image
from detbench.datasets.levin import SHAKEN, open_levin
from detbench.errors import NotEvaluableError
from detbench.evaluation.measure.limits import check_restored
from detbench.metrics.kernel_similarity import kernel_similarity
from detbench.metrics.shifted_quality import grey_shifted_psnr_db
from detbench.pages.text import UNDEFINED, amount, plural, share
from detbench.plugins.backend import Backend, resolve_deblurrer
from detbench.types import BlurEstimate, Image, Kernel, KernelEstimator, Light, Restoration, Sample

HERE = Path(__file__).parent
DEBLURRERS = ("blind", "guided", "blind:light=linear", "tv", "wiener", "nafnet", "pix2pix", "deblurgan")


@dataclass(frozen=True)
class Published:
    """A figure from a paper's table: mean PSNR in dB up to a shift over the 32 pictures."""

    method: str
    psnr_db: float
    note: str = ""


PUBLISHED = (
    Published("the true kernel", 34.53, "not blind"),
    Published("VDIP", 33.12),
    Published("SelfDeblur", 33.07, "two networks optimised for each picture"),
    Published("Sun et al.", 32.99),
    Published("MCEM", 32.81),
    Published("Pan et al., dark channel", 32.69),
    Published("Zuo et al.", 32.66),
    Published("Xu and Jia", 31.67),
    Published("Levin et al. 2011", 30.80),
    Published("Cho and Lee", 30.57),
    Published("Krishnan et al.", 29.88),
    Published("Restormer", 27.78, "a network trained on GoPro"),
    Published("MPRNet", 26.21, "a network trained on GoPro"),
    Published("SRN", 23.43, "a network trained for it"),
)
"""From table 1 of SelfDeblur (Ren et al., CVPR 2020); VDIP, MCEM, Restormer and MPRNet from a later paper that repeats
it.
"""


@dataclass(frozen=True, eq=False)
class Shake:
    """One picture (H, W, 3) of a scene, its sharp twin, and the kernel that blurred it in the stored values."""

    scene: int
    kernel: int
    blurred: Image
    sharp: Image
    truth: Kernel
    blurred_db: float


@dataclass(frozen=True)
class Score:
    """What a deblurrer made of one picture; `similarity` is None where it estimated no kernel."""

    scene: int
    kernel: int
    psnr_db: float
    gain_db: float
    seconds: float
    similarity: float | None


@dataclass(frozen=True)
class Arm:
    """A deblurrer with its scores; `is_told` says that it was given the kernel, `estimates` that it looks for one."""

    name: str
    is_told: bool
    estimates: bool
    scores: tuple[Score, ...]

    @property
    def psnr_db(self) -> float:
        """The mean over all pictures."""
        return fmean(score.psnr_db for score in self.scores)

    @property
    def gain_db(self) -> float:
        """The mean over all pictures."""
        return fmean(score.gain_db for score in self.scores)

    @property
    def worst(self) -> Score:
        """That of the picture with the smallest gain."""
        return min(self.scores, key=lambda score: score.gain_db)

    @property
    def improved(self) -> int:
        """How many pictures it made better."""
        return sum(score.gain_db > 0 for score in self.scores)

    @property
    def left_alone(self) -> int:
        """In how many pictures an estimator found no kernel."""
        return sum(score.similarity is None for score in self.scores) if self.estimates else 0

    @property
    def seconds(self) -> float:
        """The median over all pictures."""
        return median(score.seconds for score in self.scores)

    @property
    def similarity(self) -> float | None:
        """The mean over the pictures where it found a kernel."""
        return mean([score.similarity for score in self.scores])

    def by_kernel(self, kernel: int, field: str) -> float | None:
        """The mean of a score's field over the pictures with this kernel."""
        return mean([getattr(score, field) for score in self.scores if score.kernel == kernel])

    def of(self, scene: int, kernel: int) -> float | None:
        """The PSNR of one picture, None where the folder does not have it."""
        return mean([each.psnr_db for each in self.scores if (each.scene, each.kernel) == (scene, kernel)])


def main(folder: Path, words: Sequence[str]) -> None:
    """Run the deblurrers over the folder and write the page."""
    backends = [resolve_deblurrer(word, "cpu", "fp32") for word in words]
    shakes = read_shakes(folder)
    arms = sorted((run(backend, shakes) for backend in backends), key=lambda arm: -arm.psnr_db)
    template = jinja2.Environment(
        loader=jinja2.FileSystemLoader(HERE), autoescape=False, trim_blocks=True, undefined=jinja2.StrictUndefined
    ).get_template("levin.md.j2")
    page = template.render(arms=arms, by_name={arm.name: arm for arm in arms}, **facts(shakes))
    (HERE / "levin.md").write_text(page.rstrip() + "\n", encoding="utf-8")


def facts(shakes: Sequence[Shake]) -> dict[str, Any]:
    """What the page says of the pictures themselves, and how it writes numbers."""
    return {
        "shakes": shakes,
        "scenes": sorted({shake.scene for shake in shakes}),
        "kernels": sorted({shake.kernel for shake in shakes}),
        "blurred_db": fmean(shake.blurred_db for shake in shakes),
        "blurred_by_kernel": lambda kernel: mean([each.blurred_db for each in shakes if each.kernel == kernel]),
        "stored_db": fmean(agreement(shake, "gamma") for shake in shakes),
        "linear_db": fmean(agreement(shake, "linear") for shake in shakes),
        "published": PUBLISHED,
        "neighbours": neighbours,
        "decibels": lambda value: UNDEFINED if value is None else f"{value:.2f}".replace("-", "−"),
        "share": lambda value: UNDEFINED if value is None else share(value),
        "amount": amount,
        "plural": plural,
    }


def read_shakes(folder: Path) -> list[Shake]:
    """All pictures of the folder, by scene and kernel; raises DataError where there is none."""
    return [_shake(sample) for sample in open_levin(folder)]


def _shake(sample: Sample) -> Shake:
    match = SHAKEN.fullmatch(Path(sample.file_name).stem)
    if match is None or sample.sharp is None or sample.blur is None or sample.blur.kernel is None:
        raise NotEvaluableError(f"{sample.file_name}: not a picture of Levin et al. with its scene and kernel")
    blurred, sharp = sample.blurred.load(), sample.sharp.load()
    return Shake(int(match[1]), int(match[2]), blurred, sharp, sample.blur.kernel, decibels_of(blurred, sharp))


def agreement(shake: Shake, light: Light) -> float:
    """How well the blur equation holds, in dB, if the blur averaged in this light."""
    kernel = Kernel(shake.truth.weights, light)
    return decibels_of(to_image(convolve(shake.sharp, kernel)), shake.blurred)


def run(backend: Backend, shakes: Sequence[Shake]) -> Arm:
    """Restore every picture and score it."""
    built = backend.build()
    is_told, estimates = bool(getattr(built, "needs_kernel", False)), isinstance(built, KernelEstimator)
    return Arm(backend.name, is_told, estimates, tuple(score(backend.name, built, shake) for shake in shakes))


def score(name: str, deblurrer: Any, shake: Shake) -> Score:
    """One picture restored; seconds are those of the processor, so work beside it does not count."""
    begun = time.process_time()
    restoration = restore(deblurrer, shake)
    seconds = time.process_time() - begun
    check_restored(name, restoration.image, shake.blurred)
    psnr_db = decibels_of(restoration.image, shake.sharp)
    similarity = similarity_of(shake.truth, restoration.blur)
    return Score(shake.scene, shake.kernel, psnr_db, psnr_db - shake.blurred_db, seconds, similarity)


def restore(deblurrer: Any, shake: Shake) -> Restoration:
    """By any kind of deblurrer: one that is told the kernel, one that finds it, one that does without."""
    blurred = shake.blurred.copy()
    if getattr(deblurrer, "needs_kernel", False):
        return Restoration(deblurrer(blurred, shake.truth), None)
    if isinstance(deblurrer, KernelEstimator):
        return deblurrer.restore(blurred)
    return Restoration(deblurrer(blurred), None)


def similarity_of(truth: Kernel, found: BlurEstimate | None) -> float | None:
    """None where no kernel was found."""
    return None if found is None else kernel_similarity(truth, found)


def decibels_of(image: Image, reference: Image) -> float:
    """PSNR up to a shift of the grey picture, since the set is grey and a tint is not what is judged.

    Raises NotEvaluableError where there is none.
    """
    value = grey_shifted_psnr_db(image, [reference])
    if value is None:
        raise NotEvaluableError("a picture equals its reference, or is smaller than 31 pixels: no PSNR up to a shift")
    return value


def neighbours(psnr_db: float) -> tuple[Published | None, Published | None]:
    """The published figures next below and next above, None at the ends."""
    below = [each for each in PUBLISHED if each.psnr_db <= psnr_db]
    above = [each for each in PUBLISHED if each.psnr_db > psnr_db]
    return max(below, key=attrgetter("psnr_db"), default=None), min(above, key=attrgetter("psnr_db"), default=None)


def mean(values: Sequence[float | None]) -> float | None:
    """Of the values that are there; None where none is."""
    there = [value for value in values if value is not None]
    return fmean(there) if there else None


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("deblurrer", nargs="*", default=DEBLURRERS, help="as `detbench run --deblurrer` takes it")
    asked = parser.parse_args()
    main(asked.folder, asked.deblurrer)
