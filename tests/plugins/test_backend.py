import hashlib
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from detbench.core.fingerprints import file_sha256
from detbench.deblurrers.command import COMMAND_TIMEOUT_S
from detbench.errors import UsageError, WeightsError
from detbench.plugins import backend as backends
from detbench.plugins.backend import Backend, listed_deblurrers, resolve_deblurrer, resolve_detector


@pytest.fixture
def shipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Path]:
    """Puts bytes where the weights of a model ship; returns the file."""
    monkeypatch.setattr(backends, "shipped", lambda kind: tmp_path / kind)

    def put(model: str, content: bytes = b"weights") -> Path:
        path = tmp_path / "models" / model / "weights.safetensors"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        return path

    return put


def identity_of(backend: Backend) -> str:
    """The identity as the cache's key holds it."""
    return json.dumps(backend.key, sort_keys=True, allow_nan=False)


def test_a_backend_without_weights_is_ready() -> None:
    """`identity` and `wiener` resolve and are built by name alone; neither device nor precision is theirs."""
    plain = resolve_deblurrer("identity", "cpu", "fp32")
    picture = np.zeros((3, 5, 3), np.uint8)
    assert plain.name == "identity"
    np.testing.assert_array_equal(plain.build()(picture), picture)
    for name in ("identity", "wiener"):
        assert identity_of(resolve_deblurrer(name, "cpu", "fp32")) == identity_of(
            resolve_deblurrer(name, "cuda", "bf16")
        )


def test_an_identity_says_all_that_results_depend_on(shipped: Callable[..., Path]) -> None:
    """Code, weights, settings and library versions are there, as JSON, and no path of this machine."""
    weights = shipped("deblurgan")
    identity = resolve_deblurrer("deblurgan", "cpu", "fp32").identity
    assert set(identity) == {"name", "target", "code_sha256", "versions", "weights_sha256", "settings"}
    assert identity["settings"] == {"device": "cpu", "precision": "fp32"}
    assert {"numpy", "pillow", "safetensors", "torch"} <= set(identity["versions"])
    assert len(identity["weights_sha256"]) == len(identity["code_sha256"]) == 64
    assert str(weights.parent) not in json.dumps(identity)


def test_weights_device_and_precision_change_an_identity(shipped: Callable[..., Path]) -> None:
    """Each of them makes another backend of it; the same again is the same."""
    shipped("deblurgan")
    seen = [
        identity_of(resolve_deblurrer("deblurgan", device, precision))
        for device, precision in [("cpu", "fp32"), ("cuda", "fp32"), ("cpu", "bf16")]
    ]
    again = identity_of(resolve_deblurrer("deblurgan", "cpu", "fp32"))
    shipped("deblurgan", b"trained further")
    seen.append(identity_of(resolve_deblurrer("deblurgan", "cpu", "fp32")))
    assert again == seen[0]
    assert len(set(seen)) == 4


def test_another_name_is_no_other_backend(shipped: Callable[..., Path], tmp_path: Path) -> None:
    """Weights that ship and a copy of them under a file's name share their work, and are told apart in a result."""
    copy = tmp_path / "copy.safetensors"
    copy.write_bytes(shipped("deblurgan").read_bytes())
    ours, theirs = (resolve_deblurrer(word, "cpu", "fp32") for word in ("deblurgan", f"deblurgan:{copy}"))
    assert identity_of(ours) == identity_of(theirs)
    assert (ours.identity["name"], theirs.identity["name"]) == ("deblurgan", "deblurgan-copy")


def test_code_and_versions_change_an_identity(monkeypatch: pytest.MonkeyPatch) -> None:
    """An edited backend and an updated library are other backends, whose work is done anew."""
    seen = [identity_of(resolve_deblurrer("wiener", "cpu", "fp32"))]
    monkeypatch.setattr(backends, "installed_version", lambda _: "99.0")
    seen.append(identity_of(resolve_deblurrer("wiener", "cpu", "fp32")))
    monkeypatch.setattr(backends, "code_identity", lambda _: {"code_sha256": "edited", "versions": {}})
    seen.append(identity_of(resolve_deblurrer("wiener", "cpu", "fp32")))
    assert len(set(seen)) == 3


def test_missing_weights_say_how_to_get_them(shipped: Callable[..., Path]) -> None:
    """A network that ships names the file and the command that makes it."""
    (missing := shipped("deblurgan")).unlink()
    with pytest.raises(WeightsError, match=r"^deblurgan has no weights.*`detbench train deblurgan`") as caught:
        resolve_deblurrer("deblurgan", "cpu", "fp32")
    assert str(missing) in str(caught.value)


