import json
from dataclasses import replace
from pathlib import Path

import pytest

from detbench.errors import OutputError, UsageError
from detbench.results.folder import RUN_NAMES
from detbench.results.request_file import Request, Source, claim_folder, read_request, specified

SPECIFICATION = {
    "dataset": "val",
    "detector": "best",
    "blur": {"kind": "trajectory", "seed": 3},
    "truth": "labels",
    "limit": None,
    "harm": "sample",
    "precision": "fp32",
    "resamples": 1000,
    "device": "cpu",
    "deblurrers": ["nafnet"],
}
REQUEST = Request(SPECIFICATION, Source("/a/val"), Source("/a/best.pt", "c0ffee"), {"nafnet": Source("/a/n", "decade")})


def claim(folder: Path, request: Request, *, overwrite: bool = False) -> None:
    """Claim a run's folder."""
    claim_folder(folder, RUN_NAMES, request, overwrite=overwrite)


def test_a_request_is_read_as_it_was_written(tmp_path: Path) -> None:
    """The folder is made with nothing but the request in it, which comes back whole."""
    claim(tmp_path / "run", REQUEST)
    assert [path.name for path in (tmp_path / "run").iterdir()] == ["request.json"]
    assert read_request(tmp_path / "run") == REQUEST


@pytest.mark.parametrize(
    "goes_on",
    [
        REQUEST,
        replace(REQUEST, specification={**SPECIFICATION, "device": "cuda"}),
        replace(REQUEST, deblurrers={"wiener": Source("w"), **REQUEST.deblurrers}),
        replace(REQUEST, detector=Source("/moved/best.pt", "c0ffee")),
        replace(REQUEST, detector=Source("/a/best.pt", "trained again")),
        specified(SPECIFICATION),
    ],
    ids=["same", "device", "more deblurrers", "moved weights", "new weights", "nothing known"],
)
def test_the_same_request_goes_on(tmp_path: Path, goes_on: Request) -> None:
    """On another device, with more deblurrers, with the same weights elsewhere or newer ones in their place."""
    claim(tmp_path, REQUEST)
    (tmp_path / "result.json").write_text("{}")
    claim(tmp_path, goes_on)
    assert (tmp_path / "result.json").exists()
    assert read_request(tmp_path) == goes_on


@pytest.mark.parametrize(
    ("other", "difference"),
    [
        (replace(REQUEST, specification={**SPECIFICATION, "limit": 9}), "its limit is None, not 9"),
        (replace(REQUEST, specification={**SPECIFICATION, "harm": "all"}), "its harm is 'sample', not 'all'"),
        (replace(REQUEST, specification={**SPECIFICATION, "blur": None}), "'seed': 3}, not None"),
        (replace(REQUEST, dataset=Source("/b/val")), "its dataset is that of /a/val"),
        (replace(REQUEST, detector=Source("/b/best.pt", "other")), "its detector is that of /a/best.pt"),
        (replace(REQUEST, deblurrers={"nafnet": Source("/b/n", "x")}), "its deblurrer nafnet is that of /a/n"),
        (replace(REQUEST, deblurrers={}), "it has nafnet too"),
    ],
)
def test_another_request_is_refused(tmp_path: Path, other: Request, difference: str) -> None:
    """The message says what differs; with `overwrite` nothing of the earlier run is left."""
    claim(tmp_path, REQUEST)
    (tmp_path / "result.json").write_text("{}")
    with pytest.raises(UsageError, match=r"holds another run: .*--overwrite") as refused:
        claim(tmp_path, other)
    assert difference in str(refused.value)
    assert read_request(tmp_path) == REQUEST
    claim(tmp_path, other, overwrite=True)
    assert [path.name for path in tmp_path.iterdir()] == ["request.json"]


def test_a_run_without_the_file_counts_by_its_result(tmp_path: Path) -> None:
    """A specification of fewer keys, as earlier versions wrote, is compared in those that it has."""
    older = {"dataset": "val", "limit": 9, "deblurrers": ["nafnet"]}
    (tmp_path / "result.json").write_text(json.dumps({"specification": older}))
    assert read_request(tmp_path) == specified(older)
    with pytest.raises(UsageError, match="its limit is 9, not None"):
        claim(tmp_path, REQUEST)


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"specification": 7}', '{"deblurrers": []}'])
def test_a_damaged_file_tells_nothing(tmp_path: Path, content: str) -> None:
    """What an interrupted or foreign writer left is taken for no request."""
    for name in ("request.json", "result.json"):
        (tmp_path / name).write_text(content)
    assert read_request(tmp_path) is None
    claim(tmp_path, REQUEST)


def test_foreign_files_are_never_overwritten(tmp_path: Path) -> None:
    """Neither with nor without `overwrite` is a folder taken that holds anything else."""
    (tmp_path / "thesis.tex").write_text("mine")
    for overwrite in (False, True):
        with pytest.raises(OutputError, match=r"thesis\.tex"):
            claim(tmp_path, REQUEST, overwrite=overwrite)
