import cv2
import numpy as np

from detbench.core.optical_flow import flow_px


def test_a_shift_is_found() -> None:
    """A texture that moves 3 px to the right and 1 up flows so, whatever its size divides by."""
    noise = np.random.default_rng(0).integers(0, 255, (90, 130, 3), dtype=np.uint8)
    wide = cv2.GaussianBlur(noise, (0, 0), 2)
    before, after = wide[10:80, 10:110], wide[11:81, 7:107]
    flow = flow_px(before, after)
    assert flow.shape == (70, 100, 2)
    assert np.abs(np.median(flow[10:-10, 10:-10], axis=(0, 1)) - (3, -1)).max() < 0.1
