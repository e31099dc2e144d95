"""What stands on the pavement: traffic lights, stop signs, street lamps, trees, bins and bollards.

The truth counts a traffic light's head and a stop sign's plate, as COCO's annotators did; their posts are scenery.
"""

from math import cos, pi, sin
from random import Random

import bpy
import numpy as np
from materials import Colour, Palette
from shapes import Shape, place_mesh, text_mesh

SIGNAL_COLOURS: tuple[Colour, ...] = ((1.0, 0.04, 0.01), (1.0, 0.45, 0.02), (0.03, 1.0, 0.35))
LEAVES = 2600


def add_signal(rng: Random, palette: Palette) -> tuple[bpy.types.Object, bpy.types.Object]:
    """A traffic light seen from −y: its post, and its head, which hangs on the post's object."""
    grey = palette.metal((0.12, 0.12, 0.12), 0.5)
    post, arm, z = Shape(), rng.choice((0.0, 0.0, 2.5, 4.0)), rng.uniform(2.9, 3.5)
    if arm:
        z = rng.uniform(4.9, 5.5)
    post.tube([(0, 0, 0), (0, 0, z + 0.4)], (0.085, 0.065), grey, 12)
    if arm:
        post.tube([(0, 0, z + 0.2), (-arm, 0, z + 0.35)], (0.06, 0.045), grey, 10)
    stand = post.to_object("post")
    head = _signal_head(rng.choice((0, 0, 1, 2, 2)), rng.random() < 0.3, palette)
    head.parent = stand
    head.location = (-arm, -0.16, z)
    return stand, head


def _signal_head(lit: int, yellow: bool, palette: Palette) -> bpy.types.Object:
    shape = Shape()
    shell = palette.matte((0.55, 0.38, 0.03) if yellow else (0.015, 0.018, 0.016), 0.6)
    dark = palette.matte((0.012, 0.012, 0.012), 0.7)
    shape.pillow((0, 0, 0), (0.36, 0.24, 1.05), shell, 8, 20)
    shape.box((0, 0.02, 0), (0.5, 0.02, 1.2), dark)
    for row, colour in enumerate(SIGNAL_COLOURS):
        z = 0.33 - 0.33 * row
        dull: Colour = (colour[0] * 0.1, colour[1] * 0.1, colour[2] * 0.1)
        lens = palette.glow(colour, 5.0 if not palette.lights_on else 2.5) if row == lit else palette.matte(dull, 0.3)
        shape.pillow((0, -0.115, z), (0.24, 0.08, 0.24), lens, 2, 16)
        turns = np.linspace(-0.35, pi + 0.35, 14)
        rim = [(0.14 * cos(turn), -0.11, z + 0.14 * sin(turn)) for turn in turns]
        hood = [(0.135 * cos(turn), -0.30, z + 0.135 * sin(turn) - 0.01) for turn in turns]
        shape.ribbon(rim, hood, dark)
    return shape.to_object("traffic light")


def add_stop_sign(rng: Random, palette: Palette) -> tuple[bpy.types.Object, bpy.types.Object]:
    """A stop sign seen from −y: its post, and its plate with the word on it."""
    post = Shape()
    z = rng.uniform(2.1, 2.6)
    post.tube([(0, 0.03, 0), (0, 0.03, z + 0.3)], (0.035, 0.035), palette.metal((0.4, 0.4, 0.4), 0.4), 8)
    stand = post.to_object("post")
    plate = Shape()
    red, white = palette.matte((0.56, 0.012, 0.016), 0.4), palette.matte((0.85, 0.85, 0.85), 0.5)
    for radius, depth, material in ((0.42, 0.0, white), (0.39, -0.006, red)):
        outline = [(radius * cos((i + 0.5) * pi / 4), radius * sin((i + 0.5) * pi / 4)) for i in range(8)]
        plate.add([(x, depth, z) for x, z in outline], [tuple(range(8))], material)
    grey = palette.metal((0.45, 0.45, 0.45), 0.5)
    back = [(0.42 * cos((i + 0.5) * pi / 4), 0.012, 0.42 * sin((i + 0.5) * pi / 4)) for i in range(8)]
    plate.add(back, [tuple(range(8))], grey)
    mesh = text_mesh("STOP", 0.34, white)
    corners = [(v.co.x * 0.8, -0.012, v.co.z * 1.1) for v in mesh.vertices]
    plate.add(corners, [tuple(face.vertices) for face in mesh.polygons], white)
    bpy.data.meshes.remove(mesh)
    sign = plate.to_object("stop sign")
    sign.parent = stand
    sign.location = (0, -0.01, z)
    return stand, sign


