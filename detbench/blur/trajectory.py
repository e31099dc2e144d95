"""Random paths of a hand-held camera, in the form that DeblurGAN trains on (Kupyn et al., CVPR 2018).

The model is that of Boracchi & Foi, "Modeling the Performance of Image Restoration from Motion Blur" (IEEE TIP 2012).
A path is a complex array: x to the right is the real part, y downwards the imaginary part, both in pixels.
"""

import numpy as np
from numpy.typing import NDArray

Path = NDArray[np.complex128]

SAMPLES = 2000
MAX_INERTIA, MAX_IMPULSE, MAX_TREMOR = 0.7, 0.2, 10.0
"""Upper ends of what one path draws: its pull back to the start, its rate of jerks, and its tremor."""


def random_trajectory(length_px: float, anxiety: float, generator: np.random.Generator) -> Path:
    """Where the camera pointed at 2,000 moments of an exposure, shape (2000,); starts at 0.

    The path is `length_px` long in all and has constant speed. `anxiety` goes from 0, a straight line, over .0005,
    nearly straight, to .01, jittery. Each step changes the velocity in proportion to the anxiety by three terms: a jerk
    (now and then, nearly backwards), a tremor (Gaussian, both axes), and a pull to the start (inertia).
    """
    step = length_px / (SAMPLES - 1)
    inertia, impulse, tremor = generator.random(3) * (MAX_INERTIA, MAX_IMPULSE, MAX_TREMOR)
    start_angle = generator.uniform(0, 2 * np.pi)
    jerks = _jerks(impulse * anxiety, generator)
    tremors = anxiety * tremor * step * (generator.standard_normal((SAMPLES - 1, 2)) @ (1, 1j))
    pull = anxiety * inertia * step
    return _integrate(step, step * complex(np.exp(1j * start_angle)), pull, jerks.tolist(), tremors.tolist())


def leading_part(path: Path, exposure: float) -> Path:
    """Moments of a path that an exposure takes: its first `exposure` (above 0, at most 1), at least one."""
    return path[: max(1, round(exposure * len(path)))]


def severity_px(path: NDArray[np.complex128], weights: NDArray[np.float64] | None = None) -> NDArray[np.float64]:
    """How far a path spreads a point: the length of the uniform straight motion of the same spread, in pixels.

    sqrt(12 * the largest eigenvalue of the positions' covariance), as a uniform motion over L has variance L² / 12.
    Paths run along axis 0, shape (T, ...) in and (...) out; a point at rest has severity 0. `weights` (T,) are the
    shares of the exposure, where they are not equal.
    """
    centred = path - np.average(path, axis=0, weights=weights)
    # With z = x + iy the eigenvalues of the 2x2 covariance are (E|z|² ± |E z²|) / 2.
    squares, products = (np.average(each, axis=0, weights=weights) for each in (np.abs(centred) ** 2, centred**2))
    spread = squares + np.abs(products)
    return np.asarray(np.sqrt(6 * spread), dtype=np.float64)


def _jerks(probability: float, generator: np.random.Generator) -> NDArray[np.complex128]:
    """Per step 0, or with `probability` the factor of twice the speed in the direction rotated by pi ± .5 rad."""
    happens = generator.random(SAMPLES - 1) < probability
    angles = np.pi + generator.uniform(-0.5, 0.5, SAMPLES - 1)
    return np.where(happens, 2 * np.exp(1j * angles), 0)


def _integrate(step: float, speed: complex, pull: float, jerks: list[complex], tremors: list[complex]) -> Path:
    """Add up 1,999 steps of length `step`. Each depends on the one before: a loop over Python's own numbers."""
    position = 0j
    path = [position]
    for jerk, tremor in zip(jerks, tremors, strict=True):
        speed += jerk * speed + tremor - pull * position
        speed *= step / abs(speed)
        position += speed
        path.append(position)
    return np.array(path)
