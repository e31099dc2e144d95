"""A model's card: what a file of weights is, what it was trained on, and how good it is; `card.toml` beside it."""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from detbench.core.images import write_atomically
from detbench.core.paths import CARD_NAME
from detbench.errors import DataError
from detbench.metrics.image_metrics import metric_specs

if TYPE_CHECKING:
    from detbench.results.schema import ArmResult, RunResult


def write_card(weights: Path, content: Mapping[str, Any]) -> None:
    """Write the card of the weights in a folder. Keys without a value are left out: TOML has no null."""
    import tomli_w

    write_atomically(weights.with_name(CARD_NAME), tomli_w.dumps(_present(content)).encode())


def read_card(folder: Path) -> dict[str, Any]:
    """The card of a model folder; raises DataError where there is none, or it is damaged."""
    path = folder / CARD_NAME
    try:
        card = tomllib.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        raise DataError(f"{path}: no card of a model, for there is no such file; name a model's folder") from None
    except (OSError, ValueError, RecursionError) as error:
        raise DataError(f"{path}: no card of a model ({error}); name a model's folder") from error
    measured = card.get("measured", {})
    tables = measured.values() if isinstance(measured, dict) else [measured]
    if "architecture" not in card or not all(isinstance(table, dict) and "detector" in table for table in tables):
        raise DataError(f"{path}: must name its `architecture`, and in each table [measured.…] the `detector`")
    return card


def with_measured(card: Mapping[str, Any], run: "RunResult", where: str) -> dict[str, Any]:
    """The card with what a run measured of its weights, under the run's dataset, in place of what stood there.

    `where` names the run. Raises DataError where the run has no arm, and is not by a detector, of these weights.
    """
    arms = [arm for arm in run.arms if arm.kind != "deblurrer" or _is_of(card, arm.backend)]
    if not (_is_of(card, run.detector) or any(arm.kind == "deblurrer" for arm in arms)):
        raise DataError(f"{where}: was not made with the weights of this card; run `detbench run` with them")
    spec = run.specification
    measured = {
        "detector": run.detector["name"],
        "blur": spec.get("blur"),
        "truth": spec.get("truth"),
        "images": run.data.images,
        "boxes": run.data.boxes,
        "fingerprint": run.data.fingerprint,
        "device": run.environment.get("device_name"),
        "precision": spec.get("precision"),
        **{arm.name: _numbers(arm) for arm in arms},
    }
    return {**card, "measured": {**card.get("measured", {}), run.data.name: measured}}


def model_index(name: str, card: Mapping[str, Any]) -> dict[str, Any]:
    """The card's measured numbers as Hugging Face's `model-index`, with licence and tags, for a README's front matter.

    One result for each dataset and arm, the arm named in the metric: `mAP (blurred)`.
    """
    results = [
        {
            "task": {"type": "image-to-image" if "paper" in card else "object-detection"},
            "dataset": {"type": dataset, "name": f"{dataset} ({measured['detector']})"},
            "metrics": [
                {"type": key, "name": f"{metric_specs()[key].title} ({arm})", "value": value}
                for arm, numbers in measured.items()
                if isinstance(numbers, Mapping)
                for key, value in numbers.items()
                if key in metric_specs() and value is not None
            ],
        }
        for dataset, measured in card.get("measured", {}).items()
    ]
    licence = str(card.get("licence", "MIT")).partition(",")[0].lower()
    return {
        "license": licence,
        "library_name": "detbench",
        "tags": [str(card["architecture"]), "deblurring" if "paper" in card else "object-detection"],
        "model-index": [{"name": name, "results": results}],
    }


def _is_of(card: Mapping[str, Any], backend: Mapping[str, Any] | None) -> bool:
    return backend is not None and backend.get("weights_sha256") == card.get("sha256")


def _numbers(arm: "ArmResult") -> dict[str, Any]:
    """The arm's numbers that belong on a card, each with its 95 % interval where it has one, to four digits."""
    numbers: dict[str, Any] = {}
    for key, spec in metric_specs().items():
        if spec.on_card and key in arm.metrics:
            estimate = arm.metrics[key]
            bounds = {key: estimate.value, f"{key}_low": estimate.low, f"{key}_high": estimate.high}
            numbers |= {name: None if value is None else round(value, 4) for name, value in bounds.items()}
    return numbers


def _present(content: Mapping[str, Any]) -> dict[str, Any]:
    return {
        key: _present(value) if isinstance(value, Mapping) else value
        for key, value in content.items()
        if value is not None
    }