def test_weights_that_do_not_ship_are_fetched(shipped: Callable[..., Path], register: Any, tmp_path: Path) -> None:
    """`nah` of a small wheel: the weights come into the cache, with the card that ships, from which the cost is."""
    content = b"weights of nah"
    missing, sha256 = shipped("nah"), hashlib.sha256(content).hexdigest()
    missing.unlink()
    card = f'sha256 = "{sha256}"\n[cost]\nparameters = 2000000\ngflop_per_mpix = 7\n'
    missing.with_name("card.toml").write_text(card)
    register("nah", "weights", {"nah.safetensors": content})
    backend = resolve_deblurrer("nah", "cpu", "fp32")
    assert backend.entry.options["weights"] == tmp_path / "cache" / "weights" / "nah" / "weights.safetensors"
    assert (backend.name, backend.identity["weights_sha256"]) == ("nah", sha256)
    assert backend.cost == {"parameters_m": 2.0, "gflop_per_mpix": 7.0}


def test_a_detector_that_does_not_ship_is_fetched(shipped: Callable[..., Path], register: Any) -> None:
    """`yolov8-blur` of a small wheel, likewise."""
    shipped("yolov8n-streets-blur").unlink()
    register("yolov8n-streets-blur", "weights", {"yolov8n-streets-blur.safetensors": b"weights"})
    assert resolve_detector("yolov8-blur", "cpu").entry.options["weights"].read_bytes() == b"weights"


def test_superseded_weights_are_named_as_ever(register: Any) -> None:
    """`deblurgan-wild` is DeblurGAN's network with weights that are fetched, alone and in a list."""
    register("deblurgan-wild", "weights", {"deblurgan-wild.safetensors": b"wild"}, superseded=True)
    assert listed_deblurrers("identity,deblurgan-wild") == ("identity", "deblurgan-wild")
    wild = resolve_deblurrer("deblurgan-wild", "cpu", "bf16")
    assert wild.name == wild.identity["name"] == "deblurgan-wild"
    assert wild.entry.target == "detbench.deblurrers.network:DeblurGAN"
    assert wild.entry.options["weights"].read_bytes() == b"wild"


def test_a_network_takes_a_file_of_its_own(tmp_path: Path) -> None:
    """`NAME:FILE` is that network with those weights, under a name that tells it from the shipped one."""
    file = tmp_path / "mine.safetensors"
    file.write_bytes(b"my weights")
    backend = resolve_deblurrer(f"deblurgan:{file}", "cpu", "fp32")
    assert backend.name == backend.identity["name"] == "deblurgan-mine"
    assert backend.entry.options["weights"] == file
    with pytest.raises(UsageError, match="identity has no weights that a file could replace"):
        resolve_deblurrer(f"identity:{file}", "cpu", "fp32")


@pytest.mark.parametrize(
    ("file", "name"),
    [
        ("mine.safetensors", "deblurgan-mine"),
        ("run/mine.safetensors", "deblurgan-mine"),
        ("run/weights.safetensors", "deblurgan-run"),
        ("deblurgan-wild/weights.safetensors", "deblurgan-wild"),
        ("deblurgan-2.safetensors", "deblurgan-2"),
    ],
)
def test_weights_of_one_name_are_told_apart_by_their_folders(tmp_path: Path, file: str, name: str) -> None:
    """What trainings write is always called weights.safetensors: then the folder says which training it was."""
    (tmp_path / file).parent.mkdir(exist_ok=True)
    (tmp_path / file).write_bytes(b"my weights")
    assert resolve_deblurrer(f"deblurgan:{tmp_path / file}", "cpu", "fp32").name == name


def test_a_setting_stands_behind_the_colon(shipped: Callable[..., Path]) -> None:
    """`blind:light=linear` is an arm of its own, built with that option, and shares no work with `blind`."""
    weights = shipped("blind")
    plain, linear = (resolve_deblurrer(word, "cpu", "fp32") for word in ("blind", "blind:light=linear"))
    assert linear.name == linear.identity["name"] == "blind-linear"
    assert linear.entry.options == {"weights": weights, "device": "cpu", "precision": "fp32", "light": "linear"}
    assert linear.identity["settings"]["light"] == "linear"
    assert identity_of(plain) != identity_of(linear)


@pytest.mark.parametrize("word", ["blind:light=auto", "blind:", "blind:light=linear,light=auto"])
def test_a_default_setting_changes_nothing(shipped: Callable[..., Path], word: str) -> None:
    """What is set to its default is the same arm and the same work as what is not set; the last word counts."""
    shipped("blind")
    plain, default = (resolve_deblurrer(each, "cpu", "fp32") for each in ("blind", word))
    assert default.name == "blind"
    assert default.entry == plain.entry
    assert default.identity == plain.identity


