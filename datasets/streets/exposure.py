"""The exposure: how the camera shakes, the renderer's settings, and the step from light to 8 bits.

Every path is centred: at mid-exposure it passes through the sharp picture's pose, and its mean is that pose too. A path
off its centre would shift the blurred picture against its boxes, and mAP would fall for a reason that is not blur.
"""

import os
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from math import exp, log, pi
from pathlib import Path
from random import Random

os.environ["OPENCV_IO_ENABLE_OPENEXR"] = "1"

import bpy
import cv2
import numpy as np
from camera import HEIGHT_PX, WIDTH_PX, Lens, Placed
from mathutils import Matrix
from numpy.typing import NDArray

Light = NDArray[np.float32]

MOTION_STEPS = 3
TAUS = np.linspace(-1, 1, 2 ** (MOTION_STEPS) + 1)
"""When the camera's pose is given, in half exposures from its middle; the renderer takes as many steps."""

FRAME = 1
MILDEST_PX, STRONGEST_PX = 2.0, 42.0


@dataclass(frozen=True)
class Shake:
    """A camera's path: per axis (pitch, yaw, roll, and x, y, z in metres) the weights of four curves, times `scale`."""

    weights: tuple[tuple[float, float, float, float], ...]
    scale: float

    def poses(self, lens: Lens) -> list[Matrix]:
        """Camera to world at each of TAUS."""
        curves = np.stack((TAUS, np.sin(pi * TAUS), np.sin(2 * pi * TAUS), np.cos(2 * pi * TAUS) - np.cos(pi * TAUS)))
        offsets = self.scale * (np.array(self.weights) @ curves)
        return [lens.matrix(offset[:3], offset[3:]) for offset in offsets.T]


@dataclass(frozen=True)
class Exposure:
    """One exposure: its length, the mean path that was asked for in pixels, and the camera's path."""

    seconds: float
    target_px: float
    shake: Shake


def random_shake(rng: Random) -> Shake:
    """A path of unit size: mostly turns, some shifts; between straight and curled.

    Curls stay small, since a path that returns on itself is long without blurring much.
    """
    curl = rng.uniform(0.1, 0.6)
    sizes = (1.0, 0.4 * curl, 0.12 * curl, 0.25 * curl)

    def axis(size: float) -> tuple[float, float, float, float]:
        straight, bent, wound, hooked = (size * part * rng.gauss(0, 1) for part in sizes)
        return straight, bent, wound, hooked

    return Shake((axis(0.8), axis(1.0), axis(0.6), axis(0.7), axis(0.5), axis(1.2)), 0.01)


def exposure_seconds(target_px: float, rng: Random) -> float:
    """Longer exposures blur more: 1/360 s to 1/6 s over the range of severities."""
    return target_px / 250 * exp(rng.uniform(log(0.35), 0))


def severity_targets(count: int, rng: Random) -> list[float]:
    """Mean paths in pixels for `count` pictures, spread evenly from mild to strong, in random order."""
    step = (STRONGEST_PX - MILDEST_PX) / count
    targets = [MILDEST_PX + (index + rng.random()) * step for index in range(count)]
    rng.shuffle(targets)
    return targets


def set_renderer(threads: int) -> None:
    """Cycles on the CPU with few, short paths and a denoiser."""
    scene = bpy.context.scene
    render, cycles = scene.render, scene.cycles
    render.engine = "CYCLES"
    render.resolution_x, render.resolution_y, render.resolution_percentage = WIDTH_PX, HEIGHT_PX, 100
    render.threads_mode, render.threads = "FIXED", threads
    render.use_persistent_data = True
    render.motion_blur_shutter, render.motion_blur_position = 1.0, "CENTER"
    render.image_settings.file_format = "OPEN_EXR"
    render.image_settings.color_mode = "RGB"
    render.image_settings.color_depth = "32"
    scene.view_settings.view_transform = "Standard"
    cycles.device = "CPU"
    cycles.use_adaptive_sampling = False
    cycles.max_bounces, cycles.diffuse_bounces, cycles.glossy_bounces = 2, 2, 2
    cycles.transmission_bounces, cycles.transparent_max_bounces, cycles.volume_bounces = 0, 0, 0
    cycles.caustics_reflective = cycles.caustics_refractive = False
    cycles.sample_clamp_indirect = 4.0
    cycles.use_light_tree = False
    cycles.seed = 0
    bpy.context.preferences.edit.keyframe_new_interpolation_type = "LINEAR"


