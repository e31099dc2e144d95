"""DeblurGAN's generator and critic.

Kupyn, Budzan, Mykhailych, Mishkin, Matas: "DeblurGAN: Blind Motion Deblurring Using Conditional Adversarial
Networks", CVPR 2018, arXiv 1711.07064.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from detbench.nets.layers import NormReLU, RestorationNet, initialise
from detbench.nets.patchgan import PatchGAN


class ResBlock(nn.Module):
    """x + f(x), where f is conv, norm, ReLU, dropout, conv, norm; nothing follows the sum."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, channels, 3, padding=1, padding_mode="reflect")
        self.norm1 = NormReLU(channels)
        self.dropout = nn.Dropout(0.5)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1, padding_mode="reflect")
        self.norm2 = nn.InstanceNorm2d(channels)

    def forward(self, features: Tensor) -> Tensor:
        """Shape (N, C, H, W) in and out; H, W >= 2."""
        change: Tensor = self.norm2(self.conv2(self.dropout(self.norm1(self.conv1(features)))))
        return features + change


class Generator(RestorationNet):
    """Blurred picture to restored picture: two stride-2 convolutions down, nine ResBlocks, two up, global skip.

    11,378,179 parameters. Train and eval mode differ by dropout alone.
    """

    def __init__(self) -> None:
        super().__init__()
        self.enter = nn.Conv2d(3, 64, 7, padding=3, padding_mode="reflect")
        self.enter_norm = NormReLU(64)
        self.down1 = nn.Conv2d(64, 128, 3, stride=2, padding=1)
        self.down1_norm = NormReLU(128)
        self.down2 = nn.Conv2d(128, 256, 3, stride=2, padding=1)
        self.down2_norm = NormReLU(256)
        self.blocks = nn.Sequential(*(ResBlock(256) for _ in range(9)))
        self.up1: nn.Module = nn.ConvTranspose2d(256, 128, 3, stride=2, padding=1, output_padding=1)
        self.up1_norm = NormReLU(128)
        self.up2: nn.Module = nn.ConvTranspose2d(128, 64, 3, stride=2, padding=1, output_padding=1)
        self.up2_norm = NormReLU(64)
        self.leave = nn.Conv2d(64, 3, 7, padding=3, padding_mode="reflect")
        self.apply(initialise)

    def forward(self, blurred: Tensor) -> Tensor:
        """RGB in -1..1, shape (N, 3, H, W), to the same; H and W are multiples of 4 and at least 8.

        Weights of bfloat16 compute the features in it; the picture that they are added to stays as exact as it is.
        """
        features = self.enter_norm(self.enter(blurred.to(self.enter.weight.dtype)))
        features = self.down1_norm(self.down1(features))
        features = self.down2_norm(self.down2(features))
        features = self.blocks(features)
        features = self.up1_norm(self.up1(features))
        features = self.up2_norm(self.up2(features))
        return (blurred + torch.tanh(self.leave(features))).clamp(-1, 1)

    def init_as_identity(self) -> None:
        """Exactly, by the global skip alone."""
        nn.init.zeros_(self.leave.weight)


class ResizeConv(nn.Module):
    """Twice the height and width: every pixel doubled both ways, then a 3x3 convolution with reflected borders.

    Odena, Dumoulin, Olah: "Deconvolution and Checkerboard Artifacts", Distill 2016. As many weights as a transposed
    convolution, whose stride 2 with kernel 3 gives odd pixels other neighbours than even ones.
    """

    def __init__(self, channels_in: int, channels_out: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels_in, channels_out, 3, padding=1, padding_mode="reflect")

    def forward(self, features: Tensor) -> Tensor:
        """Shape (N, C, H, W) to (N, C', 2H, 2W)."""
        enlarged: Tensor = self.conv(F.interpolate(features, scale_factor=2, mode="nearest"))
        return enlarged


class ResizeGenerator(Generator):
    """The generator with resize-convolutions on its way up; not the paper's. 11,378,179 parameters."""

    def __init__(self) -> None:
        super().__init__()
        self.up1 = ResizeConv(256, 128).apply(initialise)
        self.up2 = ResizeConv(128, 64).apply(initialise)


class Critic(PatchGAN):
    """A score of how sharp each 70x70 patch of one picture is: 256x256 gives a map of 35x35. 2,764,737 parameters.

    It sees the restored or the sharp picture alone, never beside the blurred one.
    """

    def __init__(self) -> None:
        super().__init__(channels=3, width=64, strides=(2, 2, 2, 1), padding=2)
