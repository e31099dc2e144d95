"""Pictures in memory as a dataset: what a notebook or a script has made or loaded itself."""

import hashlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray

from detbench.core.boxes import area
from detbench.core.images import picture_from_image
from detbench.errors import DataError
from detbench.types import Boxes, GroundTruth, Image, Sample


def sample(
    id: int,
    blurred: Image,
    boxes: ArrayLike,
    labels: ArrayLike,
    *,
    sharp: Image | None = None,
    file_name: str | None = None,
) -> Sample:
    """A picture in memory with its true boxes.

    `id` is another for each picture. `blurred` and `sharp` are RGB, (H, W, 3), uint8, of one size; without
    `sharp` there is no ceiling, PSNR or SSIM. `boxes` are (N, 4), x1, y1, x2, y2 in pixels within the picture, `labels`
    (N,) the ids of their classes. Raises DataError, naming the picture, where one of these is otherwise.
    """
    name = file_name or f"{id}.png"
    for role, image in (("blurred", blurred), ("sharp", sharp)):
        if image is not None:
            _check_image(image, f"{name} ({role})")
    if sharp is not None and sharp.shape != blurred.shape:
        raise DataError(f"{name}: sharp is {sharp.shape} and blurred {blurred.shape}; both must be of one size")
    try:
        truth = _truth(np.asarray(boxes, np.float64), np.asarray(labels, np.int64).reshape(-1))
    except (TypeError, ValueError) as error:
        raise DataError(f"{name}: {error}") from error
    _check_boxes(truth.boxes, blurred, name)
    kept = None if sharp is None else picture_from_image(sharp.copy())
    return Sample(id, name, kept, picture_from_image(blurred.copy()), truth)


class SamplesInMemory:
    """A dataset of samples, in the order of their ids. Annotations are numbered 1, 2, 3, … in that order.

    Raises DataError where two samples have one id or file name, and where a box has a class that `classes` lacks.
    """

    name = "pictures in memory"

    def __init__(self, samples: Sequence[Sample], classes: Mapping[int, str]) -> None:
        self.classes = dict(classes)
        if not samples:
            raise DataError("no samples: a dataset needs one picture or more")
        for key, what in (("id", "id"), ("file_name", "file name")):
            times = Counter(getattr(each, key) for each in samples)
            twice = next((value for value, count in times.items() if count > 1), None)
            if twice is not None:
                raise DataError(f"two samples have the {what} {twice!r}; give each its own")
        for each in samples:
            unknown = sorted(set(each.truth.labels.tolist()) - self.classes.keys())
            if unknown:
                raise DataError(f"{each.file_name}: has boxes of class {unknown[0]}, and classes are {self.classes}")
        self._samples = list(_numbered(sorted(samples, key=lambda each: each.id)))

    def __len__(self) -> int:
        return len(self._samples)

    def __iter__(self) -> Iterator[Sample]:
        return iter(self._samples)

    @cached_property
    def fingerprint(self) -> str:
        """Digest of the classes, and of every picture and box."""
        digest = hashlib.sha256(repr(sorted(self.classes.items())).encode())
        for each in self._samples:
            sharp = each.sharp and each.sharp.sha256
            digest.update(f"\n{each.id} {each.file_name} {sharp} {each.blurred.sha256}".encode())
            digest.update(repr([each.truth.boxes.tolist(), each.truth.labels.tolist()]).encode())
        return digest.hexdigest()


def _numbered(samples: Sequence[Sample]) -> Iterator[Sample]:
    """The samples with annotation ids that differ over all of them."""
    first = 1
    for each in samples:
        ids = np.arange(first, first + len(each.truth))
        yield replace(each, truth=replace(each.truth, ids=ids))
        first += len(each.truth)


def _truth(boxes: Boxes, labels: NDArray[np.int64]) -> GroundTruth:
    boxes = boxes if boxes.size else boxes.reshape(0, 4)
    count = len(boxes)
    areas = area(boxes) if boxes.ndim == 2 and boxes.shape[1] == 4 else np.zeros(count)
    return GroundTruth(boxes, labels, np.zeros(count, np.bool_), areas, np.arange(1, count + 1))


def _check_image(image: object, name: str) -> None:
    if isinstance(image, np.ndarray) and image.dtype == np.uint8 and image.ndim == 3 and image.shape[2] == 3:
        return
    found = f"{image.dtype} {image.shape}" if isinstance(image, np.ndarray) else type(image).__name__
    raise DataError(f"{name}: is {found}; a picture is a uint8 array of shape (H, W, 3), RGB")


def _check_boxes(boxes: Boxes, image: Image, name: str) -> None:
    height, width = image.shape[:2]
    left, top, right, bottom = boxes.T
    is_sound = (left >= 0) & (top >= 0) & (right > left) & (bottom > top) & (right <= width) & (bottom <= height)
    if not is_sound.all():
        wrong = boxes[~is_sound][0].tolist()
        raise DataError(
            f"{name}: the box {wrong} is not x1, y1, x2, y2 with an area and within its {width}x{height} picture"
        )
