"""Solid shapes as plain lists of corners and faces, gathered into one mesh per object.

One mesh per object keeps a street at a few hundred objects, and an object is what the truth counts.
"""

from collections.abc import Sequence
from math import cos, pi, sin

import bpy
import numpy as np
from numpy.typing import ArrayLike, NDArray

Points = NDArray[np.float64]
Material = bpy.types.Material

SMOOTH_BELOW_RAD = 0.7
"""Edges flatter than this are shaded smooth, sharper ones stay edges."""


class Shape:
    """Gathers solids; `to_object` makes the mesh. Lengths are metres; +y is forward and +z is up."""

    def __init__(self) -> None:
        self._corners: list[Points] = []
        self._count = 0
        self._faces: list[tuple[int, ...]] = []
        self._slots: list[int] = []
        self._materials: list[Material] = []

    def add(self, corners: ArrayLike, faces: Sequence[Sequence[int]], material: Material) -> None:
        """Add corners (N, 3) and faces that index them."""
        points = np.asarray(corners, float).reshape(-1, 3)
        if material not in self._materials:
            self._materials.append(material)
        slot = self._materials.index(material)
        self._corners.append(points)
        self._faces += [tuple(self._count + index for index in face) for face in faces]
        self._slots += [slot] * len(faces)
        self._count += len(points)

    def box(self, centre: ArrayLike, size: ArrayLike, material: Material) -> None:
        """A box with its sides along the axes."""
        signs = np.array([(x, y, z) for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)], float)
        self.hexahedron(np.asarray(centre, float) + signs * np.asarray(size, float) / 2, material)

    def hexahedron(self, corners: ArrayLike, material: Material) -> None:
        """Eight corners in the order of `box`: x slowest, z fastest."""
        faces = ((0, 1, 3, 2), (4, 6, 7, 5), (0, 4, 5, 1), (2, 3, 7, 6), (0, 2, 6, 4), (1, 5, 7, 3))
        self.add(corners, faces, material)

    def loft(self, rings: ArrayLike, material: Material, capped: bool = True) -> None:
        """A skin over closed rings (S, R, 3) of equally many points."""
        points = np.asarray(rings, float)
        count, size = points.shape[:2]
        faces: list[tuple[int, ...]] = []
        for ring in range(count - 1):
            low, high = ring * size, (ring + 1) * size
            faces += [(low + i, low + (i + 1) % size, high + (i + 1) % size, high + i) for i in range(size)]
        if capped:
            faces += [tuple(range(size))[::-1], tuple(range((count - 1) * size, count * size))]
        self.add(points, faces, material)

    def tube(
        self, path: ArrayLike, radii: Sequence[float | tuple[float, float]], material: Material, sides: int = 10
    ) -> None:
        """A tube along points; each radius is one number, or one across and one along the depth."""
        points = np.asarray(path, float)
        tangents = np.gradient(points, axis=0)
        rings = [
            _ring(point, tangent, radius, sides) for point, tangent, radius in zip(points, tangents, radii, strict=True)
        ]
        self.loft(rings, material)

    def pillow(
        self, centre: ArrayLike, size: ArrayLike, material: Material, sharpness: float = 2.0, steps: int = 16
    ) -> None:
        """A superellipsoid: a ball at sharpness 2, nearer a box as it grows."""
        power = 2 / sharpness
        turns = np.linspace(0, 2 * pi, steps, endpoint=False) + pi / steps
        heights = np.linspace(-pi / 2, pi / 2, steps // 2 + 1)
        rings = [
            np.stack(
                (
                    _power(cos(height), power) * _power(np.cos(turns), power),
                    _power(cos(height), power) * _power(np.sin(turns), power),
                    np.full(steps, _power(sin(height), power)),
                ),
                axis=1,
            )
            for height in heights
        ]
        self.loft(np.asarray(centre, float) + np.array(rings) * np.asarray(size, float) / 2, material)

    def wheel_solid(
        self, centre: ArrayLike, profile: Sequence[tuple[float, float]], material: Material, sides: int = 24
    ) -> None:
        """A solid of revolution about the x axis; the profile is (offset along x, radius)."""
        turns = np.linspace(0, 2 * pi, sides, endpoint=False)
        rings = [
            np.stack((np.full(sides, offset), radius * np.cos(turns), radius * np.sin(turns)), axis=1)
            for offset, radius in profile
        ]
        self.loft(np.asarray(centre, float) + np.array(rings), material)

    def hoop(self, centre: ArrayLike, radius: float, thickness: float, material: Material, sides: int = 28) -> None:
        """A torus about the x axis."""
        turns = np.linspace(0, 2 * pi, sides + 1)
        path = np.stack((np.zeros_like(turns), radius * np.cos(turns), radius * np.sin(turns)), axis=1)
        tangents = np.stack((np.zeros_like(turns), -np.sin(turns), np.cos(turns)), axis=1)
        middle = np.asarray(centre, float)
        rings = [_ring(middle + p, t, thickness, 8) for p, t in zip(path, tangents, strict=True)]
        self.loft(rings, material, capped=False)

    def ribbon(self, left: ArrayLike, right: ArrayLike, material: Material) -> None:
        """A strip between two lines of equally many points."""
        points = np.concatenate((np.asarray(left, float), np.asarray(right, float)))
        half = len(points) // 2
        self.add(points, [(i, i + 1, half + i + 1, half + i) for i in range(half - 1)], material)

    def prism(self, outline: ArrayLike, depth: float, material: Material) -> None:
        """An outline (N, 2) in the x-z plane, anticlockwise, facing −y, extruded to `depth` along +y."""
        flat = np.asarray(outline, float)
        front = np.stack((flat[:, 0], np.zeros(len(flat)), flat[:, 1]), axis=1)
        self.loft(np.stack((front, front + np.array((0, depth, 0)))), material)

    def to_mesh(self, name: str) -> bpy.types.Mesh:
        """The mesh of all that was added."""
        mesh = bpy.data.meshes.new(name)
        mesh.from_pydata(np.concatenate(self._corners).tolist(), [], self._faces)
        for material in self._materials:
            mesh.materials.append(material)
        mesh.polygons.foreach_set("material_index", self._slots)
        mesh.polygons.foreach_set("use_smooth", [True] * len(self._faces))
        mesh.set_sharp_from_angle(angle=SMOOTH_BELOW_RAD)
        return mesh

    def to_object(self, name: str) -> bpy.types.Object:
        """A new object in the scene, at the origin."""
        return place_mesh(self.to_mesh(name), name)


def place_mesh(
    mesh: bpy.types.Mesh, name: str, location: Sequence[float] = (0, 0, 0), turn: float = 0
) -> bpy.types.Object:
    """A new object that shows `mesh`, turned about the vertical."""
    thing = bpy.data.objects.new(name, mesh)
    bpy.context.scene.collection.objects.link(thing)
    thing.location = location
    thing.rotation_euler = (0, 0, turn)
    return thing


def text_mesh(words: str, size: float, material: Material) -> bpy.types.Mesh:
    """Words as a flat mesh in the x-z plane, centred, to be read from −y."""
    curve = bpy.data.curves.new(words, "FONT")
    curve.body, curve.size, curve.extrude = words, size, 0.004
    curve.align_x, curve.align_y = "CENTER", "CENTER"
    curve.resolution_u = 2
    holder = bpy.data.objects.new(words, curve)
    bpy.context.scene.collection.objects.link(holder)
    mesh = bpy.data.meshes.new_from_object(holder.evaluated_get(bpy.context.evaluated_depsgraph_get()))
    bpy.data.objects.remove(holder)
    bpy.data.curves.remove(curve)
    flat = np.empty(len(mesh.vertices) * 3)
    mesh.vertices.foreach_get("co", flat)
    x, y, z = flat.reshape(-1, 3).T
    x, y = x - (x.min() + x.max()) / 2, y - (y.min() + y.max()) / 2
    mesh.vertices.foreach_set("co", np.stack((x, -z, y), axis=1).ravel())
    mesh.materials.clear()
    mesh.materials.append(material)
    mesh.update()
    return mesh


def moved(point: Points, x: float, y: float, z: float) -> Points:
    """The point so far along each axis."""
    there: Points = point + np.array((x, y, z))
    return there


def _power(value: float | Points, power: float) -> float | Points:
    return np.sign(value) * np.abs(value) ** power


def _ring(point: Points, tangent: Points, radius: float | tuple[float, float], sides: int) -> Points:
    """Points around `point` in the plane across `tangent`; the first radius lies along x as far as it can."""
    across, deep = radius if isinstance(radius, tuple) else (radius, radius)
    along = tangent / np.linalg.norm(tangent)
    reference = np.array((1.0, 0, 0)) if abs(along[0]) < 0.9 else np.array((0, 1.0, 0))
    second = np.cross(along, reference)
    second /= np.linalg.norm(second)
    first = np.cross(second, along)
    turns = np.linspace(0, 2 * pi, sides, endpoint=False)[:, None]
    ring: Points = point + across * np.cos(turns) * first + deep * np.sin(turns) * second
    return ring
