"""Houses: storeys of framed windows over shops or doors. Local x runs along the front, −y is the street."""

from dataclasses import dataclass
from random import Random

import bpy
from materials import SIGNS, WALLS, Colour, Material, Palette
from shapes import Shape, text_mesh

DEPTH_M = 11.0
NAMES = (
    "BAKERY", "CAFE LUNA", "BOOKS", "FLOWERS", "PHARMACY", "DELI", "MUSIC", "OPTICIAN", "TAILOR", "GROCER", "WINE",
    "TOYS", "SHOES", "BANK", "HOTEL", "PIZZA", "BARBER", "CYCLES", "TEA ROOM", "PRINT SHOP",
)  # fmt: skip


@dataclass(frozen=True)
class Front:
    """How a house looks: its measures in metres and its surfaces."""

    width: float
    storeys: int
    storey: float
    ground: float
    bay: float
    window: tuple[float, float]
    wall: Material
    trim: Material
    frame: Material
    modern: bool

    @property
    def height(self) -> float:
        """To the parapet."""
        return self.ground + self.storeys * self.storey + 0.5


def add_building(width: float, rng: Random, palette: Palette) -> bpy.types.Object:
    """A house of this width whose front stands at y = 0 from x = 0 on."""
    front = _random_front(width, rng, palette)
    shape = Shape()
    shape.box((width / 2, DEPTH_M / 2, front.height / 2), (width - 0.02, DEPTH_M, front.height), front.wall)
    for storey in range(front.storeys):
        _add_storey(shape, front, front.ground + storey * front.storey, rng, palette)
    _add_cornices(shape, front)
    if rng.random() < 0.65:
        _add_shop(shape, front, rng, palette)
    else:
        _add_entrance(shape, front, rng, palette)
    return shape.to_object("building")


def _random_front(width: float, rng: Random, palette: Palette) -> Front:
    colour = rng.choice(WALLS)
    reddish = colour[0] > 1.6 * colour[2]
    modern = rng.random() < 0.25
    wall = palette.brick(colour) if reddish or rng.random() < 0.3 else palette.mottled(colour, 0.16, 0.8)
    pale: Colour = rng.choice(((0.6, 0.58, 0.54), (0.7, 0.7, 0.68), (0.35, 0.33, 0.3)))
    frame: Colour = rng.choice(((0.75, 0.75, 0.73), (0.05, 0.05, 0.05), (0.2, 0.12, 0.07), (0.75, 0.75, 0.73)))
    storey = rng.uniform(2.9, 3.6)
    window = (rng.uniform(0.95, 1.4), rng.uniform(1.5, 2.0)) if not modern else (rng.uniform(1.6, 2.3), 1.7)
    bay = window[0] + (rng.uniform(0.8, 1.5) if not modern else rng.uniform(0.15, 0.5))
    ground = rng.uniform(3.5, 4.2)
    return Front(
        width, rng.randint(1, 5), storey, ground, bay, window, wall, palette.matte(pale), palette.matte(frame), modern
    )


def _add_storey(shape: Shape, front: Front, floor_z: float, rng: Random, palette: Palette) -> None:
    count = max(1, int((front.width - 0.8) / front.bay))
    start = (front.width - count * front.bay) / 2
    wide, tall = front.window
    for bay in range(count):
        centre = (start + (bay + 0.5) * front.bay, floor_z + 0.75 + tall / 2)
        _add_window(shape, front, centre, (wide, tall), _pane(rng, palette))


def _pane(rng: Random, palette: Palette) -> Material:
    if rng.random() < (0.35 if palette.lights_on else 0.25):
        return palette.curtain(rng.choice(((0.5, 0.48, 0.42), (0.3, 0.28, 0.25), (0.45, 0.4, 0.3))))
    return palette.glass()


def _add_window(
    shape: Shape, front: Front, centre: tuple[float, float], size: tuple[float, float], pane: Material
) -> None:
    """A pane near the wall's plane, in a frame and a surround that stand out of it."""
    (x, z), (wide, tall) = centre, size
    shape.box((x, -0.01, z), (wide, 0.02, tall), pane)
    for side in (-1, 1):
        shape.box((x + side * wide / 2, -0.04, z), (0.07, 0.08, tall), front.frame)
        shape.box((x, -0.04, z + side * tall / 2), (wide, 0.08, 0.07), front.frame)
    shape.box((x, -0.025, z), (0.05, 0.05, tall), front.frame)
    if not front.modern:
        shape.box((x, -0.025, z + tall * 0.12), (wide, 0.05, 0.05), front.frame)
        shape.box((x, -0.09, z - tall / 2 - 0.07), (wide + 0.25, 0.2, 0.1), front.trim)
        shape.box((x, -0.05, z + tall / 2 + 0.13), (wide + 0.2, 0.1, 0.2), front.trim)


