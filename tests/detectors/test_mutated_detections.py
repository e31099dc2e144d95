"""Recorded detections as people's tools write them: twelve numbers equal to pycocotools', or a refusal that helps.

The pictures, their boxes and what was found in them are drawn by `datasets/hand_written.py` and here; pycocotools
judges the drawing, detbench the file. Another number without a word is the one thing that is never right.
"""

import contextlib
import io
import json
import random
import runpy
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from detbench.datasets.opening import open_dataset
from detbench.errors import DetbenchError
from detbench.evaluation.request import RunSpec
from detbench.evaluation.run import run
from detbench.metrics.resampled import STAT_KEYS
from detbench.results.cache import Cache

HAND = runpy.run_path(str(Path(__file__).parents[1] / "datasets" / "hand_written.py"))
Record = dict[str, Any]


@dataclass
class Recording:
    """What a detector found in a drawn dataset, on its way to a file.

    `results` are COCO results, `meant` those that the author means; `shots` are the drawn pictures by image id.
    `files` are written beside `place`, the file or folder that is named; `encode` makes its bytes.
    """

    rng: random.Random
    shots: dict[int, Any]
    category_ids: dict[str, int]
    results: list[Record]
    meant: list[Record]
    place: str = "found.json"
    encode: Callable[[Any], bytes] = lambda document: json.dumps(document).encode()
    files: dict[str, bytes] | None = None


Change = Callable[[Recording], None]


@dataclass(frozen=True)
class Mutation:
    """A change of a recording of datasets of some formats, and whether it must be read or refused, or either."""

    name: str
    verdict: str
    change: Change
    forms: tuple[str, ...] = ("coco",)
    stem: Callable[[int, str], str] | None = None


def each(edit: Callable[[Record, Recording], object]) -> Change:
    """Edit every result."""

    def change(recording: Recording) -> None:
        for result in recording.results:
            edit(result, recording)

    return change


def both(change: Change) -> Change:
    """Change what is meant as well: the reading follows the file."""

    def changed(recording: Recording) -> None:
        change(recording)
        recording.meant = json.loads(json.dumps(recording.results))

    return changed


def encoded(encode: Callable[[Any], bytes]) -> Change:
    """Write the file in another way."""

    def change(recording: Recording) -> None:
        recording.encode = encode

    return change


def set_in(key: str, value: Callable[[Any], Any]) -> Change:
    """Another value for a key."""
    return each(lambda result, recording: result.update({key: value(result[key])}))


def boxes(by: Callable[[list[float], tuple[int, int]], list[float]]) -> Change:
    """Boxes in other terms; the function gets left, top, width, height and the picture's size."""
    return each(lambda r, recording: r.update(bbox=by(r["bbox"], recording.shots[r["image_id"]].size)))


def by_stem(recording: Recording) -> None:
    """ultralytics' image_id: the number that the stem is, else the stem."""
    for result in recording.results:
        stem = Path(recording.shots[result["image_id"]].name).stem
        result["image_id"] = int(stem) if stem.isnumeric() else stem


def with_file_name(recording: Recording) -> None:
    """ultralytics' predictions.json since 8.3: the file's name beside an image_id that is its stem."""
    for result in recording.results:
        result["file_name"] = Path(recording.shots[result["image_id"]].name).name
    by_stem(recording)


def in_folder(*others: tuple[str, bytes]) -> Change:
    """A folder with blurred.json, and other files in it."""

    def change(recording: Recording) -> None:
        recording.place = "detections"
        recording.files = {f"detections/{name}": content for name, content in others}

    return change


def reordered(recording: Recording) -> None:
    """Results in any order, keys backwards."""
    recording.rng.shuffle(recording.results)
    recording.results[:] = [dict(reversed(result.items())) for result in recording.results]


def crowded(recording: Recording) -> None:
    """More than a hundred boxes in a picture, of which only the surest count."""
    result = recording.results[0]
    recording.results += [{**result, "score": result["score"] * (0.5 + k / 400)} for k in range(130)]


def in_a_dataset_file(recording: Recording) -> None:
    """A whole instances file, its annotations with scores."""
    recording.encode = lambda results: json.dumps({"images": [], "annotations": results, "categories": []}).encode()


