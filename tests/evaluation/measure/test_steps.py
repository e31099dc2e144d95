"""The steps of a run: each done once, each backend held to its contract."""

import json
import time
import weakref
from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from detbench.core.images import picture_from_image
from detbench.core.memory import CLEAR_REFS
from detbench.errors import ArmError, BackendError, UsageError
from detbench.evaluation.measure import steps
from detbench.evaluation.measure.steps import Stages
from detbench.metrics.image_metrics import ImageMetric, image_metrics, measured_metrics
from detbench.plugins.backend import Backend
from detbench.plugins.registry import Entry
from detbench.results.cache import Cache
from detbench.types import Benchmark, BlurEstimate, Detections, Image, Kernel, MetricSpec, Restoration


@dataclass(frozen=True)
class Given(Backend):
    """A backend that is already built."""

    built: Any = None

    def build(self) -> Any:
        return self.built


def given(name: str, built: Any) -> Backend:
    """A backend that needs no import."""
    return Given(name, Entry(name, "nowhere:nothing", "given"), {"target": name}, built=built)


def named(detect: Callable[[Image], Any], classes: tuple[str, ...] = ("a", "b")) -> Any:
    """A function as a detector: one that names its classes."""
    detect.classes = classes  # type: ignore[attr-defined]
    return detect


@pytest.fixture
def stages(tmp_path: Path) -> Stages:
    """Stages over an empty cache."""
    return Stages(Cache(tmp_path))


@pytest.fixture
def image() -> Image:
    """A picture that is not square."""
    return np.arange(7 * 11 * 3, dtype=np.uint8).reshape(7, 11, 3)


def test_restoration_is_done_once(stages: Stages, image: Image) -> None:
    """The second asking comes from the cache, with the same pixels and the same time."""
    calls = []

    def invert(blurred: Image) -> Image:
        calls.append(1)
        return 255 - blurred

    first = stages.restore(given("invert", invert), picture_from_image(image), None)
    second = stages.restore(given("invert", invert), picture_from_image(image), None)
    assert len(calls) == 2  # one of them warms up
    assert first == second
    assert np.array_equal(second.picture.load(), 255 - image)


def test_unchanged_picture_is_the_picture(stages: Stages, image: Image) -> None:
    """A deblurrer that returns its input is given the input's own digest, so nothing is detected twice."""
    picture = picture_from_image(image)
    assert stages.restore(given("copy", lambda blurred: blurred.copy()), picture, None).picture is picture


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (lambda blurred: blurred[:-1], r"uint8 \(6, 11, 3\)"),
        (lambda blurred: blurred / 255, r"float64 \(7, 11, 3\)"),
        (lambda blurred: None, "NoneType"),
    ],
)
def test_restored_picture_is_checked(stages: Stages, image: Image, wrong: Any, said: str) -> None:
    """Another size, another type or no picture at all is refused, with what came and what was due."""
    with pytest.raises(ArmError, match=f"wrong returned {said}.*uint8 \\(7, 11, 3\\)"):
        stages.restore(given("wrong", wrong), picture_from_image(image), None)


def test_what_a_backend_raises_names_it(stages: Stages, image: Image) -> None:
    """An exception of a backend becomes one message with its name and kind."""

    def broken(blurred: Image) -> Image:
        raise ZeroDivisionError("by nought")

    with pytest.raises(ArmError, match="broken failed: ZeroDivisionError: by nought"):
        stages.restore(given("broken", broken), picture_from_image(image), None)


def test_detector_must_return_detections(stages: Stages, image: Image) -> None:
    """Something else than Detections is refused."""
    with pytest.raises(ArmError, match="odd returned list"):
        stages.detect(given("odd", named(lambda picture: [])), picture_from_image(image))


@pytest.mark.parametrize("label", [-1, 2])
def test_detections_name_classes_that_there_are(stages: Stages, image: Image, label: int) -> None:
    """A label below 0, or beyond the detector's last class, is refused: it would count as another class."""
    found = Detections(np.array([[0, 0, 5, 5.0]]), np.array([0.5]), np.array([label]))
    with pytest.raises(ArmError, match=r"odd returned labels .* names 2 classes, so they lie in 0\.\.1"):
        stages.detect(given("odd", named(lambda picture: found)), picture_from_image(image))


