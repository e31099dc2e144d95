"""When to restore, over drawn pictures of which every second one is blurred, with a deblurrer whose gain is known."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from detbench.core.arm import BLURRED, Arm
from detbench.core.progress import unwatched
from detbench.datasets.in_memory import SamplesInMemory, sample
from detbench.datasets.opening import open_dataset
from detbench.evaluation.measure.finished_work import scope_of
from detbench.evaluation.measure.measured import Measurements
from detbench.evaluation.measure.steps import Stages
from detbench.evaluation.request import Given, RunSpec
from detbench.evaluation.run import measure
from detbench.evaluation.run_plan import resolve
from detbench.evaluation.score.scoring import score
from detbench.evaluation.score.selective_restoration import HARMLESS, NO_HARM
from detbench.results.cache import Cache
from detbench.results.schema import SelectiveRestoration
from detbench.types import Image

MENDER = Arm("blurred", "mender")


@pytest.fixture(scope="module")
def measured(drawn_dataset: Path, tmp_path_factory: pytest.TempPathFactory) -> Measurements:
    """Twelve pictures with ids 0 to 11, those with odd ids blurred. The mender makes blurred pictures sharp and sharp
    ones blurred; `identity` does nothing.
    """
    drawn = list(open_dataset(str(drawn_dataset)))
    pairs = [(each.blurred.load(), cv2.GaussianBlur(each.blurred.load(), (0, 0), 5)) for each in drawn]
    answers = {one.tobytes(): other for pair in pairs for one, other in (pair, pair[::-1])}

    def mender(image: Image) -> Image:
        return answers[image.tobytes()]

    samples = [
        sample(place, pair[place % 2], each.truth.boxes, each.truth.labels, sharp=pair[0])
        for place, (each, pair) in enumerate(zip(drawn, pairs, strict=True))
    ]
    classes = {1: "red disc", 2: "green disc", 3: "blue square", 4: "yellow square"}
    spec = RunSpec("drawn", ("mender", "identity"), "blobs", harm="all", resamples=200, gate_by="blur_effect")
    given = Given({"mender": mender, "identity": "identity"}, dataset=SamplesInMemory(samples, classes))
    folder = tmp_path_factory.mktemp("selective")
    with scope_of(folder) as scope:
        return measure(resolve(spec, given), Stages(Cache(folder / "cache"), None, scope), unwatched)


@pytest.fixture
def selective(tmp_path: Path) -> Callable[[Measurements], Mapping[str, SelectiveRestoration]]:
    """What is said of each deblurrer."""

    def found(measured: Measurements) -> Mapping[str, SelectiveRestoration]:
        return {each.deblurrer: each for each in score(measured, Cache(tmp_path)).result.selective}

    return found


def alone(measured: Measurements) -> Measurements:
    """The same without `identity`."""
    return replace(measured, rows={arm: rows for arm, rows in measured.rows.items() if arm.deblurrer != "identity"})


def timed(measured: Measurements) -> Measurements:
    """The same where each picture took the mender a tenth of a second."""
    rows = measured.rows[MENDER]
    even = [replace(row, restored=replace(row.restored, restore_ms=100.0)) for row in rows if row.restored]
    return replace(measured, rows={**measured.rows, MENDER: even})


Selective = Callable[[Measurements], Mapping[str, SelectiveRestoration]]


def test_the_gate_opens_for_the_blurred_half(measured: Measurements, selective: Selective) -> None:
    """A deblurrer that mends blurred pictures and ruins sharp ones is best where only blurred ones are restored: gated
    has the mAP of all pictures sharp, more than never and always, and is claimed to be better. Six pictures that change
    have p near 2 / 2⁶, which the adjustment for a second deblurrer would double.
    """
    mender = selective(timed(alone(measured)))["mender"]
    maps = {name: each.map.value or 0 for name, each in mender.strategies.items()}
    assert maps["gated"] > 0.85
    assert max(maps["never"], maps["always"]) < 0.7
    assert maps["gated"] == pytest.approx(maps["oracle"])
    assert mender.strategies["gated"].share_restored == 0.5
    assert mender.rule.restores == "above"
    assert all(mender.change(against).is_shown for against in ("never", "always"))
    assert mender.is_better


def test_time_is_that_of_the_restored_pictures(measured: Measurements, selective: Selective) -> None:
    """The mixture's seconds are those that its restored pictures took, over the pixels of all of them."""
    mender = selective(timed(measured))["mender"]
    rows = measured.rows[MENDER]
    megapixels = sum(row.picture.width * row.picture.height for row in rows) / 1e6
    seconds = {name: each.restore_s_per_mpix for name, each in mender.strategies.items()}
    assert seconds == {
        "never": 0,
        "always": pytest.approx(1.2 / megapixels),
        "gated": pytest.approx(0.6 / megapixels),
        "oracle": pytest.approx(0.6 / megapixels),
    }
    gated, never = (mender.strategies[name] for name in ("gated", "never"))
    gain = (gated.map.value or 0) - (never.map.value or 0)
    assert gated.map_per_s == pytest.approx(gain / (0.6 / megapixels))
    assert never.map_per_s == 0