MAC = b"\0\5\x16\7\0\2\0\0Mac OS X        \xff\xfe"
EVERY = ("coco", "yolo", "voc")
WITHOUT_IDS = ("yolo", "voc")
"""Formats whose users know pictures by name alone: a number there is a name."""

NUMBERS = {"forms": EVERY, "stem": lambda i, s: str(i)}
PADDED = {"forms": EVERY, "stem": lambda i, s: f"{724 + 61 * i:012d}"}
MUTATIONS = (
    Mutation("as it is", "read", lambda r: None),
    Mutation("as it is, where nobody knows the numbers", "refuse", lambda r: None, WITHOUT_IDS),
    Mutation("another order", "read", reordered),
    Mutation("more keys", "read", each(lambda r, _: r.update(id=7, area=3.5, segmentation=[], iscrowd=0))),
    Mutation("the pictures' names", "read", each(lambda r, a: r.update(file_name=a.shots[r["image_id"]].name)), EVERY),
    Mutation("whole boxes", "read", both(boxes(lambda b, _: [*map(round, b)]))),
    Mutation("rounded scores", "read", both(set_in("score", lambda s: round(s, 1)))),
    Mutation("one score", "read", both(set_in("score", lambda s: 1))),
    Mutation("scores of 0", "read", both(set_in("score", lambda s: 0))),
    Mutation("boxes a little outside", "read", both(boxes(lambda b, s: [b[0] - 2.5, b[1], b[2] + 6, b[3]]))),
    Mutation("empty boxes", "read", both(boxes(lambda b, s: [*b[:3], 0]))),
    Mutation("crowded", "read", both(crowded)),
    Mutation("none in a picture", "read", both(lambda r: r.results.__delitem__(slice(0, 3)))),
    Mutation("indented", "read", encoded(lambda d: json.dumps(d, indent=4).replace("\n", "\r\n").encode())),
    Mutation("byte order mark", "read", encoded(lambda d: json.dumps(d).encode("utf-8-sig"))),
    Mutation("a folder", "read", in_folder()),
    Mutation(
        "._ and hidden files", "read", in_folder(("._blurred.json", MAC), (".DS_Store", b"\0"), (".x.json", b"["))
    ),
    Mutation("other files", "read", in_folder(("README.txt", b"x"), ("old.csv", b"1"), ("sub/blurred.json", b"["))),
    Mutation("names and stems", "read", with_file_name, EVERY),
    Mutation("names and numbers as stems", "read", with_file_name, **NUMBERS),
    Mutation("names and padded numbers", "read", with_file_name, **PADDED),
    Mutation("names and numbers backwards", "read", with_file_name, EVERY, lambda i, s: str(9 - i)),
    Mutation("stems", "either", by_stem, EVERY),
    Mutation("numbers as stems", "either", by_stem, WITHOUT_IDS, lambda i, s: str(i)),
    Mutation("padded numbers as stems", "either", by_stem, **PADDED),
    Mutation("numbers backwards", "either", by_stem, WITHOUT_IDS, lambda i, s: str(6 - i)),
    Mutation("stems in folders", "either", by_stem, EVERY, lambda i, s: f"cam{i}/frame"),
    Mutation("names in folders", "either", with_file_name, EVERY, lambda i, s: f"cam{i}/{s}"),
    Mutation("file names as ids", "either", each(lambda r, a: r.update(image_id=a.shots[r["image_id"]].name)), EVERY),
    Mutation("ids as text", "either", set_in("image_id", str), EVERY),
    Mutation("floating ids", "either", set_in("image_id", float), EVERY),
    Mutation("floating classes", "either", set_in("category_id", float), EVERY),
    Mutation("classes as text", "either", set_in("category_id", str), EVERY),
    Mutation("classes from 0", "either", set_in("category_id", lambda i: i - 1), EVERY),
    Mutation("class names", "either", each(lambda r, a: r.update(category_id=name_of(a, r["category_id"]))), EVERY),
    Mutation("corners", "either", boxes(lambda b, s: [b[0], b[1], b[0] + b[2], b[1] + b[3]]), EVERY),
    Mutation("shares", "either", boxes(lambda b, s: [v / s[k % 2] for k, v in enumerate(b)]), EVERY),
    Mutation("percent", "either", boxes(lambda b, s: [100 * v / s[k % 2] for k, v in enumerate(b)]), EVERY),
    Mutation("thousandths", "either", boxes(lambda b, s: [1000 * v / s[k % 2] for k, v in enumerate(b)]), EVERY),
    Mutation("pictures of 640", "either", boxes(lambda b, s: [v * 640 / max(s) for v in b]), EVERY),
    Mutation("twice the size", "either", boxes(lambda b, s: [v * 2 for v in b]), EVERY),
    Mutation("rows before columns", "either", boxes(lambda b, s: [b[1], b[0], b[3], b[2]]), EVERY),
    Mutation("boxes as text", "either", boxes(lambda b, s: [*map(str, b)])),
    Mutation("boxes as dictionaries", "either", boxes(lambda b, s: dict(zip("xywh", b, strict=True)))),
    Mutation("scores as text", "either", set_in("score", str), EVERY),
    Mutation("scores in percent", "either", set_in("score", lambda s: s * 100), EVERY),
    Mutation("scores as logits", "either", set_in("score", lambda s: float(np.log(s / (1 - s)))), EVERY),
    Mutation("scores true", "either", set_in("score", lambda s: True)),
    Mutation("conf instead of score", "either", each(lambda r, _: r.update(conf=r.pop("score")))),
    Mutation("no scores", "either", each(lambda r, _: r.pop("score"))),
    Mutation("all twice", "either", both(lambda r: r.results.extend([*r.results])), EVERY),
    Mutation("an instances file", "either", in_a_dataset_file),
    Mutation("a line each", "either", encoded(lambda d: "".join(json.dumps(r) + "\n" for r in d).encode())),
    Mutation("UTF-16", "either", encoded(lambda d: json.dumps(d).encode("utf-16"))),
    Mutation("nothing found", "either", both(lambda r: r.results.clear())),
    Mutation("unknown pictures", "either", lambda r: r.results.append({**r.results[0], "image_id": 4001}), EVERY),
    Mutation("unknown classes", "either", lambda r: r.results.append({**r.results[0], "category_id": 77}), EVERY),
    Mutation("NaN", "refuse", lambda r: r.results[0].update(score=float("nan"))),
    Mutation("NaN in a box", "refuse", lambda r: r.results[0]["bbox"].__setitem__(0, float("nan"))),
    Mutation("no boxes", "refuse", each(lambda r, _: r.pop("bbox"))),
    Mutation("negative sizes", "refuse", boxes(lambda b, s: [b[0], b[1], -b[2], b[3]])),
    Mutation("three numbers a box", "refuse", boxes(lambda b, s: b[:3])),
    Mutation("cut", "refuse", encoded(lambda d: json.dumps(d).encode()[:-20])),
    Mutation("empty", "refuse", encoded(lambda d: b"")),
    Mutation("null", "refuse", encoded(lambda d: b"null")),
    Mutation("zipped", "refuse", encoded(lambda d: b"\x1f\x8b\x08" + bytes(40))),
)


