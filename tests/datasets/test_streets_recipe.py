"""The recipe of the embedded streets: its boxes against masks and geometry, and the shipped annotations against it.

Blender as a module needs NumPy 1, so these run in an environment of their own: `nox -s streets`.
"""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

try:
    import bpy
except ImportError as error:
    pytest.skip(f"needs Blender as a module, `nox -s streets` brings it ({error})", allow_module_level=True)

STREETS = Path(__file__).resolve().parents[2] / "datasets" / "streets"
sys.path.insert(0, str(STREETS))

import recipe  # noqa: E402
import truth  # noqa: E402
from camera import Lens, deal, random_lens, set_camera  # noqa: E402
from exposure import Shake, exposure_seconds, random_shake, set_renderer  # noqa: E402

STREET = 4


class View:
    """One picture of the test split up to its annotations; nothing is path-traced."""

    def __init__(self, number: int, street: Any) -> None:
        shot = recipe.Shot(recipe.SPLITS["test"], STREET, number)
        rng = shot.rng("view")
        self.shot, self.street = shot, street
        self.lens: Lens = random_lens(street, rng)
        set_camera(self.lens)
        dealt = deal(street, self.lens, rng)
        self.seen, self.motion = truth.survey(), truth.motion_of(street, dealt)
        seconds = exposure_seconds(shot.target_px, rng)
        self.exposure = truth.fit_shake(random_shake(rng), shot.target_px, seconds, self.seen, self.motion, self.lens)
        self.annotations = truth.annotate(street, self.seen, self.motion, self.lens, self.exposure)
        pixels = np.bincount(self.seen.number.ravel(), minlength=len(street.parts) + 1)
        self.numbers = [int(number) for number in np.nonzero(pixels >= truth.DROPPED_PX)[0] if number]
        self.silhouettes = [self._silhouette(part) for part in street.parts]

    def _silhouette(self, part: Any) -> tuple[float, float, float, float] | None:
        """Left, top, right, bottom of a part's corners as the lens shows them; None behind the camera or hidden."""
        bpy.context.view_layer.update()
        if part.thing.hide_render:
            return None
        corners = np.array([part.thing.matrix_world @ vertex.co for vertex in part.thing.data.vertices])
        pixels = self.lens.project(corners)
        if pixels[:, 2].min() < 0.1:
            return None
        return (*pixels[:, :2].min(axis=0), *pixels[:, :2].max(axis=0))


@pytest.fixture(scope="module")
def build() -> Callable[[], list[View]]:
    """Builds street 4 of the test split anew, with all its views."""

    def make() -> list[View]:
        street = recipe.build_street(recipe.Random(f"street {recipe.SPLITS['test'].seed} {STREET}"))
        set_renderer(2)
        return [View(number, street) for number in range(5)]

    return make


@pytest.fixture(scope="module")
def views(build: Callable[[], list[View]]) -> list[View]:
    """The five views of one street."""
    return build()


def test_boxes_hold_the_masks(views: list[View]) -> None:
    """Each annotation's box is the tightest around its instance's pixels, and its area is their number."""
    for view in views:
        assert len(view.numbers) == len(view.annotations)
        for number, annotation in zip(view.numbers, view.annotations, strict=True):
            mask = view.seen.number == number
            left, top, wide, tall = annotation["bbox"]
            inside = mask[top : top + tall, left : left + wide]
            assert inside.sum() == mask.sum() == annotation["area"]
            assert inside[0].any() and inside[-1].any() and inside[:, 0].any() and inside[:, -1].any()  # noqa: PT018


def test_boxes_agree_with_geometry(views: list[View]) -> None:
    """A thing's box lies within the box of its corners as the lens projects them, and is that box when all is in sight:
    within two pixels.
    """
    inside = equal = 0
    for view in views:
        for number, annotation in zip(view.numbers, view.annotations, strict=True):
            silhouette = view.silhouettes[number - 1]
            if silhouette is None:
                continue
            left, top, wide, tall = annotation["bbox"]
            found = np.array((left, top, left + wide, top + tall))
            outward = np.array((1, 1, -1, -1)) * (found - silhouette)
            assert (outward > -2).all()
            inside += 1
            if annotation["visible"] > 0.95 and (np.clip(silhouette, 0, (640, 480) * 2) == silhouette).all():
                assert (outward < 2).all()
                equal += 1
    assert inside >= 30
    assert equal >= 4


def test_one_seed_gives_one_truth(views: list[View], build: Callable[[], list[View]]) -> None:
    """Built anew, the street has the same annotations and exposures, digit by digit."""
    for first, second in zip(views, build(), strict=True):
        assert first.annotations == second.annotations
        assert first.exposure == second.exposure


def test_the_shipped_annotations_are_the_recipes(views: list[View]) -> None:
    """What `annotations.json` says of these pictures is what the recipe makes; another processor may move a pixel."""
    shipped = json.loads((STREETS / "annotations.json").read_text())["annotations"]
    for view in views:
        theirs = [annotation for annotation in shipped if annotation["image_id"] == view.shot.identity]
        assert [annotation["category_id"] for annotation in theirs] == [a["category_id"] for a in view.annotations]
        for annotation, made in zip(theirs, view.annotations, strict=True):
            np.testing.assert_allclose(annotation["bbox"], made["bbox"], atol=1)
            assert annotation["blur_px"] == pytest.approx(made["blur_px"], abs=0.1)
            assert annotation["visible"] == pytest.approx(made["visible"], abs=0.02)


def test_a_turning_camera_moves_the_picture_as_optics_say(views: list[View]) -> None:
    """Under a yaw of a hundredth each way, what stands still moves two hundredths of the focal length in the middle."""
    view = views[0]
    straight = Shake(((0,) * 4, (1, 0, 0, 0), *((0,) * 4,) * 4), 0.01)
    middle = np.zeros(view.seen.number.shape, bool)
    middle[240, 320] = True
    still = truth.Motion(np.zeros_like(view.motion.velocities))
    (path,) = still.path_px(view.seen, view.lens, straight.poses(view.lens), 0.1, middle)
    assert path == pytest.approx(0.02 * view.lens.focal_px, rel=0.01)


def test_severity_is_what_was_asked_for(views: list[View]) -> None:
    """The mean path over the picture meets its target within a twentieth."""
    for view in views:
        mean = truth.mean_path_px(view.exposure, view.seen, view.motion, view.lens)
        assert mean == pytest.approx(view.shot.target_px, rel=0.05)