@pytest.mark.parametrize("box", [[0, 0, 5, float("nan")], [0, 0, float("inf"), 5]])
def test_detections_are_finite(stages: Stages, image: Image, box: list[float]) -> None:
    """A detector whose boxes hold NaN or infinity has failed."""
    odd = named(lambda picture: Detections(np.array([box]), np.array([0.5]), np.array([0])))
    with pytest.raises(ArmError, match="odd failed: ValueError: detections hold a box"):
        stages.detect(given("odd", odd), picture_from_image(image))


def test_a_detector_has_classes(stages: Stages) -> None:
    """A detector that does not say which classes it knows has failed."""
    with pytest.raises(ArmError, match=r"odd failed: AttributeError.*classes"):
        stages.classes(given("odd", lambda picture: []))


def test_a_detectors_notes_are_kept_with_its_classes(stages: Stages) -> None:
    """What a detector says of its numbers comes from the cache the next time; most say nothing."""
    detector = named(lambda picture: [])
    assert stages.notes(given("quiet", detector)) == ()
    detector = named(lambda picture: [])
    detector.notes = ["keeps back boxes"]
    assert stages.notes(given("own", detector)) == ("keeps back boxes",)
    detector.notes = ["another"]
    assert (stages.notes(given("own", detector)), stages.classes(given("own", detector))) == (
        ("keeps back boxes",),
        ("a", "b"),
    )


def test_what_hangs_is_stopped(tmp_path: Path, image: Image) -> None:
    """A deblurrer that takes longer than its time has failed, and the message says how it gets more."""
    stages = Stages(Cache(tmp_path), seconds=0.05)
    with pytest.raises(ArmError, match=r"idle took longer than 0\.05 s.*--timeout"):
        stages.restore(given("idle", lambda blurred: time.sleep(30)), picture_from_image(image), None)


def test_a_deblurrer_that_works_in_place_spoils_nothing(stages: Stages, image: Image) -> None:
    """What a deblurrer writes into its argument reaches no other call: the picture is restored once, not twice."""

    def brighten(blurred: Image) -> Image:
        blurred += 1
        return blurred

    restored = stages.restore(given("brighten", brighten), picture_from_image(image), None)
    assert np.array_equal(restored.picture.load(), image + 1)


