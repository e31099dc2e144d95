import numpy as np
import pytest
import torch

from detbench.training.data.jitter import GAINS, OFFSETS, SCALES, Jitter, draw_jitter


def test_a_jitter_is_what_it_says() -> None:
    """At .8 of the size 80x160 is 64x128; each channel has its gain, and all the offset."""
    levels = torch.tensor([0.1, -0.2, 0.3])[:, None, None].expand(1, 3, 80, 160)
    changed = Jitter(0.8, (1.1, 1.0, 0.9), -0.05)(levels)
    assert changed.shape == (1, 3, 64, 128)
    expected = torch.tensor([0.1 * 1.1, -0.2, 0.3 * 0.9])[:, None, None].expand(1, 3, 64, 128) - 0.05
    torch.testing.assert_close(changed, expected)


def test_jitters_fill_their_ranges() -> None:
    """Over 300 steps: between the bounds, near both of them, and the scale's median at their geometric mean."""
    drawn = [draw_jitter(0, step) for step in range(300)]
    values = {
        SCALES: [jitter.scale for jitter in drawn],
        GAINS: [gain for jitter in drawn for gain in jitter.gains],
        OFFSETS: [jitter.offset for jitter in drawn],
    }
    for (least, most), each in values.items():
        assert least <= min(each) < least + 0.05 * (most - least)
        assert most - 0.05 * (most - least) < max(each) <= most
    assert np.median(values[SCALES]) == pytest.approx(np.sqrt(0.7 * 1.5), abs=0.07)


def test_a_step_always_has_the_same_jitter() -> None:
    """Seed and step decide it, whatever was drawn before: a resumed training sees what it would have seen."""
    assert draw_jitter(1, 7) == draw_jitter(1, 7)
    assert len({draw_jitter(seed, step) for seed in (1, 2) for step in (7, 8)}) == 4
