"""Small datasets that the tests of several readers use."""

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image as PillowImage

from detbench.core.fingerprints import file_sha256

SIZES = {"b.png": (12, 7), "sub/a.png": (9, 14), "empty.png": (5, 5)}


DOCUMENT: dict[str, list[dict[str, Any]]] = {
    "images": [
        {"id": 20, "file_name": "b.png", "width": 12, "height": 7},
        {"id": 3, "file_name": "sub/a.png", "width": 9, "height": 14},
        {"id": 7, "file_name": "empty.png", "width": 5, "height": 5},
    ],
    "annotations": [
        {"id": 5, "image_id": 20, "category_id": 2, "bbox": [1, 2, 10, 4.5], "area": 30.25, "iscrowd": 0},
        {"id": 9, "image_id": 3, "category_id": 1, "bbox": [0, 1, 2, 3]},
        {"id": 4, "image_id": 20, "category_id": 1, "bbox": [0, 0, 3, 2], "area": 6, "iscrowd": 1},
    ],
    "categories": [{"id": 1, "name": "car"}, {"id": 2, "name": "bus"}],
}


def write_pictures(folder: Path, level: int) -> None:
    """One plain picture for each of SIZES, grey values around `level`."""
    for name, (width, height) in SIZES.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        PillowImage.new("RGB", (width, height), (level, level, width)).save(folder / name)


@pytest.fixture
def plain(tmp_path: Path) -> Path:
    """A dataset of three pictures without twins."""
    folder = tmp_path / "plain"
    write_pictures(folder / "images", 90)
    (folder / "annotations.json").write_text(json.dumps(DOCUMENT))
    return folder


@pytest.fixture
def paired(plain: Path) -> Path:
    """The same with blurred twins, whose manifest gives picture 3 a kernel."""
    write_pictures(plain / "blurred", 140)
    stream = io.BytesIO()
    np.savez_compressed(stream, **{"3": np.full((1, 3), 1 / 3).T @ np.array([[0.0, 1.0, 0.0]])})
    (plain / "kernels.npz").write_bytes(stream.getvalue())
    pictures = [
        {
            "id": image["id"],
            "sharp": f"images/{image['file_name']}",
            "sharp_sha256": file_sha256(plain / "images" / image["file_name"]),
            "blurred": f"blurred/{image['file_name']}",
            "blurred_sha256": file_sha256(plain / "blurred" / image["file_name"]),
            "kind": "trajectory",
            "parameters": {"light": "linear", "exposure": 0.5},
            "severity_px": 2.5,
            "kernel": "3" if image["id"] == 3 else None,
        }
        for image in DOCUMENT["images"]
    ]
    manifest = {"schema": 1, "recipe": {}, "kernels_sha256": file_sha256(plain / "kernels.npz"), "pictures": pictures}
    (plain / "manifest.json").write_text(json.dumps(manifest))
    return plain


@pytest.fixture
def edit_manifest() -> Callable[[Path, Callable[[Any], object]], None]:
    """Changes the manifest of a dataset folder in place."""

    def change(folder: Path, edit: Callable[[Any], object]) -> None:
        manifest = json.loads((folder / "manifest.json").read_text())
        edit(manifest)
        (folder / "manifest.json").write_text(json.dumps(manifest))

    return change


@pytest.fixture
def yolo_folder(tmp_path: Path) -> Path:
    """Two pictures of 40x20 pixels in YOLO's layout, the first with a bus and a car, the second empty."""
    for name in ("a.png", "sub/b 1.png"):
        path = tmp_path / "images" / "val" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        PillowImage.new("RGB", (40, 20)).save(path)
    (tmp_path / "labels" / "val" / "sub").mkdir(parents=True)
    (tmp_path / "labels" / "val" / "a.txt").write_text("1 0.5 0.5 0.5 0.2\n\n0 0.25 0.5 0.1 1\n")
    (tmp_path / "data.yaml").write_text("names: [car, bus]\nval: images/val\n")
    return tmp_path
