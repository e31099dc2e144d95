"""A camera's sensor and what follows it: light that saturates, photons, a mosaic of colours, JPEG.

    over_range_light    the scene's light, above 1 where the stored picture is clipped
    (the blur adds up light here)
    raw_mosaic          photons and read noise under a Bayer mosaic, cut off at white
    demosaic            three colours for each pixel again
    (gamma, rounding to 8 bits)
    jpeg_compressed     what a file of that quality holds

The order is that of Rim et al., "Realistic Blur Synthesis for Learning Image Deblurring" (RSBlur, ECCV 2022).
"""

import io

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image as PillowImage

from detbench.blur.light import to_light
from detbench.types import Image

BLACK_LEVEL = 4096
"""Of the 16-bit mosaic, as real sensors have one: read noise below black is kept until after the demosaicing."""

WHITE_LEVEL = 65535
EDGE_PX = 2  # the demosaicing makes no colours of its own at the outermost pixels

Mosaic = NDArray[np.uint16]
"""One colour for each pixel, shape (H, W): RGGB from the top left corner."""


def over_range_light(image: Image, highlights: float) -> NDArray[np.float64]:
    """A picture (H, W, 3) as linear light, 0..1, and 1 + `highlights` in each channel that is clipped, at 255.

    A file does not say how bright a lamp was. Rim et al. (ECCV 2022) add between .25 and 1.75.
    """
    return np.asarray(to_light(image, "linear") + highlights * (image == 255), np.float64)


def raw_mosaic(
    light: NDArray[np.float64], electrons: float, read_noise: float, generator: np.random.Generator
) -> Mosaic:
    """What a sensor counts of linear light (H, W, 3), 0 and more: with EDGE_PX of reflection around, (H + 4, W + 4).

    A pixel at white, light 1, holds `electrons`; their number has a Poisson distribution, so light L has the variance
    L / electrons. `read_noise` is the standard deviation of the Gaussian noise on top, in electrons (Foi et al.,
    IEEE TIP 2008). What is above white then is white.
    """
    scene = cv2.copyMakeBorder(light, EDGE_PX, EDGE_PX, EDGE_PX, EDGE_PX, cv2.BORDER_REFLECT_101)
    one_colour = scene[..., 1].copy()
    one_colour[::2, ::2], one_colour[1::2, 1::2] = scene[::2, ::2, 0], scene[1::2, 1::2, 2]
    # A blur by Fourier transform leaves zeros at about -1e-15, which no Poisson distribution has as its mean.
    photons = generator.poisson(np.maximum(one_colour, 0) * electrons)
    counted = photons + read_noise * generator.standard_normal(one_colour.shape)
    levels = BLACK_LEVEL + counted / electrons * (WHITE_LEVEL - BLACK_LEVEL)
    return np.clip(np.rint(levels), 0, WHITE_LEVEL).astype(np.uint16)


def demosaic(mosaic: Mosaic) -> NDArray[np.float64]:
    """Linear light (H, W, 3) of a mosaic (H + 4, W + 4), slightly below 0 where noise is: OpenCV's, along edges."""
    colours = cv2.cvtColor(mosaic, cv2.COLOR_BayerRGGB2RGB_EA)[EDGE_PX:-EDGE_PX, EDGE_PX:-EDGE_PX]
    return (colours.astype(np.float64) - BLACK_LEVEL) / (WHITE_LEVEL - BLACK_LEVEL)


def jpeg_compressed(image: Image, quality: int) -> Image:
    """The picture as a JPEG of this quality, 1..100 in libjpeg's scale, holds it; colours at half the resolution."""
    stream = io.BytesIO()
    PillowImage.fromarray(image).save(stream, format="JPEG", quality=quality, subsampling="4:2:0")
    return np.array(PillowImage.open(stream))
