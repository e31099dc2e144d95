"""The gate as a CI job meets it: a run, a baseline, arguments; and the right exit code for each way that can go."""

import json
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from detbench.cli.main import main
from detbench.metrics.specs import METRICS
from detbench.results.cache import digest
from detbench.results.schema import PartlyKnown

Job = Callable[..., Path]


@dataclass(frozen=True)
class Scenario:
    """What the run and the baseline are (keywords of conftest's Run), what is done to their files, and how it ends."""

    code: int
    said: str
    run: Mapping[str, Any] = field(default_factory=dict)
    baseline: Mapping[str, Any] = field(default_factory=dict)
    words: tuple[str, ...] = ()
    rules: str | None = None
    spoil: Callable[[Path, Path], object] = lambda run, baseline: None


def edited(path: Path, *keys: Any, to: Any) -> None:
    """Change one value within a JSON file."""
    content = json.loads(path.read_text())
    place = content
    for key in keys[:-1]:
        place = place[key]
    place[keys[-1]] = to
    path.write_text(json.dumps(content))


def forged(path: Path, *keys: Any, to: Any) -> None:
    """Change one value of a baseline and its checksum with it."""
    edited(path, *keys, to=to)
    content = json.loads(path.read_text())
    del content["sha256"]
    path.write_text(json.dumps({**content, "sha256": digest(content)}))


def without_a_row(run: Path) -> None:
    """Take one picture out of images.csv."""
    file = run / "images.csv"
    file.write_text("\n".join(file.read_text().splitlines()[:-1]) + "\n")


def without_a_column(run: Path, name: str) -> None:
    """Take one column out of images.csv."""
    file = run / "images.csv"
    pd.read_csv(file).drop(columns=name).to_csv(file, index=False)


FEWER_BUSES = {"buses": {"wiener": 10}}
OTHER_SSIM = {"definitions": {**{key: spec.definition for key, spec in METRICS.items()}, "ssim": "SSIM, uniform 7×7"}}
BOTH_HARM: Any = {side: {"buses": {"sharp+wiener": 20}} for side in ("run", "baseline")}
BOTH_PSEUDO: Any = {side: {"truth": "pseudo"} for side in ("run", "baseline")}
ONE_BUS_BLURRED: Any = {side: {"buses": {"blurred": 39, "wiener": 39}} for side in ("run", "baseline")}
MAP_RULE = '[[rule]]\nmetric = "map"\n'

