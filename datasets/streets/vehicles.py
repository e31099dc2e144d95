"""Vehicles, each one object, nose towards +y, wheels on z = 0: cars, pickups, lorries, buses, two-wheelers.

Bodies are rounded boxes whose top follows a bonnet line; cabins are dark glass under a painted roof, held by pillars.
"""

from dataclasses import dataclass
from math import cos, pi, sin
from random import Random

import bpy
import numpy as np
from materials import CAR_PAINTS, SIGNS, Material, Palette
from shapes import Points, Shape, moved, text_mesh


@dataclass(frozen=True)
class CarForm:
    """Measures of a car in metres; `cabin`: y of the rear window's foot and head, the windscreen's head and foot."""

    length: float
    width: float
    height: float
    belt: float
    bonnet: float
    cabin: tuple[float, float, float, float]
    wheel: float = 0.32
    clearance: float = 0.2
    bed: bool = False

    @property
    def nose(self) -> float:
        """y of the front end."""
        return self.length / 2


CARS = {
    "sedan": CarForm(4.6, 1.82, 1.45, 0.93, 0.72, (-1.75, -1.05, 0.25, 1.15)),
    "saloon": CarForm(4.85, 1.86, 1.46, 0.95, 0.74, (-1.95, -1.0, 0.3, 1.2), 0.34),
    "hatchback": CarForm(4.0, 1.75, 1.49, 0.93, 0.74, (-1.93, -1.5, 0.3, 1.12), 0.31),
    "estate": CarForm(4.7, 1.82, 1.5, 0.95, 0.74, (-2.26, -1.85, 0.25, 1.12)),
    "suv": CarForm(4.6, 1.9, 1.72, 1.08, 0.92, (-2.2, -1.8, 0.35, 1.15), 0.37, 0.26),
    "minivan": CarForm(4.7, 1.9, 1.84, 1.05, 0.8, (-2.28, -2.0, 0.75, 1.65), 0.33),
}
PICKUP = CarForm(5.3, 1.95, 1.82, 1.12, 0.98, (-0.75, -0.55, 0.55, 1.25), 0.39, 0.3, bed=True)


def add_car(kind: str, rng: Random, palette: Palette) -> bpy.types.Object:
    """A car of one of the CARS, or a "pickup"."""
    form = PICKUP if kind == "pickup" else CARS[kind]
    shape = Shape()
    paint = palette.paint(rng.choice(CAR_PAINTS))
    _add_body(shape, form, paint, palette)
    _add_cabin(shape, form, paint, palette)
    for y in (-form.length * 0.29, form.length * 0.3):
        _add_wheels(shape, y, form.wheel, form.width / 2, palette)
    _add_car_face(shape, form, palette)
    _add_car_details(shape, form, paint, palette)
    return shape.to_object(kind)


def _add_body(shape: Shape, form: CarForm, paint: Material, palette: Palette) -> None:
    turns = np.linspace(0, 2 * pi, 28, endpoint=False) + pi / 28
    rings = []
    for station in np.sin(np.linspace(-pi / 2, pi / 2, 37)):
        half_width, low, high = _section(form, station * form.nose)
        x = half_width * np.sign(np.cos(turns)) * np.abs(np.cos(turns)) ** 0.42
        z = np.sign(np.sin(turns)) * np.abs(np.sin(turns)) ** 0.42
        inward = 1 - 0.055 * np.maximum(z, 0) ** 2
        rings.append(
            np.stack((x * inward, np.full(28, station * form.nose), (low + high) / 2 + z * (high - low) / 2), 1)
        )
    shape.loft(rings, paint)
    dark = palette.matte((0.02, 0.02, 0.022), 0.6)
    shape.pillow((0, 0, form.clearance + 0.08), (form.width * 0.985, form.length * 0.985, 0.2), dark, 9, 28)
    if form.bed:
        rear = form.cabin[0]
        middle, long = (rear - form.nose) / 2, rear + form.nose - 0.25
        shape.box((0, middle, form.belt + 0.004), (form.width - 0.28, long, 0.012), dark)
        shape.box((0, middle, form.belt - 0.02), (form.width - 0.12, long + 0.12, 0.06), paint)


