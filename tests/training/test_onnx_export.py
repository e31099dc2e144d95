import re
from pathlib import Path

import numpy as np
import pytest
import torch

from detbench.errors import UsageError
from detbench.nets.deblurgan import Generator
from detbench.nets.weights import save_weights
from detbench.plugins.backend import resolve_deblurrer
from detbench.training import onnx_export
from detbench.training.onnx_export import export_onnx

for name in ("onnx", "onnxscript", "onnxruntime"):
    pytest.importorskip(name)

NETWORKS = {"deblurgan": "4", "nah": "4", "pix2pix": "256", "nafnet": "16", "deep_generative_filter": "1"}
"""What sides of each network's pictures divide by."""


def picture(height: int, width: int) -> np.ndarray:
    """Smooth shades with noise, 0..255."""
    rows, columns = np.mgrid[:height, :width]
    shades = np.stack([127 + 100 * np.sin(rows / 9), 127 + 100 * np.cos(columns / 7), rows + columns], axis=2)
    return (shades + np.random.default_rng(3).normal(0, 8, shades.shape)).clip(0, 255).astype(np.uint8)


@pytest.mark.parametrize("name", NETWORKS)
def test_a_graph_gives_the_networks_pictures_at_any_size(tmp_path: Path, name: str) -> None:
    """Each shipped network, exported and run by `onnx:FILE` without a setting, restores pictures of three sizes as the
    network itself does, to one grey level, and changes them.
    """
    file = tmp_path / "net.onnx"
    shipped = resolve_deblurrer(name, "cpu", "fp32")
    metadata = export_onnx(shipped, file)
    assert metadata["detbench.multiple"] == NETWORKS[name]
    exported = resolve_deblurrer(f"onnx:{file}", "cpu", "fp32")
    native, graph = shipped.build(), exported.build()
    assert graph.max_pixels == native.max_pixels
    assert exported.entry.options["multiple"] == native.multiple
    for size in ((64, 80), (37, 50), (160, 240)):
        given = picture(*size)
        expected, found = native(given).astype(int), graph(given).astype(int)
        assert np.abs(found - expected).max() <= 1
        assert np.abs(expected - given).mean() > 0.5


def test_a_graph_of_one_size_and_of_own_weights(tmp_path: Path) -> None:
    """A size is fixed in the graph, other pictures then go through it in tiles, and weights of one's own are taken."""
    torch.manual_seed(3)
    weights, file = tmp_path / "mine.safetensors", tmp_path / "net.onnx"
    save_weights(Generator(), weights)
    own = resolve_deblurrer(f"deblurgan:{weights}", "cpu", "fp32")
    export_onnx(own, file, size=(32, 48))
    graph = resolve_deblurrer(f"onnx:{file}", "cpu", "fp32").build()
    assert graph._fixed_size == (32, 48)
    given = picture(32, 48)
    expected = own.build()(given).astype(int)
    assert np.abs(graph(given).astype(int) - expected).max() <= 1
    assert np.abs(expected - given).mean() > 1
    assert graph(picture(40, 60)).shape == (40, 60, 3)


def test_what_the_user_says_of_a_graph_stands_over_what_it_says_of_itself(tmp_path: Path) -> None:
    """`,range=` and `,multiple=` behind the file win over its metadata; a file without any has 0..1 and 32."""
    file = tmp_path / "net.onnx"
    entries = (b"detbench.range", b"-1..1"), (b"detbench.multiple", b"8"), (b"detbench.max_pixels", b"5000")
    file.write_bytes(b"".join(bytes([10, len(key)]) + key + bytes([18, len(value)]) + value for key, value in entries))
    own = resolve_deblurrer(f"onnx:{file}", "cpu", "fp32").entry.options
    assert (own["value_range"], own["multiple"], own["max_pixels"]) == ("-1..1", 8, 5000)
    said = resolve_deblurrer(f"onnx:{file},range=0..255,multiple=4", "cpu", "fp32").entry.options
    assert (said["value_range"], said["multiple"]) == ("0..255", 4)
    file.write_bytes(b"detbench.multiple 8")
    plain = resolve_deblurrer(f"onnx:{file}", "cpu", "fp32").entry.options
    assert (plain["value_range"], plain["multiple"], "max_pixels" in plain) == ("0..1", 32, False)


@pytest.mark.parametrize("word", ["identity", "wiener", "blind", "python:math:sqrt"])
def test_what_is_no_network_for_pictures_is_refused(tmp_path: Path, word: str) -> None:
    """The message lists what can be exported, and nothing is written."""
    with pytest.raises(UsageError, match=r"is no network that could be exported\. These are: deblurgan, nah, .*nafnet"):
        export_onnx(resolve_deblurrer(word, "cpu", "fp32"), tmp_path / "net.onnx")
    assert not list(tmp_path.iterdir())


def test_a_size_that_does_not_divide_is_refused_with_one_that_does(tmp_path: Path) -> None:
    """1280x721 is 1280x736 for a network of sixteens; a size is width by height."""
    said = re.escape("--size 1280x721: nafnet takes sides that divide by 16; pad pictures to 1280x736")
    with pytest.raises(UsageError, match=said):
        export_onnx(resolve_deblurrer("nafnet", "cpu", "fp32"), tmp_path / "net.onnx", size=(721, 1280))


def test_a_missing_exporter_is_named_with_its_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without onnxscript the message says what installs it."""
    monkeypatch.setattr(onnx_export, "DISTRIBUTIONS", ("onnx", "onnxscript-of-nobody"))
    with pytest.raises(UsageError, match=r"needs onnxscript-of-nobody, .*pip install 'detbench\[onnx\]'"):
        export_onnx(resolve_deblurrer("nafnet", "cpu", "fp32"), tmp_path / "net.onnx")
