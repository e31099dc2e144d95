"""Pictures through arms: what is done with which picture, and what becomes of an arm that fails."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

from detbench.core.arm import Arm
from detbench.core.progress import unwatched
from detbench.errors import ArmError, DataError, NotEvaluableError
from detbench.evaluation.measure.measuring import MEASURING, Arms, Extent, Pictures, measure_pictures
from detbench.evaluation.measure.steps import Restored
from detbench.plugins.backend import Backend
from detbench.plugins.registry import Entry
from detbench.types import Benchmark, Blur, Detections, GroundTruth, Kernel, Picture, Sample

KERNEL = Kernel(np.full((3, 3), 1 / 9), "linear")


def picture(name: str) -> Picture:
    """A picture that is known by its name."""
    return Picture(name, 100, 80, lambda: np.zeros((80, 100, 3), np.uint8))


class Streets(list[Sample]):
    """A dataset of pictures 10, 11, …"""

    name = "streets"

    def __init__(self, count: int, has_sharp: bool = True, blur: Blur | None = None) -> None:
        truth = GroundTruth(np.zeros((0, 4)), *(np.zeros(0, kind) for kind in (int, bool, float, int)))
        for number in range(10, 10 + count):
            sharp = picture(f"sharp {number}") if has_sharp else None
            self.append(Sample(number, f"{number}.png", sharp, picture(f"blurred {number}"), truth, blur))


class Steps:
    """Steps that note what they are given: deblurrers of other names than `identity` make pictures of their name;
    `failing` names pictures by digest that a deblurrer cannot restore.
    """

    def __init__(self, *failing: str) -> None:
        self.failing = failing
        self.restored: list[tuple[str, str, Kernel | None]] = []

    def restore(self, backend: Backend, given: Picture, kernel: Kernel | None) -> Restored:
        self.restored.append((backend.name, given.sha256, kernel))
        if backend.name != "identity" and given.sha256 in self.failing:
            raise ArmError(f"{backend.name} failed")
        return Restored(given if backend.name == "identity" else picture(f"{backend.name} {given.sha256}"), 1.0, False)

    def restored_before(self, backend: Backend, given: Picture, kernel: Kernel | None) -> Picture | None:
        if (backend.name, given.sha256, kernel) not in self.restored:
            return None
        return given if backend.name == "identity" else picture(f"{backend.name} {given.sha256}")

    def image_quality(
        self, given: Picture, sharp: Picture | None, blurred: Picture | None, benchmark: Benchmark | None
    ) -> Mapping[str, float | None]:
        return {}


class Source:
    """One sure box of class 1 in every picture; `without` names the arms that it has nothing of."""

    def __init__(self, without: tuple[str, ...] = ()) -> None:
        self.without = without
        self.seen: list[str] = []

    def is_finished(self, given: Picture) -> bool:
        return given.sha256 in self.seen

    def has(self, arm: Arm) -> bool:
        return arm.name not in self.without

    def detect_ms(self, given: Picture) -> float | None:
        return float(self.seen.count(given.sha256))

    def __call__(self, arm: Arm, sample: Sample, given: Picture) -> Detections:
        self.seen.append(given.sha256)
        return Detections(np.array([[0, 0, 9, 9.0]]), np.array([0.9]), np.array([1]))


def arms(*names: str, steps: Any = None, source: Any = None, recorded: Any = None) -> Arms:
    """The arms of deblurrers; those with recorded pictures were run elsewhere."""
    recorded = recorded or {}
    backends = [Backend(name, Entry(name, "nowhere:nothing", "given", by_name=name in recorded), {}) for name in names]
    return Arms(backends, steps or Steps(), source or Source(), recorded)


def names(of_arms: Arms, sample: Sample, with_harm: bool = True) -> list[str]:
    """The arms that a picture has rows in."""
    return [row.arm.name for _, work in of_arms.work(sample, with_harm) for row in work()]


def test_each_picture_goes_through_every_arm() -> None:
    """Sharp, blurred, then each deblurrer on the blurred and on the sharp picture; equal pictures are seen once. Where
    sharp pictures were not restored elsewhere, their detections not recorded, or no harm is wanted, there are no rows
    of harm.
    """
    source = Source()
    rows = names(arms("identity", "net", source=source), Streets(1)[0])
    assert rows == ["sharp", "blurred", "identity", "sharp+identity", "net", "sharp+net"]
    assert source.seen == ["sharp 10", "blurred 10", "net blurred 10", "net sharp 10"]
    assert names(arms("net"), Streets(1, has_sharp=False)[0]) == ["blurred", "net"]
    of_others = arms("theirs", recorded={"theirs": {"10.png": picture("theirs")}})
    assert names(of_others, Streets(1)[0]) == ["sharp", "blurred", "theirs"]
    assert names(arms("net", source=Source(without=("sharp+net",))), Streets(1)[0]) == ["sharp", "blurred", "net"]
    assert names(arms("net"), Streets(1)[0], with_harm=False) == ["sharp", "blurred", "net"]


def test_the_kernel_is_that_of_the_picture() -> None:
    """A deblurrer has the kernel of the blurred picture, and for the sharp one a single point in the same light."""
    steps = Steps()
    names(arms("net", steps=steps), Streets(1, blur=Blur("trajectory", {}, 4.0, KERNEL))[0])
    (_, _, of_blurred), (_, _, of_sharp) = steps.restored
    assert of_blurred is KERNEL
    assert of_sharp is not None
    assert (of_sharp.weights.tolist(), of_sharp.light) == ([[1.0]], "linear")


def test_an_arm_that_fails_is_given_up() -> None:
    """After its first failure it is not tried again, and rows that it gave before are left out; others are whole."""
    steps = Steps("blurred 11")
    of_arms = arms("net", "identity", steps=steps)
    pictures = Pictures(Streets(3), None, "labels", steps, Source())
    samples, rows = measure_pictures(pictures, range(3), range(3), of_arms, unwatched, Extent(12, set()))
    assert [sample.id for sample in samples] == [10, 11, 12]
    assert of_arms.failed == {"net": "11.png: net failed"}
    assert {arm.name: len(of_arm) for arm, of_arm in rows.items()} == dict.fromkeys(
        ("sharp", "blurred", "identity", "sharp+identity"), 3
    )
    assert [given for name, given, _ in steps.restored if name == "net"] == ["blurred 10", "sharp 10", "blurred 11"]


def test_sharp_pictures_are_restored_at_some_places() -> None:
    """Of the second half of six pictures, every fourth of the whole dataset: the one at place 4."""
    steps = Steps()
    pictures = Pictures(Streets(6), None, "labels", steps, Source())
    _, rows = measure_pictures(
        pictures, range(3, 6), range(0, 6, 4), arms("net", steps=steps), unwatched, Extent(9, set())
    )
    ids = {arm.name: [row.sample.id for row in of_arm] for arm, of_arm in rows.items()}
    assert ids == {"sharp": [13, 14, 15], "blurred": [13, 14, 15], "net": [13, 14, 15], "sharp+net": [14]}
    assert [given for _, given, _ in steps.restored] == ["blurred 13", "blurred 14", "sharp 14", "blurred 15"]


def test_harm_needs_every_picture_of_its_deblurrer() -> None:
    """A deblurrer that fails behind the last picture of the sample has no rows on sharp pictures either."""
    steps = Steps("blurred 12")
    pictures = Pictures(Streets(3), None, "labels", steps, Source())
    _, rows = measure_pictures(pictures, range(3), range(1), arms("net", steps=steps), unwatched, Extent(9, set()))
    assert [arm.name for arm in rows] == ["sharp", "blurred"]


def test_a_share_has_its_places() -> None:
    """Every second picture from the second on, each arm of it a step of progress; fewer than announced are an error."""
    steps: list[tuple[str, int, int, str]] = []
    pictures = Pictures(Streets(5), None, "labels", Steps(), Source())
    samples, _ = measure_pictures(
        pictures, range(1, 5, 2), range(5), arms(), lambda *step: steps.append(step), Extent(4, set())
    )
    assert [sample.id for sample in samples] == [11, 13]
    named = [(MEASURING, done, 4, arm) for done, arm in enumerate(("sharp", "blurred", "sharp", "blurred"))]
    assert steps == [*named, (MEASURING, 4, 4)]
    with pytest.raises(DataError, match="dataset streets: 5 pictures came where 6 were announced"):
        measure_pictures(pictures, range(6), range(6), arms(), unwatched, Extent(12, set()))


def test_finished_steps_count_from_the_start() -> None:
    """What was done before is known, arm by arm: an arm that is restored but not detected has its work before it, and
    progress begins behind the finished steps and passes over none of them twice.
    """
    steps, source, shown = Steps(), Source(), list[tuple[int, int]]()
    pictures, of_arms = Pictures(Streets(2), None, "labels", steps, source), arms("net", steps=steps, source=source)
    assert pictures.extent(range(2), range(2), of_arms) == Extent(6, set())
    names(of_arms, Streets(2)[0])
    extent = pictures.extent(range(2), range(2), of_arms)
    assert extent == Extent(6, {(10, "sharp"), (10, "blurred"), (10, "net")})
    measure_pictures(
        pictures, range(2), range(2), of_arms, lambda _, done, count, *__: shown.append((done, count)), extent
    )
    assert shown == [(3, 6), (3, 6), (3, 6), (3, 6), (4, 6), (5, 6), (6, 6)]
    source.seen = [seen for seen in source.seen if seen not in ("net blurred 11", "sharp 10")]
    left = {(10, "blurred"), (10, "net"), (11, "sharp"), (11, "blurred")}
    assert pictures.extent(range(2), range(2), of_arms).finished == left


def test_pseudo_truth_is_of_the_sharp_picture() -> None:
    """Boxes are numbered by the picture's place in the whole dataset; without sharp pictures there are none."""

    def truth(dataset: Streets) -> list[int]:
        pictures = Pictures(dataset, None, "pseudo", Steps(), Source())
        return [number for sample in pictures.at(range(1, 3)) for number in sample.truth.ids.tolist()]

    assert truth(Streets(3)) == [10_001, 20_001]
    with pytest.raises(NotEvaluableError, match="dataset streets has none"):
        truth(Streets(3, has_sharp=False))