def test_break_even_is_at_half_for_a_deblurrer_that_ruins_as_much_as_it_mends(
    measured: Measurements, selective: Selective
) -> None:
    """What it brings on the blurred pictures is about what it costs on sharp ones; the interval holds the half."""
    share = selective(measured)["mender"].break_even
    assert share.value == pytest.approx(0.5, abs=0.1)
    assert share.low is not None
    assert share.high is not None
    assert 0 <= share.low < 0.5 < share.high <= 1


def test_what_has_no_harm_has_no_break_even(measured: Measurements, selective: Selective) -> None:
    """Identity harms nothing; where the mender was not run on sharp pictures, its harm is unknown."""
    assert selective(measured)["identity"].no_break_even == HARMLESS
    without = {arm: rows for arm, rows in measured.rows.items() if not arm.is_on_sharp}
    mender = selective(replace(measured, rows=without))["mender"]
    assert (mender.break_even.value, mender.no_break_even) == (None, NO_HARM)


@pytest.mark.parametrize("seed", range(4))
def test_nothing_is_claimed_of_a_measure_that_is_noise(seed: int, measured: Measurements, selective: Selective) -> None:
    """A gate by random numbers is not said to be better, however the numbers fall."""
    rng = np.random.default_rng(seed)
    rows = [replace(row, quality={**row.quality, "blur_effect": rng.random()}) for row in measured.rows[BLURRED]]
    noisy = selective(replace(measured, rows={**measured.rows, BLURRED: rows}))["mender"]
    assert not noisy.is_better
    assert (noisy.strategies["gated"].map.value or 0) < (noisy.strategies["oracle"].map.value or 0) - 0.1


def test_a_deblurrer_that_changes_nothing_is_never_used(measured: Measurements, selective: Selective) -> None:
    """Of equal rules the one that restores least is chosen, and nothing is claimed."""
    identity = selective(measured)["identity"]
    assert (identity.rule.restores, identity.strategies["gated"].share_restored) == ("never", 0)
    assert not identity.is_better


def test_several_deblurrers_have_adjusted_p_values(measured: Measurements, selective: Selective) -> None:
    """Holm's method over the two deblurrers doubles the smaller p; one alone has none."""
    both = selective(measured)
    change = both["mender"].change("never")
    assert change.p_holm == pytest.approx(2 * (change.p_value or 0))
    assert selective(alone(measured))["mender"].change("never").p_holm is None


def test_without_a_measure_nothing_is_said(measured: Measurements, selective: Selective) -> None:
    """Also of a run that was measured before there was one."""
    older = {key: value for key, value in measured.basis.specification.items() if key != "gate_by"}
    assert selective(replace(measured, basis=replace(measured.basis, specification=older))) == {}


def test_no_intervals_no_claim(measured: Measurements, selective: Selective) -> None:
    """With no resamples the numbers are there, without intervals, and nothing is claimed."""
    specification = {**measured.basis.specification, "resamples": 0}
    mender = selective(replace(measured, basis=replace(measured.basis, specification=specification)))["mender"]
    assert (mender.strategies["gated"].map.value or 0) > 0.85
    assert (mender.map_per_s.low, mender.is_better) == (None, False)
