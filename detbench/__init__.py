"""detbench: does deblurring help the detector, by how much, at what cost, and is the difference real?

In Python: `detbench.evaluate`, `detbench.compare`, and `detbench.sample` for pictures in memory.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from detbench.api.calls import compare, evaluate
    from detbench.api.outcome import Comparison, Result
    from detbench.datasets.in_memory import sample
    from detbench.errors import DetbenchError
    from detbench.types import Detections, Sample

__version__ = "0.1.0"

__all__ = ["Comparison", "DetbenchError", "Detections", "Result", "Sample", "compare", "evaluate", "sample"]

_HOMES = {
    "compare": "detbench.api.calls",
    "evaluate": "detbench.api.calls",
    "Comparison": "detbench.api.outcome",
    "Result": "detbench.api.outcome",
    "sample": "detbench.datasets.in_memory",
    "DetbenchError": "detbench.errors",
    "Detections": "detbench.types",
    "Sample": "detbench.types",
}
"""Where each name is, imported when it is first used: the command line imports this package too, and must be quick."""


def __getattr__(name: str) -> Any:
    """A name of the Python API."""
    if name not in _HOMES:
        raise AttributeError(f"module 'detbench' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    """What this module has, for completion in a notebook."""
    return sorted({*globals(), *_HOMES})
