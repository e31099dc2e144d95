from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from detbench.core.fingerprints import file_sha256
from detbench.datasets.coco import CocoFolder
from detbench.errors import DataError
from detbench.types import Kernel

EditManifest = Callable[[Path, Callable[[Any], object]], None]


def test_kernels_come_with_their_light(paired: Path) -> None:
    """A uniform blur's kernel is read with the light that it acts on; another sample has none."""
    first, second, _ = CocoFolder(paired)
    assert first.blur is not None
    assert isinstance(first.blur.kernel, Kernel)
    assert first.blur.kernel.light == "linear"
    np.testing.assert_allclose(first.blur.kernel.weights[:, 1], 1 / 3)
    assert second.blur is not None
    assert second.blur.kernel is None


def drop(key: str) -> Callable[[Any], object]:
    """An edit that takes a key away from the manifest's first picture."""
    return lambda manifest: manifest["pictures"][0].pop(key)


MANIFEST_FAULTS: list[tuple[Callable[[Any], object], str]] = [
    (lambda manifest: manifest.update(schema=2), "not a manifest of schema 1"),
    (lambda manifest: manifest.pop("pictures"), "lacks 'pictures'"),
    (lambda manifest: manifest["pictures"].pop(0), "has no entry for the picture with id 20"),
    (lambda manifest: manifest["pictures"].append(7), "manifest"),
    (lambda manifest: manifest.update(kernels_sha256=None), "not the kernels"),
    (lambda manifest: manifest["pictures"][1].update(kernel="4"), "kernel '4' cannot be used"),
    (lambda manifest: manifest["pictures"][1].update(parameters={}), "its light is None"),
    (lambda manifest: manifest["pictures"][1].update(severity_px="far"), "could not convert"),
    *((drop(key), f"lacks '{key}'") for key in ("id", "kind", "parameters", "severity_px", "kernel", "blurred_sha256")),
]


@pytest.mark.parametrize(("edit", "words"), MANIFEST_FAULTS)
def test_a_wrong_manifest_is_an_error(
    paired: Path, edit_manifest: EditManifest, edit: Callable[[Any], object], words: str
) -> None:
    """Whatever is wrong with the manifest is a DataError that says how to make it anew."""
    edit_manifest(paired, edit)
    with pytest.raises(DataError, match=words) as caught:
        list(CocoFolder(paired))
    assert "`detbench blur`" in str(caught.value)


def test_a_manifest_that_is_not_json(paired: Path) -> None:
    """A truncated manifest is an error with its place."""
    (paired / "manifest.json").write_text('{"schema": 1,')
    with pytest.raises(DataError, match=r"manifest\.json: not JSON .*line 1"):
        CocoFolder(paired)


def test_a_damaged_kernel_archive_is_an_error(paired: Path, edit_manifest: EditManifest) -> None:
    """Kernels that are not those of the manifest, or no archive at all, are not used."""
    (paired / "kernels.npz").write_bytes(b"no archive")
    with pytest.raises(DataError, match=r"kernels\.npz: not the kernels"):
        list(CocoFolder(paired))
    edit_manifest(paired, lambda manifest: manifest.update(kernels_sha256=file_sha256(paired / "kernels.npz")))
    with pytest.raises(DataError, match="kernel '3' cannot be used"):
        list(CocoFolder(paired))
