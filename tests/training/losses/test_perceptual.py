from collections.abc import Callable
from pathlib import Path

import pytest
import safetensors.torch
import torch
from torch import Tensor
from torchvision.models import vgg19

from detbench.errors import UsageError, WeightsError
from detbench.training.losses.perceptual import LAYERS, load_vgg


@pytest.fixture(scope="module")
def torchvisions(tmp_path_factory: pytest.TempPathFactory) -> tuple[torch.nn.Module, Path]:
    """torchvision's VGG19 with random weights up to conv3_3, and a file of them."""
    torch.manual_seed(0)
    with torch.device("meta"):
        net = vgg19().features[:15]
    net = net.to_empty(device="cpu")
    for parameter in net.parameters():
        torch.nn.init.normal_(parameter, 0, 0.05)
    file = tmp_path_factory.mktemp("vgg") / "vgg.safetensors"
    safetensors.torch.save_file({f"features.{key}": tensor for key, tensor in net.state_dict().items()}, file)
    return net, file


def pictures(seed: int) -> Tensor:
    """Random pictures in -1..1, shape (2, 3, 48, 64)."""
    return torch.rand(2, 3, 48, 64, generator=torch.Generator().manual_seed(seed)) * 2 - 1


def test_features_stay_in_single_precision(torchvisions: tuple[torch.nn.Module, Path]) -> None:
    """Where the rest of a step multiplies in bfloat16 too."""
    features = load_vgg(torchvisions[1], "conv3_3")
    with torch.autocast("cpu", torch.bfloat16):
        mixed = features(pictures(0).bfloat16())
    assert mixed.dtype == torch.float32
    assert torch.equal(mixed, features(pictures(0).bfloat16().float()))


def test_torchvisions_network_is_the_same(torchvisions: tuple[torch.nn.Module, Path]) -> None:
    """conv3_3 is torchvision's `features[:15]` of ImageNet-normalised pictures, before its ReLU; borders aside."""
    net, file = torchvisions
    mean, deviation = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])
    normalised = ((pictures(0) + 1) / 2 - mean[:, None, None]) / deviation[:, None, None]
    features = load_vgg(file, "conv3_3")(pictures(0))
    assert features.shape == (2, 256, 12, 16)
    assert features.min() < 0
    inside = (..., slice(5, 7), slice(5, 11))  # a feature sees 20 pixels each way
    torch.testing.assert_close(features[inside], net(normalised)[inside], atol=1e-3, rtol=1e-4)


def test_the_shared_file_gives_features(shared_file: Callable[[str], Path]) -> None:
    """The normalised variant is taken with its own preprocessing: after its ReLU, features average about 1."""
    vgg = load_vgg(shared_file("weights/vgg19-to-conv3_1.safetensors"), "conv3_1")
    smooth = torch.nn.functional.interpolate(pictures(0)[..., :6, :8], scale_factor=8, mode="bilinear")
    features = vgg(smooth)
    assert features.shape == (2, 256, 12, 16)
    assert 0.1 < features.relu().mean() < 10


def test_gradients_reach_the_pictures_alone(torchvisions: tuple[torch.nn.Module, Path]) -> None:
    """VGG19 itself is not trained."""
    vgg, restored = load_vgg(torchvisions[1], "conv2_1"), pictures(0).requires_grad_()
    (vgg(restored) - vgg(pictures(1))).square().mean().backward()
    assert restored.grad is not None
    assert restored.grad.abs().max() > 0
    assert not list(vgg.parameters())


def test_layers_are_counted_as_published() -> None:
    """VGG19 has sixteen convolutions in stages of 2, 2, 4, 4 and 4."""
    assert len(LAYERS) == 16
    assert (LAYERS[0], LAYERS[6], LAYERS[-1]) == ("conv1_1", "conv3_3", "conv5_4")


def test_what_is_missing_is_said(torchvisions: tuple[torch.nn.Module, Path], tmp_path: Path) -> None:
    """A layer that VGG19 lacks, one that the file lacks, and a file that is none."""
    with pytest.raises(UsageError, match="no layer 'conv9_1'"):
        load_vgg(torchvisions[1], "conv9_1")
    with pytest.raises(WeightsError, match="no VGG19 up to conv3_4; its last layer is conv3_3"):
        load_vgg(torchvisions[1], "conv3_4")
    with pytest.raises(WeightsError, match="gone"):
        load_vgg(tmp_path / "gone.safetensors", "conv1_1")
