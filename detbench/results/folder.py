"""A run's folder on disk: where each file lies, how it is written, and how it is read again.

    request.json           what the run was asked for, written before its first picture (see results/request_file.py)
    result.json            the whole RunResult
    metrics.json           "<arm>.<metric>": number or null
    truth.json             the true boxes that were scored, COCO instances format
    detections/<arm>.json  COCO results format; `sharp+<deblurrer>` is the deblurrer run on sharp pictures, those
                           that `harm_ids` in result.json names, or all
    analysis.json          each arm's errors by kind, mAP by class and blur, curves (see evaluation/score/analysis.py)
    over_time.json         of a video: flicker, drop-outs, dropped frames (see results/over_time_schema.py)
    images.csv             one row per picture and arm
    flips.csv              one row per true box that one arm finds and another misses
    pictures/<digest>.jpg  the pictures that the report shows, blur kernels among them, named in images.csv
    report.html, summary.md
    tensorboard/           the run's numbers for TensorBoard, where they were asked for (see report/trackers.py)

`result.json` is written last of what is measured: where it is, the files that it refers to are complete.
"""

import csv
import io
import json
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from PIL import Image as PillowImage

from detbench.core.images import check_writable, remove_unfinished, write_atomically
from detbench.core.streamed_json import indented_pieces
from detbench.errors import DataError, OutputError
from detbench.metrics.coco_text import found_columns_of, true_columns_of
from detbench.metrics.columns import FoundColumns, TrueColumns, joined
from detbench.results.over_time_schema import OverTime, over_time_from_json
from detbench.results.schema import RunResult, flat_metrics, result_from_json, result_to_json
from detbench.types import Picture

if TYPE_CHECKING:
    import pandas as pd

REQUEST = "request.json"
TENSORBOARD = "tensorboard"
RUN_NAMES = frozenset(
    {
        REQUEST,
        "result.json",
        "metrics.json",
        "truth.json",
        "detections",
        "analysis.json",
        "over_time.json",
        "images.csv",
        "flips.csv",
        "pictures",
        "report.html",
        "summary.md",
        TENSORBOARD,
    }
)
"""The files and folders of a run's folder."""

_JPEG_QUALITY = 90
_BLOCK = 1 << 20
_FLIPS = ["arm", "against", "image_id", "annotation_id", "class", "change"]