def _add_cornices(shape: Shape, front: Front) -> None:
    shape.box((front.width / 2, -0.12, front.height), (front.width, 0.35, 0.25), front.trim)
    shape.box((front.width / 2, -0.08, front.ground - 0.02), (front.width, 0.2, 0.22), front.trim)
    if not front.modern:
        shape.box((front.width / 2, -0.2, front.height + 0.16), (front.width, 0.55, 0.12), front.trim)
    shape.box((front.width / 2, -0.03, 0.3), (front.width, 0.08, 0.6), front.trim)


def _add_shop(shape: Shape, front: Front, rng: Random, palette: Palette) -> None:
    board = palette.matte(rng.choice(SIGNS), 0.5)
    left, right = 0.35, front.width - 0.35
    low, high = 0.6, front.ground - 0.85
    shape.box((front.width / 2, -0.08, (front.ground - 0.1) / 2), (right - left + 0.3, 0.16, front.ground - 0.1), board)
    count = max(2, int((right - left) / 1.7))
    bay, door = (right - left) / count, rng.randrange(count)
    for index in range(count):
        x = left + (index + 0.5) * bay
        foot = 0.15 if index == door else low
        shape.box((x, -0.165, (foot + high) / 2), (bay - 0.14, 0.02, high - foot), palette.interior(rng.getrandbits(8)))
        if index == door:
            shape.box((x, -0.18, (foot + high) / 2), (0.06, 0.03, high - foot), board)
    sign_z = front.ground - 0.48
    shape.box((front.width / 2, -0.2, sign_z), (right - left + 0.2, 0.12, 0.55), board)
    _add_words(shape, rng.choice(NAMES), 0.5, (front.width / 2, -0.272, sign_z), palette)
    if rng.random() < 0.45:
        _add_awning(shape, left, right, high + 0.1, rng, palette)


def _add_words(shape: Shape, words: str, size: float, centre: tuple[float, float, float], palette: Palette) -> None:
    mesh = text_mesh(words, size, palette.matte((1, 1, 1)))
    corners = [(v.co.x + centre[0], centre[1], v.co.z + centre[2]) for v in mesh.vertices]
    pale = palette.glow((1, 0.9, 0.7), 0.8 if palette.lights_on else 0.0)
    shape.add(corners, [tuple(face.vertices) for face in mesh.polygons], pale)
    bpy.data.meshes.remove(mesh)


def _add_awning(shape: Shape, left: float, right: float, z: float, rng: Random, palette: Palette) -> None:
    colours = (palette.matte(rng.choice(SIGNS)), palette.matte((0.7, 0.68, 0.62)))
    striped, stripes = rng.random() < 0.6, int((right - left) / 0.45)
    for stripe in range(stripes):
        x0, x1 = (left + (right - left) * (stripe + part) / stripes for part in (0, 1))
        cloth = colours[stripe % 2 if striped else 0]
        points = [
            (x0, -0.2, z),
            (x1, -0.2, z),
            (x1, -1.3, z - 0.45),
            (x0, -1.3, z - 0.45),
            (x0, -1.3, z - 0.68),
            (x1, -1.3, z - 0.68),
        ]
        shape.add(points, [(0, 1, 2, 3), (3, 2, 5, 4)], cloth)


def _add_entrance(shape: Shape, front: Front, rng: Random, palette: Palette) -> None:
    count = max(1, int((front.width - 0.8) / max(front.bay, 1.8)))
    bay, door = (front.width - 0.8) / count, rng.randrange(count)
    for index in range(count):
        x = 0.4 + (index + 0.5) * bay
        if index == door:
            shape.box((x, -0.06, 1.2), (1.35, 0.12, 2.4), front.trim)
            shape.box((x, -0.08, 1.15), (1.05, 0.14, 2.2), palette.matte(rng.choice(SIGNS), 0.4))
            shape.box((x, -0.35, 0.1), (1.5, 0.7, 0.2), front.trim)
        else:
            _add_window(shape, front, (x, 2.0), (min(front.window[0], bay - 0.4), 1.5), _pane(rng, palette))