def lamp_mesh(palette: Palette) -> bpy.types.Mesh:
    """A street lamp whose arm reaches towards −x."""
    shape = Shape()
    grey = palette.metal((0.1, 0.11, 0.11), 0.5)
    shape.tube([(0, 0, 0), (0, 0, 1.0), (0, 0, 6.2)], (0.11, 0.075, 0.05), grey, 10)
    shape.tube([(0, 0, 6.1), (-0.5, 0, 6.6), (-1.5, 0, 6.75)], (0.045, 0.04, 0.035), grey, 8)
    shape.pillow((-1.6, 0, 6.75), (0.75, 0.26, 0.16), grey, 3, 14)
    shape.pillow((-1.6, 0, 6.68), (0.6, 0.2, 0.08), palette.lamp((1.0, 0.8, 0.5), 12.0), 2.5, 12)
    return shape.to_mesh("lamp")


def tree_mesh(rng: Random, palette: Palette) -> bpy.types.Mesh:
    """A street tree: a trunk, a few boughs, and leaves in clumps around their ends."""
    shape = Shape()
    bark = palette.mottled((0.13, 0.09, 0.06), 0.4, 7.0)
    fork = rng.uniform(2.0, 2.8)
    shape.tube([(0, 0, 0), (0.05, 0, fork / 2), (0, 0.05, fork)], (0.17, 0.13, 0.12), bark, 10)
    clumps = []
    for bough in range(7):
        turn, reach = bough * 2 * pi / 7 + rng.uniform(-0.3, 0.3), rng.uniform(0.6, 1.7)
        end = np.array((reach * cos(turn), reach * sin(turn), fork + rng.uniform(1.0, 3.2)))
        middle = end * (0.45, 0.45, 0.5) + (0, 0, fork * 0.5)
        shape.tube([(0, 0.05, fork - 0.1), middle, end], (0.08, 0.055, 0.025), bark, 6)
        clumps.append((end, rng.uniform(0.8, 1.35)))
    hue = rng.choice(((0.09, 0.16, 0.03), (0.06, 0.13, 0.03), (0.14, 0.18, 0.04), (0.22, 0.14, 0.03)))
    generator = np.random.default_rng(rng.getrandbits(32))
    for shade, part in ((0.7, 0), (1.0, 1), (1.35, 2)):
        leaf = palette.matte((hue[0] * shade, hue[1] * shade, hue[2] * shade), 0.7)
        _add_leaves(shape, clumps, LEAVES // 3, leaf, np.random.default_rng((part, int(generator.integers(2**31)))))
    return shape.to_mesh("tree")


def _add_leaves(
    shape: Shape,
    clumps: list[tuple[np.ndarray, float]],
    count: int,
    leaf: bpy.types.Material,
    generator: np.random.Generator,
) -> None:
    which = generator.integers(len(clumps), size=count)
    ways = generator.normal(size=(count, 3))
    ways *= (generator.uniform(0.2, 1, count) ** 0.5 / np.linalg.norm(ways, axis=1))[:, None]
    centres = np.array([clumps[i][0] for i in which]) + ways * np.array([clumps[i][1] for i in which])[:, None]
    sides = generator.normal(size=(count, 2, 3))
    sides *= 0.13 / np.linalg.norm(sides, axis=2, keepdims=True)
    first, second = sides[:, 0], sides[:, 1]
    corners = np.stack((centres - first, centres - second * 0.6, centres + first, centres + second * 0.6), axis=1)
    faces = [(4 * i, 4 * i + 1, 4 * i + 2, 4 * i + 3) for i in range(count)]
    shape.add(corners, faces, leaf)


def bin_mesh(palette: Palette) -> bpy.types.Mesh:
    """A litter bin."""
    shape = Shape()
    shape.tube(
        [(0, 0, 0.05), (0, 0, 0.5), (0, 0, 0.95)], (0.22, 0.25, 0.26), palette.matte((0.03, 0.06, 0.04), 0.5), 16
    )
    shape.pillow((0, 0, 0.98), (0.56, 0.56, 0.16), palette.matte((0.02, 0.02, 0.02), 0.5), 2.5, 16)
    return shape.to_mesh("bin")


def bollard_mesh(palette: Palette) -> bpy.types.Mesh:
    """A bollard."""
    shape = Shape()
    dark = palette.metal((0.03, 0.03, 0.03), 0.5)
    shape.tube([(0, 0, 0), (0, 0, 0.8)], (0.08, 0.065), dark, 12)
    shape.pillow((0, 0, 0.83), (0.17, 0.17, 0.17), dark, 2, 12)
    return shape.to_mesh("bollard")


def place(mesh: bpy.types.Mesh, x: float, y: float, turn: float) -> bpy.types.Object:
    """One more copy of a mesh, standing on the pavement."""
    return place_mesh(mesh, mesh.name, (x, y, 0.12), turn)