SCENARIOS = {
    # 0: pass
    "equal": Scenario(0, "PASS: 3 rules kept"),
    "a hundredth of mAP by default": Scenario(0, "any loss is excluded at 95 %; .010 may be lost"),
    "truth of the detector's own": Scenario(
        0, "Truth is the detector's own boxes on the sharp pictures", **BOTH_PSEUDO
    ),
    "no loss of medium boxes": Scenario(0, "PASS: 3", rules='[[rule]]\nmetric = "map_medium"\nmax_drop = 0.01\n'),
    "better": Scenario(0, "PASS", run={"buses": {"wiener": 40}}),
    "equal at margin 0": Scenario(0, "PASS", words=("--max-drop", "0")),
    "lost less than may be": Scenario(0, "PASS", run={"buses": {"wiener": 32}}, words=("--max-drop", "0.2")),
    "a new arm is not judged": Scenario(0, "PASS: 3", run={"buses": {"nah": 0, "sharp+nah": 0}}),
    "a better ceiling": Scenario(0, "PASS", baseline={"buses": {"sharp": 30, "sharp+wiener": 30}}),
    "floor kept": Scenario(0, "PASS: 1", rules='[[rule]]\nmetric = "map"\narm = "wiener"\nat_least = 0.9\n'),
    "time kept": Scenario(0, "PASS: 1", rules='[[rule]]\nmetric = "restore_ms_p50"\nat_most = 12.0\n'),
    "another arm lost": Scenario(0, "PASS", FEWER_BUSES, rules=MAP_RULE + 'arm = "blurred"\nmax_drop = 0.01\n'),
    "faster than the baseline": Scenario(
        0, "PASS", run={"restore_ms": 3.0}, rules='[[rule]]\nmetric = "restore_ms_p50"\nat_most = 5.0\n'
    ),
    "a higher PSNR": Scenario(0, "PASS: 2", {"psnr_db": 26.0}, rules='[[rule]]\nmetric = "psnr_db"\nmax_drop = 0.1\n'),
    "less harm": Scenario(
        0, "PASS", baseline={"buses": {"sharp+wiener": 20}}, rules='[[rule]]\nmetric = "harm"\nmax_drop = 0.01\n'
    ),
    "newer libraries": Scenario(0, "PASS", run={"detector": {"name": "blobs", "weights_sha256": None, "torch": "99"}}),
    "other SSIM, not asked for": Scenario(0, "PASS", run=OTHER_SSIM),
    "lost less than a share": Scenario(
        0, "PASS: 1", run={"buses": {"wiener": 35}}, rules=MAP_RULE + 'arm = "wiener"\nat_least_share = 0.9\n'
    ),
    "a share of what is better lower": Scenario(
        0, "PASS", rules='[[rule]]\nmetric = "harm"\nat_most_share = 1.1\n', **BOTH_HARM
    ),
    "ten pictures": Scenario(0, "PASS: 3", run={"images": 10}, baseline={"images": 10}),
    "fewer pictures, on demand": Scenario(
        0, "PASS: 3", run={"images": 2}, baseline={"images": 2}, words=("--min-pictures", "2")
    ),
    "files that are not all known, nothing used again": Scenario(
        0, "PASS: 3", run={"partly_known": {"tool": PartlyKnown("it reads the network", 0)}}
    ),
    # 1: regression
    "lost": Scenario(1, "REGRESSION wiener: mAP", run=FEWER_BUSES),
    "medium boxes lost": Scenario(
        1, "FAIL: 1 of 3", FEWER_BUSES, rules='[[rule]]\nmetric = "map_medium"\nmax_drop = 0.01\n'
    ),
    "lost in the blurred arm": Scenario(1, "REGRESSION blurred", run={"buses": {"blurred": 5}}),
    "any loss at margin 0": Scenario(1, "FAIL: 1 of 3", run={"buses": {"wiener": 35}}, words=("--max-drop", "0")),
    "a larger loss cannot be excluded": Scenario(
        1, "NOT SHOWN", run={"buses": {"wiener": 35}}, words=("--max-drop", "0.02")
    ),
    "not sure enough": Scenario(
        1, "NOT SHOWN", {"buses": {"wiener": 34}}, words=("--max-drop", "0.04", "--confidence", "0.99")
    ),
    "lost more than a share": Scenario(
        1, "REGRESSION wiener: mAP", FEWER_BUSES, rules=MAP_RULE + 'arm = "wiener"\nat_least_share = 0.9\n'
    ),
    "a larger share lost cannot be excluded": Scenario(
        1, "NOT SHOWN wiener: mAP", {"buses": {"wiener": 35}},
        rules=MAP_RULE + 'arm = "wiener"\nat_least_share = 0.98\n',
    ),
    "a share above what may be": Scenario(
        1, "REGRESSION wiener: Harm", {"buses": {"sharp+wiener": 20}},
        baseline={"buses": {"sharp+wiener": 30}}, rules='[[rule]]\nmetric = "harm"\nat_most_share = 1.1\n',
    ),
    "floor broken": Scenario(1, "≥ 0.99 is required", rules=MAP_RULE + 'arm = "wiener"\nat_least = 0.99\n'),
    "too slow": Scenario(
        1, "≤ 10.0 is required", run={"restore_ms": 10.5}, rules='[[rule]]\nmetric = "restore_ms_p50"\nat_most = 10.0\n'
    ),
    "PSNR lost": Scenario(
        1, "REGRESSION wiener: PSNR", {"psnr_db": 24.5}, rules='[[rule]]\nmetric = "psnr_db"\nmax_drop = 0.1\n'
    ),
    "more harm": Scenario(
        1, "wiener: Harm", {"buses": {"sharp+wiener": 10}}, rules='[[rule]]\nmetric = "harm"\nmax_drop = 0.01\n'
    ),
    "less of the gap recovered": Scenario(
        1, "wiener: Gap recovered", FEWER_BUSES, rules='[[rule]]\nmetric = "gap_recovered"\nmax_drop = 0.1\n'
    ),
    "one rule of two broken": Scenario(
        1, "FAIL: 1 of 2", FEWER_BUSES,
        rules=MAP_RULE + 'arm = "sharp"\nmax_drop = 0.01\n[[rule]]\nmetric = "f1"\narm = "wiener"\nat_least = 0.9\n',
    ),
    # 2: usage
    "no such run": Scenario(2, "no run's folder", spoil=lambda run, _: (run / "result.json").unlink()),
    "no such baseline": Scenario(2, "no baseline", spoil=lambda _, baseline: baseline.unlink()),
    "a margin in points": Scenario(2, "from 0 to 1, not 7", words=("--max-drop", "7")),
    "a negative margin": Scenario(2, "from 0 to 1, not -0.1", words=("--max-drop", "-0.1")),
    "a margin that is no number": Scenario(2, "exactly one number", words=("--max-drop", "nan")),
    "an impossible confidence": Scenario(2, "between .5 and 1, not 95", words=("--confidence", "95")),
    "a confidence of 1": Scenario(2, "between .5 and 1, not 1.0", words=("--confidence", "1")),
    "two ways to say it": Scenario(2, "leave one out", words=("--max-drop", "0.1"), rules=MAP_RULE + "at_least = 0\n"),
    "an unknown metric": Scenario(2, "Did you mean 'map'", rules='[[rule]]\nmetric = "mapp"\nmax_drop = 0.1\n'),
    "a floor for what is better lower": Scenario(
        2, "its share is at_most_share", rules='[[rule]]\nmetric = "harm"\nat_least_share = 0.9\n'
    ),
    "a ceiling for what is better higher": Scenario(2, "is at_least_share", rules=MAP_RULE + "at_most_share = 1.1\n"),
    "a share in percent": Scenario(2, "at most 1, not 99", rules=MAP_RULE + "at_least_share = 99\n"),
    "a share of nothing": Scenario(2, "above 0 and at most 1, not 0", rules=MAP_RULE + "at_least_share = 0\n"),
    "a ceiling below the baseline": Scenario(
        2, "1 or more, not 0.9", rules='[[rule]]\nmetric = "harm"\nat_most_share = 0.9\n'
    ),
    "no least number of pictures": Scenario(2, "--min-pictures", words=("--min-pictures", "1")),
    "a rule with two limits": Scenario(2, "exactly one", rules=MAP_RULE + "max_drop = 0.1\nat_least = 0.2\n"),
    "a rule without a limit": Scenario(2, "exactly one", rules=MAP_RULE),
    "a rule with an unknown key": Scenario(2, ", not max_dorp, metric", rules=MAP_RULE + "max_dorp = 0.1\n"),
    "a rule with a word for a number": Scenario(2, "exactly one number", rules=MAP_RULE + 'max_drop = "0.1"\n'),
    "a rule of no metric": Scenario(2, "a rule has the keys", rules="[[rule]]\nmax_drop = 0.1\n"),
    "a share of another machine's time": Scenario(
        2, "no at_most_share, times", rules='[[rule]]\nmetric = "restore_ms_p50"\nat_most_share = 1.1\n'
    ),
    "a time against another machine's": Scenario(
        2, "use at_most", rules='[[rule]]\nmetric = "restore_ms_p50"\nmax_drop = 5\n'
    ),
    "a metric without rules": Scenario(
        2, "blur_effect can have no rule", rules='[[rule]]\nmetric = "blur_effect"\nat_most = 0.5\n'
    ),
    "rules that are no TOML": Scenario(2, "no rules can be read", rules="[[rule"),
    "rules with something else": Scenario(2, "nothing else, not margin", rules="margin = 3\n" + MAP_RULE),
    # 3: not evaluable
    "other pictures": Scenario(3, "the pictures or true boxes differ", run={"fingerprint": "f" * 64}),
    "fewer pictures": Scenario(3, "the run has 30 pictures, the baseline 40", run={"images": 30}),
    "nine pictures": Scenario(
        3, "9 pictures, and 10 are needed", run={"images": 9}, baseline={"images": 9}
    ),
    "fewer than the job wants": Scenario(
        3, "40 pictures, and 41 are needed", words=("--min-pictures", "41")
    ),
    "a share of zero": Scenario(
        3, "there is no share of that", rules='[[rule]]\nmetric = "harm"\nat_most_share = 1.1\n'
    ),
    "a share of what one picture decides": Scenario(
        3, "0 or less on some", rules='[[rule]]\nmetric = "harm"\nat_most_share = 1.1\n',
        run={"buses": {"sharp+wiener": 39}}, baseline={"buses": {"sharp+wiener": 39}},
    ),
    "another truth": Scenario(3, "truth is 'pseudo' in the run", run={"truth": "pseudo"}),
    "another detector": Scenario(3, "yolov8 judged the run", {"detector": {"name": "yolov8", "weights_sha256": None}}),
    "other weights of the detector": Scenario(
        3, "the detector's weights", {"detector": {"name": "blobs", "weights_sha256": "a" * 64}}
    ),
    "work from before a change that nobody saw": Scenario(
        3, "has 3 steps of tool from an interrupted run, and tool may have changed since (it reads the network)",
        run={"partly_known": {"tool": PartlyKnown("it reads the network", 3)}},
    ),
    "an arm that failed": Scenario(
        3, "arm 'nah' failed in the run. out of memory", run={"failed": {"nah": "out of memory"}},
        baseline={"buses": {"nah": 20, "sharp+nah": 40}},
    ),
    "a missing arm": Scenario(3, "the run has no arm 'nah'", baseline={"buses": {"nah": 20, "sharp+nah": 40}}),
    "a rule for an arm that the baseline lacks": Scenario(
        3, "no arm 'nah'", rules=MAP_RULE + 'arm = "nah"\nmax_drop = 0.1\n'
    ),
    "a metric that nobody has": Scenario(
        3, "no arm with it", rules='[[rule]]\nmetric = "restore_ms_p95"\nat_most = 5\n'
    ),
    "a metric that is newer than the baseline": Scenario(
        3, "no arm with it", rules='[[rule]]\nmetric = "gmsd"\nmax_drop = 0.1\n'
    ),
    "a run without the column of a metric": Scenario(3, "damaged", spoil=lambda run, _: without_a_column(run, "ssim")),
    "an undefined number": Scenario(
        3, "is undefined in the run", {"psnr_db": None}, rules='[[rule]]\nmetric = "psnr_db"\nmax_drop = 1\n'
    ),
    "a number that was undefined before": Scenario(
        3, "psnr_db of arm 'wiener' is undefined in the baseline", baseline={"psnr_db": None},
        rules='[[rule]]\nmetric = "psnr_db"\narm = "wiener"\nmax_drop = 1\n',
    ),
    "a number that one picture decides": Scenario(
        3, "gap_recovered of arm 'wiener' is undefined on too many draws",
        rules='[[rule]]\nmetric = "gap_recovered"\nmax_drop = 0.1\n', **ONE_BUS_BLURRED,
    ),
    "another SSIM": Scenario(
        3, "ssim was defined otherwise", OTHER_SSIM, rules='[[rule]]\nmetric = "ssim"\nmax_drop = 0.1\n'
    ),
    "no definitions": Scenario(3, "was defined otherwise", run={"definitions": {}}, baseline={"definitions": {}}),
    "no rules": Scenario(3, "holds no [[rule]]", rules="# nothing yet\n"),
    "NaN in the result": Scenario(
        3, "damaged",
        spoil=lambda run, _: edited(run / "result.json", "arms", 2, "metrics", "map", "value", to=float("nan")),
    ),
    "NaN in the baseline": Scenario(
        3, "damaged one", spoil=lambda _, baseline: edited(baseline, "values", "wiener", "map", to=float("nan"))
    ),
    "a baseline edited by hand": Scenario(
        3, "somebody changed it", spoil=lambda _, baseline: edited(baseline, "values", "wiener", "map", to=0.1)
    ),
    "a baseline forged with its checksum": Scenario(
        3, "its own matches give", spoil=lambda _, baseline: forged(baseline, "values", "wiener", "map", to=0.1)
    ),
    "a result edited by hand": Scenario(3, "says map 0.99 of arm 'wiener'", run={"values": {"map": 0.99}}),
    "harm edited by hand": Scenario(3, "says harm -0.5 of arm 'wiener'", run={"values": {"harm": -0.5}}),
    "detections that do not fit": Scenario(
        3, "its own matches give", spoil=lambda run, _: (run / "detections" / "wiener.json").write_text("[]")
    ),
    "detections of unknown pictures": Scenario(
        3, "image_id 77 is not in the truth",
        spoil=lambda run, _: edited(run / "detections" / "wiener.json", 0, "image_id", to=77),
    ),
    "a missing file in the run": Scenario(3, "truth.json", spoil=lambda run, _: (run / "truth.json").unlink()),
    "a truth without its parts": Scenario(3, "damaged", spoil=lambda run, _: (run / "truth.json").write_text("{}")),
    "a truth that is a list": Scenario(3, "damaged", spoil=lambda run, _: (run / "truth.json").write_text("[]")),
    "a truth of something else": Scenario(
        3, "damaged", spoil=lambda run, _: edited(run / "truth.json", "annotations", to=[3])
    ),
    "detections that are numbers": Scenario(
        3, "damaged", spoil=lambda run, _: (run / "detections" / "wiener.json").write_text("[3]")
    ),
    "a run with a picture missing": Scenario(3, "lacks pictures", spoil=lambda run, _: without_a_row(run)),
    "half a baseline": Scenario(
        3, "damaged one", spoil=lambda _, baseline: baseline.write_text(baseline.read_text()[:500])
    ),
    "damaged matches": Scenario(
        3, "damaged one",
        spoil=lambda _, baseline: forged(baseline, "evidence", "wiener", "outcomes", "zlib", to="AAAA"),
    ),
    "matches that would fill the memory": Scenario(
        3, "an array of 268,435,457 bytes",
        spoil=lambda _, baseline: forged(baseline, "evidence", "wiener", "outcomes", "shape", to=[2**28 + 1]),
    ),
    "matches of no size": Scenario(
        3, "an array of -1 bytes",
        spoil=lambda _, baseline: forged(baseline, "evidence", "wiener", "outcomes", "shape", to=[-1]),
    ),
    "a baseline that is something else": Scenario(
        3, "is no baseline", spoil=lambda _, baseline: baseline.write_text('{"wiener.map": 0.5}')
    ),
    "a baseline of no arms": Scenario(3, "no arm", spoil=lambda _, baseline: forged(baseline, "values", to={})),
    "a baseline of another format": Scenario(
        3, "detbench baseline 9", spoil=lambda _, baseline: forged(baseline, "format", to="detbench baseline 9")
    ),
}  # fmt: skip


