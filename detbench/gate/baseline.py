"""A baseline in one file: small enough to commit, complete enough to be paired picture by picture with a later run.

JSON. Matches are kept as packed arrays (zlib, base64) of the boxes' order, not of their scores; `sha256` covers
everything else in the file.
"""

import base64
import json
import math
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detbench.core.images import write_atomically
from detbench.errors import DataError, NotEvaluableError
from detbench.gate.gated_run import Measured, measured_in
from detbench.metrics.evidence import Evidence
from detbench.metrics.outcomes import pack
from detbench.metrics.ranking import Ranking
from detbench.results.cache import digest

FORMAT = "detbench baseline 1"

MAX_ARRAY_BYTES = 2**28
"""An array of 100,000 pictures' matches is a tenth of it; a page of zeros can pack any amount."""


def write_baseline(run: Path, out: Path) -> Measured:
    """Write the baseline that a finished run is; returns what is in it.

    Raises as `measured_in` does, and NotEvaluableError where an arm failed, which no gate would ask for again.
    """
    measured = measured_in(run)
    for arm, reason in measured.failed.items():
        raise NotEvaluableError(f"{run}: arm {arm!r} failed, so this is no baseline. {reason}")
    content: dict[str, Any] = {
        "format": FORMAT,
        "ground": dict(measured.ground),
        "definitions": dict(measured.definitions),
        "image_ids": list(measured.image_ids),
        "values": {arm: dict(values) for arm, values in measured.values.items()},
        "evidence": {arm: _packed_evidence(evidence) for arm, evidence in measured.evidence.items()},
        "harm_ids": None if measured.harm_ids is None else list(measured.harm_ids),
    }
    text = json.dumps({**content, "sha256": digest(content)}, indent=1, allow_nan=False)
    write_atomically(out, text + "\n")
    return measured


def read_baseline(path: Path) -> Measured:
    """A baseline's measurement, from its file or from a run folder.

    Raises DataError where there is none, NotEvaluableError where it is damaged, was changed, or holds another format.
    """
    if path.is_dir():
        return measured_in(path)
    if not path.is_file():
        raise DataError(f"{path}: no baseline; `detbench baseline RUN --out {path}` writes one")
    try:
        content = json.loads(path.read_bytes())
        measured = _unpacked(content)
    except Exception as error:  # whatever of its own content a damaged file makes the reading stumble over
        raise NotEvaluableError(
            f"cannot judge: {path} is no baseline, or a damaged one ({type(error).__name__}: {error}). "
            "`detbench baseline RUN` writes one"
        ) from error
    measured.check(str(path))
    return measured


def _unpacked(content: dict[str, Any]) -> Measured:
    if content.get("format") != FORMAT:
        raise ValueError(f"its format is {content.get('format')!r}, not {FORMAT!r}")
    stated = content.pop("sha256")
    if stated != digest(content):
        raise ValueError("its sha256 does not fit its content: somebody changed it")
    harm_ids = content.get("harm_ids")
    return Measured(
        content["ground"],
        content["definitions"],
        tuple(content["image_ids"]),
        content["values"],
        {arm: _unpacked_evidence(packed) for arm, packed in content["evidence"].items()},
        harm_ids=None if harm_ids is None else tuple(harm_ids),
    )


def _packed_evidence(evidence: Evidence) -> dict[str, Any]:
    ranking = evidence.ranking
    tie = np.ones(len(ranking), np.int64)
    tie[1:] = np.diff(ranking.scores) != 0
    return {
        "picture": _packed(ranking.picture, "<u4"),
        "category": _packed(np.diff(ranking.category, prepend=0), "<u2"),
        "lower_score": _packed(tie, "<u1"),
        "rank": _packed(ranking.rank, "<u1"),
        "outcomes": _packed(ranking.outcomes.whole(), "<u1"),
        "true_boxes": _packed(ranking.true_boxes, "<u2"),
        "counts": _packed(evidence.counts, "<u4"),
        **{key: _packed(values, "<f8") for key, values in evidence.quality.items()},
    }


def _unpacked_evidence(packed: Mapping[str, Any]) -> Evidence:
    """What is not of the matches is a metric of single pictures, be it one of detbench's own or of a package."""
    arrays = {name: _array(value) for name, value in packed.items()}
    lower_score, outcomes = arrays.pop("lower_score"), arrays.pop("outcomes")
    whole = {
        name: arrays.pop(name).astype(np.int64) for name in ("picture", "category", "rank", "true_boxes", "counts")
    }
    ranking = Ranking(
        whole["picture"],
        np.cumsum(whole["category"]),
        -np.cumsum(lower_score, dtype=np.float64),
        whole["rank"],
        pack(outcomes),
        whole["true_boxes"],
    )
    return Evidence(ranking, whole["counts"], arrays)


def _packed(array: NDArray[Any], dtype: str) -> dict[str, Any]:
    plain = np.ascontiguousarray(array.astype(dtype))
    data = base64.b64encode(zlib.compress(plain.tobytes(), 9)).decode()
    return {"dtype": dtype, "shape": list(plain.shape), "zlib": data}


def _array(packed: Mapping[str, Any]) -> NDArray[Any]:
    dtype, shape = np.dtype(str(packed["dtype"])), [int(side) for side in packed["shape"]]
    size = math.prod(shape) * dtype.itemsize
    if not 0 <= size <= MAX_ARRAY_BYTES:
        raise ValueError(f"an array of {size:,} bytes")
    data = zlib.decompressobj().decompress(base64.b64decode(packed["zlib"], validate=True), size + 1)
    return np.frombuffer(data, dtype).reshape(shape)
