"""Sky and sun: clear, cloudy, overcast or dusk. A street keeps its own for all its views.

The sky is rendered once into a panorama: looking it up costs a third less time a picture than computing its clouds anew
for every ray.
"""

import tempfile
from dataclasses import dataclass
from math import pi, radians
from pathlib import Path
from random import Random

import bpy
from mathutils import Euler

PANORAMA_PX = (1600, 800)


@dataclass(frozen=True)
class Daylight:
    """The weather, the sun's height and bearing, and how far clouds cover the sky (0..1)."""

    weather: str
    sun_height_deg: float
    sun_bearing_deg: float
    clouds: float

    @property
    def lights_on(self) -> bool:
        """Whether lamps and windows shine."""
        return self.weather == "dusk"


def random_daylight(rng: Random) -> Daylight:
    """Half of the streets are in the sun, the others under cloud or at dusk."""
    weather = rng.choices(("clear", "cloudy", "overcast", "dusk"), (0.35, 0.25, 0.22, 0.18))[0]
    bearing = rng.uniform(0, 360)
    if weather == "dusk":
        return Daylight(weather, rng.uniform(1.0, 6.0), bearing, rng.uniform(0.2, 0.6))
    clouds = {"clear": rng.uniform(0, 0.3), "cloudy": rng.uniform(0.4, 0.7), "overcast": 1.0}[weather]
    return Daylight(weather, rng.uniform(22, 62), bearing, clouds)


def add_daylight(day: Daylight) -> None:
    """Give the scene, which must be empty, its world and its sun."""
    world = bpy.data.worlds.new("sky")
    world.use_nodes = True
    bpy.context.scene.world = world
    tree = world.node_tree
    background = tree.nodes["Background"]
    background.inputs["Strength"].default_value = 0.12 if not day.lights_on else 0.25
    tree.links.new(_clouded(tree, _clear_sky(tree, day), day), background.inputs["Color"])
    panorama = tree.nodes.new("ShaderNodeTexEnvironment")
    panorama.image = _render_panorama()
    background.inputs["Strength"].default_value = 1.0
    tree.links.new(panorama.outputs[0], background.inputs["Color"])
    world.cycles.sampling_method = "MANUAL"
    world.cycles.sample_map_resolution = 256
    _add_sun(day)


def _render_panorama() -> bpy.types.Image:
    """The sky all around, in linear light, turned as an environment texture wants it."""
    scene = bpy.context.scene
    scene.render.engine = "CYCLES"
    scene.render.resolution_x, scene.render.resolution_y = PANORAMA_PX
    scene.render.image_settings.file_format = "OPEN_EXR"
    scene.cycles.samples, scene.cycles.use_denoising, scene.cycles.use_adaptive_sampling = 1, False, False
    eye = bpy.data.objects.new("eye", bpy.data.cameras.new("eye"))
    scene.collection.objects.link(eye)
    eye.rotation_euler = (pi / 2, 0, -pi / 2)
    eye.data.type = "PANO"
    eye.data.panorama_type = "EQUIRECTANGULAR"
    scene.camera = eye
    with tempfile.TemporaryDirectory() as folder:
        scene.render.filepath = str(Path(folder) / "sky.exr")
        bpy.ops.render.render(write_still=True)
        image = bpy.data.images.load(scene.render.filepath)
        image.pack()
    bpy.data.objects.remove(eye)
    return image


def _clear_sky(tree: bpy.types.NodeTree, day: Daylight) -> bpy.types.NodeSocket:
    sky = tree.nodes.new("ShaderNodeTexSky")
    sky.sky_type = "NISHITA"
    sky.sun_disc = False
    sky.sun_elevation = radians(day.sun_height_deg)
    sky.sun_rotation = radians(day.sun_bearing_deg)
    sky.dust_density = 2.0
    return sky.outputs[0]


def _clouded(tree: bpy.types.NodeTree, sky: bpy.types.NodeSocket, day: Daylight) -> bpy.types.NodeSocket:
    """The sky mixed with grey where a noise says clouds are."""
    noise = tree.nodes.new("ShaderNodeTexNoise")
    noise.inputs["Scale"].default_value = 3.0
    noise.inputs["Detail"].default_value = 8
    stretch = tree.nodes.new("ShaderNodeMapping")
    stretch.inputs["Scale"].default_value = (1, 1, 2.6)
    tree.links.new(tree.nodes.new("ShaderNodeTexCoord").outputs["Generated"], stretch.inputs[0])
    tree.links.new(stretch.outputs[0], noise.inputs["Vector"])
    cover = tree.nodes.new("ShaderNodeMapRange")
    edge = 0.75 - 0.55 * day.clouds
    cover.inputs["From Min"].default_value = edge
    cover.inputs["From Max"].default_value = edge + 0.25
    tree.links.new(noise.outputs["Fac"], cover.inputs[0])
    bright = 0.9 if day.lights_on else 7.0
    mixed = tree.nodes.new("ShaderNodeMix")
    mixed.data_type = "RGBA"
    mixed.inputs[7].default_value = (bright * 0.95, bright * 0.98, bright * 1.04, 1)
    tree.links.new(cover.outputs[0], mixed.inputs[0])
    tree.links.new(sky, mixed.inputs[6])
    return mixed.outputs[2]


def _add_sun(day: Daylight) -> None:
    sun = bpy.data.lights.new("sun", "SUN")
    strength = {"clear": 4.0, "cloudy": 2.2, "overcast": 0.25, "dusk": 0.15}
    sun.energy = strength[day.weather]
    sun.color = (1.0, 0.93, 0.82) if day.sun_height_deg > 15 else (1.0, 0.6, 0.35)
    sun.angle = radians({"clear": 0.6, "cloudy": 2.0, "overcast": 40.0, "dusk": 6.0}[day.weather])
    lamp = bpy.data.objects.new("sun", sun)
    bpy.context.scene.collection.objects.link(lamp)
    lamp.rotation_euler = Euler((pi / 2 - radians(day.sun_height_deg), 0, pi - radians(day.sun_bearing_deg)))
