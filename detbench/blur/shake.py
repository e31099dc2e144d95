"""Camera shake: small rotations and shifts of the camera during the exposure, each a homography of the picture.

Unlike a kernel, the blur of a rotating camera differs from place to place: k(M) in I_B = k(M) * I_S + N.
Whyte et al., "Non-uniform Deblurring for Shaken Images" (CVPR 2010) describe the model.
"""

import cv2
import numpy as np
from numpy.typing import NDArray

from detbench.blur.light import to_levels, to_light
from detbench.blur.trajectory import severity_px
from detbench.types import Image, Light

Motion = NDArray[np.float64]
Homographies = NDArray[np.float64]

FOCAL_PER_SIDE = 1.2
"""Focal length in units of the picture's longer side: about a 45° view, as of a phone's main camera."""
SHIFT_SHARE = 0.2
"""Shift of a hand-held camera, per distance of the scene, for each radian that it rotates."""
WAVES = 4
GRID = 9
FEWEST_WARPS, PROBES = 8, 64


def random_motion(degrees: float, generator: np.random.Generator) -> Motion:
    """Draw a smooth motion: amplitudes, shape (4 waves, 6), of rotations about x, y, z and shifts along x, y, z.

    At time t in 0..1 the camera's pose is the sum over k = 1..4 of row k times cos(pi k t); rows fall as 1 / k².
    Rotations are radians, shifts are per distance of the scene. `degrees` is the uniform rotation of equal spread.
    Each cosine has mean 0 over the exposure. So the mean pose is the picture's own, and boxes stay where they were.
    """
    amplitudes = generator.standard_normal((WAVES, 6)) / np.arange(1, WAVES + 1)[:, None] ** 2
    amplitudes[:, 3:] *= SHIFT_SHARE
    # cos² has mean 1/2, a uniform rotation over an angle has variance angle² / 12.
    uniform_turn = np.sqrt(12 * (amplitudes[:, :3] ** 2).sum() / 2)
    return np.asarray(amplitudes * np.radians(degrees) / uniform_turn, dtype=np.float64)


def homographies(motion: Motion, height: int, width: int) -> Homographies:
    """Warps of the picture at even moments of the exposure, shape (T, 3, 3): from sharp to momentary position.

    T follows the motion: no point of the picture moves by more than about a pixel between two warps, and T >= 8.
    The mean displacement over exposure and picture is taken out, which the cosines leave at the second order.
    """
    probes = _warps(motion, height, width, PROBES)
    longest_step = np.abs(np.diff(_displacements(probes, height, width), axis=0)).max()
    warps = _warps(motion, height, width, max(FEWEST_WARPS, int(np.ceil(PROBES * longest_step))))
    drift = _displacements(warps, height, width).mean()
    back = np.array([[1, 0, -drift.real], [0, 1, -drift.imag], [0, 0, 1]])
    return np.asarray(back @ warps, dtype=np.float64)


def average_of_warps(image: Image, warps: Homographies, light: Light) -> NDArray[np.float64]:
    """Expose: average the warped pictures in `light`, to shape (H, W, 3), grey levels 0..255 not yet rounded.

    What comes in from outside the picture is its reflection.
    """
    return to_levels(average_light(to_light(image, light), warps), light)


def average_light(light: NDArray[np.float64], warps: Homographies) -> NDArray[np.float64]:
    """As `average_of_warps`, of light (H, W, 3) that may be above 1."""
    height, width = light.shape[:2]
    scene = light.astype(np.float32)
    exposed = np.zeros(light.shape)
    for warp in warps:
        exposed += cv2.warpPerspective(scene, warp, (width, height), borderMode=cv2.BORDER_REFLECT_101)
    return exposed / len(warps)


def shake_severity_px(warps: Homographies, height: int, width: int) -> float:
    """`severity_px` of the paths of a grid of points over the picture, and the mean of those."""
    return float(severity_px(_displacements(warps, height, width)).mean())


def _warps(motion: Motion, height: int, width: int, count: int) -> Homographies:
    """K (R + t n') inv(K) for `count` moments, with the camera's axis through the picture's middle."""
    moments = (np.arange(count) + 0.5) / count
    poses = np.cos(np.pi * np.outer(moments, np.arange(1, WAVES + 1))) @ motion
    cameras = np.stack([cv2.Rodrigues(pose[:3])[0] for pose in poses])
    # The scene is a plane that faces the camera: a shift t adds to the third column of the rotation.
    cameras[:, :, 2] += poses[:, 3:]
    focal = FOCAL_PER_SIDE * max(height, width)
    lens = np.array([[focal, 0, (width - 1) / 2], [0, focal, (height - 1) / 2], [0, 0, 1]])
    return np.asarray(lens @ cameras @ np.linalg.inv(lens), dtype=np.float64)


def _displacements(warps: Homographies, height: int, width: int) -> NDArray[np.complex128]:
    """How far each of 9 x 9 points from corner to corner has moved at each moment, shape (T, 81), pixels x + iy."""
    x, y = np.meshgrid(np.linspace(0, width - 1, GRID), np.linspace(0, height - 1, GRID))
    points = np.stack([x.ravel(), y.ravel(), np.ones(x.size)])
    moved = warps @ points
    return np.asarray((moved[:, 0] + 1j * moved[:, 1]) / moved[:, 2] - (points[0] + 1j * points[1]))
