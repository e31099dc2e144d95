import sys
from pathlib import Path

import numpy as np
import pytest

from detbench.errors import UsageError
from detbench.plugins import registry
from detbench.plugins.backend import resolve_deblurrer, resolve_detector
from detbench.plugins.kinds import Reference, deblurrer_reference, detector_reference


def deblurrer(word: str) -> Reference:
    """A deblurrer by reference."""
    found = deblurrer_reference(word, "cpu")
    assert found is not None
    return found


@pytest.mark.parametrize("word", ["wiener", "deblurgan:mine.safetensors", "trajectory:seed=3", "onnx", "C:/a.onnx"])
def test_other_words_are_no_references(word: str) -> None:
    """Names, and networks with weights of one's own, are left to the registry."""
    assert deblurrer_reference(word, "cpu") is None
    assert detector_reference(word, "cpu") is None


def test_a_name_of_its_own(tmp_path: Path) -> None:
    """Arms are named after kind and file, in letters that any file can have; `NAME=` gives another name."""
    file = tmp_path / "my net.v2.onnx"
    file.write_bytes(b"graph")
    assert deblurrer(f"onnx:{file}").entry.name == "onnx-my_net.v2"
    assert deblurrer(f"theirs=onnx:{file}").entry.name == "theirs"
    assert resolve_deblurrer(f"theirs=onnx:{file}", "cpu", "fp32").identity["name"] == "theirs"
    assert resolve_detector(f"onnx:{file}", "cpu").name == "onnx-my_net.v2"


def test_settings_of_a_graph(tmp_path: Path) -> None:
    """Range and multiple follow the path, which may hold commas itself; both are part of the identity."""
    file = tmp_path / "a,b.onnx"
    file.write_bytes(b"graph")
    options = deblurrer(f"onnx:{file},range=-1..1,multiple=4").entry.options
    assert options == {"file": file, "value_range": "-1..1", "multiple": 4, "device": "cpu"}
    assert deblurrer(f"onnx:{file}").entry.options["value_range"] == "0..1"
    ends = ("", ",range=-1..1", ",output=final", ",output=0")
    assert len({str(resolve_deblurrer(f"onnx:{file}{end}", "cpu", "fp32").identity) for end in ends}) == 4
    assert deblurrer(f"onnx:{file},output=final,range=0..255").entry.options["output"] == "final"


