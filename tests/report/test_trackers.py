import struct
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from detbench.errors import DataError, TrackingError, UsageError
from detbench.report import trackers
from detbench.report.trackers import TRACKERS, check_trackers, log_run, tracked
from detbench.results.folder import RunFolder
from detbench.results.schema import Difference, RunResult
from detbench.types import Estimate

MakeResult = Callable[..., RunResult]
FINGERPRINT = "decade" * 8
NUMBERS = {
    "map/sharp": 0.6,
    "f1/sharp": 2 / 3,
    "f1_low/sharp": 0.5,
    "f1_high/sharp": 0.75,
    "map/wiener": 0.1 + 0.2,
    "f1/wiener": 2 / 3,
    "f1_low/wiener": 0.5,
    "f1_high/wiener": 0.75,
    "map_difference/wiener_minus_blurred": 1 / 3,
    "map_difference_low/wiener_minus_blurred": -0.1,
    "map_difference_high/wiener_minus_blurred": 0.5,
    "map_p/wiener_minus_blurred": 0.03,
    "map_p_holm/wiener_minus_blurred": 0.06,
}
PARAMETERS = {
    "dataset": "drawn",
    "deblurrers": "wiener, blind",
    "truth": "labels",
    "blur.kind": "shake",
    "blur.seed": 3,
}
TAGS = {"dataset": "drawn", "dataset_fingerprint": FINGERPRINT, "detector": "blobs", "detbench": "0"}


@pytest.fixture
def result(make_result: MakeResult) -> RunResult:
    """A run of two arms and one difference, whose request has a recipe of blur."""
    made = make_result()
    gain = Difference("wiener", "blurred", "map", Estimate(1 / 3, 12, low=-0.1, high=0.5), 0.03, 0.06)
    asked = {**made.specification, "deblurrers": ["wiener", "blind"], "blur": {"kind": "shake", "seed": 3}}
    return replace(made, differences=(gain,), specification=asked)


@pytest.fixture
def run(tmp_path: Path, result: RunResult) -> Path:
    """The finished run as a folder called `job`, with its page and summary."""
    folder = tmp_path / "reports" / "job"
    RunFolder(folder).write_results(replace(result, differences=(replace(result.differences[0], p_holm=None),)))
    (folder / "report.html").write_text("<p>report</p>")
    (folder / "summary.md").write_text("### wiener recovers 92 %")
    return folder


def without_adjusted(numbers: dict[str, float]) -> dict[str, float]:
    """What is logged of a folder whose one test stands alone: a p-value that was not adjusted."""
    return {key: value for key, value in numbers.items() if "holm" not in key}


def test_a_run_in_a_trackers_terms(result: RunResult, tmp_path: Path) -> None:
    """Metrics, intervals, differences and p-values by name; undefined ones are absent; nested requests are flat."""
    run = tracked(tmp_path / "reports" / ".." / "job", result)
    assert run.metrics == NUMBERS
    assert run.parameters == PARAMETERS
    assert run.tags == TAGS
    assert (run.name, run.files) == ("job", (tmp_path / "job" / "report.html", tmp_path / "job" / "result.json"))


