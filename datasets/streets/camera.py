"""Where the photographer stands, who else is there at that moment, and how the camera shakes."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import cos, exp, log, pi, radians, sin
from random import Random

import bpy
import numpy as np
from mathutils import Euler, Matrix
from shapes import Points
from street import KERB_M, LENGTH_M, Actor, Layout, Street

WIDTH_PX, HEIGHT_PX = 640, 480
SENSOR_MM = 36.0
NEAREST_M = 3.0
"""Nothing is placed, and nothing parked is left, closer to the camera than this."""

Footprint = tuple[float, float, float, float]


@dataclass(frozen=True)
class Lens:
    """A camera at rest: its place, its Euler angles (pitch from straight down, roll, heading) and its lens."""

    kind: str
    place: tuple[float, float, float]
    pitch: float
    heading: float
    focal_mm: float

    @property
    def focal_px(self) -> float:
        """Focal length in pixels."""
        return WIDTH_PX * self.focal_mm / SENSOR_MM

    def matrix(self, turn: Sequence[float] = (0, 0, 0), shift: Sequence[float] = (0, 0, 0)) -> Matrix:
        """Camera to world, after a turn (pitch, yaw, roll) and shift in the camera's own axes."""
        rest = Matrix.Translation(self.place) @ Euler((self.pitch, 0, self.heading)).to_matrix().to_4x4()
        return rest @ Matrix.Translation(shift) @ Euler(turn).to_matrix().to_4x4()

    def project(self, points: Points) -> Points:
        """Pixel x, y and depth of world points (N, 3)."""
        return project(points, self.matrix(), self.focal_px)


def project(points: Points, camera: Matrix, focal_px: float) -> Points:
    """Pixel x, y and depth (N, 3) of world points seen by a camera; depth is negative behind it."""
    inverse = np.array(camera.inverted())
    local = points @ inverse[:3, :3].T + inverse[:3, 3]
    depth = -local[:, 2]
    safe = np.where(np.abs(depth) < 1e-6, 1e-6, depth)
    x = WIDTH_PX / 2 + focal_px * local[:, 0] / safe
    y = HEIGHT_PX / 2 - focal_px * local[:, 1] / safe
    return np.stack((x, y, depth), axis=1)


def random_lens(street: Street, rng: Random) -> Lens:
    """A view that no tree or post stands right in front of; the last tried where thirty draws find none."""
    for _ in range(30):
        lens = _draw_lens(street.layout, rng)
        room = 6.0 if lens.kind == "high" else NEAREST_M
        if all(np.hypot(x - lens.place[0], y - lens.place[1]) > room for x, y, _, _ in street.fixed):
            break
    return lens


def _draw_lens(layout: Layout, rng: Random) -> Lens:
    """A driver's, a walker's, a passer-by's across the street, or one from an upper window."""
    kind = rng.choices(("driver", "walker", "across", "high"), (0.4, 0.3, 0.15, 0.15))[0]
    ahead = rng.random() < 0.5
    y = rng.uniform(8, 75) if ahead else rng.uniform(LENGTH_M - 75, LENGTH_M - 8)
    heading = 0.0 if ahead else pi
    right = 1 if ahead else -1
    if kind == "driver":
        x, z = right * layout.lane * 0.5, rng.uniform(1.25, 1.9)
        heading += radians(rng.uniform(-9, 9))
        return Lens(kind, (x, y, z), radians(rng.uniform(85, 91)), heading, rng.uniform(24, 45))
    side = rng.choice((-1, 1))
    inward = side if ahead else -side
    x = side * (layout.half_road + rng.uniform(1.2, layout.pavement - 1.0))
    if kind == "walker":
        heading += inward * radians(rng.uniform(2, 32))
        return Lens(
            kind, (x, y, KERB_M + rng.uniform(1.4, 1.8)), radians(rng.uniform(84, 91)), heading, rng.uniform(24, 50)
        )
    if kind == "across":
        heading += inward * radians(rng.uniform(40, 75))
        return Lens(
            kind, (x, y, KERB_M + rng.uniform(1.4, 1.8)), radians(rng.uniform(86, 91)), heading, rng.uniform(22, 35)
        )
    heading += inward * radians(rng.uniform(5, 30))
    return Lens(kind, (x, y, rng.uniform(3.0, 6.5)), radians(rng.uniform(72, 82)), heading, rng.uniform(26, 50))


@dataclass(frozen=True)
class Placed:
    """An actor in the picture: where its root stands at mid-exposure, its bearing, and its speed along it."""

    actor: Actor
    place: tuple[float, float, float]
    bearing: float
    speed: float

    def matrix(self, seconds: float) -> Matrix:
        """Root to world, so long after mid-exposure."""
        x, y, z = self.place
        far = self.speed * seconds
        where = (x - far * sin(self.bearing), y + far * cos(self.bearing), z)
        return (
            Matrix.Translation(where)
            @ Matrix.Rotation(self.bearing, 4, "Z")
            @ Matrix.Diagonal(self.actor.root.scale).to_4x4()
        )


def deal(street: Street, lens: Lens, rng: Random) -> list[Placed]:
    """Place some of the cast in sight, apart from each other; hides the rest and what is parked too close."""
    taken: list[Footprint] = list(street.fixed)
    for actor in street.parked:
        x, y, _ = actor.root.location
        near = _apart_m(lens, x, y, actor.half) < NEAREST_M
        _show(actor, not near)
        if not near:
            taken.append((x, y, actor.half[0] + 0.2, actor.half[1] + 0.2))
    busy = rng.uniform(0.45, 1.0)
    dealt = []
    for actor in street.cast:
        wanted = rng.random() < busy * (0.7 if actor.kind in ("signal", "sign", "bus", "lorry") else 1.0)
        placed = _find_place(actor, street.layout, lens, taken, rng) if wanted else None
        _show(actor, placed is not None)
        if placed:
            dealt.append(placed)
            taken.append(_footprint(placed))
            actor.root.animation_data_clear()
            actor.root.location = placed.place
            actor.root.rotation_euler = (0, 0, placed.bearing)
    return dealt