def test_an_identity_follows_the_bytes(tmp_path: Path) -> None:
    """A graph, the weights beside it, recorded pictures, and a command's script: changed bytes are other work."""
    for name in ("a.onnx", "a.onnx.data", "tool.py", "made/1.png", "made/notes.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"one")
    words = {
        "a.onnx": f"onnx:{tmp_path / 'a.onnx'}",
        "a.onnx.data": f"onnx:{tmp_path / 'a.onnx'}",
        "tool.py": f"command:{sys.executable} {tmp_path / 'tool.py'} {{input}} {{output}}",
        "made/1.png": f"recorded:{tmp_path / 'made'}",
    }
    for name, word in words.items():
        before = deblurrer(word).weights_sha256
        assert deblurrer(word).weights_sha256 == before
        (tmp_path / name).write_bytes(b"another")
        assert deblurrer(word).weights_sha256 != before, name
    before = deblurrer(words["made/1.png"]).weights_sha256
    (tmp_path / "made" / "notes.txt").write_bytes(b"other notes")
    assert deblurrer(words["made/1.png"]).weights_sha256 == before


@pytest.mark.parametrize("location", ["weights.bin", "tensors/block.7.weight", "w" * 200])
def test_an_identity_follows_the_weights_that_a_graph_names(tmp_path: Path, location: str) -> None:
    """Tensors of an ONNX graph may lie in any file below its folder; changed bytes there are other work, and those of a
    file that it does not name are not.
    """
    onnx = pytest.importorskip("onnx")
    tensor = onnx.numpy_helper.from_array(np.ones((3, 3, 1, 1), np.float32), "weight")
    node = onnx.helper.make_node("Conv", ["picture", "weight"], ["made"])
    values = [onnx.helper.make_tensor_value_info(name, 1, (1, 3, "h", "w")) for name in ("picture", "made")]
    graph = onnx.helper.make_graph([node], "net", values[:1], values[1:], [tensor])
    (tmp_path / location).parent.mkdir(exist_ok=True)
    onnx.save(
        onnx.helper.make_model(graph),
        tmp_path / "net.onnx",
        save_as_external_data=True,
        location=location,
        size_threshold=0,
    )
    weights = tmp_path / location
    weights_bytes = weights.read_bytes()
    assert len(weights_bytes) == 36
    word = f"onnx:{tmp_path / 'net.onnx'}"
    before = deblurrer(word).weights_sha256
    (tmp_path / "notes.bin").write_bytes(b"other")
    assert deblurrer(word).weights_sha256 == before
    weights.write_bytes(weights_bytes[::-1])
    assert deblurrer(word).weights_sha256 != before


def test_a_commands_settings() -> None:
    """Words are split as a shell would, without one; the time limit stands in front."""
    found = deblurrer(f"command:timeout=7 {sys.executable} -c 'a b' --in={{input}} {{output}}")
    assert found.entry.options["words"][1:] == ("-c", "a b", "--in={input}", "{output}")
    assert found.entry.options["seconds"] == 7


@pytest.mark.parametrize(
    ("word", "words"),
    [
        ("onnx:", "names nothing: write onnx:FILE"),
        ("onnx:none.onnx", "onnx: no file none.onnx; write onnx:FILE"),
        ("torchscript:none.pt,range=0..1", "no file none.pt"),
        ("exported:none.pt2", "exported: no file none.pt2"),
        ("recorded:nowhere", "recorded:nowhere: no such file or folder"),
        ("onnx:{file},range=0..2", r"range is '0\.\.2', but must be one of 0\.\.1, -1\.\.1, 0\.\.255"),
        ("onnx:{file},multiple=x", "multiple is 'x', but must be a whole number"),
        ("onnx:{file},scale=2", "no file .*scale=2"),
        ("python:module", "write python:package.module:factory"),
        ("python:a b:c", "write python:package.module:factory"),
        ("command:tool {{input}}", r"lacks \{output\}; write command:'tool"),
        ("command:{{input}} {{output}}", r"lacks \{input\}"),
        ("command:no-such-tool {{input}} {{output}}", "no program 'no-such-tool' here; install it or give its path"),
        ("command:timeout=x tool {{input}} {{output}}", "timeout is 'x'"),
        ("command:'tool {{input}} {{output}}", "cannot be split into words .*close every quote"),
    ],
)
def test_wrong_references(tmp_path: Path, word: str, words: str) -> None:
    """What a reference lacks is said before anything runs, with the way to write it."""
    file = tmp_path / "a.onnx"
    file.write_bytes(b"graph")
    with pytest.raises(UsageError, match=words):
        deblurrer_reference(word.format(file=file), "cpu")


def test_what_is_not_installed_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without onnxruntime, the message has the command that brings it."""
    monkeypatch.setattr(registry, "installed_version", lambda name: None if name == "onnxruntime" else "1")
    with pytest.raises(
        UsageError, match=r"onnx needs onnxruntime, which is not installed: pip install 'detbench\[onnx\]'"
    ):
        deblurrer_reference(f"onnx:{tmp_path}", "cpu")


@pytest.mark.parametrize("word", ["yolov8", "yolov8-blur", "mine.pt", "yolov8n.pt", "out/weights.safetensors"])
def test_without_ultralytics_the_other_detectors_are_named(word: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is missing, the command that brings it, its licence, and what works without; nothing is fetched first."""
    real = registry.installed_version
    monkeypatch.setattr(registry, "installed_version", lambda name: None if name == "ultralytics" else real(name))
    with pytest.raises(UsageError) as refused:
        resolve_detector(word, "cpu")
    assert str(refused.value) == (
        f"{word} needs ultralytics, which is not installed: pip install 'detbench[yolo]'. It brings ultralytics, which "
        "is AGPL-3.0. These detectors do without: torchvision:MODEL, onnx:FILE, recorded:FOLDER, "
        "python:package.module:thing, blobs"
    )
    assert resolve_detector("blobs", "cpu").name == "blobs"


def test_a_python_object_is_found_in_the_working_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A function is the deblurrer, a class is built, a factory is called; editing the module changes the identity."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    module = tmp_path / "their_restorers.py"
    module.write_text(
        "def invert(blurred):\n    return 255 - blurred\n"
        "class Darker:\n    def __call__(self, blurred):\n        return blurred // 2\n"
        "def make(strength=3):\n    return lambda blurred: blurred // strength\n"
    )
    values = {}
    for name in ("invert", "Darker", "make"):
        backend = resolve_deblurrer(f"python:their_restorers:{name}", "cpu", "fp32")
        values[backend.name] = backend.build()(120)
    assert values == {"python-invert": 135, "python-Darker": 60, "python-make": 40}
    before = resolve_deblurrer("python:their_restorers:invert", "cpu", "fp32").identity
    module.write_text(module.read_text() + "\n")
    assert resolve_deblurrer("python:their_restorers:invert", "cpu", "fp32").identity != before


def test_a_torchvision_detector_is_not_asked_for_before_it_runs(tmp_path: Path) -> None:
    """Model, weights and classes are parsed; weights of one's own count by their bytes."""
    weights, classes = tmp_path / "w.pth", tmp_path / "names.txt"
    weights.write_bytes(b"one")
    classes.write_text("car\n")
    plain = resolve_detector("torchvision:ssdlite320_mobilenet_v3_large", "cpu")
    assert plain.name == "ssdlite320_mobilenet_v3_large"
    assert plain.entry.options == {"model": "ssdlite320_mobilenet_v3_large", "device": "cpu"}
    own = resolve_detector(f"torchvision:fcos_resnet50_fpn,weights={weights},classes={classes}", "cpu")
    assert (own.entry.options["weights"], own.entry.options["classes"]) == (weights, classes)
    weights.write_bytes(b"two")
    again = resolve_detector(f"torchvision:fcos_resnet50_fpn,weights={weights},classes={classes}", "cpu")
    assert own.identity != again.identity
    with pytest.raises(UsageError, match="add weights=FILE"):
        resolve_detector(f"torchvision:fcos_resnet50_fpn,classes={classes}", "cpu")
