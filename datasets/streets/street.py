"""One street: the road, its houses and furniture, what is parked there, and a cast that each view deals anew.

The street runs along +y from 0 to LENGTH_M with x = 0 in its middle; traffic keeps to the right.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import pi
from random import Random

import bpy
from buildings import add_building
from daylight import Daylight, add_daylight, random_daylight
from furniture import add_signal, add_stop_sign, bin_mesh, bollard_mesh, lamp_mesh, place, tree_mesh
from materials import Palette
from people import add_person, random_look, riding, standing, walking
from shapes import Shape
from vehicles import (
    BICYCLE_SADDLE_Y,
    CARS,
    MOTORCYCLE_SADDLE_Y,
    add_bicycle,
    add_bus,
    add_car,
    add_lorry,
    add_motorcycle,
)

LENGTH_M = 150.0
KERB_M = 0.12
CATEGORIES = {
    "person": 1, "bicycle": 2, "car": 3, "motorcycle": 4, "bus": 6, "truck": 8, "traffic light": 10, "stop sign": 13,
}  # fmt: skip
"""COCO's ids of what a street shows."""


@dataclass(frozen=True)
class Layout:
    """Measures of the road in metres: lanes each way, their width, the parking strip, the pavement, the side road."""

    lanes: int
    lane: float
    parking: float
    pavement: float
    junction_y: float
    junction: float

    @property
    def half_road(self) -> float:
        """From the middle to the kerb."""
        return self.lanes * self.lane + self.parking

    @property
    def half_street(self) -> float:
        """From the middle to the houses."""
        return self.half_road + self.pavement

    def pavement_z(self, y: float) -> float:
        """Height of the ground beside the road: the pavement's, or the road's where the side road opens."""
        return 0.0 if abs(y - self.junction_y) < self.junction / 2 else KERB_M


@dataclass(frozen=True)
class Part:
    """One object that the truth counts; `one_sided` ones are known from their −y side alone."""

    thing: bpy.types.Object
    category: str
    one_sided: bool = False


@dataclass(frozen=True)
class Actor:
    """Something that a view places: its root object, its counted parts, and half its footprint across and along."""

    kind: str
    root: bpy.types.Object
    parts: Sequence[Part]
    half: tuple[float, float]


@dataclass(frozen=True)
class Street:
    """A built scene: `parked` stays where it is, `cast` is dealt for each view."""

    layout: Layout
    daylight: Daylight
    parked: Sequence[Actor]
    cast: Sequence[Actor]
    fixed: list[tuple[float, float, float, float]] = field(default_factory=list)

    @property
    def parts(self) -> list[Part]:
        """All that the truth counts; a part's number in it is its place here, from 1."""
        return [part for actor in (*self.parked, *self.cast) for part in actor.parts]


def build_street(rng: Random) -> Street:
    """Empty the scene and build a street into it."""
    bpy.ops.wm.read_factory_settings(use_empty=True)
    day = random_daylight(rng)
    add_daylight(day)
    palette = Palette(day.lights_on)
    layout = random_layout(rng)
    _add_ground(layout, rng, palette)
    _add_markings(layout, palette)
    _add_houses(layout, rng, palette)
    fixed = _add_furniture(layout, rng, palette)
    parked = _park(layout, rng, palette)
    street = Street(layout, day, parked, _make_cast(rng, palette), fixed)
    for number, part in enumerate(street.parts, start=1):
        part.thing.pass_index = number
    return street


def random_layout(rng: Random) -> Layout:
    """One or two lanes each way, with or without cars parked along the kerb."""
    lanes = rng.choice((1, 1, 2))
    return Layout(
        lanes=lanes,
        lane=rng.uniform(3.0, 3.5),
        parking=rng.choice((0.0, 2.2, 2.2)),
        pavement=rng.uniform(3.2, 5.5),
        junction_y=rng.uniform(55, 95),
        junction=rng.uniform(7, 9),
    )