def render_sharp(samples: int) -> Light:
    """The scene's light at mid-exposure, (H, W, 3) linear RGB."""
    return _render(samples, blurred=False)


def render_blurred(
    camera: bpy.types.Object, lens: Lens, dealt: Sequence[Placed], exposure: Exposure, samples: int
) -> Light:
    """The scene's light averaged over the exposure, (H, W, 3) linear RGB. Leaves the scene as it was."""
    _key_camera(camera, exposure.shake.poses(lens))
    movers = [placed for placed in dealt if placed.speed]
    for placed in movers:
        _key_actor(placed, exposure.seconds)
    light = _render(samples, blurred=True)
    for thing in (camera, *(placed.actor.root for placed in movers)):
        thing.animation_data_clear()
    for placed in movers:
        placed.actor.root.location = placed.place
    camera.matrix_world = lens.matrix()
    return light


def _key_camera(camera: bpy.types.Object, poses: Sequence[Matrix]) -> None:
    camera.cycles.motion_steps = MOTION_STEPS
    before = poses[0].to_quaternion()
    for tau, pose in zip(TAUS, poses, strict=True):
        turn = pose.to_quaternion()
        turn.make_compatible(before)
        before = turn
        camera.location, camera.rotation_quaternion = pose.translation, turn
        camera.keyframe_insert("location", frame=FRAME + tau / 2)
        camera.keyframe_insert("rotation_quaternion", frame=FRAME + tau / 2)


def _key_actor(placed: Placed, seconds: float) -> None:
    for tau in (-1, 1):
        placed.actor.root.location = placed.matrix(tau * seconds / 2).translation
        placed.actor.root.keyframe_insert("location", frame=FRAME + tau / 2)


def _render(samples: int, blurred: bool) -> Light:
    scene = bpy.context.scene
    scene.cycles.samples = samples
    scene.cycles.use_denoising = True
    scene.cycles.denoiser = "OPENIMAGEDENOISE"
    scene.cycles.denoising_input_passes = "RGB_ALBEDO_NORMAL"
    scene.cycles.denoising_prefilter = "FAST"
    scene.cycles.filter_width = 1.5
    scene.render.use_motion_blur = blurred
    return render_floats()


def render_floats() -> Light:
    """Render the scene as it is set, (H, W, 3) linear RGB."""
    scene = bpy.context.scene
    scene.frame_set(FRAME)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "light.exr"
        scene.render.filepath = str(path)
        bpy.ops.render.render(write_still=True)
        stored = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
    light: Light = np.ascontiguousarray(stored[:, :, 2::-1])
    return light


def exposure_gain(sharp: Light, dark: bool) -> float:
    """What brings the picture's middle brightness to a mid grey, or somewhat below it at dusk."""
    luminance = np.maximum(sharp @ np.array((0.2126, 0.7152, 0.0722), np.float32), 1e-5)
    middle = float(np.exp(np.mean(np.log(luminance))))
    return (0.12 if dark else 0.17) / middle


def sensor(light: Light, gain: float, iso: float, key: Sequence[int]) -> NDArray[np.uint8]:
    """Expose, add shot and read noise of strength `iso` to the linear signal, and store as 8-bit sRGB."""
    signal = np.maximum(light.astype(np.float64) * gain, 0)
    signal = np.minimum(signal, 1.5)
    generator = np.random.default_rng(key)
    deviation = np.sqrt(iso * 3e-4 * signal + (iso * 1.2e-3) ** 2)
    exposed = np.clip(signal + deviation * generator.standard_normal(signal.shape), 0, 1)
    curved = np.where(exposed <= 0.0031308, 12.92 * exposed, 1.055 * exposed ** (1 / 2.4) - 0.055)
    return np.rint(curved * 255).astype(np.uint8)
