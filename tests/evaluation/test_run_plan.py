"""From a request's words to a plan, and what the plan's numbers rest on."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from detbench.core.images import picture_from_image
from detbench.errors import DataError, UsageError
from detbench.evaluation.measure.detection import ClassMap
from detbench.evaluation.request import RunSpec
from detbench.evaluation.run_plan import RunPlan, basis_of, check_arm_names, recorded_pictures, resolve
from detbench.plugins.backend import Backend, LossDetector
from detbench.plugins.registry import Entry
from detbench.types import Picture


@pytest.fixture
def plan_of(drawn_dataset: Path) -> Callable[..., RunPlan]:
    """Resolves a request over the twelve drawn pictures."""

    def make(**changes: Any) -> RunPlan:
        words = {"deblurrers": ("identity",), "detector": "blobs", "device": "cpu", **changes}
        return resolve(RunSpec(str(drawn_dataset), **words))

    return make


def test_a_plan_has_each_deblurrer_once(plan_of: Callable[..., RunPlan]) -> None:
    """Deblurrers keep the order in which they were named first; named twice, one is run once."""
    plan = plan_of(deblurrers=("wiener", "identity", "wiener"))
    assert [backend.name for backend in plan.deblurrers] == ["wiener", "identity"]


@pytest.mark.parametrize(("limit", "images"), [(None, 12), (5, 5), (99, 12)])
def test_a_limit_is_no_more_than_there_are(plan_of: Callable[..., RunPlan], limit: int | None, images: int) -> None:
    """A run has the first pictures of the dataset, or all where the limit is larger."""
    assert plan_of(limit=limit).images == images


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["identity", "sharp"], "cannot be called 'sharp'"),
        (["blurred"], "cannot be called 'blurred'"),
        (["../up"], "cannot be called '../up'"),
        (["sharp+net"], r"cannot be called 'sharp\+net'"),
        ([""], "cannot be called ''"),
        (["net", "identity", "net"], "two deblurrers are called 'net'"),
    ],
)
def test_arms_have_names_that_files_can_have(names: list[str], message: str) -> None:
    """A name that is taken, that leaves the folder or stands twice is refused; letters, digits and `_.-` are not."""
    with pytest.raises(UsageError, match=message):
        check_arm_names(names)
    check_arm_names(["nafnet-own", "wiener_2.5"])


def test_the_basis_says_what_was_asked(plan_of: Callable[..., RunPlan]) -> None:
    """Words stand resolved, the confidence of pseudo truth only with pseudo truth, and a deblurrer whose loss held the
    run's detector is marked.
    """
    plan = plan_of(blur="trajectory:seed=3", truth="pseudo", limit=4, resamples=7, deblurrers=("identity", "wiener"))
    identity, wiener = plan.deblurrers
    plan = replace(plan, deblurrers=(identity, replace(wiener, trained_with=(LossDetector("blobs"),))))
    basis = basis_of(plan, {3: "car"}, ClassMap(np.array([3]), ("bus",), ("kite",)), ["hides a threshold"])
    said = basis.specification
    assert (said["truth"], said["pseudo_confidence"], said["limit"], said["resamples"]) == ("pseudo", 0.5, 4, 7)
    assert said["deblurrers"] == ["identity", "wiener"]
    assert "seed" in str(said["blur"])
    assert basis.notes == ("hides a threshold",)
    assert (basis.images, basis.classes, basis.unmatched_dataset_classes) == (4, {3: "car"}, ("bus",))
    assert {name: facts.trained_with_detector for name, facts in basis.deblurrers.items()} == {
        "identity": False,
        "wiener": True,
    }
    as_it_is = basis_of(plan_of(), {}, ClassMap(np.array([0]), (), ())).specification
    assert (as_it_is["blur"], as_it_is["pseudo_confidence"], as_it_is["limit"]) == (None, None, None)


@dataclass(frozen=True)
class Elsewhere(Backend):
    """Pictures of one size that were restored elsewhere."""

    width: int = 320

    def build(self) -> Any:
        plain = picture_from_image(np.zeros((240, self.width, 3), np.uint8))
        return SimpleNamespace(match=lambda names: dict.fromkeys(names, plain))


def test_recorded_pictures_are_checked_before_the_run(plan_of: Callable[..., RunPlan]) -> None:
    """Those of the run's pictures are found, and one of another size is named with both sizes."""

    def found(width: int) -> dict[str, dict[str, Picture]]:
        entry = Entry("theirs", "nowhere:nothing", "given", by_name=True)
        theirs = Elsewhere("theirs", entry, {}, width=width)
        plan = plan_of(limit=2)
        return recorded_pictures(replace(plan, deblurrers=(*plan.deblurrers, theirs)))

    assert {name: list(pictures) for name, pictures in found(320).items()} == {
        "theirs": ["drawn-01.png", "drawn-02.png"]
    }
    with pytest.raises(DataError, match=r"drawn-01\.png was restored to 321x240 pixels, but it has 320x240"):
        found(321)
