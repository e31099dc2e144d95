"""Boxes from the renderer: which object each pixel's centre sees at mid-exposure, how hidden it is, how it moves.

One extra render of one sample a pixel, without filter, shades every surface with its object's number and its depth.

Rules, per object:
* its box holds its visible pixels, as COCO's left, top, width and height;
* `visible` = its visible pixels / the pixels that its own mesh covers within the picture when nothing is before it;
* `blur_px` = mean length, over its visible pixels, of the path that the seen point draws during the exposure;
* objects with fewer than DROPPED_PX visible pixels are left out;
* `iscrowd` = 1, so ignored by COCO's scorer, where a side is under SMALLEST_SIDE_PX, fewer than SMALLEST_AREA_PX pixels
  are visible, `visible` is under LEAST_VISIBLE, or a traffic light or stop sign shows its back or its edge.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import bpy
import cv2
import numpy as np
from camera import HEIGHT_PX, WIDTH_PX, Lens, Placed, project
from exposure import TAUS, Exposure, Shake, render_floats
from mathutils import Vector
from numpy.typing import NDArray
from shapes import Points
from street import CATEGORIES, Part, Street

SMALLEST_SIDE_PX, SMALLEST_AREA_PX, LEAST_VISIBLE, DROPPED_PX = 12, 60, 0.25, 12
SKY_M = 1000.0
FACING = 0.25
"""A one-sided part counts when the cosine between its front and the way to the camera is above this."""


@dataclass(frozen=True, eq=False)
class Survey:
    """Per pixel of the sharp picture, (H, W): the seen part's number (0 for scenery) and the depth in metres."""

    number: NDArray[np.int64]
    depth: Points


def survey() -> Survey:
    """Render the numbers and depths of the scene as it stands. Restores the scene's look."""
    scene, layer = bpy.context.scene, bpy.context.view_layer
    world, bounces = scene.world, scene.cycles.max_bounces
    layer.material_override, scene.world = _survey_material(), None
    scene.cycles.samples, scene.cycles.use_denoising, scene.cycles.max_bounces = 1, False, 0
    scene.cycles.filter_width = 0.01
    scene.render.use_motion_blur = False
    seen = render_floats()
    layer.material_override, scene.world, scene.cycles.max_bounces = None, world, bounces
    depth = seen[:, :, 1].astype(float)
    return Survey(np.rint(seen[:, :, 0]).astype(np.int64), np.where(depth > 0, depth, SKY_M))


def _survey_material() -> bpy.types.Material:
    """Emits (object's number, depth, 0)."""
    found = bpy.data.materials.get("survey")
    if found:
        return found
    material = bpy.data.materials.new("survey")
    material.use_nodes = True
    tree = material.node_tree
    tree.nodes.clear()
    colour = tree.nodes.new("ShaderNodeCombineXYZ")
    tree.links.new(tree.nodes.new("ShaderNodeObjectInfo").outputs["Object Index"], colour.inputs[0])
    tree.links.new(tree.nodes.new("ShaderNodeCameraData").outputs["View Z Depth"], colour.inputs[1])
    shine, output = tree.nodes.new("ShaderNodeEmission"), tree.nodes.new("ShaderNodeOutputMaterial")
    tree.links.new(colour.outputs[0], shine.inputs["Color"])
    tree.links.new(shine.outputs[0], output.inputs["Surface"])
    material.cycles.emission_sampling = "NONE"
    return material


@dataclass(frozen=True, eq=False)
class Motion:
    """Velocity of each part by its number, (N + 1, 3) in metres a second; scenery stands still."""

    velocities: Points

    def path_px(
        self, seen: Survey, lens: Lens, poses: Sequence[Any], seconds: float, mask: NDArray[np.bool_]
    ) -> Points:
        """Path lengths of the pixels in `mask`, (M,), along the camera's `poses` at TAUS."""
        rows, columns = np.nonzero(mask)
        depth = seen.depth[rows, columns]
        local = np.stack(
            (
                (columns + 0.5 - WIDTH_PX / 2) / lens.focal_px * depth,
                (HEIGHT_PX / 2 - rows - 0.5) / lens.focal_px * depth,
                -depth,
            ),
            axis=1,
        )
        rest = np.array(lens.matrix())
        points = local @ rest[:3, :3].T + rest[:3, 3]
        speeds = self.velocities[seen.number[rows, columns]]
        track = [
            project(points + speeds * tau * seconds / 2, pose, lens.focal_px)[:, :2]
            for tau, pose in zip(TAUS, poses, strict=True)
        ]
        steps = np.linalg.norm(np.diff(np.array(track), axis=0), axis=2)
        lengths: Points = steps.sum(axis=0)
        return lengths


