import numpy as np
import pytest

from detbench.blur.trajectory import SAMPLES, leading_part, random_trajectory, severity_px


def trajectory(length_px: float = 60, anxiety: float = 0.005, seed: int = 0) -> np.ndarray:
    """Path of the seed's own."""
    return random_trajectory(length_px, anxiety, np.random.default_rng(seed))


@pytest.mark.parametrize("anxiety", [0, 0.0005, 0.01, 0.1])
def test_a_path_has_2000_samples_and_its_length(anxiety: float) -> None:
    """Whatever the anxiety, 2,000 samples at constant speed add up to the length."""
    path = trajectory(60, anxiety)
    assert path.shape == (SAMPLES,) == (2000,)
    np.testing.assert_allclose(np.abs(np.diff(path)), 60 / 1999)


def test_a_calm_path_is_straight() -> None:
    """Without anxiety the camera goes straight on: its ends are the whole length apart."""
    path = trajectory(60, 0)
    assert abs(path[-1] - path[0]) == pytest.approx(60)


def test_anxiety_bends_the_path() -> None:
    """Over 40 paths, the more anxious the camera, the nearer it stays to where it began."""
    ends = [
        np.mean([abs(trajectory(60, anxiety, seed)[-1]) for seed in range(40)]) for anxiety in (0.00005, 0.001, 0.01)
    ]
    assert 55 < ends[0] < 60
    assert ends[0] > ends[1] > ends[2]


def test_jerks_turn_nearly_back_at_their_rate() -> None:
    """At anxiety .01 a step in 1,000 turns by .7 of a half-turn or more: p_b * a with p_b drawn from 0 .. .2."""
    speeds = np.stack([np.diff(trajectory(60, 0.01, seed)) for seed in range(80)])
    turns = np.abs(np.angle(speeds[:, 1:] / speeds[:, :-1]))
    assert np.mean(turns > 0.6 * np.pi) == pytest.approx(0.001, rel=0.3)


def test_paths_start_in_every_direction() -> None:
    """Start angles fall into all four quarters alike."""
    quarters = np.bincount([int(np.angle(trajectory(60, 0, seed)[1]) // (np.pi / 2)) + 2 for seed in range(200)])
    assert quarters.min() > 30


def test_a_seed_gives_one_path() -> None:
    """Equal seeds give equal paths, other seeds others."""
    assert np.array_equal(trajectory(seed=3), trajectory(seed=3))
    assert not np.array_equal(trajectory(seed=3), trajectory(seed=4))


def test_an_exposure_takes_the_leading_part() -> None:
    """Half an exposure is the first 1,000 samples; the shortest is one sample, not none."""
    path = trajectory()
    assert np.array_equal(leading_part(path, 0.5), path[:1000])
    assert np.array_equal(leading_part(path, 1), path)
    assert len(leading_part(path, 1e-9)) == 1


@pytest.mark.parametrize("length_px", [3, 10, 60, 200])
@pytest.mark.parametrize("seed", [0, 1])
def test_a_straight_motion_has_its_length_as_severity(length_px: float, seed: int) -> None:
    """A uniform straight motion of L px has severity L, in any direction."""
    assert severity_px(trajectory(length_px, 0, seed)) == pytest.approx(length_px, rel=0.002)


def test_severity_is_the_largest_eigenvalue_of_the_covariance() -> None:
    """Severity equals sqrt(12 * largest eigenvalue of NumPy's covariance matrix)."""
    path = trajectory(seed=5)
    largest = np.linalg.eigvalsh(np.cov(path.real, path.imag, ddof=0))[-1]
    assert severity_px(path) == pytest.approx(np.sqrt(12 * largest))


def test_a_point_at_rest_has_no_severity() -> None:
    """A motionless point has severity 0, wherever it is."""
    assert severity_px(np.full(7, 5 - 2j)) == 0


def test_severity_of_many_paths_is_that_of_each() -> None:
    """Paths in columns are judged one by one."""
    paths = np.stack([trajectory(seed=seed) for seed in range(3)], axis=1)
    np.testing.assert_allclose(severity_px(paths), [severity_px(trajectory(seed=seed)) for seed in range(3)])