def _section(form: CarForm, y: float) -> tuple[float, float, float]:
    """Half width, and the lowest and highest z of the body at `y`."""
    end = (1 - min(abs(y / form.nose), 1.0) ** 9) ** (1 / 5)
    rear_foot, _, _, front_foot = form.cabin
    high = np.interp(
        y,
        (-form.nose, -form.nose + 0.15, rear_foot, front_foot, front_foot + 0.1, form.nose - 0.2, form.nose),
        (form.belt - 0.1, form.belt - 0.02, form.belt, form.belt, form.belt - 0.02, form.bonnet, form.bonnet - 0.1),
    )
    middle = (form.clearance + high) / 2
    half = (high - form.clearance) / 2 * (0.25 + 0.75 * end)
    bulge = 1 - 0.05 * abs(y / form.nose) ** 2
    return form.width / 2 * (0.3 + 0.7 * end) * bulge, middle - half, middle + half


def _add_cabin(shape: Shape, form: CarForm, paint: Material, palette: Palette) -> None:
    rear_foot, rear_head, front_head, front_foot = form.cabin
    foot, head = form.width / 2 * 0.9, form.width / 2 * 0.72
    low, high = form.belt - 0.06, form.height - 0.045
    corners = [
        (side * half, y, z)
        for side in (-1, 1)
        for half, y, z in (
            (foot, rear_foot, low),
            (head, rear_head, high),
            (foot, front_foot, low),
            (head, front_head, high),
        )
    ]
    shape.hexahedron(corners, palette.glass())
    long = front_head - rear_head + 0.22
    shape.pillow((0, (front_head + rear_head) / 2, high + 0.01), (head * 2 + 0.1, long, 0.11), paint, 5, 24)
    pillars = [(rear_foot, rear_head, 0.075), (front_foot, front_head, 0.04)]
    middle = 0.45 * front_head + 0.55 * rear_head
    pillars.append((middle, middle, 0.035))
    if rear_head < -1.3:
        pillars.append((rear_foot * 0.62, rear_head * 0.62, 0.035))
    for y_foot, y_head, thick in pillars:
        for side in (-1, 1):
            path = [(side * foot, y_foot, low), (side * (foot + head) / 2, (y_foot + y_head) / 2, (low + high) / 2)]
            shape.tube([*path, (side * head, y_head, high)], (thick, thick, thick), paint, 6)
    if rear_head > -1.3 and not form.bed:
        for side in (-1, 1):
            _add_quarter(shape, side, form, paint)


def _add_quarter(shape: Shape, side: int, form: CarForm, paint: Material) -> None:
    """The painted triangle behind a sedan's rear door."""
    rear_foot, rear_head, _, _ = form.cabin
    foot, head = form.width / 2 * 0.9 + 0.008, form.width / 2 * 0.72 + 0.008
    low, high = form.belt - 0.06, form.height - 0.045
    points = [
        (foot, rear_foot, low),
        (foot, rear_foot + 0.55, low),
        (head, rear_head + 0.12, high),
        (head, rear_head, high),
    ]
    shape.add([(side * x, y, z) for x, y, z in points], [(0, 1, 2, 3)], paint)


def _add_wheels(shape: Shape, y: float, radius: float, half_width: float, palette: Palette, arch: bool = True) -> None:
    """A pair of wheels under dark arches."""
    rubber, rim = palette.matte((0.012, 0.012, 0.012), 0.85), palette.metal((0.55, 0.55, 0.57), 0.3)
    dark, well = palette.matte((0.008, 0.008, 0.008), 0.9), palette.metal((0.1, 0.1, 0.105), 0.5)
    for side in (-1, 1):
        outer = side * half_width
        if arch:
            shape.wheel_solid(
                (outer * 0.8, y, radius + 0.02), ((0, radius * 1.2), (outer * 0.192, radius * 1.2)), dark, 28
            )
        tyre = ((-0.2, radius * 0.9), (-0.18, radius), (-0.03, radius), (0.0, radius * 0.9), (0.0, radius * 0.66))
        shape.wheel_solid((outer, y, radius), [(side * x, r) for x, r in tyre], rubber, 28)
        shape.wheel_solid((outer, y, radius), ((-side * 0.02, radius * 0.66), (side * 0.004, radius * 0.62)), well, 20)
        for spoke in range(5):
            turn = spoke * 2 * pi / 5 + 0.3
            way = np.array((0, cos(turn), sin(turn))) * radius
            centre = np.array((outer + side * 0.008, y, radius))
            shape.tube([centre + way * 0.05, centre + way * 0.35, centre + way * 0.63], (0.05, 0.06, 0.075), rim, 6)
        shape.hoop((outer + side * 0.004, y, radius), radius * 0.63, 0.016, rim, 24)
        shape.wheel_solid((outer, y, radius), ((0, radius * 0.18), (side * 0.025, radius * 0.12)), rim, 12)