def _add_ground(layout: Layout, rng: Random, palette: Palette) -> None:
    grey = rng.uniform(0.045, 0.1)
    ground = Shape()
    ground.box(
        (0, LENGTH_M / 2, -0.05), (240, LENGTH_M + 120, 0.1), palette.mottled((grey, grey, grey * 1.04), 0.35, 1.3)
    )
    patch = palette.mottled((grey * 0.7, grey * 0.7, grey * 0.72), 0.3, 4.0)
    for _ in range(12):
        x, y = rng.uniform(-layout.half_road, layout.half_road), rng.uniform(0, LENGTH_M)
        ground.box((x, y, 0.001), (rng.uniform(0.5, 1.6), rng.uniform(1, 6), 0.002), patch)
    slab = palette.paving(rng.choice(((0.34, 0.33, 0.31), (0.4, 0.37, 0.33), (0.26, 0.26, 0.26))))
    kerb = palette.mottled((0.42, 0.41, 0.39), 0.2, 3.0)
    gap = layout.junction / 2
    for side in (-1, 1):
        for low, high in ((-20, layout.junction_y - gap), (layout.junction_y + gap, LENGTH_M + 20)):
            middle = side * (layout.half_road + layout.pavement / 2)
            ground.box((middle, (low + high) / 2, KERB_M / 2), (layout.pavement - 0.3, high - low, KERB_M), slab)
            ground.box(
                (side * (layout.half_road + 0.09), (low + high) / 2, KERB_M / 2),
                (0.18, high - low + 0.02, KERB_M + 0.01),
                kerb,
            )
    ground.to_object("ground")


def _add_markings(layout: Layout, palette: Palette) -> None:
    paint = palette.mottled((0.62, 0.62, 0.6), 0.25, 5.0)
    lines = Shape()
    gap = layout.junction / 2
    for y in range(-18, int(LENGTH_M) + 18, 6):
        if abs(y + 1.2 - layout.junction_y) < gap + 5:
            continue
        for lane in range(1 - layout.lanes, layout.lanes):
            lines.box((lane * layout.lane, y + 1.2, 0.004), (0.12, 2.4, 0.008), paint)
    for side in (-1, 1):
        if layout.parking:
            x = side * (layout.half_road - layout.parking)
            lines.box((x, layout.junction_y / 2 - 10, 0.004), (0.1, layout.junction_y - 12 - gap, 0.008), paint)
        cross_y = layout.junction_y + side * (gap + 2.2)
        stripes = int(layout.half_road * 2 / 1.0)
        for stripe in range(stripes):
            x = -layout.half_road + (stripe + 0.5) * 2 * layout.half_road / stripes
            lines.box((x, cross_y, 0.004), (0.5, 2.8, 0.008), paint)
        stop_x = side * -layout.half_road / 2
        lines.box((stop_x, cross_y + side * 2.1, 0.004), (layout.half_road - 0.3, 0.35, 0.008), paint)
    lines.to_object("markings")


def _add_houses(layout: Layout, rng: Random, palette: Palette) -> None:
    gap = layout.junction / 2 + 2.0
    for side in (-1, 1):
        for low, high in ((-12.0, layout.junction_y - gap), (layout.junction_y + gap, LENGTH_M + 12)):
            y = low
            while y < high - 0.1:
                width = rng.uniform(7, 15)
                width = high - y if high - y - width < 6 else width
                house = add_building(width, rng, palette)
                house.rotation_euler = (0, 0, -side * pi / 2)
                house.location = (side * layout.half_street, y + width if side > 0 else y, 0)
                y += width
    for end, turn in ((LENGTH_M + 22, 0.0), (-22.0, pi)):
        for index in range(-3, 3):
            house = add_building(13, rng, palette)
            house.rotation_euler = (0, 0, turn)
            house.location = ((index if turn == 0 else index + 1) * 13, end, 0)


def _add_furniture(layout: Layout, rng: Random, palette: Palette) -> list[tuple[float, float, float, float]]:
    """Lamps, trees, bins and bollards along both kerbs; returns their footprints."""
    lamp, trees = lamp_mesh(palette), [tree_mesh(rng, palette) for _ in range(2)]
    small = [bin_mesh(palette), bollard_mesh(palette), bollard_mesh(palette)]
    with_trees, footprints = rng.random() < 0.65, []
    for side in (-1, 1):
        x = side * (layout.half_road + 0.75)
        for slot in range(int(LENGTH_M / 6)):
            y = slot * 6 + (3 if side > 0 else 0) + rng.uniform(-0.8, 0.8)
            if abs(y - layout.junction_y) < layout.junction / 2 + 4:
                continue
            if slot % 4 == 0:
                place(lamp, x, y, 0 if side > 0 else pi)
            elif with_trees and slot % 2 == 0 and rng.random() < 0.8:
                tree = place(rng.choice(trees), x, y, rng.uniform(0, 6.28))
                tree.scale = (rng.uniform(0.85, 1.25),) * 3
            elif rng.random() < 0.4:
                place(rng.choice(small), x, y, 0)
            else:
                continue
            footprints.append((x, y, 0.3, 0.3))
    return footprints


