"""People: a small skeleton in a walking, standing or riding pose, dressed in tubes and ellipsoids.

A detector knows a person by the outline: two legs apart, arms off the trunk, a neck, a head with hair, and clothes of
different colours above and below (people of plain cylinders scored nothing with COCO's YOLOv8n).
"""

from dataclasses import dataclass
from math import cos, pi, sin
from random import Random

import bpy
import numpy as np
from materials import CLOTHES, HAIRS, SKINS, TROUSERS, Palette
from shapes import Points, Shape, moved

THIGH_M, SHIN_M, UPPER_ARM_M, FOREARM_M = 0.43, 0.42, 0.28, 0.25
HIP_X, SHOULDER_X = 0.09, 0.185
TRUNK_M = 0.5
"""From the pelvis to the shoulders."""


@dataclass(frozen=True)
class Pose:
    """Where the pelvis, ankles and wrists are (x, y, z; left first) and how far the trunk leans forward."""

    pelvis: tuple[float, float, float]
    ankles: tuple[tuple[float, float, float], tuple[float, float, float]]
    wrists: tuple[tuple[float, float, float], tuple[float, float, float]]
    lean_rad: float


def walking(phase: float, stride: float) -> Pose:
    """One moment of a step; `phase` runs over 2π, `stride` is from heel to heel in metres."""
    ankles, wrists = [], []
    for side, turn in ((-1, phase), (1, phase + pi)):
        ankles.append((side * 0.085, stride / 2 * sin(turn), 0.085 + 0.08 * max(0.0, cos(turn)) * (stride > 0.1)))
        swing = -0.7 * stride * sin(turn)
        wrists.append((side * 0.27, 0.06 + 0.55 * swing, 0.9 + 0.25 * abs(swing)))
    drop = 0.03 * abs(sin(phase)) * stride / 0.6
    return Pose((0, 0, 0.93 - drop), (ankles[0], ankles[1]), (wrists[0], wrists[1]), 0.05 * min(1, stride * 2))


def standing(rng: Random) -> Pose:
    """Upright; perhaps a hand at a telephone or the hip."""
    wrists = [(-0.25, 0.04, 0.86), (0.25, 0.04, 0.86)]
    gesture = rng.random()
    if gesture < 0.3:
        wrists[1] = (0.14, 0.28, 1.22)
    elif gesture < 0.45:
        wrists[1] = (0.13, 0.1, 1.5)
    elif gesture < 0.6:
        wrists[0] = (-0.19, 0.1, 1.0)
    spread = rng.uniform(0.08, 0.14)
    return Pose(
        (0, 0, 0.93), ((-spread, 0, 0.085), (spread, rng.uniform(-0.1, 0.1), 0.085)), (wrists[0], wrists[1]), 0.0
    )


def riding(saddle_z: float, grip_y: float, grip_z: float, pedal_z: float, reach: float, lean_rad: float) -> Pose:
    """On a bicycle or motorcycle whose saddle is at y = 0."""
    ankles = ((-0.13, reach + 0.12, pedal_z + 0.2), (0.13, reach - 0.1, pedal_z))
    return Pose((0, 0, saddle_z + 0.1), ankles, ((-0.27, grip_y, grip_z), (0.27, grip_y, grip_z)), lean_rad)


@dataclass(frozen=True)
class Look:
    """What a person wears."""

    skin: bpy.types.Material
    hair: bpy.types.Material
    top: bpy.types.Material
    legs: bpy.types.Material
    shoes: bpy.types.Material
    shadow: bpy.types.Material
    lips: bpy.types.Material
    coat_hem_z: float
    skirt_hem_z: float | None
    bare_arms: bool
    long_hair: bool
    girth: float


def random_look(rng: Random, palette: Palette) -> Look:
    """Clothes for one person; a third wear coats, some skirts, some short sleeves."""
    coat, skirt = rng.random() < 0.3, rng.random() < 0.18
    return Look(
        skin=palette.matte(rng.choice(SKINS), 0.6),
        hair=palette.matte(rng.choice(HAIRS), 0.7),
        top=palette.mottled(rng.choice(CLOTHES), 0.18, 9.0),
        legs=palette.mottled(rng.choice(TROUSERS), 0.18, 9.0),
        shoes=palette.matte(rng.choice(((0.02, 0.02, 0.02), (0.5, 0.5, 0.5), (0.12, 0.07, 0.04))), 0.5),
        shadow=palette.matte((0.02, 0.015, 0.012), 0.5),
        lips=palette.matte((0.3, 0.09, 0.08), 0.5),
        coat_hem_z=rng.uniform(-0.35, -0.2) if coat else -0.08,
        skirt_hem_z=rng.uniform(-0.55, -0.35) if skirt and not coat else None,
        bare_arms=not coat and rng.random() < 0.4,
        long_hair=rng.random() < 0.35,
        girth=rng.uniform(0.92, 1.22),
    )


def add_person(pose: Pose, look: Look, height_m: float) -> bpy.types.Object:
    """A person as one object, feet at z = 0, looking along +y."""
    shape = Shape()
    frame = _Trunk(np.array(pose.pelvis), pose.lean_rad)
    for index, side in enumerate((-1, 1)):
        _add_leg(shape, look, moved(np.array(pose.pelvis), side * HIP_X, 0, 0), np.array(pose.ankles[index]))
        _add_arm(shape, look, frame.at(side * SHOULDER_X, 0, TRUNK_M - 0.02), np.array(pose.wrists[index]), side)
    _add_trunk(shape, look, frame)
    _add_head(shape, look, frame)
    person = shape.to_object("person")
    person.scale = (height_m / 1.76,) * 3
    return person