@pytest.mark.parametrize(
    ("word", "words"),
    [
        ("blind:light=dark", r"^blind has no setting 'light=dark'\. It takes: light=auto\|gamma\|linear"),
        ("blind:light=", r"no setting 'light='"),
        ("blind:colour=red", r"no setting 'colour=red'\. It takes: light=auto\|gamma\|linear"),
        ("blind:mine.safetensors,colour=red", r"no setting 'colour=red'"),
        ("deblurgan:light=linear", r"^deblurgan has no setting 'light=linear'\. It takes: none$"),
        ("wiener:light=linear", r"^wiener has no setting 'light=linear'\. It takes: none$"),
    ],
)
def test_unknown_settings_are_met_with_the_known(shipped: Callable[..., Path], word: str, words: str) -> None:
    """A key or a value that is not taken is a usage error that says what is."""
    shipped("blind")
    with pytest.raises(UsageError, match=words):
        resolve_deblurrer(word, "cpu", "fp32")


@pytest.mark.parametrize("name", ["mine.safetensors", "a,b c.safetensors", "light=linear/weights.safetensors"])
@pytest.mark.parametrize("order", ["{file},light=linear", "light=linear,{file}"])
def test_a_file_and_a_setting_stand_together(tmp_path: Path, order: str, name: str) -> None:
    """`blind:FILE,light=linear` is the user's network with that setting, in either order; commas in names are names."""
    file = tmp_path / name
    file.parent.mkdir(exist_ok=True)
    file.write_bytes(b"my weights")
    backend = resolve_deblurrer("blind:" + order.format(file=file), "cpu", "fp32")
    stem = file.parent.name if file.stem == "weights" else file.stem
    assert backend.name == f"blind-{stem}-linear"
    assert (backend.entry.options["weights"], backend.entry.options["light"]) == (file, "linear")


def test_detectors_resolve_by_name(shipped: Callable[..., Path]) -> None:
    """`blobs` needs nothing; `yolov8` is what ships for it, on the device that is asked for."""
    assert resolve_detector("blobs", "cpu").build().classes[0] == "red disc"
    weights = shipped("yolov8n-streets")
    backend = resolve_detector("yolov8", "cpu")
    assert backend.entry.options == {"weights": weights, "device": "cpu"}
    assert identity_of(backend) != identity_of(resolve_detector("yolov8", "cuda"))
    weights.unlink()
    with pytest.raises(WeightsError, match=r"^yolov8 has no weights"):
        resolve_detector("yolov8", "cpu")


def test_a_path_is_a_yolo_checkpoint(tmp_path: Path) -> None:
    """A .pt file is a YOLO under the file's name; other bytes in it are another detector."""
    file = tmp_path / "street.v2.pt"
    file.write_bytes(b"checkpoint")
    backend = resolve_detector(str(file), "cpu")
    assert backend.name == "street.v2"
    assert backend.entry.target == "detbench.detectors.ultralytics_yolo:Yolo"
    assert backend.entry.options == {"weights": file, "device": "cpu"}
    before = identity_of(backend)
    file.write_bytes(b"trained further")
    assert identity_of(resolve_detector(str(file), "cpu")) != before


@pytest.mark.parametrize(
    ("resolve", "word", "nearest"),
    [
        (lambda word: resolve_deblurrer(word, "cpu", "fp32"), "winer", "wiener"),
        (lambda word: resolve_detector(word, "cpu"), "yolo8", "yolov8"),
    ],
)
def test_an_unknown_name_is_met_with_the_nearest(resolve: Callable[[str], Backend], word: str, nearest: str) -> None:
    """A misspelt name is a usage error that asks for the right one."""
    with pytest.raises(UsageError, match=rf"named '{word}'\. Did you mean '{nearest}'\?"):
        resolve(word)