def _add_car_face(shape: Shape, form: CarForm, palette: Palette) -> None:
    """Lamps, grille and plates of both ends."""
    white, red = palette.lamp((1, 0.96, 0.85), 3.5), palette.lamp((0.75, 0.015, 0.01), 1.6)
    dark, plate = palette.matte((0.015, 0.015, 0.018), 0.4), palette.matte((0.75, 0.75, 0.7), 0.5)
    chrome = palette.metal((0.7, 0.7, 0.7), 0.15)
    nose, wide = form.nose, form.width
    for side in (-1, 1):
        shape.pillow((side * wide * 0.36, nose - 0.1, form.bonnet - 0.11), (0.42, 0.26, 0.15), chrome, 3, 14)
        shape.pillow((side * wide * 0.36, nose - 0.075, form.bonnet - 0.11), (0.34, 0.24, 0.11), white, 3, 14)
        tall = 0.34 if form.height > 1.6 else 0.17
        shape.pillow((side * wide * 0.385, -nose + 0.1, form.belt - 0.24), (0.34, 0.26, tall), red, 4, 14)
    shape.pillow((0, nose - 0.02, form.bonnet - 0.13), (wide * 0.46, 0.1, 0.14), dark, 5, 14)
    shape.pillow((0, nose - 0.02, form.bonnet - 0.36), (wide * 0.66, 0.12, 0.18), dark, 5, 14)
    shape.pillow((0, nose + 0.02, form.bonnet - 0.13), (0.14, 0.06, 0.08), chrome, 2, 10)
    shape.box((0, nose + 0.02, form.bonnet - 0.27), (0.5, 0.05, 0.11), plate)
    shape.box((0, -nose - 0.0, form.belt - 0.36), (0.5, 0.06, 0.12), plate)
    shape.pillow((0, -nose + 0.05, form.clearance + 0.14), (wide * 0.93, 0.2, 0.16), dark, 5, 16)


def _add_car_details(shape: Shape, form: CarForm, paint: Material, palette: Palette) -> None:
    """Door seams, handles and mirrors."""
    dark = palette.matte((0.015, 0.015, 0.015), 0.7)
    chrome = palette.metal((0.5, 0.5, 0.5), 0.2)
    rear_foot, rear_head, front_head, front_foot = form.cabin
    heights = np.linspace(form.clearance + 0.1, form.belt - 0.04, 9)
    seams = [front_foot - 0.25, 0.45 * front_head + 0.55 * rear_head, max(rear_foot + 0.35, -form.length * 0.29 + 0.42)]
    for side in (-1, 1):
        for y in seams[: 2 if form.bed else 3]:
            left = [(side * (_side_x(form, y, z) + 0.004), y - 0.009, z) for z in heights]
            shape.ribbon(left, [(x, y + 0.018, z) for x, y, z in left], dark)
        for y in seams[1:] if not form.bed else seams[1:2]:
            z = form.belt - 0.13
            shape.pillow((side * _side_x(form, y, z), y + 0.18, z), (0.05, 0.2, 0.035), chrome, 3, 8)
        where = (side * (form.width / 2 + 0.04), front_foot - 0.42, form.belt + 0.06)
        shape.pillow(where, (0.24, 0.12, 0.15), paint, 3, 10)


def _side_x(form: CarForm, y: float, z: float) -> float:
    """x of the body's side at a point, as `_add_body` shapes it."""
    half_width, low, high = _section(form, y)
    up = np.clip((2 * z - low - high) / (high - low), -0.999, 0.999)
    angle = np.arcsin(abs(up) ** (1 / 0.42))
    across = np.cos(angle) ** 0.42
    return float(half_width * across * (1 - 0.055 * max(up, 0) ** 2))


