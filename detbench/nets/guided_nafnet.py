"""A NAFNet that is shown another estimate of the sharp picture, and trusts it where it is good."""

import torch.nn.functional as F
from torch import Tensor, nn

from detbench.nets.nafnet import SHUFFLE, WIDTH, NAFNet


class GuidedNAFNet(NAFNet):
    """Blurred picture and guide to restored picture.

    The guide is what another method makes of the same blurred picture, such as deconvolution by an estimated kernel.
    What comes out is the blurred picture, a share of what the guide changes, between 0 and 1 for each pixel, and what
    the network adds of its own. A guide that equals the blurred picture changes nothing by itself. The network's own
    design; the rest is that of NAFNet.
    """

    def __init__(self) -> None:
        super().__init__()
        self.guide = nn.Conv2d(3 * SHUFFLE**2, WIDTH, 3, padding=1)
        self.trust = nn.Conv2d(WIDTH, SHUFFLE**2, 3, padding=1)

    def forward(self, pictures: Tensor) -> Tensor:
        """RGB in -1..1, the blurred picture and then the guide, shape (N, 6, H, W), to (N, 3, H, W), not clamped.

        H and W are multiples of 16.
        """
        blurred, guide = pictures.chunk(2, dim=1)
        change = guide - blurred
        entered = self.enter(F.pixel_unshuffle(blurred, SHUFFLE)) + self.guide(F.pixel_unshuffle(change, SHUFFLE))
        features = self.between(entered)
        trusted = F.pixel_shuffle(self.trust(features), SHUFFLE).sigmoid()
        own: Tensor = F.pixel_shuffle(self.leave(features), SHUFFLE)
        return blurred + trusted * change + own
