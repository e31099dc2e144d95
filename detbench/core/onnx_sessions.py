"""The one import of onnxruntime: an ONNX file as a session on a device."""

import os
from pathlib import Path
from typing import Any

import onnxruntime

from detbench.errors import UsageError, WeightsError


def open_session(file: Path, device: str) -> Any:
    """An `onnxruntime.InferenceSession` on a resolved device (`cpu`, `cuda` or `cuda:N`).

    Raises UsageError where this onnxruntime cannot use the device, WeightsError where the file is no graph.
    """
    kind, _, index = device.partition(":")
    wanted = "CUDAExecutionProvider" if kind == "cuda" else "CPUExecutionProvider"
    if wanted not in onnxruntime.get_available_providers():
        raise UsageError(f"device {device!r}: this onnxruntime has no {wanted}; install onnxruntime-gpu or use cpu")
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    # The one variable that keeps numpy's and torch's threads down keeps these down too.
    options.intra_op_num_threads = int(os.environ.get("OMP_NUM_THREADS") or 0)
    provider = (wanted, {"device_id": int(index or 0)}) if kind == "cuda" else wanted
    try:
        return onnxruntime.InferenceSession(str(file), options, providers=[provider])
    except Exception as error:  # onnxruntime has an exception of its own for each way in which a file can be wrong
        raise WeightsError(f"{file}: not an ONNX graph that onnxruntime loads ({error}); export it again") from error