def add_lorry(rng: Random, palette: Palette) -> bpy.types.Object:
    """A delivery lorry: a cab with a bonnet-less face and a box behind it."""
    shape = Shape()
    paint = palette.paint(rng.choice(CAR_PAINTS))
    cargo = palette.matte(rng.choice(((0.75, 0.75, 0.73), (0.7, 0.7, 0.72), *SIGNS)), 0.5)
    dark, glass = palette.matte((0.02, 0.02, 0.02), 0.6), palette.glass()
    long, tall = rng.uniform(3.8, 5.6), rng.uniform(2.0, 2.5)
    nose, width = long / 2 + 1.0, 2.2
    shape.box((0, 0, 0.62), (0.9, long + 1.6, 0.25), dark)
    shape.pillow((0, nose - 0.9, 1.3), (width * 0.95, 1.9, 1.75), paint, 7, 28)
    shape.pillow((0, nose - 0.85, 1.95), (width * 0.86, 1.75, 0.75), paint, 6, 24)
    shape.hexahedron(_slanted(width * 0.8, nose + 0.03, nose - 0.02, 1.4, 2.15), glass)
    for side in (-1, 1):
        shape.hexahedron(_side_pane(side * (width * 0.475 + 0.012), nose - 1.35, nose - 0.35, 1.42, 2.05), glass)
        shape.box((side * (width / 2 + 0.12), nose - 0.1, 1.75), (0.16, 0.1, 0.45), dark)
        shape.pillow((side * 0.78, nose, 0.8), (0.36, 0.16, 0.22), palette.lamp((1, 0.96, 0.85), 3.5), 3, 12)
        shape.box((side * 0.85, -nose + 0.4, 0.72), (0.3, 0.08, 0.16), palette.lamp((0.75, 0.015, 0.01), 1.6))
    shape.box((0, nose + 0.02, 1.08), (1.3, 0.06, 0.28), dark)
    shape.pillow((0, nose - 0.05, 0.5), (width * 0.95, 0.3, 0.3), dark, 5, 16)
    shape.box((0, -nose + 0.4 + long / 2, 0.85 + tall / 2), (width + 0.1, long, tall), cargo)
    edge = palette.metal((0.5, 0.5, 0.5), 0.4)
    for z in (0.86, 0.85 + tall):
        shape.box((0, -nose + 0.4 + long / 2, z), (width + 0.16, long + 0.06, 0.09), edge)
    for x in (-width / 2 - 0.04, 0, width / 2 + 0.04):
        shape.box((x, -nose + 0.385, 0.85 + tall / 2), (0.06, 0.05, tall), edge)
    for y in (nose - 1.0, -nose + 1.5):
        _add_wheels(shape, y, 0.45, width / 2 + 0.02, palette, arch=y > 0)
    return shape.to_object("lorry")


def add_bus(rng: Random, palette: Palette) -> bpy.types.Object:
    """A city bus with its line number over the windscreen."""
    shape = Shape()
    paint = palette.paint(
        rng.choice(((0.55, 0.03, 0.02), (0.75, 0.75, 0.73), (0.05, 0.15, 0.4), (0.6, 0.4, 0.05), (0.1, 0.3, 0.12)))
    )
    lower = palette.paint(rng.choice(((0.75, 0.75, 0.73), (0.1, 0.1, 0.12), (0.5, 0.5, 0.5))))
    glass, dark = palette.glass(), palette.matte((0.015, 0.015, 0.015), 0.6)
    long, width, tall = rng.uniform(9.0, 12.0), 2.5, rng.uniform(2.95, 3.15)
    nose = long / 2
    shape.pillow((0, 0, 0.3 + (tall - 0.3) / 2), (width, long, tall - 0.3), paint, 16, 40)
    shape.pillow((0, 0, 0.58), (width + 0.02, long + 0.02, 0.55), lower, 16, 40)
    panes = int((long - 1.6) / 1.35)
    for side in (-1, 1):
        shape.box((side * (width / 2 + 0.002), 0, 1.95), (0.03, long - 0.9, 1.12), dark)
        for pane in range(panes):
            y = -nose + 0.8 + (pane + 0.5) * (long - 1.4) / panes
            shape.box((side * (width / 2 + 0.012), y, 1.95), (0.03, (long - 1.4) / panes - 0.1, 1.0), glass)
        shape.pillow((side * 0.95, nose - 0.0, 0.78), (0.34, 0.14, 0.2), palette.lamp((1, 0.96, 0.85), 3.5), 3, 12)
        shape.pillow((side * 1.08, -nose, 1.0), (0.2, 0.1, 0.5), palette.lamp((0.75, 0.015, 0.01), 1.6), 4, 12)
        shape.box((side * (width / 2 + 0.16), nose + 0.1, 2.1), (0.2, 0.14, 0.4), dark)
    for y in (nose - 0.9, -0.3):
        shape.box((width / 2 + 0.014, y, 1.38), (0.03, 1.15, 2.1), dark)
        for leaf in (-0.28, 0.28):
            shape.box((width / 2 + 0.022, y + leaf, 1.42), (0.03, 0.48, 1.85), glass)
    shape.box((0, nose + 0.006, 1.78), (width - 0.22, 0.05, 1.45), dark)
    shape.box((0, nose + 0.02, 1.7), (width - 0.34, 0.05, 1.2), glass)
    shape.box((0, nose + 0.01, tall - 0.3), (width - 0.5, 0.06, 0.34), dark)
    shape.box((0, -nose - 0.01, 2.1), (width - 0.5, 0.05, 0.9), glass)
    shape.box((0, -nose - 0.01, 1.0), (1.3, 0.05, 0.7), dark)
    shape.box((0, nose + 0.02, 0.62), (0.52, 0.05, 0.12), palette.matte((0.75, 0.75, 0.7), 0.5))
    _add_line_number(
        shape, f"{rng.randint(1, 99)} {rng.choice(('CENTRAL', 'HARBOUR', 'PARK', 'AIRPORT'))}", nose, tall, palette
    )
    for y in (nose - 2.4, -nose + 2.9):
        _add_wheels(shape, y, 0.48, width / 2 + 0.01, palette)
    return shape.to_object("bus")


