import tomllib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from detbench.errors import DataError
from detbench.results.cards import model_index, read_card, with_measured, write_card
from detbench.results.schema import RunResult
from detbench.types import Estimate


def test_a_card_says_what_is_known(tmp_path: Path) -> None:
    """Tables, lists and texts with quotes come back as they were; what has no value is not there."""
    known = {"sha256": "0f", "classes": ['a "b"', "ü"], "training": {"steps": 3, "rate": 0.002}}
    write_card(tmp_path / "weights.safetensors", {**known, "start": None, "training": {**known["training"], "x": None}})
    assert tomllib.loads((tmp_path / "card.toml").read_text(encoding="utf-8")) == known


CARD = {"architecture": "wiener", "sha256": "feed", "paper": "theirs", "licence": "MIT, as the code"}


def measured(make_result: Callable[..., RunResult]) -> RunResult:
    """A run whose deblurrer had the card's weights."""
    run = make_result({"sharp": 0.6, "blurred": 0.2, "wiener": 0.3})
    arms = [
        replace(
            arm,
            backend={"name": arm.name, "weights_sha256": "feed"},
            metrics={"map": Estimate(0.3, 12, 0.25, 0.4), "restore_ms_p50": Estimate(5.0, 12)},
        )
        if arm.kind == "deblurrer"
        else arm
        for arm in run.arms
    ]
    return replace(run, arms=tuple(arms))


def test_a_runs_numbers_go_into_the_card(make_result: Callable[..., RunResult], tmp_path: Path) -> None:
    """Under the dataset stand detector, counts and fingerprint, and each arm's numbers with their intervals."""
    card = with_measured(CARD, measured(make_result), "run")
    write_card(tmp_path / "weights.safetensors", card)
    found = read_card(tmp_path)["measured"]["drawn"]
    assert (found["detector"], found["images"], found["truth"]) == ("blobs", 12, "labels")
    assert (found["wiener"]["map"], found["blurred"]["map"]) == (0.3, 0.2)
    assert found["blurred"].keys() == {"map"}
    assert (found["wiener"]["map_low"], found["wiener"]["map_high"]) == (0.25, 0.4)
    assert "precision" not in found
    again = with_measured(
        card,
        replace(measured(make_result), environment={"device_name": "another"}, specification={"precision": "bf16"}),
        "run",
    )
    assert again["measured"].keys() == {"drawn"}
    assert (again["measured"]["drawn"]["device"], again["measured"]["drawn"]["precision"]) == ("another", "bf16")


def test_another_models_run_is_refused(make_result: Callable[..., RunResult]) -> None:
    """A run whose deblurrers and detector have other weights says nothing about these."""
    with pytest.raises(DataError, match="run: was not made with the weights of this card"):
        with_measured(CARD, make_result(), "run")


def test_model_index_is_hugging_faces(make_result: Callable[..., RunResult]) -> None:
    """Name, task, dataset and metrics stand where Hugging Face looks for them; intervals are no metrics there."""
    index = model_index("mine", with_measured(CARD, measured(make_result), "run"))
    assert (index["license"], index["library_name"]) == ("mit", "detbench")
    (model,) = index["model-index"]
    (result,) = model["results"]
    assert (model["name"], result["task"], result["dataset"]["type"]) == ("mine", {"type": "image-to-image"}, "drawn")
    assert {"type": "map", "name": "mAP (wiener)", "value": 0.3} in result["metrics"]
    assert all(isinstance(metric["value"], float) for metric in result["metrics"] if metric["value"] is not None)


def test_a_folder_without_a_card_is_named(tmp_path: Path) -> None:
    """There is nothing to bring up to date."""
    with pytest.raises(DataError, match="no card of a model"):
        read_card(tmp_path)
