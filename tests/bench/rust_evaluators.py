"""COCO evaluators written in Rust, each from what it is quickest to take: part of `speed.py`."""

import contextlib
import io
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import hotcoco
import numpy as np
import ultrafast_pycocotools
from coco_like import Results, Truth
from numpy.typing import NDArray
from plain_run import scored


def from_memory(truth: Truth, found: Results) -> dict[str, Callable[[], Any]]:
    """Evaluations by the peer's name. Results are a matrix that is made before the clock starts, and so are hotcoco's
    true boxes; ultrafast-pycocotools takes those as dictionaries alone.
    """
    matrix, columns = _matrix(found), _columns(truth)
    return {
        "ultrafast-pycocotools": lambda: _by_ultrafast(truth, matrix),
        "hotcoco": lambda: _by_hotcoco(hotcoco.COCO.from_arrays(**columns), matrix),
    }


def from_files(truth: Path, found: Path) -> dict[str, Callable[[], Any]]:
    """The same from two JSON files."""
    return {
        "ultrafast-pycocotools": lambda: _by_ultrafast(str(truth), str(found)),
        "hotcoco": lambda: _by_hotcoco(hotcoco.COCO(str(truth)), str(found)),
    }


def compared(truth: Truth, arms: list[Results], times: int) -> Mapping[str, Any]:
    """Two arms by hotcoco, with as many bootstrap draws; it gives intervals and no p-values."""
    index = hotcoco.COCO.from_arrays(**_columns(truth))
    evaluators = [hotcoco.COCOeval(index, index.load_res(_matrix(found)), "bbox") for found in arms]
    with contextlib.redirect_stdout(io.StringIO()):
        for evaluator in evaluators:
            evaluator.evaluate()
        return dict(hotcoco.compare(*evaluators, n_bootstrap=times))


def _by_ultrafast(truth: Truth | str, found: NDArray[np.float64] | str) -> Any:
    index = ultrafast_pycocotools.COCO(truth, verbose=False)
    return scored(index, ultrafast_pycocotools.COCOeval, found)


def _by_hotcoco(truth: hotcoco.COCO, found: NDArray[np.float64] | str) -> Any:
    return scored(truth, hotcoco.COCOeval, found)


def _matrix(found: Results) -> NDArray[np.float64]:
    """Picture, left, top, width, height, score, category: (D, 7)."""
    return np.array([[each["image_id"], *each["bbox"], each["score"], each["category_id"]] for each in found])


def _columns(truth: Truth) -> dict[str, Any]:
    """The arguments of hotcoco's `from_arrays`."""
    names = {"ids": "id", "image_ids": "image_id", "category_ids": "category_id", "boxes": "bbox"}
    names |= {"area": "area", "iscrowd": "iscrowd"}
    annotations = truth["annotations"]
    columns = {word: np.array([each[key] for each in annotations]) for word, key in names.items()}
    return {"images": truth["images"], "categories": truth["categories"], **columns}
