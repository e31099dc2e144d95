from dataclasses import asdict, replace
from pathlib import Path

import pytest

from detbench.errors import DataError
from detbench.results.folder import RunFolder
from detbench.results.over_time_schema import ArmOverTime, OverTime, over_time_from_json

ARM = ArmOverTime(1.5, None, 1, 4, 0.5, 0.5, 0.25, (1.0, None), (40.0, 60.0), (None, 1.5), (False, True))
FOUND = OverTime(30.0, (7, 9), (0,), "blurred", {"wiener": ARM})


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    """Every value comes back, and a run of no video takes an earlier one's file away."""
    folder = RunFolder(tmp_path)
    assert folder.read_over_time() is None
    folder.write_over_time(FOUND)
    assert folder.read_over_time() == FOUND
    folder.write_over_time(None)
    assert list(tmp_path.iterdir()) == []


def test_damage_is_named() -> None:
    """A share above 1, and columns that are not as long as the clip, are errors of the file."""
    for damaged in (replace(ARM, late_share=1.5), replace(ARM, found=(1.0,))):
        with pytest.raises(DataError, match=r"over_time\.json: damaged"):
            over_time_from_json(asdict(replace(FOUND, arms={"wiener": damaged})), "over_time.json")
