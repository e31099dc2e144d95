import numpy as np

from detbench.deblurrers.identity import identity


def test_identity_returns_its_picture() -> None:
    """The floor of every deblurrer is the blurred picture itself."""
    picture = np.zeros((3, 5, 3), np.uint8)
    assert identity(picture) is picture