def _add_line_number(shape: Shape, words: str, nose: float, tall: float, palette: Palette) -> None:
    mesh = text_mesh(words, 0.24, palette.matte((1, 1, 1)))
    corners = np.array([(-v.co.x, nose + 0.045, v.co.z + tall - 0.3) for v in mesh.vertices])
    faces = [tuple(face.vertices) for face in mesh.polygons]
    shape.add(corners, faces, palette.glow((1.0, 0.5, 0.08), 1.5))
    bpy.data.meshes.remove(mesh)


def _slanted(width: float, y_low: float, y_high: float, z_low: float, z_high: float) -> Points:
    """Corners of a windscreen as `Shape.hexahedron` takes them."""
    return np.array(
        [
            (x, y + depth, z)
            for x in (-width / 2, width / 2)
            for depth in (-0.08, 0)
            for y, z in ((y_low, z_low), (y_high, z_high))
        ]
    )


def _side_pane(x: float, y_rear: float, y_front: float, z_low: float, z_high: float) -> Points:
    """Corners of a cab's side window, its front edge leaning back."""
    return np.array(
        [
            (x + thick, y, z)
            for thick in (-0.015, 0.015)
            for y, z in ((y_rear, z_low), (y_rear, z_high), (y_front, z_low), (y_front - 0.12, z_high))
        ]
    )


BICYCLE_SADDLE_Y, MOTORCYCLE_SADDLE_Y = -0.2, -0.3
"""Where the rider's pelvis goes on each; see `people.riding`."""


def add_bicycle(rng: Random, palette: Palette) -> bpy.types.Object:
    """A bicycle with a diamond frame."""
    shape = Shape()
    paint = palette.paint(rng.choice(CAR_PAINTS))
    dark, bright = palette.matte((0.02, 0.02, 0.02), 0.6), palette.metal((0.6, 0.6, 0.6), 0.3)
    rear, front, crank = np.array((0, -0.52, 0.345)), np.array((0, 0.55, 0.345)), np.array((0, -0.05, 0.29))
    seat, head, fork = np.array((0, -0.2, 0.84)), np.array((0, 0.36, 0.84)), np.array((0, 0.39, 0.72))
    for hub in (rear, front):
        shape.hoop(hub, 0.325, 0.022, dark, 32)
        shape.hoop(hub, 0.3, 0.01, bright, 32)
        for spoke in range(10):
            way = np.array((0, cos(spoke * pi / 5), sin(spoke * pi / 5))) * 0.3
            shape.tube([hub, hub + way], (0.004, 0.004), bright, 3)
    for start, end in (
        (crank, seat),
        (crank, fork),
        (seat, head),
        (crank, rear),
        (seat, rear),
        (front, fork),
        (fork, head),
    ):
        shape.tube([start, end], (0.021, 0.021), paint, 8)
    shape.tube([head, moved(head, 0, -0.02, 0.18)], (0.016, 0.016), bright, 6)
    shape.tube([(-0.29, 0.26, 1.03), (0, 0.35, 1.03), (0.29, 0.26, 1.03)], (0.014,) * 3, dark, 6)
    shape.tube([seat, moved(seat, 0, -0.01, 0.09)], (0.014, 0.014), bright, 6)
    shape.pillow(moved(seat, 0, -0.02, 0.11), (0.16, 0.28, 0.06), dark, 2.5, 10)
    shape.hoop(crank, 0.09, 0.012, bright, 16)
    for side in (-1, 1):
        pedal = moved(crank, side * 0.1, side * 0.12, side * 0.1)
        shape.tube([moved(crank, side * 0.05, 0, 0), pedal], (0.012, 0.012), bright, 5)
        shape.box(moved(pedal, side * 0.04, 0, 0), (0.09, 0.09, 0.025), dark)
    return shape.to_object("bicycle")