def name_of(recording: Recording, category_id: int) -> str:
    """The class of an id."""
    return next(name for name, number in recording.category_ids.items() if number == category_id)


def draw(form: str, seed: int, stem: Callable[[int, str], str] | None, folder: Path) -> Recording:
    """A drawn dataset on disk, and what an imperfect detector found in it; the picture in front has no object.

    Found are most true boxes, moved a little, and some that are none; scores are all different.
    """
    draft = HAND["draw"](form, seed)
    draft.shots.sort(key=lambda shot: len(shot.boxes) > 0)
    if stem:
        draft.shots = [replace(shot, stem=stem(index, shot.stem)) for index, shot in enumerate(draft.shots)]
    draft.document = HAND["document_of"](draft)
    HAND["render"](draft)
    HAND["put"](draft, folder)
    dataset = open_dataset(str(folder))
    by_key = {shot.key: shot for shot in draft.shots}
    shots = {sample.id: by_key[sample.blurred.sha256] for sample in dataset}
    category_ids = {name: number for number, name in dataset.classes.items()}
    results = [found for image_id in shots for found in _found(draft.rng, shots[image_id], image_id, category_ids)]
    return Recording(draft.rng, shots, category_ids, results, json.loads(json.dumps(results)))


def _found(rng: random.Random, shot: Any, image_id: int, category_ids: dict[str, int]) -> list[Record]:
    found = []
    for box in shot.boxes:
        wrong = rng.random() < 0.15
        category = rng.choice([*category_ids.values()]) if wrong else category_ids[box.name]
        left, top, width, height = box.xywh
        moved = [left + rng.uniform(-1, 1), top + rng.uniform(-1, 1), width * rng.uniform(0.8, 1.02), height]
        score = round(rng.uniform(0.05, 0.99), 6)
        found.append({"image_id": image_id, "category_id": category, "bbox": moved, "score": score})
    return found + [{**each, "score": each["score"] / 3, "bbox": [1, 1, 12, 9]} for each in found[:1]]


