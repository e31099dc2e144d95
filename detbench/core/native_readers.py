"""Code that reads files behind Python's back: no audit hook sees what a library in C, C++ or Rust opens by itself."""

import ast
from collections.abc import Iterator
from functools import cache
from importlib.metadata import PackageNotFoundError, requires

from detbench.core.fingerprints import followed

LIBRARIES = frozenset({
    "av", "coremltools", "decord", "faiss-cpu", "h5py", "keras", "lmdb", "mxnet", "ncnn", "netcdf4", "onnxruntime",
    "onnxruntime-gpu", "openvino", "paddlepaddle", "pyarrow", "pyvips", "rasterio", "safetensors", "tables",
    "tensorflow", "tensorrt", "tflite-runtime", "tvm",
})  # fmt: skip
"""Distributions whose readers open files by name, beyond Python."""

NAMES = frozenset({
    "CDLL", "FileStorage", "LoadLibrary", "VideoCapture", "cffi", "ctypes", "dlopen", "dnn", "imread", "imreadmulti",
    "import_ir_module", "jit.load", "load_library", "read_file", "read_image", "readNet", "readNetFromONNX",
    "readNetFromTorch",
})  # fmt: skip
"""Names in a source that stand for such readers: OpenCV's, torch.jit, torchvision.io, and the ways to call C."""


def unseen_reads(module: str) -> str | None:
    """Why a module, given by its full name and not imported, may read files unseen; None where it does not.

    Sources are those that make up the module, as `code_identity` follows them, detbench's own aside. It errs on the
    safe side: a name is enough. Raises ModuleNotFoundError where there is no file of the module.
    """
    files, versions = followed(module)
    for name, file in files.items():
        if name.partition(".")[0] != "detbench":
            if file.suffix != ".py":
                return f"{file.name} is compiled, and may read files unseen"
            if found := sorted(set(_names(file.read_bytes())) & NAMES):
                return f"{file.name} uses {found[0]}, which may read files unseen"
    for distribution in versions:
        if not distribution.startswith("detbench") and (reader := _reader_below(distribution)):
            through = "" if reader == distribution else f" (through {distribution})"
            return f"it uses {reader}{through}, which reads files unseen"
    return None


def _names(source: bytes) -> Iterator[str]:
    """Every name in a source: variables, attributes, imports, and texts that could be a module's."""
    try:
        nodes = ast.walk(ast.parse(source))
    except (SyntaxError, ValueError):
        return
    for node in nodes:
        if isinstance(node, ast.Name):
            yield node.id
        elif isinstance(node, ast.Attribute):
            yield node.attr
            yield f"{getattr(node.value, 'attr', getattr(node.value, 'id', ''))}.{node.attr}"
        elif isinstance(node, ast.Import | ast.ImportFrom):
            yield from (part for alias in node.names for part in alias.name.split("."))
            yield from (getattr(node, "module", None) or "").split(".")
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


@cache
def _reader_below(distribution: str) -> str | None:
    """A distribution of LIBRARIES that another one is, or requires, at whatever depth; extras do not count."""
    waiting = [distribution]
    for name in waiting:  # it grows meanwhile
        if name in LIBRARIES:
            return name
        waiting += [each for each in _required(name) if each not in waiting]
    return None


def _required(distribution: str) -> list[str]:
    from packaging.requirements import Requirement

    try:
        lines = requires(distribution) or []
    except PackageNotFoundError:
        return []
    wanted = map(Requirement, lines)
    return [each.name.lower() for each in wanted if each.marker is None or each.marker.evaluate({"extra": ""})]
