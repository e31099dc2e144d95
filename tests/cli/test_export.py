from pathlib import Path
from typing import Any

import numpy as np
import pytest

from detbench.cli.export import parse_size
from detbench.errors import UsageError


@pytest.mark.parametrize("typed", ["1280", "1280x", "x720", "0x720", "1280x720x3", "-4x8", "1280.0x720", "123456x8"])
def test_a_size_is_width_by_height(typed: str) -> None:
    """1280x720 is 720 rows of 1280 pixels; other words are refused with an example."""
    assert parse_size("1280x720") == (720, 1280)
    with pytest.raises(UsageError, match=r"must be WIDTHxHEIGHT in pixels, such as 1280x720"):
        parse_size(typed)


def test_an_exported_network_runs_as_a_deblurrer(detbench: Any, tmp_path: Path, capsys: Any) -> None:
    """What `export` writes, the last line names, and `detbench deblur --deblurrer onnx:FILE` runs it as it is."""
    from PIL import Image

    for package in ("onnx", "onnxscript", "onnxruntime"):
        pytest.importorskip(package)
    said = detbench("export", "pix2pix", "--out", tmp_path / "p.onnx")
    assert said.code == 0, said.err
    assert said.out.splitlines()[-1] == str(tmp_path / "p.onnx")
    assert "detbench.multiple 256" in said.err
    given = np.random.default_rng(0).integers(0, 256, (40, 60, 3), dtype=np.uint8)
    Image.fromarray(given).save(tmp_path / "a.png")
    for word, folder in (("pix2pix", "native"), (f"onnx:{tmp_path / 'p.onnx'}", "graph")):
        said = detbench("deblur", tmp_path / "a.png", "--deblurrer", word, "--out", tmp_path / folder)
        assert said.code == 0, said.err
    native, graph = (np.array(Image.open(tmp_path / folder / "a.png")).astype(int) for folder in ("native", "graph"))
    assert np.abs(native - graph).max() <= 1