class Tiled:
    """A deblurrer that runs out of memory on more pixels than `memory`, and inverts."""

    max_pixels = 1_000_000

    def __init__(self, memory: int) -> None:
        self.memory = memory

    def __call__(self, blurred: Image) -> Image:
        if min(self.max_pixels, blurred.size // 3) > self.memory:
            raise MemoryError
        return 255 - blurred


def test_memory_that_runs_out_makes_tiles_smaller(stages: Stages) -> None:
    """Where memory runs out the picture goes through in smaller tiles, and the record says so, also once it is kept."""
    picture = picture_from_image(np.zeros((600, 800, 3), np.uint8))
    for _ in range(2):
        restored = stages.restore(given("tiled", Tiled(130_000)), picture, None)
        assert restored.tile_pixels == 120_000
        assert (restored.picture.load() == 255).all()
    assert stages.restore(given("large", Tiled(480_000)), picture, None).tile_pixels is None


def test_memory_is_given_back_before_the_next_try(stages: Stages) -> None:
    """What a failed try holds, in an error that refers to itself, is gone when smaller tiles are tried."""

    class FullError(MemoryError):
        pass

    held = weakref.WeakSet[FullError]()

    class Clinging(Tiled):
        def __call__(self, blurred: Image) -> Image:
            assert not held
            if self.max_pixels <= 250_000:
                return 255 - blurred
            error = FullError()
            error.args = (error,)
            held.add(error)
            raise error

    picture = picture_from_image(np.zeros((600, 800, 3), np.uint8))
    assert stages.restore(given("clinging", Clinging(0)), picture, None).tile_pixels == 240_000


def test_memory_that_no_tile_fits_is_a_failure(stages: Stages) -> None:
    """A deblurrer that runs out of memory in the smallest tiles too, or has none, has failed."""
    picture = picture_from_image(np.zeros((600, 800, 3), np.uint8))
    with pytest.raises(ArmError, match="tiny ran out of memory"):
        stages.restore(given("tiny", Tiled(1)), picture, None)


def test_oracle_gets_the_kernel_and_needs_it(stages: Stages, image: Image) -> None:
    """A deblurrer with `needs_kernel` is handed the kernel; without one it cannot run."""

    class Oracle:
        needs_kernel = True

        def __call__(self, blurred: Image, kernel: Kernel) -> Image:
            return np.full_like(blurred, len(kernel.weights))

    oracle, picture = given("oracle", Oracle()), picture_from_image(image)
    kernel = Kernel(np.full((3, 3), 1 / 9), "gamma")
    assert (stages.restore(oracle, picture, kernel).picture.load() == 3).all()
    assert (stages.restore(oracle, picture, Kernel.none("gamma")).picture.load() == 1).all()
    with pytest.raises(UsageError, match="oracle needs the blur kernel"):
        stages.restore(oracle, picture, None)


class Finder:
    """A deblurrer that inverts and says that it found `blur`."""

    def __init__(self, blur: Any) -> None:
        self.blur = blur

    def __call__(self, blurred: Image) -> Image:
        return 255 - blurred

    def restore(self, blurred: Image) -> Any:
        return Restoration(self(blurred), self.blur)


def test_a_found_kernel_is_kept_with_the_picture(stages: Stages, image: Image) -> None:
    """Its light, its likeness to the true one and its picture are told, the same when they come from the cache."""
    true = Kernel(np.full((3, 3), 1 / 9), "gamma")
    finder = given("finder", Finder(BlurEstimate(true.weights[None, None], "linear")))
    fresh, kept = (stages.restore(finder, picture_from_image(image), true) for _ in range(2))
    assert fresh == kept
    assert (fresh.picture.load() == 255 - image).all()
    assert fresh.blur is not None
    assert (fresh.blur.light, fresh.blur.similarity) == ("linear", 1.0)
    assert fresh.blur.found_kernel == fresh.blur.true_kernel


def test_finding_nothing_is_told_from_not_looking(stages: Stages, image: Image) -> None:
    """A deblurrer that looks and finds no kernel says so; one that does not look has nothing to say."""
    picture = picture_from_image(image)
    for _ in range(2):
        found = stages.restore(given("finder", Finder(None)), picture, None).blur
        assert found is not None
        assert (found.light, found.similarity, found.found_kernel, found.true_kernel) == (None, None, None, None)
        assert stages.restore(given("plain", Finder(None).__call__), picture, None).blur is None


def test_the_record_of_a_deblurrer_without_kernels_is_as_it_was(tmp_path: Path, image: Image) -> None:
    """What caches hold of other deblurrers has no new key but memory, which older records need not have."""
    Stages(Cache(tmp_path)).restore(given("plain", lambda blurred: 255 - blurred), picture_from_image(image), None)
    (record,) = (json.loads(path.read_text()) for path in (tmp_path / "restore").rglob("*.json"))
    assert set(record) - {"peak_mib"} == {"picture", "restore_ms", "told_kernel"}


def holds_200_mib(blurred: Image) -> Image:
    """Needs 200 MiB to return the picture."""
    return blurred if np.ones(200 << 20, np.uint8)[0] else 255 - blurred


@pytest.mark.skipif(not CLEAR_REFS.exists(), reason="only Linux sets peaks back")
def test_memory_is_that_of_an_arms_first_picture(tmp_path: Path, image: Image) -> None:
    """A deblurrer that holds 200 MiB took about these for its first picture, in a later run too; nothing is said of its
    second picture, nor of a record that is older than the number.
    """
    pictures = [picture_from_image(image), picture_from_image(255 - image)]
    for _ in range(2):
        stages = Stages(Cache(tmp_path))
        deblurrer = given("hungry", holds_200_mib)
        first, second = (stages.restore(deblurrer, picture, None) for picture in pictures)
        assert first.peak_mib == pytest.approx(200, rel=0.2)
        assert second.peak_mib is None
    (file,) = (path for path in (tmp_path / "restore").rglob("*.json") if "peak_mib" in path.read_text())
    record = json.loads(file.read_text())
    del record["peak_mib"]
    file.write_text(json.dumps(record))
    assert Stages(Cache(tmp_path)).restore(deblurrer, pictures[0], None).peak_mib is None


class Slow:
    """A detector that finds nothing, in 20 ms."""

    classes = ("a",)

    def __call__(self, picture: Image) -> Detections:
        time.sleep(0.02)
        return Detections(np.zeros((0, 4)), np.zeros(0), np.zeros(0, np.int64))


def test_a_detectors_time_is_known_but_of_its_first_picture(tmp_path: Path, image: Image) -> None:
    """The first picture pays for set-up, so its time counts for nothing; a later run has the times of the earlier."""
    pictures = [picture_from_image(image), picture_from_image(255 - image)]
    detector = given("slow", Slow())
    for _ in range(2):
        stages = Stages(Cache(tmp_path))
        for picture in pictures:
            stages.detect(detector, picture)
        first, second = (stages.detect_ms(detector, picture) for picture in pictures)
        assert first is None
        assert second is not None
        assert second >= 20
    assert stages.detect_ms(detector, picture_from_image(image // 2)) is None


def called_restore(blurred: Image) -> Image:
    """A function that has an attribute `restore`, of its own meaning."""
    return blurred


called_restore.restore = called_restore  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (called_restore, "ndarray"),
        (Finder("no blur"), "Restoration with str"),
        (Finder(Kernel.none("gamma")), "Restoration with Kernel"),
    ],
)
def test_restore_returns_a_restoration(stages: Stages, image: Image, wrong: Any, said: str) -> None:
    """A method `restore` that returns something else is one message, which says what to do about it."""
    with pytest.raises(ArmError, match=f"odd returned {said} from `restore`.*rename the method"):
        stages.restore(given("odd", wrong), picture_from_image(image), None)


def test_a_restoration_is_checked_like_a_picture(stages: Stages, image: Image) -> None:
    """The picture in it has the input's size and type, or the arm has failed."""

    class Short(Finder):
        def __call__(self, blurred: Image) -> Image:
            return blurred[:-1]

    with pytest.raises(ArmError, match=r"short returned uint8 \(6, 11, 3\)"):
        stages.restore(given("short", Short(None)), picture_from_image(image), None)


def test_a_deblurrer_that_is_told_the_kernel_is_not_asked_for_it(stages: Stages, image: Image) -> None:
    """With `needs_kernel` a deblurrer is called with the kernel, whatever else it can do."""

    class Told(Finder):
        needs_kernel = True

        def __call__(self, blurred: Image, kernel: Kernel | None = None) -> Image:
            return blurred if kernel is None else 255 - blurred

    restored = stages.restore(given("told", Told(None)), picture_from_image(image), Kernel.none("gamma"))
    assert (restored.picture.load() == 255 - image).all()
    assert (restored.told_kernel, restored.blur) == (True, None)


def test_detections_come_back_exactly(stages: Stages, image: Image) -> None:
    """Boxes and scores survive the cache to the last bit."""
    found = Detections(np.array([[0.1, 1 / 3, 5.7, 6.2]]), np.array([1 / 7]), np.array([2]))
    detector = given("one", named(lambda picture: found, classes=("a", "b", "c")))
    fresh, kept = (stages.detect(detector, picture_from_image(image)) for _ in range(2))
    for result in (fresh, kept):
        assert (result.boxes == found.boxes).all()
        assert (result.scores == found.scores).all()
        assert result.labels.tolist() == [2]


class Measures:
    """Sets the metrics of single pictures: each is a function, and `calls` says which were called."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.calls: list[str] = []
        self._metrics: dict[str, ImageMetric] = {}
        monkeypatch.setattr(steps, "measured_metrics", self._measured)

    def _measured(self, named: Collection[str]) -> dict[str, ImageMetric]:
        of_benchmark = {key for key, metric in self._metrics.items() if metric.spec.of_benchmark}
        return {key: metric for key, metric in self._metrics.items() if key not in of_benchmark or key in named}

    def add(self, key: str, measure: Callable[..., float | None], code: str = "1", **needs: bool) -> None:
        """Add a metric, or replace the one of that key; `code` stands for the digest of its code, and `needs` are
        fields of its MetricSpec.
        """
        spec = MetricSpec(key, key, "", "higher", key, function=f"mine:{key}", **needs)
        metric = self._metrics[key] = ImageMetric(spec)

        def counted(*images: Image) -> float | None:
            self.calls.append(key)
            return measure(*images)

        metric.__dict__.update(_function=counted, identity={"function": key, "code_sha256": code}, unknown=None)


@pytest.fixture
def measures(monkeypatch: pytest.MonkeyPatch) -> Measures:
    """Metrics of the test's own, none at first."""
    return Measures(monkeypatch)


def test_each_metric_is_kept_by_itself(stages: Stages, image: Image, measures: Measures) -> None:
    """A metric that is added or changed is measured; the others, measured before, are not measured again."""
    picture, sharp = picture_from_image(image), picture_from_image(255 - image)
    measures.add("one", lambda image, sharp: 1.0)
    assert stages.image_quality(picture, sharp) == {"one": 1.0}
    measures.add("two", lambda image, sharp: float(sharp[0, 0, 0]) - float(image[0, 0, 0]))
    assert stages.image_quality(picture, sharp) == {"one": 1.0, "two": 255.0}
    measures.add("one", lambda image, sharp: 3.0, code="2")
    assert stages.image_quality(picture, sharp) == {"one": 3.0, "two": 255.0}
    assert measures.calls == ["one", "two", "one"]


def test_a_metric_of_one_picture_needs_no_sharp_one(stages: Stages, image: Image, measures: Measures) -> None:
    """It is measured without the sharp picture, once, whatever the sharp one is; likeness is undefined there."""
    picture = picture_from_image(image)
    measures.add("alone", lambda image: float(image.shape[1]), needs_sharp=False)
    measures.add("likeness", lambda image, sharp: 1.0)
    assert stages.image_quality(picture, None) == {"alone": 11.0, "likeness": None}
    assert stages.image_quality(picture, picture_from_image(255 - image)) == {"alone": 11.0, "likeness": 1.0}
    assert measures.calls == ["alone", "likeness"]


def test_a_benchmarks_metric_takes_the_references(stages: Stages, image: Image, measures: Measures) -> None:
    """It is measured where the sample's benchmark names it, against all references, kept by them, and None without."""
    picture, other = picture_from_image(image), picture_from_image(255 - image)
    measures.add(
        "theirs", lambda image, references: float(sum(int(each[0, 0, 0]) for each in references)), of_benchmark=True
    )
    assert stages.image_quality(picture, other) == {}
    assert stages.image_quality(picture, other, benchmark=Benchmark("theirs", ())) == {"theirs": None}
    both = Benchmark("theirs", (picture, other))
    assert (
        stages.image_quality(picture, None, benchmark=both)
        == stages.image_quality(picture, other, benchmark=both)
        == {"theirs": 255.0}
    )
    assert stages.image_quality(picture, None, benchmark=Benchmark("theirs", (picture, other, other))) != {
        "theirs": 255.0
    }
    assert measures.calls == ["theirs", "theirs"]


def test_a_metric_that_raises_is_named(stages: Stages, image: Image, measures: Measures) -> None:
    """It ends the run with one message, for its numbers would be missing in every arm."""

    def broken(image: Image, sharp: Image) -> float:
        raise ZeroDivisionError("no pixels")

    measures.add("broken", broken)
    said = r"metric broken failed: ZeroDivisionError: no pixels\. Repair mine:broken"
    with pytest.raises(BackendError, match=said) as raised:
        stages.image_quality(picture_from_image(image), picture_from_image(image))
    assert not isinstance(raised.value, ArmError)


def test_a_metric_cannot_spoil_the_picture_for_the_next(stages: Stages, image: Image, measures: Measures) -> None:
    """A metric that writes to a picture fails."""

    def spoiling(image: Image, sharp: Image) -> float:
        sharp[:] = 0
        return 1.0

    measures.add("spoiling", spoiling)
    with pytest.raises(BackendError, match="metric spoiling failed: ValueError: assignment destination is read-only"):
        stages.image_quality(picture_from_image(image), picture_from_image(image))


def test_every_metric_works_on_pictures_that_cannot_be_written_to(tmp_path: Path) -> None:
    """detbench's own metrics of a picture against itself: no error is infinite, full likeness is 1."""
    picture = picture_from_image(np.random.default_rng(3).integers(0, 256, (40, 50, 3), dtype=np.uint8))
    named = [key for key, metric in image_metrics().items() if not metric.spec.of_benchmark]
    quality = Stages(Cache(tmp_path), metrics=named).image_quality(picture, picture)
    assert list(quality) == named
    assert (quality["psnr_db"], quality["ssim"]) == (None, pytest.approx(1))
    assert (quality["psnr_aligned_db"], quality["ssim_aligned"]) == (None, pytest.approx(1))


def test_metrics_on_request_are_measured_where_they_are_named(tmp_path: Path) -> None:
    """A run that names one has it beside all others; one that names none has none, and is spared the search."""
    picture = picture_from_image(np.random.default_rng(3).integers(0, 256, (40, 50, 3), dtype=np.uint8))
    plain = Stages(Cache(tmp_path)).image_quality(picture, picture)
    assert plain.keys() == measured_metrics([]).keys()
    more = Stages(Cache(tmp_path), metrics=("ssim_aligned",)).image_quality(picture, picture)
    assert more.keys() - plain.keys() == {"ssim_aligned"}
    assert more.keys() == measured_metrics(["ssim_aligned"]).keys()