def _park(layout: Layout, rng: Random, palette: Palette) -> list[Actor]:
    """Cars in the parking strip, and bicycles and motorcycles on the pavement."""
    parked = []
    for side in (-1, 1):
        y = rng.uniform(2, 6)
        while layout.parking and y < LENGTH_M:
            if rng.random() < 0.5 and abs(y - layout.junction_y) > layout.junction / 2 + 9:
                car = _make_car(rng, palette)
                car.root.location = (side * (layout.half_road - 1.08), y, 0)
                car.root.rotation_euler = (0, 0, (0 if side > 0 else pi) + rng.gauss(0, 0.015))
                parked.append(car)
            y += rng.uniform(5.9, 7.0)
    for _ in range(5):
        bike = _make_two_wheeler(rng, palette, ridden=False)
        side = rng.choice((-1, 1))
        y = rng.uniform(5, LENGTH_M - 5)
        bike.root.location = (side * (layout.half_road + 1.4), y, layout.pavement_z(y))
        bike.root.rotation_euler = (0, rng.uniform(-0.12, 0.12), rng.choice((0, pi)) + rng.uniform(-0.5, 0.5))
        parked.append(bike)
    return parked


def _make_cast(rng: Random, palette: Palette) -> list[Actor]:
    """Enough actors for one busy view; each view uses some."""
    cast = [_make_signal(rng, palette) for _ in range(3)] + [_make_stop_sign(rng, palette) for _ in range(2)]
    cast += [_make_bus(rng, palette)] + [_make_lorry(rng, palette) for _ in range(2)]
    cast += [_make_car(rng, palette) for _ in range(6)]
    cast += [_make_two_wheeler(rng, palette, ridden=True) for _ in range(3)]
    cast += [_make_two_wheeler(rng, palette, ridden=False) for _ in range(2)]
    return cast + [_make_pedestrian(rng, palette) for _ in range(15)]


def _make_car(rng: Random, palette: Palette) -> Actor:
    kind = "pickup" if rng.random() < 0.06 else rng.choice(tuple(CARS))
    car = add_car(kind, rng, palette)
    return Actor("car", car, [Part(car, "truck" if kind == "pickup" else "car")], (1.1, 2.6))


def _make_lorry(rng: Random, palette: Palette) -> Actor:
    lorry = add_lorry(rng, palette)
    return Actor("lorry", lorry, [Part(lorry, "truck")], (1.3, 4.2))


def _make_bus(rng: Random, palette: Palette) -> Actor:
    bus = add_bus(rng, palette)
    return Actor("bus", bus, [Part(bus, "bus")], (1.5, 6.2))


def _make_pedestrian(rng: Random, palette: Palette) -> Actor:
    walks = rng.random() < 0.75
    pose = walking(rng.uniform(0, 2 * pi), rng.uniform(0.45, 0.75)) if walks else standing(rng)
    person = add_person(pose, random_look(rng, palette), rng.uniform(1.55, 1.92))
    return Actor("walker" if walks else "stander", person, [Part(person, "person")], (0.35, 0.35))


def _make_two_wheeler(rng: Random, palette: Palette, ridden: bool) -> Actor:
    bicycle = rng.random() < 0.5
    machine = add_bicycle(rng, palette) if bicycle else add_motorcycle(rng, palette)
    parts = [Part(machine, "bicycle" if bicycle else "motorcycle")]
    if ridden:
        pose = riding(0.93, 0.46, 1.06, 0.32, 0.15, 0.45) if bicycle else riding(0.84, 0.6, 1.08, 0.36, 0.3, 0.25)
        rider = add_person(pose, random_look(rng, palette), 1.76)
        rider.parent = machine
        rider.location = (0, BICYCLE_SADDLE_Y if bicycle else MOTORCYCLE_SADDLE_Y, 0)
        parts.append(Part(rider, "person"))
    return Actor("rider" if ridden else "two-wheeler", machine, parts, (0.5, 1.2))


def _make_signal(rng: Random, palette: Palette) -> Actor:
    stand, head = add_signal(rng, palette)
    return Actor("signal", stand, [Part(head, "traffic light", one_sided=True)], (0.8, 0.8))


def _make_stop_sign(rng: Random, palette: Palette) -> Actor:
    stand, plate = add_stop_sign(rng, palette)
    return Actor("sign", stand, [Part(plate, "stop sign", one_sided=True)], (0.8, 0.8))