def add_motorcycle(rng: Random, palette: Palette) -> bpy.types.Object:
    """A motorcycle: two fat wheels, an engine, a tank, a long seat."""
    shape = Shape()
    paint = palette.paint(rng.choice(CAR_PAINTS))
    dark, bright = palette.matte((0.02, 0.02, 0.02), 0.6), palette.metal((0.5, 0.5, 0.52), 0.25)
    rear, front = np.array((0, -0.72, 0.31)), np.array((0, 0.75, 0.31))
    for hub in (rear, front):
        shape.hoop(hub, 0.245, 0.07, dark, 32)
        shape.hoop(hub, 0.185, 0.022, bright, 24)
        shape.wheel_solid(hub, ((-0.05, 0.09), (0.05, 0.09)), bright, 16)
        for spoke in range(6):
            way = np.array((0, cos(spoke * pi / 3), sin(spoke * pi / 3))) * 0.19
            shape.tube([hub, hub + way], (0.02, 0.02), bright, 4)
    for side in (-1, 1):
        shape.tube([moved(front, side * 0.1, 0, 0), (side * 0.1, 0.5, 0.9)], (0.03, 0.026), bright, 8)
        shape.tube([moved(rear, side * 0.11, 0, 0), (side * 0.1, -0.15, 0.42)], (0.035, 0.035), dark, 6)
        shape.tube([(side * 0.05, 0.45, 1.02), (side * 0.35, 0.3, 1.06)], (0.018, 0.022), dark, 6)
        shape.tube([(side * 0.3, 0.38, 1.05), (side * 0.36, 0.42, 1.2)], (0.008, 0.008), dark, 5)
        shape.pillow((side * 0.36, 0.42, 1.22), (0.14, 0.04, 0.09), dark, 2.5, 8)
    shape.tube([(0.17, 0.15, 0.3), (0.19, -0.3, 0.28), (0.2, -0.85, 0.4)], (0.04, 0.05, 0.065), bright, 10)
    shape.pillow((0, 0.02, 0.45), (0.34, 0.5, 0.42), dark, 4, 14)
    shape.pillow((0, 0.02, 0.5), (0.4, 0.26, 0.3), bright, 4, 14)
    shape.pillow((0, 0.14, 0.84), (0.32, 0.6, 0.28), paint, 2.4, 18)
    shape.pillow((0, -0.42, 0.8), (0.27, 0.75, 0.13), dark, 3, 14)
    shape.pillow((0, -0.78, 0.78), (0.2, 0.34, 0.16), paint, 2.5, 12)
    shape.pillow((0, -0.96, 0.76), (0.15, 0.06, 0.08), palette.lamp((0.75, 0.015, 0.01), 1.6), 3, 8)
    shape.pillow((0, 0.6, 0.92), (0.2, 0.18, 0.2), paint, 2.4, 12)
    shape.pillow((0, 0.68, 0.92), (0.16, 0.08, 0.16), palette.lamp((1, 0.96, 0.85), 3.5), 2, 10)
    shape.pillow((0, 0.75, 0.52), (0.15, 0.5, 0.1), paint, 3, 12)
    shape.pillow((0, -0.75, 0.6), (0.17, 0.45, 0.09), paint, 3, 12)
    shape.box((0, -1.0, 0.6), (0.2, 0.02, 0.14), palette.matte((0.75, 0.75, 0.7), 0.5))
    return shape.to_object("motorcycle")
