from pathlib import Path

import pytest

from detbench.errors import UsageError, WeightsError

onnxruntime = pytest.importorskip("onnxruntime")
onnx = pytest.importorskip("onnx")
from detbench.core.onnx_sessions import open_session  # noqa: E402  (imports onnxruntime)


@pytest.fixture
def graph(tmp_path: Path) -> Path:
    """A file that gives its input back."""
    values = [onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, [2]) for name in ("given", "made")]
    node = onnx.helper.make_node("Identity", ["given"], ["made"])
    model = onnx.helper.make_model(onnx.helper.make_graph([node], "net", values[:1], values[1:]), ir_version=8)
    model.opset_import[0].version = 15
    onnx.save(model, tmp_path / "net.onnx")
    return tmp_path / "net.onnx"


@pytest.mark.parametrize(("variable", "threads"), [("3", 3), (None, 0)])
def test_threads_follow_the_variable(
    graph: Path, monkeypatch: pytest.MonkeyPatch, variable: str | None, threads: int
) -> None:
    """OMP_NUM_THREADS bounds onnxruntime as it bounds torch; 0 leaves the choice to onnxruntime."""
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    if variable:
        monkeypatch.setenv("OMP_NUM_THREADS", variable)
    assert open_session(graph, "cpu").get_session_options().intra_op_num_threads == threads


def test_a_device_that_this_build_lacks_is_refused(graph: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """onnxruntime would fall back to the processor without an error."""
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: ["CPUExecutionProvider"])
    with pytest.raises(UsageError, match=r"device 'cuda:1': this onnxruntime has no CUDAExecutionProvider"):
        open_session(graph, "cuda:1")


def test_another_file_is_no_graph(tmp_path: Path) -> None:
    """The message names the file."""
    (tmp_path / "net.onnx").write_bytes(b"no graph")
    with pytest.raises(WeightsError, match=r"net\.onnx: not an ONNX graph that onnxruntime loads"):
        open_session(tmp_path / "net.onnx", "cpu")
