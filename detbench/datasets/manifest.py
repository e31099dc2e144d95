"""Reads `manifest.json` of a blurred dataset: what blurred each picture, and the kernels it was blurred with."""

import hashlib
import io
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detbench.core.files import read_bytes
from detbench.datasets.coco_records import parse_json
from detbench.errors import DataError
from detbench.types import Blur, Kernel, Light, Picture

MANIFEST = "manifest.json"
SCHEMA = 1
MAX_KERNEL_BYTES = 2**25
"""A kernel as wide as a picture of 2,048 pixels; an archive of a few bytes can hold any amount of zeros."""

AGAIN = "make the dataset again with `detbench blur`"


@dataclass(frozen=True)
class BlurRecord:
    """The manifest's line for one picture: the blurred file's path from the manifest's folder, digests of both files,
    and the blur between them.
    """

    blurred: str
    sharp_sha256: str
    blurred_sha256: str
    kind: str
    parameters: Mapping[str, Any]
    severity_px: float | None
    kernel: str | None


@dataclass(frozen=True)
class Manifest:
    """`path` is DIR/manifest.json; `kernels_sha256` is the digest of DIR/kernels.npz, None where there is none."""

    path: Path
    kernels_sha256: str | None
    records: Mapping[int, BlurRecord]

    def record(self, image_id: int) -> BlurRecord:
        """The line of a picture; raises DataError where it has none."""
        if image_id not in self.records:
            raise DataError(f"{self.path}: has no entry for the picture with id {image_id}; {AGAIN}")
        return self.records[image_id]

    @cached_property
    def ids(self) -> Mapping[str, int]:
        """The id of each picture by its blurred file's path from the manifest's folder."""
        return {record.blurred: image_id for image_id, record in self.records.items()}

    def id_of(self, blurred: str) -> int:
        """The id of the picture with that blurred file; raises DataError where there is none."""
        if blurred not in self.ids:
            raise DataError(f"{self.path}: has no entry for {blurred}; take the file away, or {AGAIN}")
        return self.ids[blurred]

    def checked_blur(self, image_id: int, sharp: tuple[Path, Picture], blurred: tuple[Path, Picture]) -> Blur:
        """What blurred a picture; raises DataError unless both files are those that the manifest was written for."""
        record = self.record(image_id)
        for (path, picture), written in ((sharp, record.sharp_sha256), (blurred, record.blurred_sha256)):
            if picture.sha256 != written:
                raise DataError(f"{path}: not the file that {self.path} was written for; {AGAIN}")
        return self.blur(image_id)

    def blur(self, image_id: int) -> Blur:
        """What blurred a picture, with its kernel where the blur was uniform.

        Raises DataError where the kernel is missing, damaged, or not the one that the manifest was written with.
        """
        record = self.record(image_id)
        kernel = self._kernel(record) if record.kernel is not None else None
        return Blur(record.kind, record.parameters, record.severity_px, kernel)

    @cached_property
    def _kernels(self) -> Any:
        path = self.path.with_name("kernels.npz")
        content = read_bytes(path) if path.is_file() else b""
        if hashlib.sha256(content).hexdigest() != self.kernels_sha256:
            raise DataError(f"{path}: not the kernels that {self.path.name} was written with; {AGAIN}")
        return np.load(io.BytesIO(content), allow_pickle=False)

    def _kernel(self, record: BlurRecord) -> Kernel:
        try:
            weights = _unpacked(self._kernels, str(record.kernel))
            return Kernel(weights, _light(record.parameters))
        except DataError:
            raise
        except Exception as error:  # a damaged archive fails in as many ways as it has layers
            raise DataError(f"{self.path}: kernel {record.kernel!r} cannot be used ({error}); {AGAIN}") from error


def read_manifest(path: Path) -> Manifest:
    """Read and check `manifest.json`; raises DataError where it has another schema or lacks something."""
    document = parse_json(read_bytes(path), path)
    if not isinstance(document, dict) or document.get("schema") != SCHEMA:
        raise DataError(f"{path}: not a manifest of schema {SCHEMA}; {AGAIN}")
    try:
        records = {int(entry["id"]): _blur_record(entry) for entry in document["pictures"]}
        return Manifest(path, document["kernels_sha256"], records)
    except KeyError as error:
        raise DataError(f"{path}: a picture lacks {error}; {AGAIN}") from None
    except (TypeError, ValueError) as error:
        raise DataError(f"{path}: {error}; {AGAIN}") from None


def _blur_record(entry: Mapping[str, Any]) -> BlurRecord:
    severity_px = entry["severity_px"]
    return BlurRecord(
        blurred=str(entry["blurred"]),
        sharp_sha256=entry["sharp_sha256"],
        blurred_sha256=entry["blurred_sha256"],
        kind=str(entry["kind"]),
        parameters=dict(entry["parameters"]),
        severity_px=None if severity_px is None else float(severity_px),
        kernel=entry["kernel"],
    )


def _unpacked(kernels: Any, name: str) -> NDArray[np.float64]:
    size = kernels.zip.getinfo(f"{name}.npy").file_size
    if size > MAX_KERNEL_BYTES:
        raise ValueError(f"it has {size:,} bytes, more than {MAX_KERNEL_BYTES:,}")
    return np.asarray(kernels[name], np.float64)


def _light(parameters: Mapping[str, Any]) -> Light:
    if parameters.get("light") not in ("linear", "gamma"):
        raise ValueError(f"its light is {parameters.get('light')!r}, neither 'linear' nor 'gamma'")
    light: Light = parameters["light"]
    return light
