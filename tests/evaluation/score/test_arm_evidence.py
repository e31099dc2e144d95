"""From an arm's found boxes to its evidence."""

from collections.abc import Callable

import numpy as np

from detbench.core.arm import BLURRED, SHARP, Arm
from detbench.evaluation.measure.measured import Measurements
from detbench.evaluation.score.arm_evidence import ArmEvidence, evidence_of_arms
from detbench.evaluation.score.true_boxes import true_boxes

NET = Arm("blurred", "net")


def evidence(measured: Measurements) -> dict[Arm, ArmEvidence]:
    """Every arm's, held against the run's true boxes."""
    return evidence_of_arms(measured.rows, true_boxes(measured).columns)


def test_counts_stand_in_the_order_of_ids(make_measured: Callable[..., Measurements]) -> None:
    """Picture 4 comes before picture 9, though it was measured later; boxes keep the order of the annotations."""
    of_arm = evidence(make_measured({"blurred": (22,), "net": (21, 23)}))
    assert of_arm[BLURRED].evidence.counts.tolist() == [[0, 0, 1], [1, 0, 1]]
    assert of_arm[NET].evidence.counts.tolist() == [[1, 0, 0], [1, 0, 1]]
    assert of_arm[BLURRED].is_taken.tolist() == [False, True, False]
    assert of_arm[NET].is_taken.tolist() == [True, False, True]


def test_quality_stands_in_the_order_of_ids(make_measured: Callable[..., Measurements]) -> None:
    """What the metrics of pictures say is sorted like the counts, and NaN where a picture has no number."""
    quality = {"blurred": ({"psnr_db": 30.0, "ssim": 0.7}, {"psnr_db": None, "ssim": 0.9})}
    values = evidence(make_measured({"blurred": ()}, quality=quality))[BLURRED].evidence.quality
    assert np.array_equal(values["psnr_db"], [np.nan, 30.0], equal_nan=True)
    assert values["ssim"].tolist() == [0.9, 0.7]


def test_arms_with_the_same_pictures_share_their_evidence(make_measured: Callable[..., Measurements]) -> None:
    """Pictures that were delivered twice are matched once; other pictures are matched for themselves."""
    measured = make_measured({"blurred": (22,), "sharp": (22,)})
    of_arm = evidence_of_arms({**measured.rows, NET: measured.rows[BLURRED]}, true_boxes(measured).columns)
    assert of_arm[NET] is of_arm[BLURRED]
    assert of_arm[SHARP] is not of_arm[BLURRED]


def test_an_arm_of_some_pictures_misses_nothing_in_the_others(make_measured: Callable[..., Measurements]) -> None:
    """A deblurrer that restored the sharp picture 4 alone has counts of that one, and so has the sharp arm among it."""
    measured = make_measured({"sharp": (21, 22, 23), "blurred": (), "net": (), "sharp+net": (21, 23)})
    of_four = measured.rows[NET.on_sharp][1:]
    of_arm = evidence_of_arms({**measured.rows, NET.on_sharp: of_four}, true_boxes(measured).columns)
    assert of_arm[SHARP].pictures.tolist() == [0, 1]
    assert of_arm[NET.on_sharp].pictures.tolist() == [0]
    assert of_arm[NET.on_sharp].evidence.counts.tolist() == [[1, 0, 0]]
    sharp = of_arm[SHARP].among(of_arm[NET.on_sharp].pictures)
    assert sharp.evidence.counts.tolist() == [[1, 0, 0]]
    assert sharp.sha256 != of_arm[SHARP].sha256
    assert of_arm[SHARP].among(of_arm[SHARP].pictures) is of_arm[SHARP]


def test_the_digest_follows_all_that_numbers_rest_on(make_measured: Callable[..., Measurements]) -> None:
    """Another score changes it, though no count does, and so does another likeness; equal evidence has one digest."""
    seen = make_measured({"blurred": (22,), "net": (22,)})
    scored = make_measured({"blurred": (22,)}, score=0.8)
    alike = make_measured({"blurred": (22,)}, quality={"blurred": ({"ssim": 0.5}, {"ssim": 0.5})})
    before = evidence(seen)
    assert before[NET].sha256 == before[BLURRED].sha256
    assert np.array_equal(evidence(scored)[BLURRED].evidence.counts, before[BLURRED].evidence.counts)
    assert len({before[BLURRED].sha256, evidence(scored)[BLURRED].sha256, evidence(alike)[BLURRED].sha256}) == 3