@dataclass(frozen=True)
class _Trunk:
    """Coordinates along a leaning trunk, from the pelvis."""

    pelvis: Points
    lean_rad: float

    def at(self, x: float, y: float, z: float) -> Points:
        tilt = self.lean_rad if z > 0 else 0.0
        return moved(self.pelvis, x, y * cos(tilt) + z * sin(tilt), z * cos(tilt) - y * sin(tilt))


def _add_leg(shape: Shape, look: Look, hip: Points, ankle: Points) -> None:
    knee = _joint(hip, ankle, THIGH_M, SHIN_M, np.array((0, 1.0, 0.1)))
    path = np.array([moved(hip, 0, 0, 0.02), (hip * 0.5 + knee * 0.5), knee, (knee * 0.55 + ankle * 0.45), ankle])
    radii = (0.092, 0.08, 0.06, 0.056, 0.05)
    shape.tube(path, [radius * look.girth for radius in radii], look.legs if look.skirt_hem_z is None else look.skin)
    foot = moved(ankle, 0, 0.075, -0.04)
    shape.pillow(foot, (0.095, 0.27, 0.1), look.shoes, 2.6, 12)


def _add_arm(shape: Shape, look: Look, shoulder: Points, wrist: Points, side: int) -> None:
    elbow = _joint(shoulder, wrist, UPPER_ARM_M, FOREARM_M, np.array((side * 0.4, -1.0, -0.3)))
    hand_way = (wrist - elbow) / np.linalg.norm(wrist - elbow)
    sleeve = look.skin if look.bare_arms else look.top
    shape.tube([elbow, (elbow + wrist) / 2, elbow + hand_way * FOREARM_M], (0.046, 0.042, 0.034), sleeve)
    shape.tube([shoulder, (shoulder + elbow) / 2, elbow], (0.064 * look.girth, 0.056, 0.05), look.top)
    shape.pillow(shoulder, (0.135 * look.girth, 0.14, 0.13), look.top, 2, 12)
    shape.pillow(elbow + hand_way * (FOREARM_M + 0.05), (0.07, 0.075, 0.13), look.skin, 2, 10)


def _add_trunk(shape: Shape, look: Look, frame: _Trunk) -> None:
    rows = [
        (look.coat_hem_z, 0.17 - 0.08 * look.coat_hem_z, 0.125 - 0.1 * look.coat_hem_z),
        (0.05, 0.165, 0.122),
        (0.2, 0.15, 0.112),
        (0.36, 0.178, 0.126),
        (0.46, 0.182, 0.112),
        (0.515, 0.135, 0.085),
        (0.545, 0.065, 0.065),
    ]
    _rows(shape, frame, rows, look.girth, look.top)
    if look.skirt_hem_z is None:
        _rows(shape, frame, [(-0.12, 0.15, 0.11), (0.0, 0.16, 0.118), (0.08, 0.155, 0.112)], look.girth, look.legs)
    else:
        _rows(shape, frame, [(look.skirt_hem_z, 0.24, 0.21), (0.06, 0.16, 0.12)], look.girth, look.legs)


def _rows(
    shape: Shape, frame: _Trunk, rows: list[tuple[float, float, float]], girth: float, material: bpy.types.Material
) -> None:
    turns = np.linspace(0, 2 * pi, 18, endpoint=False)
    rings = [
        [frame.at(girth * wide * cos(turn), girth * deep * sin(turn), z) for turn in turns] for z, wide, deep in rows
    ]
    shape.loft(rings, material)


def _add_head(shape: Shape, look: Look, frame: _Trunk) -> None:
    upright = _Trunk(frame.at(0, 0, TRUNK_M), frame.lean_rad * 0.3)
    shape.tube([upright.at(0, 0, 0.0), upright.at(0, 0.015, 0.13)], (0.056, 0.053), look.skin)
    shape.pillow(upright.at(0, 0.03, 0.2), (0.15, 0.185, 0.235), look.skin, 2.1, 16)
    shape.pillow(upright.at(0, 0.125, 0.185), (0.03, 0.04, 0.05), look.skin, 2, 8)
    shape.pillow(upright.at(0, 0.008, 0.235), (0.17, 0.205, 0.2), look.hair, 2.2, 16)
    for side in (-1, 1):
        shape.pillow(upright.at(side * 0.032, 0.113, 0.213), (0.026, 0.02, 0.016), look.shadow, 2, 8)
    shape.pillow(upright.at(0, 0.108, 0.142), (0.05, 0.03, 0.014), look.lips, 2, 8)
    if look.long_hair:
        shape.pillow(upright.at(0, -0.055, 0.14), (0.18, 0.12, 0.34), look.hair, 2.4, 12)


def _joint(root: Points, tip: Points, first: float, second: float, bend: Points) -> Points:
    """The knee or elbow of a limb of two bones, bent towards `bend`."""
    way = tip - root
    distance = min(float(np.linalg.norm(way)), (first + second) * 0.995)
    along = way / np.linalg.norm(way)
    reach = (first**2 - second**2 + distance**2) / (2 * distance)
    height = max(first**2 - reach**2, 0.0) ** 0.5
    aside = bend - along * (bend @ along)
    joint: Points = root + along * reach + aside / np.linalg.norm(aside) * height
    return joint
