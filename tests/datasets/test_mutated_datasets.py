"""Whole datasets as people's tools change them: each is read as it was drawn, or refused in a message that helps.

The drawing is the judge: `hand_written.py` knows every box, and `mutations.py` what may become of it. A reading that
differs without a word is the one thing that is never right.
"""

import re
import runpy
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from detbench.datasets.opening import open_dataset
from detbench.errors import DetbenchError
from detbench.types import Dataset

MUTATIONS = runpy.run_path(str(Path(__file__).with_name("mutations.py")))
HAND = MUTATIONS["HAND"]
SINGLES = MUTATIONS["single_cases"]()
COMBINED = [*MUTATIONS["chosen_cases"](), *MUTATIONS["combined_cases"](150, seed=7)]

REMEDY = re.compile(
    r"\b(add|align|annotate|choose|convert|correct|delete|divide|drop|export|fetch|fix|give|leave|list|make|mend|move|multiply|"
    r"must|name|number|needs?|point|put|remove|rename|renumber|replace|restore|save|say|separate|set|swap|take|use|"
    r"write|has one|a box has|begins with)\b",
    re.IGNORECASE,
)
"""A message that helps says what to do."""

Reading = dict[str, list[tuple[Any, ...]]]
"""By the digest of each picture: class, crowd, corners, area of its boxes, sorted."""


def drawn(shots: Any) -> Reading:
    """What was drawn."""
    return {shot.key: sorted(_row(box) for box in shot.boxes) for shot in shots}


def _row(box: Any) -> tuple[Any, ...]:
    left, top, width, height = box.xywh
    area = width * height if box.area is None else box.area
    return _plain(box.name), box.crowd, *(round(v, 6) for v in (left, top, left + width, top + height, area))


def read(dataset: Dataset) -> Reading:
    """What a reader made of it."""
    found = {}
    for sample in dataset:
        truth = sample.truth
        columns = zip(truth.labels.tolist(), truth.crowd.tolist(), truth.boxes, truth.areas.tolist(), strict=True)
        rows = [
            (_plain(dataset.classes[label]), crowd, *(round(float(v), 6) for v in (*box, area)))
            for label, crowd, box, area in columns
        ]
        again = " again" * (sample.blurred.sha256 in found)
        found[sample.blurred.sha256 + again] = sorted(rows)
    return found


def _plain(name: str) -> str:
    return name.strip()


def fault_of(expected: Reading, found: Reading) -> str | None:
    """What differs between two readings; None where they are the same to 1e-5 px."""
    if found.keys() != expected.keys():
        lost, new = len(expected.keys() - found.keys()), len(found.keys() - expected.keys())
        return f"{lost} of {len(expected)} pictures lost, {new} that were not drawn"
    for key, rows in expected.items():
        if [row[:2] for row in rows] != [row[:2] for row in found[key]]:
            return f"a picture has {[row[:2] for row in found[key]]}, drawn were {[row[:2] for row in rows]}"
        numbers = [np.array([row[2:] for row in each]) for each in (rows, found[key])]
        if not np.allclose(*numbers, rtol=0, atol=1e-5):
            return f"boxes are\n{numbers[1]}\ndrawn were\n{numbers[0]}"
    return None


def is_right_with_a_note(draft: Any, found: Reading) -> bool:
    """Whether a reading is right where a note says so: spoiled pictures left out, doubtful boxes clipped or dropped."""
    expected = drawn(draft.shots)
    rest = {key: rows for key, rows in expected.items() if key in found}
    others = [rest] * draft.is_cut + [drawn(shots) for shots in draft.other_readings]
    return any(fault_of(other, found) is None for other in others)


def names_in(folder: Path) -> set[str]:
    """The names of everything in a dataset, and of its own folder."""
    paths = (path.relative_to(folder.parent) for path in folder.rglob("*"))
    return {folder.name} | {part for path in paths for part in (path.name, path.stem)}


def outcome(case: Any, folder: Path) -> tuple[str, str]:
    """What becomes of a case: `read`, `refused`, or what is wrong, with a word on it."""
    draft = case.draft()
    HAND["put"](draft, folder)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            dataset = open_dataset(f"{draft.prefix}{folder}{draft.opened}")
            found = read(dataset)
            for sample in dataset:
                sample.blurred.load()
    except DetbenchError as error:
        return judged_message(str(error), folder)
    except Exception as error:
        return "foreign exception", f"{type(error).__name__}: {error}"
    fault = fault_of(drawn(draft.shots), found)
    has_notes = bool(getattr(dataset, "notes", ()))
    if fault is None or (has_notes and is_right_with_a_note(draft, found)):
        return "read", ""
    return ("wrong reading with a note" if has_notes else "silent wrong reading"), fault


def judged_message(message: str, folder: Path) -> tuple[str, str]:
    """`refused` for a message that names a file of the dataset and says what to do."""
    known = [name for name in names_in(folder) if len(name) > 1]
    if not any(name in message for name in known):
        return "refused without a file", message
    return ("refused", message) if REMEDY.search(message) else ("refused without a remedy", message)


def verdict_on(case: Any, tmp_path: Path) -> tuple[str, str]:
    """`right`, or what is wrong with what became of a case."""
    folder = tmp_path / "streets"
    kind, words = outcome(case, folder)
    if kind == "read":
        return ("right", "") if case.verdict != "refuse" else ("read, and must be refused", "")
    if kind == "refused":
        return ("right", words) if case.verdict != "read" else ("unnecessary refusal", words)
    return kind, words


@pytest.mark.parametrize("case", SINGLES, ids=str)
def test_a_mutation_is_read_as_drawn_or_refused(case: Any, tmp_path: Path) -> None:
    """Each mutation alone: the boxes that were drawn, or a refusal where that is right."""
    kind, words = verdict_on(case, tmp_path)
    assert kind == "right", f"{kind}: {words}"


@pytest.mark.parametrize("case", COMBINED, ids=str)
def test_mutations_together_are_read_as_drawn_or_refused(case: Any, tmp_path: Path) -> None:
    """Two or three mutations of different kinds at once: what is read alone is read together."""
    kind, words = verdict_on(case, tmp_path)
    assert kind == "right", f"{kind}: {words}"
