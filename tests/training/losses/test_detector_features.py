from pathlib import Path

import pytest
import torch

from detbench.detectors.ultralytics_yolo import load_yolo
from detbench.errors import WeightsError
from detbench.training.losses.detector_features import DEPTHS, SHIPPED, DetectorFeatures
from detbench.training.losses.detector_features import load_detector_features as load
from detbench.training.losses.feature_loss import feature_distance


@pytest.fixture(scope="module")
def features() -> DetectorFeatures:
    """Of the shipped detector."""
    return load(None)


@pytest.fixture
def pictures() -> torch.Tensor:
    """Two random pictures of 64x96."""
    return torch.rand(2, 3, 64, 96, generator=torch.Generator().manual_seed(0)) * 2 - 1


def test_features_are_those_that_the_detector_has(features: DetectorFeatures, pictures: torch.Tensor) -> None:
    """The same maps pass through ultralytics' own network when it looks at the pictures, RGB in 0..1."""
    net, seen = load_yolo(SHIPPED).model.eval(), []
    for depth in DEPTHS:
        net.model[depth].register_forward_hook(lambda _net, _given, result: seen.append(result))
    with torch.no_grad():
        net((pictures + 1) / 2)
        ours = features(pictures)
    assert [tuple(each.shape[2:]) for each in ours] == [(16, 24), (8, 12), (4, 6)]
    for one, other in zip(ours, seen, strict=True):
        torch.testing.assert_close(one, other, atol=1e-4, rtol=1e-3)


def test_the_loss_moves_pictures_and_nothing_else(features: DetectorFeatures, pictures: torch.Tensor) -> None:
    """Equal pictures are at distance 0; a step down the gradient brings unlike ones closer; the detector stays."""
    assert feature_distance(features(pictures), features(pictures)) == 0
    moved = (pictures + 0.1).requires_grad_()
    before = feature_distance(features(moved), features(pictures))
    before.backward()
    assert moved.grad is not None
    after = feature_distance(features(moved - 0.01 * moved.grad / moved.grad.abs().max()), features(pictures))
    assert after < before
    assert not any(parameter.requires_grad for parameter in features.parameters())


def test_other_networks_are_refused(tmp_path: Path) -> None:
    """A file that is missing, and one that is no checkpoint, are named."""
    for file in (tmp_path / "gone.pt", tmp_path / "text.pt"):
        (tmp_path / "text.pt").write_text("no weights")
        with pytest.raises(WeightsError, match=file.name):
            load(file)