def test_a_card_names_the_detectors_of_the_training_loss(shipped: Callable[..., Path]) -> None:
    """They are known by the digest of their weights, or without one by name; the card of other weights says nothing."""
    weights = shipped("deblurgan")
    path, judge = weights.with_name("card.toml"), shipped("yolov8n-streets")

    def said(trained_with: str, sha256: str = file_sha256(weights)) -> list[bool]:
        path.write_text(f'sha256 = "{sha256}"\ntrained_with = {trained_with}\n')
        detectors = (resolve_detector("yolov8", "cpu"), resolve_detector("blobs", "cpu"))
        named = resolve_deblurrer("deblurgan", "cpu", "fp32").trained_with
        return [any(each.is_detector(detector) for each in named) for detector in detectors]

    assert said(f'[{{ name = "blobs", sha256 = "{file_sha256(judge)}" }}]') == [True, False]
    assert said(f'[{{ name = "yolov8", sha256 = "{"0" * 64}" }}]') == [False, False]
    assert said('[{ name = "blobs" }, { name = "yolov8n-streets" }]') == [True, True]
    assert said('[{ name = "yolov8n (COCO)" }]') == [False, False]
    assert said('[{ name = "yolov8" }]', sha256="0" * 64) == [False, False]
    for wrong in ("3", '"yolov8"', "[3]", "[{ name = 3 }]", '[{ sha256 = "0f" }]', '[{ name = "a", weight = 1 }]'):
        with pytest.raises(WeightsError, match=r"card\.toml of None: trained_with must be a list of tables"):
            said(wrong)


def test_a_networks_cost_is_told_by_its_card(shipped: Callable[..., Path]) -> None:
    """The card beside the weights says parameters and arithmetic; a card of other weights, or none, says nothing."""
    weights = shipped("deblurgan")
    assert resolve_deblurrer("deblurgan", "cpu", "fp32").cost == {}
    card = 'sha256 = "{sha256}"\n[cost]\nparameters = 11378179\ngflop_per_mpix = 1504.5\n'
    path = weights.with_name("card.toml")
    path.write_text(card.format(sha256=file_sha256(weights)))
    cost = resolve_deblurrer("deblurgan", "cpu", "fp32").cost
    assert cost == {"parameters_m": 11.378179, "gflop_per_mpix": 1504.5}
    path.write_text(card.format(sha256="0" * 64))
    assert resolve_deblurrer("deblurgan", "cpu", "fp32").cost == {}


@pytest.mark.parametrize(
    ("word", "found"),
    [
        ("wiener", ("wiener",)),
        ("identity,wiener", ("identity", "wiener")),
        ("identity, onnx:a.onnx", ("identity", "onnx:a.onnx")),
        ("mine=python:a:b,nafnet:own.safetensors", ("mine=python:a:b", "nafnet:own.safetensors")),
        ("identity,command:tool {input} {output}", ("identity", "command:tool {input} {output}")),
        ("command:tool {input} {output} a,wiener", ("command:tool {input} {output} a,wiener",)),
        ("mine=command:tool a,b {input} {output}", ("mine=command:tool a,b {input} {output}",)),
        ("onnx:a.onnx,range=-1..1", ("onnx:a.onnx,range=-1..1",)),
        ("nafnet:one,two.safetensors,light=linear", ("nafnet:one,two.safetensors,light=linear",)),
    ],
)
def test_a_word_is_a_list_where_each_part_is_a_deblurrer(word: str, found: tuple[str, ...]) -> None:
    """Commas of files, settings and commands separate nothing."""
    assert listed_deblurrers(word) == found


@pytest.mark.parametrize(
    ("word", "unknown"),
    [
        ("identity,wienre", "'wienre' is no deblurrer. Did you mean 'wiener'?"),
        ("identity,onnx:a.onnx,range=-1..1", "'range=-1..1' is no deblurrer."),
        ("identity,command:tool a,b {input} {output}", "'b {input} {output}' is no deblurrer."),
        ("identity,", "'' is no deblurrer."),
        ("identity,command:a {input} {output},wiener", "'command:a {input} {output}' may go on behind its comma."),
    ],
)
def test_an_unclear_list_is_refused(word: str, unknown: str) -> None:
    """A word that begins with a name and a comma is meant as a list; the part that is none is named."""
    with pytest.raises(UsageError) as refused:
        listed_deblurrers(word)
    assert unknown in str(refused.value)
    assert "Name each of several by itself" in str(refused.value)


def test_a_limit_reaches_a_program_that_names_none() -> None:
    """`--timeout` is for programs without `timeout=`; what is no program stays as it is."""
    tool = f"{sys.executable} {{input}} {{output}}"
    plain, own = (resolve_deblurrer(f"command:{limit}{tool}", "cpu", "fp32") for limit in ("", "timeout=7 "))
    assert (plain.build().seconds, plain.within(2).build().seconds) == (COMMAND_TIMEOUT_S, 2)
    assert own.within(2).build().seconds == 7
    assert plain.within(2).key == plain.key
    identity = resolve_deblurrer("identity", "cpu", "fp32")
    assert identity.within(2) is identity