@dataclass(frozen=True)
class RunFolder:
    """The files of one run."""

    path: Path

    def check_writable(self) -> None:
        """Raise OutputError unless this is a new folder, an empty one or an earlier run's, and can be written."""
        check_own_folder(self.path, RUN_NAMES)

    def _inner_folders(self) -> tuple[Path, ...]:
        return self.path / "detections", self.path / "pictures"

    def reopen(self) -> None:
        """Take away an earlier run's result, whose numbers would belong to files that are about to change, and what an
        interrupted run left half written.
        """
        for name in ("result.json", "metrics.json", "report.html", "summary.md"):
            (self.path / name).unlink(missing_ok=True)
        shutil.rmtree(self.path / TENSORBOARD, ignore_errors=True)
        for folder in (self.path, *self._inner_folders()):
            remove_unfinished(folder)

    def write_json(self, name: str, value: Any) -> None:
        """Write one JSON file, keys in the order given, one number always as the same text."""
        pieces = json.JSONEncoder(indent=1, allow_nan=False).iterencode(value)  # the whole text may be a large one
        write_atomically(self.path / name, chain(pieces, "\n"))

    def write_document(self, name: str, document: Mapping[str, Any]) -> None:
        """The same of a document whose lists may be iterators of records."""
        write_atomically(self.path / name, chain(indented_pieces(document), "\n"))

    def write_over_time(self, over_time: OverTime | None) -> None:
        """Write `over_time.json`, or remove an earlier run's where the pictures are no frames of a video."""
        if over_time is None:
            (self.path / "over_time.json").unlink(missing_ok=True)
        else:
            self.write_json("over_time.json", asdict(over_time))

    def read_over_time(self) -> OverTime | None:
        """What `over_time.json` holds, None where there is none; raises DataError where it is damaged."""
        path = self.path / "over_time.json"
        return over_time_from_json(_read_json(path), str(path)) if path.is_file() else None

    def write_results(self, result: RunResult) -> None:
        """Write the headline numbers and, last of all, the result that says the run is whole."""
        self.write_json("metrics.json", flat_metrics(result))
        self.write_json("result.json", result_to_json(result))

    def write_detections(self, by_arm: Mapping[str, Iterable[str]]) -> None:
        """Write each arm's COCO results (JSON text in pieces) and remove those that an earlier run left."""
        for arm, text in by_arm.items():
            write_atomically(self.path / "detections" / f"{arm}.json", text)
        for file in (self.path / "detections").glob("*.json"):
            if file.stem not in by_arm:
                file.unlink(missing_ok=True)

    def write_images(self, rows: Iterable[Mapping[str, Any]]) -> None:
        """Write `images.csv`; the rows are gone through twice."""
        columns = dict.fromkeys(chain.from_iterable(rows))  # not every arm's rows have all metrics
        write_atomically(self.path / "images.csv", _csv_lines(rows, list(columns)))

    def write_flips(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """Write `flips.csv`; its columns are there without rows too."""
        write_atomically(self.path / "flips.csv", _csv_lines(rows, _FLIPS))

    def keep_shown(self, picture: Picture) -> str:
        """Keep a JPEG of a shown picture, once whatever arms share it; returns its path within the folder."""
        name = shown_name(picture)
        if not (self.path / name).exists():
            write_atomically(self.path / name, shown_jpeg(picture))
        return name

    def prune_pictures(self, keep: set[str]) -> None:
        """Remove all pictures but those to keep: what an earlier run of this name showed."""
        for file in (self.path / "pictures").glob("*.jpg"):
            if f"pictures/{file.name}" not in keep:
                file.unlink(missing_ok=True)

    def read_result(self) -> RunResult:
        """The run's result; raises DataError where the folder holds no finished run."""
        return read_result(self.path / "result.json")

    def read_json(self, name: str) -> Any:
        """One of the folder's JSON files; raises DataError where it is missing or damaged."""
        return _read_json(self.path / name)

    def read_detections(self, arm: str) -> Iterator[list[dict[str, Any]]]:
        """An arm's COCO results, some thousand at a time; raises DataError where their file is missing or damaged."""
        path = self.path / "detections" / f"{arm}.json"
        with _damage_reported(path), path.open("rb") as stream:
            for text in _whole_records(stream):
                records = _parsed(text)
                if not isinstance(records, list):
                    raise DataError(f"{path}: holds no list; run `detbench run` again")
                yield records

    def read_truth(self) -> TrueColumns:
        """The true boxes that were scored; raises DataError where their file is missing or damaged."""
        path = self.path / "truth.json"
        with _damage_reported(path):
            return true_columns_of(path.read_bytes())

    def read_found(self, arm: str, truth: TrueColumns) -> FoundColumns:
        """All boxes of an arm; raises DataError where their file is missing, damaged, or not of this truth."""
        path = self.path / "detections" / f"{arm}.json"
        with _damage_reported(path), path.open("rb") as stream:
            return joined(found_columns_of(text, truth) for text in _whole_records(stream))

    def read_images(self) -> "pd.DataFrame":
        """The rows of `images.csv`; raises DataError where it is missing or damaged."""
        return _read_csv(self.path / "images.csv", ("file_name", "arm", "picture"))

    def read_flips(self) -> "pd.DataFrame":
        """The rows of `flips.csv`; raises DataError where it is missing or damaged."""
        return _read_csv(self.path / "flips.csv", ("arm", "against", "class", "change"))


def check_own_folder(path: Path, own_names: Set[str]) -> None:
    """Raise OutputError unless the folder is new, empty, or holds nothing but `own_names`, and can be written."""
    if path.is_dir():
        foreign = sorted(item.name for item in path.iterdir() if item.name not in own_names)
        foreign = [name for name in foreign if not name.startswith(".")]
        if foreign:
            raise OutputError(f"{path} holds other files ({foreign[0]}, …): choose another --out or --name")
    for inner in (path / name for name in own_names):
        if inner.is_symlink() and inner.is_dir():  # files are removed there
            raise OutputError(f"{inner} leads elsewhere: remove the link, or choose another --out or --name")
    check_writable(path)


def shown_name(picture: Picture) -> str:
    """Where a shown picture's JPEG lies within a folder."""
    return f"pictures/{picture.sha256[:16]}.jpg"


def shown_jpeg(picture: Picture) -> bytes:
    """A shown picture as the bytes of a JPEG."""
    stream = io.BytesIO()
    PillowImage.fromarray(picture.load()).save(stream, format="JPEG", quality=_JPEG_QUALITY)
    return stream.getvalue()


def read_result(path: Path) -> RunResult:
    """A RunResult from a `result.json`; raises DataError for anything else."""
    return result_from_json(_read_json(path), str(path))


def _csv_lines(rows: Iterable[Mapping[str, Any]], columns: Sequence[str]) -> Iterator[str]:
    """Rows under their columns; a value that is None or not there is an empty field."""
    line = io.StringIO()
    writer = csv.DictWriter(line, columns, lineterminator="\n")
    for row in chain([dict(zip(columns, columns, strict=True))], rows):
        writer.writerow(row)
        yield line.getvalue()
        line.seek(0)
        line.truncate()


def _read_csv(path: Path, texts: Sequence[str]) -> "pd.DataFrame":
    import pandas as pd

    try:
        # As bytes: of a path, pandas takes a folder called ~ for the home. Only an empty field is missing: a picture
        # may well be called "None".
        table = pd.read_csv(
            io.BytesIO(path.read_bytes()), dtype=dict.fromkeys(texts, str), keep_default_na=False, na_values=[""]
        )
    except (OSError, ValueError) as error:
        raise DataError(f"{path}: {error}; run `detbench run` again") from error
    missing = [name for name in texts if name not in table]
    if missing:
        raise DataError(f"{path}: has no column {missing[0]!r}; run `detbench run` again")
    return table


def _whole_records(stream: BinaryIO) -> Iterator[bytes]:
    """The list of flat objects that a JSON file is, as lists of so many that fill a block."""
    begun, rest = b"", b""
    while block := stream.read(_BLOCK):
        rest += block
        head, cut, tail = rest.rpartition(b"},{")
        if cut:
            yield begun + head + b"}]"
            begun, rest = b"[", b"{" + tail
    yield begun + rest


def _read_json(path: Path) -> Any:
    with _damage_reported(path):
        return _parsed(path.read_bytes())


@contextmanager
def _damage_reported(path: Path) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError:
        raise DataError(f"{path}: no such file; a run folder is what `detbench run` printed last") from None
    except NotADirectoryError:
        raise DataError(f"{path.parent}: a file; name the folder of its run, {path.parent.parent}") from None
    except (OSError, ValueError, RecursionError) as error:
        raise DataError(f"{path}: cannot be read ({error}); run `detbench run` again") from error


def _parsed(content: bytes) -> Any:
    """JSON; raises ValueError also for halves of characters, which no page could hold."""
    document = json.loads(content)
    if b"\\ud" in content.lower():
        json.dumps(document, ensure_ascii=False).encode()
    return document
