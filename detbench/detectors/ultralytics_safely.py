"""The one import of ultralytics (AGPL-3.0): no network, no packages installed, no code run from pickles.

What needs it imports it from here.
"""

import os

import cv2
import torch
from PIL import Image as PillowImage

from detbench.errors import BackendError

os.environ.update(YOLO_OFFLINE="true", YOLO_AUTOINSTALL="false", ULTRALYTICS_SAFE_LOAD="true", YOLO_VERBOSE="false")

_open_picture, _threads, _opencv_threads = PillowImage.open, os.environ.get("OMP_NUM_THREADS"), cv2.getNumThreads()
try:
    import ultralytics  # after the environment that it reads
    import ultralytics.models.yolo.detect
    import ultralytics.nn.tasks
except ModuleNotFoundError as error:
    raise BackendError(
        f"YOLO needs {error.name}, which is not installed: pip install 'detbench[yolo]' (ultralytics, AGPL-3.0)"
    ) from error

# For the whole process, ultralytics replaces Pillow's `open` by one that fails on files that are no pictures, and keeps
# OpenCV and programs that are started later at one thread.
PillowImage.open = _open_picture
cv2.setNumThreads(_opencv_threads)
if _threads is None:
    os.environ.pop("OMP_NUM_THREADS", None)

__all__ = ["keep_threads", "require_safe_loading", "ultralytics"]


def keep_threads() -> None:
    """Let torch keep the threads that it has now: ultralytics takes one away, from every network in the process, each
    time that it picks the processor.
    """
    ultralytics.utils.torch_utils.NUM_THREADS = torch.get_num_threads()


def require_safe_loading() -> None:
    """Raise BackendError unless ultralytics unpickles known classes alone; called before any checkpoint is loaded."""
    # torch shows by this function that it can unpickle a list of known classes and no others.
    torch_can = hasattr(torch.serialization, "get_unsafe_globals_in_checkpoint")
    if not (torch_can and getattr(ultralytics.utils, "SAFE_LOAD", False)):
        raise BackendError(
            "ultralytics would run code that hides in a checkpoint: it or torch is too old to load safely, or it was "
            "imported before detbench imported it. Update both (`pip install -U ultralytics torch torchvision`), and "
            "let no plug-in import it first"
        )
