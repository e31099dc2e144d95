"""From a request's words to a plan, and what the plan's numbers rest on."""

import shutil
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from PIL import Image as PillowImage

from detbench.core.images import picture_from_image
from detbench.datasets.opening import open_dataset
from detbench.errors import DataError, UsageError
from detbench.evaluation.measure.detection import ClassMap
from detbench.evaluation.request import RunSpec
from detbench.evaluation.run_plan import (
    Recorded,
    RunPlan,
    basis_of,
    check_arm_names,
    check_pictures,
    recorded_pictures,
    request_of,
    resolve,
)
from detbench.plugins.backend import Backend, LossDetector
from detbench.plugins.registry import Entry


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
        (["x" * 201], "at most 200 bytes"),
        (["net", "identity", "net"], "two deblurrers are called 'net'"),
    ],
)
def test_arms_have_names_that_files_can_have(names: list[str], message: str) -> None:
    """A name that is taken, that leaves the folder or stands twice is refused; letters, digits and `_.-` are not."""
    with pytest.raises(UsageError, match=message):
        check_arm_names(names)
    check_arm_names(["nafnet-own", "wiener_2.5"])


def test_a_word_holds_one_deblurrer(plan_of: Callable[..., RunPlan]) -> None:
    """A list in one word is taken apart in the message, what stands behind a colon staying whole."""
    with pytest.raises(UsageError, match=r"--deblurrer identity --deblurrer wiener:light=linear,x=1$"):
        plan_of(deblurrers=("identity, wiener:light=linear,x=1",))


def test_a_request_says_where_things_are(plan_of: Callable[..., RunPlan], drawn_dataset: Path, tmp_path: Path) -> None:
    """Datasets and files by absolute paths, commands by their words, code by its name; digests where there are any."""
    (tmp_path / "out").mkdir()
    tool = "tool=command:'cp {input} {output}'".replace("'", "")
    request = request_of(plan_of(deblurrers=("identity", f"mine=recorded:{tmp_path}/out", tool)))
    assert request.dataset.place == str(drawn_dataset)
    assert request.deblurrers["mine"].place == str(tmp_path / "out")
    assert str(request.deblurrers["tool"].place).endswith("cp '{input}' '{output}'")
    assert request.detector.place == "detbench.detectors.blobs:Blobs"
    assert request.specification["deblurrers"] == ["identity", "mine", "tool"]


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
        return SimpleNamespace(match=lambda names: (dict.fromkeys(names, plain), ("NAME_out was taken",)))


def test_recorded_pictures_are_checked_before_the_run(plan_of: Callable[..., RunPlan]) -> None:
    """Those of the run's pictures are found with their notes, and one of another size is named with both sizes."""

    def found(width: int) -> Recorded:
        entry = Entry("theirs", "nowhere:nothing", "given", by_name=True)
        theirs = Elsewhere("theirs", entry, {}, width=width)
        plan = plan_of(limit=2)
        return recorded_pictures(replace(plan, deblurrers=(*plan.deblurrers, theirs)))

    recorded = found(320)
    assert {name: list(pictures) for name, pictures in recorded.pictures.items()} == {
        "theirs": ["drawn-01.png", "drawn-02.png"]
    }
    assert recorded.notes == ("NAME_out was taken",)
    with pytest.raises(DataError, match=r"drawn-01\.png was restored to 321x240 pixels, but it has 320x240"):
        found(321)


def test_damaged_pictures_are_named_at_once(drawn_dataset: Path, tmp_path: Path) -> None:
    """Truncated files, empty ones and those of another size are refused in one message before the run; those beyond
    the run's share do not matter.
    """
    folder = Path(shutil.copytree(drawn_dataset, tmp_path / "drawn"))
    pictures = sorted((folder / "images").iterdir())
    pictures[1].write_bytes(pictures[1].read_bytes()[:-200])
    pictures[2].write_bytes(b"")
    PillowImage.new("RGB", (5, 5)).save(pictures[3])
    dataset = open_dataset(str(folder))
    shown: list[tuple[str, int, int]] = []
    with pytest.raises(
        DataError, match=r"3 pictures cannot be used: .*drawn-02\.png: damaged .*drawn-03\.png: not a"
    ) as raised:
        check_pictures(dataset, range(12), lambda *step: shown.append(step))
    assert "drawn-04.png: 5x5 pixels, but annotations.json says 320x240" in str(raised.value)
    assert shown[-1] == ("checking", 12, 12)
    check_pictures(dataset, range(0, 12, 4), lambda *_: None)
    with pytest.raises(DataError, match=r"^\S*drawn-02\.png: damaged picture"):
        check_pictures(dataset, range(1, 2), lambda *_: None)
