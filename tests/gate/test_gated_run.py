"""What the gate takes from a run folder, picture by picture; damaged folders are in test_scenarios.py."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from detbench.core.arm import Arm
from detbench.errors import NotEvaluableError
from detbench.gate.gated_run import Measured, measured_in
from detbench.metrics.evidence import point_numbers

Job = Callable[..., Path]


def stating(measured: Measured, arm: str, **values: float | None) -> Measured:
    """The same measurement with other stated numbers of an arm."""
    return replace(measured, values={**measured.values, arm: {**measured.values[arm], **values}})


def test_evidence_is_in_the_order_of_the_pictures(job: Job) -> None:
    """wiener finds the bus in pictures 1 to 36 of 40, however the rows of images.csv are sorted."""
    run = job("run")
    head, *rows = (run / "images.csv").read_text().splitlines()
    (run / "images.csv").write_text("\n".join([head, *reversed(rows)]) + "\n")
    measured = measured_in(run)
    assert measured.image_ids == tuple(range(1, 41))
    assert measured.evidence["wiener"].counts.tolist() == [[2, 0, 0]] * 36 + [[1, 0, 1]] * 4
    assert measured.evidence["wiener"].quality["psnr_db"].tolist() == [25.0] * 40


def test_the_ground_is_the_data_and_the_judge(job: Job) -> None:
    """Nothing of deblurrers or versions is in it."""
    measured = measured_in(job("run", images=12, truth="pseudo"))
    assert measured.ground == {
        "images": 12,
        "truth": "pseudo",
        "detector": "blobs",
        "detector_weights_sha256": None,
        "dataset": "cars",
        "fingerprint": "e" * 64,
    }


def test_a_deblurrer_on_sharp_pictures_gives_matches_alone(job: Job) -> None:
    """Its mAP is there for the harm; it is no arm and has no numbers of pictures."""
    measured = measured_in(job("run", buses={"sharp+wiener": 0}))
    assert list(measured.values) == ["sharp", "blurred", "wiener"]
    on_sharp = measured.evidence["sharp+wiener"]
    assert point_numbers(on_sharp)["map"] == pytest.approx(0.5)
    assert measured.values["wiener"]["harm"] == pytest.approx(0.5)
    assert (on_sharp.counts.any(), on_sharp.quality) == (False, {})


def test_harm_may_be_over_a_sample(job: Job) -> None:
    """Every fourth of 40 pictures: of ten buses the sharp arm finds all and the deblurrer the five in the first half.
    Pictures outside are no misses, other metrics are over all 40, and the folds are those of the ten.
    """
    measured = measured_in(job("run", buses={"sharp+wiener": 20}, harm_every=4))
    assert measured.pictures_of("harm") == tuple(range(1, 41, 4))
    assert measured.pictures_of("map") == measured.image_ids == tuple(range(1, 41))
    bus = 51 / 101  # recall ends at .5
    assert measured.values["wiener"]["harm"] == pytest.approx(1 - (1 + bus) / 2)
    jackknifed = measured.jackknifed(["harm"])
    paired = jackknifed.paired(Arm.named("wiener"))
    assert (len(paired["harm"]), len(paired["map"])) == (11, 41)
    assert paired["harm"][0] == pytest.approx(measured.values["wiener"]["harm"])


@pytest.mark.parametrize("harm_ids", [[1, 5], [5, 1, *range(9, 41, 4)], [*range(1, 37, 4), 41]])
def test_a_sample_that_is_not_the_measured_one_is_refused(job: Job, harm_ids: list[int]) -> None:
    """Fewer pictures give another harm; ids out of order or of no picture are damage."""
    run = job("run", buses={"sharp+wiener": 20}, harm_every=4)
    result = json.loads((run / "result.json").read_text())
    (run / "result.json").write_text(json.dumps({**result, "harm_ids": harm_ids}))
    with pytest.raises(NotEvaluableError, match="harm"):
        measured_in(run)


def test_stated_numbers_may_be_off_by_rounding_alone(job: Job) -> None:
    """1e-10 is rounding, 1e-6 is another number, and an undefined number is not 0."""
    measured = measured_in(job("run"))
    right = measured.values["wiener"]["map"]
    assert right is not None
    stating(measured, "wiener", map=right + 1e-10).check("run")
    for arm, wrong in (("wiener", {"map": right + 1e-6}), ("wiener", {"map": None}), ("sharp", {"psnr_db": 0.0})):
        with pytest.raises(NotEvaluableError, match=f"run says {next(iter(wrong))} .* of arm '{arm}'"):
            stating(measured, arm, **wrong).check("run")
