"""The one import of ultralytics (AGPL-3.0): no network, no packages installed unasked, no code run from pickles.

What needs it imports it from here.
"""

import os

from PIL import Image as PillowImage

os.environ.update(YOLO_OFFLINE="true", YOLO_AUTOINSTALL="false", ULTRALYTICS_SAFE_LOAD="true", YOLO_VERBOSE="false")

_open_picture = PillowImage.open
import ultralytics  # noqa: E402  (after the environment that it reads)
import ultralytics.models.yolo.detect  # noqa: E402
import ultralytics.nn.tasks  # noqa: E402

# ultralytics replaces Pillow's `open` for the whole process by one that fails on files that are no pictures.
PillowImage.open = _open_picture

__all__ = ["ultralytics"]
