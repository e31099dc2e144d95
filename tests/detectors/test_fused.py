from copy import deepcopy
from typing import Any

import pytest
import torch

from detbench.detectors import fused
from detbench.detectors.fused import fuse_activations
from detbench.detectors.ultralytics_safely import ultralytics


@pytest.fixture(scope="module")
def net() -> Any:
    """A YOLOv8n of random weights, whose batch norms have seen something."""
    torch.manual_seed(0)
    made = ultralytics.nn.tasks.DetectionModel("yolov8n.yaml", nc=3, verbose=False)
    made.train()(torch.rand(2, 3, 64, 96))
    return made.eval()


def found(net: Any, height: int, width: int) -> torch.Tensor:
    """What a network finds in random pixels: boxes and scores before suppression."""
    pictures = torch.rand(1, 3, height, width, generator=torch.Generator().manual_seed(1))
    with torch.inference_mode():
        boxes: torch.Tensor = net(pictures)[0]
    return boxes


@pytest.mark.parametrize(("height", "width"), [(96, 160), (320, 256)])
def test_activations_inside_change_rounding_alone(net: Any, height: int, width: int) -> None:
    """Boxes and scores are the same at any size; no SiLU stands alone any more."""
    inside = deepcopy(net)
    fuse_activations(inside)
    torch.testing.assert_close(found(inside, height, width), found(net, height, width), rtol=1e-4, atol=1e-3)
    with torch.profiler.profile() as calls, torch.inference_mode():
        inside(torch.rand(1, 3, height, width))
    assert not {"aten::silu", "aten::silu_", "aten::batch_norm"} & {call.key for call in calls.key_averages()}


def test_without_onednn_the_network_stays(net: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where torch lacks the operations, the network still runs, by torch's own layers."""
    monkeypatch.setattr(fused, "_OPERATIONS", ("none_of_that_name",))
    left = deepcopy(net)
    fuse_activations(left)
    torch.testing.assert_close(found(left, 96, 96), found(net, 96, 96), rtol=1e-4, atol=1e-3)