def test_mlflow_keeps_everything(run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Numbers to the last bit, parameters, tags, both files and the folder's name, read back by MLflow's client."""
    mlflow = use_mlflow(monkeypatch, f"file:{tmp_path}/store")
    place = log_run(run, ["mlflow"])["mlflow"]
    (kept,) = mlflow.MlflowClient().search_runs(["0"])
    assert place == f"run {kept.info.run_id} of experiment 0"
    assert (kept.info.run_name, kept.info.status) == ("job", "FINISHED")
    assert kept.data.metrics == without_adjusted(NUMBERS)
    assert kept.data.params == {key: str(value) for key, value in PARAMETERS.items()}
    assert kept.data.tags.items() >= TAGS.items()
    files = {file.path: file.file_size for file in mlflow.MlflowClient().list_artifacts(kept.info.run_id)}
    assert files == {name: (run / name).stat().st_size for name in ("report.html", "result.json")}


def use_mlflow(monkeypatch: pytest.MonkeyPatch, uri: str) -> Any:
    """MLflow with a store of its own, its folder or server named by a URI."""
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    monkeypatch.setenv("MLFLOW_DISABLE_TELEMETRY", "true")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    return pytest.importorskip("mlflow")


def test_wandb_keeps_everything(run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Offline, its file holds numbers, request, tags of at most 64 letters, and an artifact of both files."""
    wandb = pytest.importorskip("wandb")
    for name in ("DIR", "DATA_DIR", "CACHE_DIR", "CONFIG_DIR"):
        monkeypatch.setenv(f"WANDB_{name}", str(tmp_path))
    monkeypatch.setenv("WANDB_MODE", "offline")
    monkeypatch.setenv("WANDB_ERROR_REPORTING", "false")
    result = RunFolder(run).read_result()
    RunFolder(run).write_results(replace(result, detector={"name": "yolo" * 20}))
    place = Path(log_run(run, ["wandb"])["wandb"])
    wandb.teardown()  # its own process writes the file, and has done so when it ends
    assert place.is_relative_to(tmp_path)
    kept = dict(wandb_records(next(place.glob("*.wandb"))))
    assert kept["run"].display_name == "job"
    assert set(kept["run"].tags) == {"drawn", FINGERPRINT, "yolo" * 16, "0"}
    config = {each.key: each.value_json for each in kept["run"].config.update}
    assert (config["blur.kind"], config["blur.seed"]) == ('"shake"', "3")
    logged = {each.nested_key[0]: float(each.value_json) for each in kept["history"].item}
    assert {key: logged[key] for key in without_adjusted(NUMBERS)} == without_adjusted(NUMBERS)
    assert {each.path for each in kept["artifact"].manifest.contents} == {"report.html", "result.json"}


def wandb_records(file: Path) -> Iterator[tuple[str, Any]]:
    """The records of a run's file, LevelDB's log after seven bytes: blocks of 32 KiB, whole records or parts."""
    from wandb.proto.wandb_internal_pb2 import Record

    content, place, whole = file.read_bytes(), 7, b""
    while place < len(content):
        left = 32768 - place % 32768
        if left < 7:
            place += left
            continue
        length, part = struct.unpack_from("<HB", content, place + 4)
        whole += content[place + 7 : place + 7 + length]
        place += 7 + length
        if part in (1, 4):  # a whole record, or its last part
            record, whole = Record.FromString(whole), b""
            kind = record.WhichOneof("record_type")
            yield kind, getattr(record, kind)


def test_tensorboard_keeps_everything(run: Path) -> None:
    """Its event files hold the numbers, the request and the tags as hyperparameters, and the summary as text."""
    accumulators = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    from tensorboard.plugins.hparams import metadata

    log_run(run, ["tensorboard"])
    place = log_run(run, ["tensorboard"])["tensorboard"]
    assert place == str(run / "tensorboard")
    events = accumulators.EventAccumulator(place)
    events.Reload()
    found = {key: [event.value for event in events.Scalars(key)] for key in events.Tags()["scalars"]}
    assert found == {key: [pytest.approx(value)] for key, value in without_adjusted(NUMBERS).items()}
    (text,) = events.Tensors("summary/text_summary")
    assert text.tensor_proto.string_val[0].decode() == "### wiener recovers 92 %"
    start = events.SummaryMetadata(metadata.SESSION_START_INFO_TAG).plugin_data.content
    asked = metadata.parse_session_start_info_plugin_data(start).hparams
    assert {key: asked[key].string_value or asked[key].number_value for key in asked} == PARAMETERS | TAGS


def test_a_run_that_is_measured_again_loses_its_old_curves(run: Path, result: RunResult) -> None:
    """TensorBoard's files are a run's own: they are no foreign ones, and go with the result that they show."""
    pytest.importorskip("tensorboard")
    log_run(run, ["tensorboard"])
    RunFolder(run).check_writable()
    RunFolder(run).reopen()
    assert not (run / "tensorboard").exists()


@pytest.mark.parametrize("name", sorted(TRACKERS))
def test_a_missing_client_is_named_with_its_extra(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Before anything is done: one message with the command that installs it."""
    monkeypatch.setattr(trackers, "find_spec", lambda module: None if module == name else object())
    with pytest.raises(UsageError, match=rf"needs its client: pip install 'detbench\[{name}\]'"):
        check_trackers([name])


def test_a_store_that_mlflow_cannot_use_is_refused_early(monkeypatch: pytest.MonkeyPatch) -> None:
    """What its client refuses without a server's answer is one message before a run, and a server's address is none."""
    use_mlflow(monkeypatch, "nonsense://store")
    with pytest.raises(UsageError, match=r"set MLFLOW_TRACKING_URI to a server.*nonsense://store"):
        check_trackers(["mlflow"])
    use_mlflow(monkeypatch, "http://localhost:1")
    check_trackers(["mlflow"])


def test_one_failure_keeps_no_other_tracker_from_its_run(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """All are tried, once each; the message names folder, reason and the command for those that failed."""
    reached: list[str] = []

    def refuse(_run: object) -> str:
        raise ConnectionError("no server at h")

    def reach(run: trackers.TrackedRun) -> str:
        reached.append(run.name)
        return "there"

    monkeypatch.setattr(trackers, "TRACKERS", {"mlflow": refuse, "wandb": reach, "tensorboard": refuse})
    with pytest.raises(TrackingError) as error:
        log_run(run, ["mlflow", "wandb", "tensorboard", "wandb"])
    assert reached == ["job"]
    assert str(error.value) == (
        f"the run is whole, in {run}, but was not logged (mlflow: ConnectionError: no server at h; tensorboard: "
        f"ConnectionError: no server at h). Log it again: detbench log {run} --to mlflow --to tensorboard"
    )


def test_what_clients_print_is_not_stdouts(
    run: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """So that the last line of `detbench run` stays its folder."""
    monkeypatch.setattr(trackers, "TRACKERS", {"mlflow": lambda _run: str(sys.stdout.write("View run"))})
    log_run(run, ["mlflow"])
    assert capsys.readouterr() == ("", "View run")


def test_only_a_finished_run_is_logged(tmp_path: Path) -> None:
    """Another folder is refused as by every reader of runs."""
    with pytest.raises(DataError, match="no such file"):
        log_run(tmp_path, ["tensorboard"])
