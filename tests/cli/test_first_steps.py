"""What newcomers type wrongly at the prompt: each is one message that says what to type instead."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Run = Callable[..., Any]

WORDS = {
    "runs": ("No such command 'runs'. Did you mean 'run'?", "Example: detbench run --deblurrer "),
    "train nafnett --data photos --out x": ("Did you mean 'nafnet'?", "Example: detbench train yolov8 --data"),
    "run": ("Missing option '--deblurrer'", "Example: detbench run --deblurrer", "All options: detbench run --help"),
    "run wiener": ("Missing option '--deblurrer'", "Example: detbench run --deblurrer"),
    "run --deblurer wiener": ("No such option: --deblurer", "--deblurrer", "Example: "),
    "run --deblurrer": ("'--deblurrer' requires an argument", "Example: detbench run --deblurrer"),
    "run --deblurrer wiener identity": ("(identity)", "--deblurrer deblurgan --deblurrer nafnet"),
    "run --deblurrer wiener -- --limit 3": ("(--limit 3)", "Example: "),
    "run --deblurrer wiener,idenity": ("'idenity' is no deblurrer", "'identity'", "--deblurrer A --deblurrer B"),
    "run --deblurrer Winer": ("no deblurrer named 'Winer'", "'wiener'", "detbench list"),
    "run --deblurrer ./mine.pt": ("say what the file is", "nafnet:./mine.pt", "torchscript:./mine.pt"),
    "run --deblurrer wiener --limit 0": ("from 1 on, not 0",),
    "run --deblurrer wiener --limit ten": ("'--limit'", "valid integer", "Example: "),
    "run --deblurrer wiener --truth label": ("'--truth': 'label' is not one of 'labels', 'pseudo', 'none'.",),
    "run --deblurrer wiener --dataset drawn --detector blobs --blur motion": ("trajectory, shake",),
    "run --deblurrer wiener --device gpu": ("auto, cpu, cuda or cuda:N",),
    "run --deblurrer wiener --dataset mine.pt": ("weights of a network", "--detector"),
    "run --deblurrer wiener --dataset photos --repair clip": ("for boxes in COCO, YOLO or VOC", "this is pictures"),
    "compare drawn a.json": ("not 1", "detbench compare TRUTH A.json B.json"),
    "report": ("detbench run",),
    "report job/result.json": ("job/result.json: a file; name the folder of its run, job",),
    "gate job/result.json --baseline b.json": ("job/result.json: a file; name the folder of its run, job",),
    "gate job": ("Missing option '--baseline'", "Example: detbench gate reports/run --baseline baseline.json"),
    "gate job --baseline job --rules rules.toml": ("rules.toml: no metric is called 'MPA'", "'map'"),
    "power job --metric mAP": ("Did you mean 'map'?",),
    "deblur photos --out x": ("Missing option '--deblurrer'", "Example: detbench deblur holiday/ --deblurrer nafnet"),
    "deblur photos --deblurrer wiener --out x": ("needs the blur kernel", "detbench list"),
    "blur photos": ("Missing option '--out'", "Example: detbench blur photos/ --out blurred"),
    "convert drawn --to pascal --out x": ("'pascal' is not one of 'coco', 'yolo', 'voc'.",),
    "train nafnet --data photos --out x --recipe rules.toml": ("no setting 'rule'", "detbench train recipe-keys"),
}


@pytest.mark.parametrize("words", WORDS)
def test_a_wrong_word_is_one_message(detbench: Run, drawn_dataset: Path, tmp_path: Path, words: str) -> None:
    """What is wrong and what is right stand in it, without a frame around them; the exit code is 2."""
    shutil.copytree(drawn_dataset / "images", tmp_path / "photos")
    (tmp_path / "drawn").symlink_to(drawn_dataset)
    (tmp_path / "job").mkdir()
    for name, text in (("job/result.json", "{}"), ("a.json", "[]"), ("mine.pt", "")):
        (tmp_path / name).write_text(text)
    (tmp_path / "rules.toml").write_text('[[rule]]\nmetric = "MPA"\nmax_drop = 0.1\n')
    said = detbench(*words.split())
    assert (said.code, said.out) == (2, "")
    assert said.err.startswith("detbench: ")
    assert said.err.count("detbench: ") == 1
    assert all(part in said.err for part in WORDS[words]), said.err
    assert "╭" not in said.err


@pytest.mark.parametrize("words", [(), ("train",)], ids=" ".join)
def test_no_words_are_answered_by_help(detbench: Run, words: tuple[str, ...]) -> None:
    """`detbench` alone shows its commands, and so does `detbench train`; the exit code is 2 and nothing is called an
    error.
    """
    said = detbench(*words)
    assert (said.code, said.err) == (2, "")
    assert said.out.lstrip().startswith(f"Usage: {' '.join(('detbench', *words))} ")


def test_the_version_is_printed_alone(detbench: Run) -> None:
    """`detbench --version` is the name and the version, on one line of stdout."""
    said = detbench("--version")
    assert (said.code, said.err) == (0, "")
    name, version = said.out.split()
    assert name == "detbench"
    assert version[0].isdigit()
