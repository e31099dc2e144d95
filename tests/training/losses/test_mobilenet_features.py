from collections.abc import Callable
from pathlib import Path

import pytest
import safetensors.torch
import torch
from torch import Tensor, nn
from torchvision.models import mobilenet_v2
from torchvision.transforms.functional import normalize

from detbench.errors import WeightsError
from detbench.training.losses.mobilenet_features import load_mobilenet_features as load

Write = Callable[[str], Path]


@pytest.fixture(scope="module")
def net() -> nn.Module:
    """A whole MobileNetV2 of random weights, its running means too."""
    torch.manual_seed(0)
    net = mobilenet_v2().eval()
    for key, tensor in net.state_dict().items():
        if key.endswith("running_mean"):
            tensor.normal_()
    return net


@pytest.fixture
def write(net: nn.Module, tmp_path: Path) -> Write:
    """Writes its tensors as torchvision names them, or as its first release did, under a file name."""

    def written(name: str, first_release: bool = False) -> Path:
        file, tensors = tmp_path / name, dict(net.state_dict())
        if first_release:
            tensors = {key.replace(".0.0.", ".0."): tensor for key, tensor in tensors.items()}
        if file.suffix == ".safetensors":
            safetensors.torch.save_file(tensors, file)
        else:
            torch.save(tensors, file)
        return file

    return written


@pytest.fixture
def pictures() -> Tensor:
    """Two random pictures of 64x96."""
    return torch.rand(2, 3, 64, 96, generator=torch.Generator().manual_seed(0)) * 2 - 1


def test_features_are_those_that_the_classifier_has(net: nn.Module, write: Write, pictures: Tensor) -> None:
    """Blocks 3, 6 and 13 of the whole network, which sees the pictures as ImageNet's were normalised."""
    shapes, values = [], normalize((pictures + 1) / 2, [0.485, 0.456, 0.406], [0.229, 0.224, 0.225])
    ours = load(write("net.safetensors"))(pictures)
    with torch.no_grad():
        for depth, block in enumerate(net.features):  # type: ignore[arg-type]
            values = block(values)
            if depth in (3, 6, 13):
                torch.testing.assert_close(ours[len(shapes)], values, atol=1e-5, rtol=1e-4)
                shapes.append(tuple(values.shape[2:]))
    assert shapes == [(16, 24), (8, 12), (4, 6)]
    assert len(ours) == 3


def test_every_way_of_naming_is_the_same(write: Write, pictures: Tensor) -> None:
    """torchvision's names in .safetensors and .pt, and the first release's in a .pt, whose order is torchvision's."""
    first, *others = (load(file)(pictures) for file in (write("a.safetensors"), write("b.pt"), write("c.pt", True)))
    for other in others:
        assert all(torch.equal(*pair) for pair in zip(first, other, strict=True))


def test_the_weights_are_fixed(write: Write, pictures: Tensor) -> None:
    """Gradients reach the pictures, and no parameter."""
    features = load(write("net.pt"))
    moved = pictures.requires_grad_()
    features(moved)[2].sum().backward()
    assert moved.grad is not None
    assert moved.grad.any()
    assert not any(parameter.requires_grad for parameter in features.parameters())


def test_other_files_are_refused(tmp_path: Path) -> None:
    """Missing ones, text, and another network's tensors are named."""
    (tmp_path / "text.pt").write_text("no weights")
    torch.save(nn.Conv2d(3, 3, 3).state_dict(), tmp_path / "other.pt")
    safetensors.torch.save_file({"a": torch.ones(1)}, tmp_path / "other.safetensors")
    for name in ("gone.pt", "gone.safetensors", "text.pt", "other.pt", "other.safetensors"):
        with pytest.raises(WeightsError, match=name):
            load(tmp_path / name)
