from pathlib import Path
from typing import Any

import numpy as np
import pytest

from detbench.errors import BackendError

onnx = pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")
from detbench.deblurrers.onnx_graph import OnnxDeblurrer  # noqa: E402  (imports onnxruntime)


def saved(file: Path, element: int, inputs: dict[str, tuple[Any, ...]]) -> Path:
    """A graph that gives its first input back; the others are there."""
    values = [onnx.helper.make_tensor_value_info(name, element, shape) for name, shape in inputs.items()]
    given = next(iter(inputs))
    made = onnx.helper.make_tensor_value_info("made", element, inputs[given])
    node = onnx.helper.make_node("Identity", [given], ["made"])
    model = onnx.helper.make_model(onnx.helper.make_graph([node], "net", values, [made]), ir_version=8)
    model.opset_import[0].version = 15
    onnx.save(model, file)
    return file


@pytest.mark.parametrize("element", ["FLOAT", "FLOAT16"])
@pytest.mark.parametrize("shape", [(1, 3, 16, 24), ("n", 3, "h", "w")])
def test_single_and_half_precision_of_fixed_and_free_size(tmp_path: Path, element: str, shape: tuple[Any, ...]) -> None:
    """A graph that gives its picture back gives the picture of any size back, in its own precision."""
    file = saved(tmp_path / "net.onnx", getattr(onnx.TensorProto, element), {"picture": shape})
    image = np.random.default_rng(3).integers(0, 256, (19, 41, 3), dtype=np.uint8)
    np.testing.assert_array_equal(OnnxDeblurrer(file, "0..1", 8, "cpu")(image), image)


@pytest.mark.parametrize(
    ("element", "inputs", "found"),
    [
        ("FLOAT", {"picture": (1, 3, 8, 8), "kernel": (9, 9)}, "kernel"),
        ("FLOAT", {"grey": (1, 1, 8, 8)}, r"grey tensor\(float\) \[1, 1, 8, 8\]"),
        ("FLOAT", {"last": (1, 8, 8, 3)}, r"last tensor\(float\) \[1, 8, 8, 3\]"),
        ("FLOAT", {"four": (4, 3, 8, 8)}, r"four tensor\(float\) \[4, 3, 8, 8\]"),
        ("UINT8", {"bytes": (1, 3, 8, 8)}, r"bytes tensor\(uint8\)"),
    ],
)
def test_a_graph_of_something_else_is_refused(
    tmp_path: Path, element: str, inputs: dict[str, tuple[int, ...]], found: str
) -> None:
    """Two inputs, a grey picture, channels last, a batch of four or bytes are no deblurrer of ours; the message shows
    what the graph takes.
    """
    file = saved(tmp_path / "net.onnx", getattr(onnx.TensorProto, element), inputs)
    with pytest.raises(BackendError, match=rf"net\.onnx: takes .*{found}.*; a deblurrer takes one float picture"):
        OnnxDeblurrer(file, "0..1", 8, "cpu")