def ended(monkeypatch: pytest.MonkeyPatch, *words: object) -> int:
    """The exit code of `detbench WORDS…`."""
    monkeypatch.setattr(sys, "argv", ["detbench", *map(str, words)])
    with pytest.raises(SystemExit) as stopped:
        main()
    return int(stopped.value.code or 0)


@pytest.mark.parametrize("name", SCENARIOS)
def test_scenario(
    name: str, job: Job, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each way that a run may stand to its baseline ends with its own exit code and says why."""
    scenario = SCENARIOS[name]
    run, before = job("run", **scenario.run), job("before", **scenario.baseline)
    baseline = tmp_path / "baseline.json"
    assert ended(monkeypatch, "baseline", before, "--out", baseline) == 0
    scenario.spoil(run, baseline)
    words = list(scenario.words)
    if scenario.rules is not None:
        (tmp_path / "rules.toml").write_text(scenario.rules)
        words += ["--rules", str(tmp_path / "rules.toml")]
    capsys.readouterr()
    code = ended(monkeypatch, "gate", run, "--baseline", baseline, *words)
    said = capsys.readouterr()
    text = " ".join((said.out + said.err).split())
    assert code == scenario.code, text
    assert scenario.said in text, text
    assert "Traceback" not in text
    assert (said.out == "") is (code > 1)


def test_a_run_folder_is_a_baseline_too(job: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two run folders can be compared without writing a baseline first."""
    run, worse = job("run"), job("worse", **FEWER_BUSES)
    assert ended(monkeypatch, "gate", run, "--baseline", run) == 0
    assert ended(monkeypatch, "gate", worse, "--baseline", run) == 1