def _find_place(actor: Actor, layout: Layout, lens: Lens, taken: list[Footprint], rng: Random) -> Placed | None:
    """A free place in sight, nearer ones more likely; None where forty tries find none."""
    for _ in range(40):
        placed = _try_place(actor, layout, lens, rng)
        x, y, _ = placed.place
        apart = _apart_m(lens, x, y, actor.half)
        if apart < NEAREST_M or rng.random() > (9.0 / max(apart, 9.0)) ** 1.2 or not _in_sight(placed, lens):
            continue
        if actor.kind in ("signal", "sign", "two-wheeler") and not layout.pavement_z(placed.place[1]):
            continue
        if not any(_overlap(_footprint(placed), other) for other in taken):
            return placed
    return None


def _try_place(actor: Actor, layout: Layout, lens: Lens, rng: Random) -> Placed:
    y = lens.place[1] + (1 if cos(lens.heading) > 0 else -1) * exp(rng.uniform(log(3.5), log(55)))
    side = rng.choice((-1, 1))
    if actor.kind in ("signal", "sign"):
        over_road = actor.parts[0].thing.location.x < -0.1
        side = (1 if cos(lens.heading) > 0 else -1) if over_road else side
        x = side * (layout.half_road + (0.45 if actor.kind == "signal" else 0.7))
        bearing = (0 if cos(lens.heading) > 0 else pi) + rng.gauss(0, 0.2)
        return Placed(actor, (x, y, KERB_M), bearing, 0.0)
    if actor.kind in ("walker", "stander"):
        return _try_person(actor, layout, y, side, rng)
    if actor.kind == "two-wheeler":
        x = side * (layout.half_road + rng.uniform(1.2, 1.8))
        return Placed(actor, (x, y, KERB_M), rng.uniform(0, 2 * pi), 0.0)
    lane = rng.randrange(layout.lanes)
    x = side * ((lane + 0.5) * layout.lane + rng.gauss(0, 0.12))
    if actor.kind == "rider":
        x = side * (layout.half_road - layout.parking - 0.6)
    speed = 0.0 if rng.random() < 0.3 else rng.uniform(2, 13)
    return Placed(actor, (x, y, 0.0), (0 if side > 0 else pi) + rng.gauss(0, 0.025), speed)


def _try_person(actor: Actor, layout: Layout, y: float, side: int, rng: Random) -> Placed:
    speed = rng.uniform(0.9, 1.8) if actor.kind == "walker" else 0.0
    if rng.random() < 0.22:
        y = layout.junction_y + side * (layout.junction / 2 + 2.2) + rng.uniform(-1.2, 1.2) if rng.random() < 0.5 else y
        x = rng.uniform(-1, 1) * layout.half_road
        return Placed(actor, (x, y, 0.0), rng.choice((-1, 1)) * pi / 2 + rng.gauss(0, 0.2), speed)
    x = side * (layout.half_road + rng.uniform(0.9, layout.pavement - 0.6))
    bearing = rng.uniform(0, 2 * pi) if actor.kind == "stander" else rng.choice((0, pi)) + rng.gauss(0, 0.15)
    return Placed(actor, (x, y, layout.pavement_z(y)), bearing, speed)


def _in_sight(placed: Placed, lens: Lens) -> bool:
    x, y, z = placed.place
    ((left, top, depth),) = lens.project(np.array([(x, y, z + 1.0)]))
    return bool(depth > 0 and -40 < left < WIDTH_PX + 40 and -60 < top < HEIGHT_PX + 40)


def _footprint(placed: Placed) -> Footprint:
    across, along = placed.actor.half
    if abs(sin(placed.bearing)) > 0.7:
        across, along = along, across
    return (placed.place[0], placed.place[1], across, along)


def _overlap(one: Footprint, other: Footprint) -> bool:
    return abs(one[0] - other[0]) < one[2] + other[2] and abs(one[1] - other[1]) < one[3] + other[3]


def _apart_m(lens: Lens, x: float, y: float, half: tuple[float, float]) -> float:
    """From the camera to the nearest edge of a footprint."""
    aside = max(abs(lens.place[0] - x) - half[0], 0.0)
    along = max(abs(lens.place[1] - y) - half[1], 0.0)
    return float((aside**2 + along**2 + max(lens.place[2] - 2.0, 0) ** 2) ** 0.5)


def _show(actor: Actor, shown: bool) -> None:
    things = {actor.root, *actor.root.children_recursive}
    for thing in things:
        thing.hide_render = not shown


def set_camera(lens: Lens) -> bpy.types.Object:
    """The scene's camera, at rest as the lens says."""
    scene = bpy.context.scene
    if scene.camera is None:
        scene.camera = bpy.data.objects.new("camera", bpy.data.cameras.new("camera"))
        scene.collection.objects.link(scene.camera)
        scene.camera.rotation_mode = "QUATERNION"
        scene.camera.data.clip_end = 1000
    camera = scene.camera
    camera.animation_data_clear()
    camera.data.sensor_width, camera.data.lens = SENSOR_MM, lens.focal_mm
    camera.matrix_world = lens.matrix()
    return camera