def motion_of(street: Street, dealt: Sequence[Placed]) -> Motion:
    """The velocities of what was dealt."""
    numbers = {part.thing.name: number for number, part in enumerate(street.parts, start=1)}
    velocities = np.zeros((len(numbers) + 1, 3))
    for placed in dealt:
        velocity = np.array(placed.matrix(1.0).translation) - np.array(placed.place)
        for part in placed.actor.parts:
            velocities[numbers[part.thing.name]] = velocity
    return Motion(velocities)


def fit_shake(shake: Shake, target_px: float, seconds: float, seen: Survey, motion: Motion, lens: Lens) -> Exposure:
    """Scale a path until the mean path length over the picture is `target_px`, as far as moving things leave room."""
    grid = np.zeros((HEIGHT_PX, WIDTH_PX), bool)
    grid[4::8, 4::8] = True
    low, high = 0.0, 0.4
    for _ in range(18):
        scale = (low + high) / 2
        poses = Shake(shake.weights, scale).poses(lens)
        mean = float(motion.path_px(seen, lens, poses, seconds, grid).mean())
        low, high = (scale, high) if mean < target_px else (low, scale)
    return Exposure(seconds, target_px, Shake(shake.weights, (low + high) / 2))


def mean_path_px(exposure: Exposure, seen: Survey, motion: Motion, lens: Lens) -> float:
    """Mean path length over every fourth pixel of every fourth row."""
    grid = np.zeros((HEIGHT_PX, WIDTH_PX), bool)
    grid[2::4, 2::4] = True
    return float(motion.path_px(seen, lens, exposure.shake.poses(lens), exposure.seconds, grid).mean())


def annotate(street: Street, seen: Survey, motion: Motion, lens: Lens, exposure: Exposure) -> list[dict[str, Any]]:
    """COCO annotations of one picture, without ids, by the rules of this module."""
    records = []
    poses = exposure.shake.poses(lens)
    for number, part in enumerate(street.parts, start=1):
        mask = seen.number == number
        area = int(mask.sum())
        if area < DROPPED_PX:
            continue
        rows, columns = np.nonzero(mask)
        left, top = int(columns.min()), int(rows.min())
        wide, tall = int(columns.max()) + 1 - left, int(rows.max()) + 1 - top
        visible = min(1.0, area / max(area, _covered_px(part, lens)))
        small = min(wide, tall) < SMALLEST_SIDE_PX or area < SMALLEST_AREA_PX
        hidden = visible < LEAST_VISIBLE or (part.one_sided and not _faces(part, lens))
        blur = motion.path_px(seen, lens, poses, exposure.seconds, mask)
        records.append(
            {
                "category_id": CATEGORIES[part.category],
                "bbox": [left, top, wide, tall],
                "area": area,
                "iscrowd": int(small or hidden),
                "visible": round(visible, 3),
                "blur_px": round(float(blur.mean()), 2),
            }
        )
    return records


def _covered_px(part: Part, lens: Lens) -> int:
    """Pixels in the picture that a part's mesh covers by itself."""
    mesh, world = part.thing.data, np.array(part.thing.matrix_world)
    flat = np.empty(len(mesh.vertices) * 3)
    mesh.vertices.foreach_get("co", flat)
    corners = flat.reshape(-1, 3) @ world[:3, :3].T + world[:3, 3]
    pixels = lens.project(corners)
    canvas = np.zeros((HEIGHT_PX, WIDTH_PX), np.uint8)
    fixed = np.rint(np.clip(pixels[:, :2], -4000, 4000) * 16 - 8).astype(np.int32)
    ahead = pixels[:, 2] > 0.05
    for face in mesh.polygons:
        index = list(face.vertices)
        if ahead[index].all():
            cv2.fillPoly(canvas, [fixed[index]], 1, shift=4)
    return int(canvas.sum())


def _faces(part: Part, lens: Lens) -> bool:
    world = part.thing.matrix_world
    front = world.to_3x3() @ Vector((0, -1, 0))
    way = Vector(lens.place) - world.translation
    return bool(front.normalized().dot(way.normalized()) > FACING)