def written(recording: Recording, folder: Path) -> Path:
    """The file or folder of a recording."""
    folder.mkdir()
    for name, content in (recording.files or {}).items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    place = folder / recording.place
    file = place if place.suffix else place / "blurred.json"
    file.parent.mkdir(exist_ok=True)
    file.write_bytes(recording.encode(recording.results))
    return place


def numbers_meant(recording: Recording) -> list[float | None]:
    """pycocotools' twelve numbers of what was meant, on what was drawn."""
    images, annotations = [], []
    for image_id, shot in recording.shots.items():
        images.append({"id": image_id, "width": shot.size[0], "height": shot.size[1]})
        for box in shot.boxes:
            area = box.xywh[2] * box.xywh[3] if box.area is None else box.area
            record = {"id": len(annotations) + 1, "image_id": image_id, "bbox": [*box.xywh], "area": area}
            annotations.append(record | {"category_id": recording.category_ids[box.name], "iscrowd": int(box.crowd)})
    truth, found = COCO(), recording.meant
    truth.dataset = {"images": images, "annotations": annotations, "categories": _categories(recording)}
    with contextlib.redirect_stdout(io.StringIO()):
        truth.createIndex()
        judge = COCOeval(truth, truth.loadRes(found) if found else COCO(), "bbox")
        judge.params.imgIds, judge.params.catIds = sorted(recording.shots), sorted(recording.category_ids.values())
        judge.evaluate()
        judge.accumulate()
        judge.summarize()
    return [None if value == -1 else float(value) for value in judge.stats]


def _categories(recording: Recording) -> list[Record]:
    return [{"id": number, "name": name} for name, number in recording.category_ids.items()]


def numbers_of(place: Path, dataset: Path, out: Path) -> tuple[list[float | None], tuple[str, ...]]:
    """detbench's twelve numbers, and the notes of the run."""
    spec = RunSpec(str(dataset), ("identity",), f"recorded:{place}", resamples=0)
    result = run(spec, out / "run", Cache(out / "cache"), lambda *_: None)
    arm = next(arm for arm in result.arms if arm.name == "blurred")
    return [arm.metrics[key].value for key in STAT_KEYS], result.data.notes


def verdict_on(mutation: Mutation, form: str, seed: int, folder: Path) -> tuple[str, str]:
    """`right`, or what is wrong with what became of a recording, and a word on it."""
    recording = draw(form, seed, mutation.stem, folder / "streets")
    mutation.change(recording)
    place = written(recording, folder / "recorded")
    meant = numbers_meant(recording) if mutation.verdict != "refuse" else []
    try:
        numbers, notes = numbers_of(place, folder / "streets", folder)
    except DetbenchError as error:
        if recording.place not in str(error):
            return "refused without a file", str(error)
        return ("unnecessary refusal" if mutation.verdict == "read" else "right"), str(error)
    except Exception as error:
        return "foreign exception", f"{type(error).__name__}: {error}"
    if mutation.verdict == "refuse":
        return "read, and must be refused", ""
    if all(one == other or abs(one - other) < 1e-9 for one, other in zip(numbers, meant, strict=True)):
        return "right", ""
    return ("wrong numbers with a note" if notes else "silent wrong numbers"), f"{numbers}, meant are {meant}, {notes}"


CASES = [
    pytest.param(mutation, form, seed, id=f"{form}: {mutation.name} ({seed})")
    for mutation in MUTATIONS
    for form in mutation.forms
    for seed in range(1)
]


@pytest.mark.parametrize(("mutation", "form", "seed"), CASES)
def test_recorded_detections_score_as_meant_or_are_refused(
    mutation: Mutation, form: str, seed: int, tmp_path: Path
) -> None:
    """pycocotools' numbers to 1e-9 of what the author means, or a message that names the file."""
    kind, words = verdict_on(mutation, form, seed, tmp_path)
    assert kind == "right", f"{kind}: {words}"
