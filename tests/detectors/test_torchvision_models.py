from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.torch
import torch
from torchvision import models

from detbench.detectors.torchvision_models import TorchvisionDetector
from detbench.errors import UsageError, WeightsError
from detbench.types import Detections, Image

SMALL = "ssdlite320_mobilenet_v3_large"
CLASSES = "red disc\ngreen disc\n\nblue square\n"


def net(model: str, classes: int) -> torch.nn.Module:
    """A detector with random weights."""
    torch.manual_seed(1)
    return models.get_model(model, weights=None, weights_backbone=None, num_classes=classes)


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Weights of three classes and their names."""
    folder = tmp_path_factory.mktemp("own")
    torch.save(net(SMALL, 4).state_dict(), folder / "own.pth")
    safetensors.torch.save_file(net(SMALL, 4).state_dict(), folder / "own.safetensors")
    (folder / "names.txt").write_text(CLASSES)
    return {"weights": folder / "own.pth", "classes": folder / "names.txt"}


def picture(height: int, width: int) -> Image:
    """Noise, shape (H, W, 3)."""
    return np.random.default_rng(height).integers(0, 256, (height, width, 3), dtype=np.uint8)


@pytest.mark.parametrize(("height", "width"), [(96, 128), (51, 37), (1, 1), (2, 3)])
def test_any_size_gives_detections(own: dict[str, Path], height: int, width: int) -> None:
    """Boxes lie in the picture, labels are named, at most 100 from confidence .001 on, twice the same."""
    detector = TorchvisionDetector(SMALL, **own)
    image = picture(height, width)
    before = image.copy()
    found, again = detector(image), detector(image)
    assert isinstance(found, Detections)
    np.testing.assert_array_equal(image, before)
    np.testing.assert_array_equal(found.boxes, again.boxes)
    assert detector.classes == ("red disc", "green disc", "blue square")
    assert len(found) <= 100
    if len(found):
        assert 0 <= found.labels.min() <= found.labels.max() < 3
        assert found.scores.min() >= 0.001
        assert found.boxes.min() >= 0
        assert (found.boxes.max(axis=0) <= [width, height, width, height]).all()


def test_it_finds_what_torchvision_finds(own: dict[str, Path]) -> None:
    """Boxes, scores and classes are those of torchvision's own function on the same picture as RGB in 0..1."""
    theirs = net(SMALL, 4).eval()
    theirs.score_thresh, theirs.detections_per_img = 0.001, 100
    image = picture(96, 128)
    with torch.inference_mode():
        wanted = theirs([torch.from_numpy(image).permute(2, 0, 1) / 255])[0]
    found = TorchvisionDetector(SMALL, **own)(image)
    assert len(found) > 10
    np.testing.assert_allclose(found.boxes, wanted["boxes"].numpy(), atol=1e-4)
    np.testing.assert_allclose(found.scores, wanted["scores"].numpy(), atol=1e-6)
    np.testing.assert_array_equal(found.labels + 1, wanted["labels"].numpy())


def test_safetensors_do_as_well(own: dict[str, Path]) -> None:
    """The same tensors as safetensors are the same detector."""
    image = picture(64, 64)
    other = own | {"weights": own["weights"].with_suffix(".safetensors")}
    one, two = TorchvisionDetector(SMALL, **own)(image), TorchvisionDetector(SMALL, **other)(image)
    np.testing.assert_array_equal(one.boxes, two.boxes)


def test_cocos_classes_without_gaps(tmp_path: Path) -> None:
    """Of COCO's 91 labels the background and the ten that mean nothing are left out: 80 classes, person first."""
    torch.save(net(SMALL, 91).state_dict(), tmp_path / "coco.pth")
    detector = TorchvisionDetector(SMALL, weights=tmp_path / "coco.pth")
    assert len(detector.classes) == len(set(detector.classes)) == 80
    assert (detector.classes[0], detector.classes[2], detector.classes[79]) == ("person", "car", "toothbrush")
    found = detector(picture(64, 64))
    assert found.labels.max() < 80


def test_two_stage_models_have_their_limits_too(tmp_path: Path) -> None:
    """Faster R-CNN reports from confidence .001 on and at most 100 boxes, though its own default is .05."""
    model = "fasterrcnn_mobilenet_v3_large_320_fpn"
    torch.save(net(model, 91).state_dict(), tmp_path / "coco.pth")
    found = TorchvisionDetector(model, weights=tmp_path / "coco.pth")(picture(64, 96))
    assert 0 < len(found) <= 100
    assert found.scores.min() < 0.05


def test_published_weights_are_fetched_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without weights of one's own it is torchvision's address that is asked, and a failure says so."""
    asked = []

    def urlopen(request: Any, timeout: float) -> Any:
        asked.append(request.full_url)
        raise OSError("no network")

    monkeypatch.setenv("DETBENCH_CACHE", str(tmp_path))
    monkeypatch.setattr("urllib.request.urlopen", urlopen)
    with pytest.raises(WeightsError, match=r"ssdlite320\S*\.pth is not here and could not be fetched .*no network"):
        TorchvisionDetector(SMALL)
    assert asked[0].startswith("https://download.pytorch.org/models/")


def test_unknown_models_are_met_with_the_nearest() -> None:
    """A misspelt model is a usage error with what there is."""
    with pytest.raises(UsageError, match=r"no detector 'fasterrcnn_resnet50_fnp'.* 'fasterrcnn_resnet50_fpn'.*It has "):
        TorchvisionDetector("fasterrcnn_resnet50_fnp")


def test_weights_of_something_else(own: dict[str, Path], tmp_path: Path) -> None:
    """Another number of classes, another model, a pickle with code, and text are each refused with the file's name."""
    with pytest.raises(WeightsError, match=r"own\.pth: not weights of this model with 91 labels"):
        TorchvisionDetector(SMALL, weights=own["weights"])
    (tmp_path / "text.pth").write_text("text")
    torch.save({"hook": Path}, tmp_path / "code.pth")
    for name in ("text.pth", "code.pth"):
        with pytest.raises(WeightsError, match=name):
            TorchvisionDetector(SMALL, weights=tmp_path / name)
    (tmp_path / "names.txt").write_text("car\ncar\n")
    with pytest.raises(UsageError, match=r"names\.txt: must name each class once"):
        TorchvisionDetector(SMALL, weights=own["weights"], classes=tmp_path / "names.txt")
