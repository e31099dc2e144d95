"""Small datasets whose boxes are known because they are drawn here, and writers of COCO, YOLO and VOC of their own.

Nothing of detbench writes them: what a reader makes of the files is held against what was drawn. A Draft is a dataset
on its way to the disk: drawn pictures, then a document, then files, then a folder; `mutations.py` changes it at each
of these steps.
"""

import hashlib
import io
import json
import random
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

import numpy as np
import yaml
from PIL import Image as PillowImage

CLASSES = ("car", "bus", "traffic light", "person")
FORMATS = {".jpg": "JPEG", ".jpeg": "JPEG", ".tif": "TIFF", ".tiff": "TIFF", ".bmp": "BMP", ".webp": "WEBP"}
"""What Pillow calls the format of a suffix; all others are PNG."""


@dataclass(frozen=True)
class Box:
    """An object as it was drawn: left, top, width and height in pixels; COCO's `area` is its outline's."""

    name: str
    xywh: tuple[float, float, float, float]
    crowd: bool = False
    area: float | None = None


@dataclass(frozen=True)
class Shot:
    """A picture as it was drawn; `stem` may hold folders, `data` are the bytes of its file."""

    stem: str
    suffix: str
    size: tuple[int, int]
    boxes: tuple[Box, ...]
    data: bytes

    @property
    def name(self) -> str:
        """The picture's path below the folder of pictures."""
        return self.stem + self.suffix

    @property
    def key(self) -> str:
        """The digest of the picture's file, by which it is found again among a dataset's samples."""
        return hashlib.sha256(self.data).hexdigest()


@dataclass
class Draft:
    """A dataset of one format on its way to the disk.

    `document` is COCO's dictionary, YOLO's `{"yaml": …, "labels": {index of the shot: lines}}` or VOC's
    `{index of the shot: XML}`. `moves` rename the beginnings of paths once the files are written, `opened` and
    `prefix` stand behind and before the folder in the word that opens the dataset. `encode` makes bytes of annotations,
    `after` changes the folder once it is written. `is_cut`: spoiled pictures may be left out, `other_readings` may take
    the place of the drawing; either needs a note.
    """

    form: str
    rng: random.Random
    shots: list[Shot]
    classes: list[str]
    document: Any = None
    encode: Callable[[str], bytes] = str.encode
    moves: list[tuple[str, str]] = field(default_factory=list)
    files: dict[str, bytes] = field(default_factory=dict)
    opened: str = ""
    prefix: str = ""
    is_cut: bool = False
    other_readings: list[list[Shot]] = field(default_factory=list)
    after: list[Callable[[Path], None]] = field(default_factory=list)

    def place_of(self, shot: Shot) -> str:
        """The path of a shot's picture among the files."""
        return next(path for path, data in self.files.items() if data is shot.data)

    def annotation_files(self) -> list[str]:
        """The paths of the files that hold boxes."""
        suffix = {"coco": ".json", "yolo": ".txt", "voc": ".xml"}[self.form]
        pictures = {shot.data for shot in self.shots}
        return [path for path, data in self.files.items() if path.endswith(suffix) and data not in pictures]


def encoded(pixels: np.ndarray, suffix: str, orientation: int = 1) -> bytes:
    """The bytes of a picture's file, with an EXIF orientation where it is not 1."""
    stream = io.BytesIO()
    picture = PillowImage.fromarray(pixels)
    exif = PillowImage.Exif()
    exif[0x0112] = orientation
    options = {"exif": exif} if orientation != 1 else {}
    picture.save(stream, FORMATS.get(suffix.lower(), "PNG"), **options)
    return stream.getvalue()


def draw(form: str, seed: int) -> Draft:
    """Three to six pictures of noise with up to five boxes each, one of them without any.

    The first box of a picture reaches near its right and lower border, so that corners or another scale show. VOC
    has whole pixels, COCO and YOLO quarters; crowds are COCO's and VOC's.
    """
    rng = random.Random(f"{form} {seed}")
    classes = rng.sample(CLASSES, rng.choice((3, 4)))
    shots = [_shot(form, rng, classes, f"street_{number}", number == 1) for number in range(1, rng.randint(3, 6))]
    shots.insert(rng.randrange(1, len(shots) + 1), replace(_shot(form, rng, classes, "nobody", False), boxes=()))
    return Draft(form, rng, shots, classes)


def _shot(form: str, rng: random.Random, classes: list[str], stem: str, is_first: bool) -> Shot:
    width, height = rng.randint(49, 96), rng.randint(33, 48)
    first = (rng.randint(2, 9), rng.randint(2, 9))
    corner = (*first, width - first[0] - rng.randint(1, 4), height - first[1] - rng.randint(1, 4))
    places = [corner, *(_place(rng, width, height) for _ in range(rng.randint(2 if is_first else 0, 4)))]
    boxes = tuple(_box(form, rng, rng.choice(classes), place, number) for number, place in enumerate(places))
    pixels = np.random.default_rng(rng.randrange(2**32)).integers(0, 256, (height, width, 3), np.uint8)
    return Shot(stem, ".png", (width, height), boxes, encoded(pixels, ".png"))


def _place(rng: random.Random, width: int, height: int) -> tuple[int, int, int, int]:
    box = rng.randint(4, width - 12), rng.randint(4, height - 12)
    return *box, rng.randint(5, width - box[0] - 3), rng.randint(5, height - box[1] - 3)


def _box(form: str, rng: random.Random, name: str, place: tuple[int, ...], number: int) -> Box:
    shift = 0.0 if form == "voc" else rng.choice((0.0, 0.25, 0.5))
    left, top, width, height = place
    xywh = (left + shift, top + shift, float(width), float(height))
    crowd = form != "yolo" and number > 0 and rng.random() < 0.2
    return Box(name, xywh, crowd, round(width * height * 0.75, 2) if form == "coco" else None)


def document_of(draft: Draft) -> Any:
    """The drawn dataset in its format's terms, still plain values."""
    return {"coco": _coco, "yolo": _yolo, "voc": _voc}[draft.form](draft)


def _coco(draft: Draft) -> dict[str, Any]:
    categories = [{"id": number, "name": name, "supercategory": "x"} for number, name in enumerate(draft.classes, 1)]
    ids = {category["name"]: category["id"] for category in categories}
    images, annotations = [], []
    for image_id, shot in enumerate(draft.shots, start=1):
        width, height = shot.size
        images.append({"id": image_id, "file_name": shot.name, "width": width, "height": height})
        for box in shot.boxes:
            record = {"id": len(annotations) + 1, "image_id": image_id, "category_id": ids[box.name]}
            annotations.append(record | {"bbox": list(box.xywh), "area": box.area, "iscrowd": int(box.crowd)})
    return {"info": {}, "licenses": [], "images": images, "annotations": annotations, "categories": categories}


def _yolo(draft: Draft) -> dict[str, Any]:
    labels = {
        index: [
            f"{draft.classes.index(box.name)} {' '.join(map(_exact, shares(box, shot.size)))}" for box in shot.boxes
        ]
        for index, shot in enumerate(draft.shots)
    }
    return {"yaml": {"path": ".", "val": "images/val", "names": list(draft.classes)}, "labels": labels}


def shares(box: Box, size: tuple[int, int]) -> tuple[float, float, float, float]:
    """YOLO's centre, width and height in shares of the picture."""
    left, top, width, height = box.xywh
    return (left + width / 2) / size[0], (top + height / 2) / size[1], width / size[0], height / size[1]


def _exact(share: float) -> str:
    return f"{share:.12f}"


def _voc(draft: Draft) -> dict[int, str]:
    return {index: _xml(shot) for index, shot in enumerate(draft.shots)}


def _xml(shot: Shot) -> str:
    objects = "".join(_xml_object(box) for box in shot.boxes)
    file_name = escape(Path(shot.name).name.encode(errors="replace").decode())
    return (
        f"<annotation>\n<folder>VOC</folder>\n<filename>{file_name}</filename>\n<size><width>{shot.size[0]}</width>"
        f"<height>{shot.size[1]}</height><depth>3</depth></size>\n{objects}</annotation>\n"
    )


def _xml_object(box: Box) -> str:
    left, top, width, height = map(int, box.xywh)
    return (
        f"<object><name>{escape(box.name)}</name><truncated>0</truncated><difficult>{int(box.crowd)}</difficult>"
        f"<bndbox><xmin>{left + 1}</xmin><ymin>{top + 1}</ymin><xmax>{left + width}</xmax><ymax>{top + height}</ymax>"
        "</bndbox></object>\n"
    )


PICTURES = {"coco": "images/", "yolo": "images/val/", "voc": "JPEGImages/"}
LABELS = {"coco": "annotations.json", "yolo": "labels/val/", "voc": "Annotations/"}


def render(draft: Draft) -> None:
    """Make files of the document: annotations first, then the pictures."""
    for path, text in _annotations(draft):
        draft.files[_moved(draft, path)] = text
    for shot in draft.shots:
        draft.files[_moved(draft, PICTURES[draft.form] + shot.name)] = shot.data


def _annotations(draft: Draft) -> list[tuple[str, bytes]]:
    place = LABELS[draft.form]
    if draft.form == "coco":
        return [(place, draft.encode(json.dumps(draft.document, indent=draft.rng.choice((None, 1)))))]
    if draft.form == "voc":
        return [(f"{place}{draft.shots[i].stem}.xml", draft.encode(xml)) for i, xml in draft.document.items()]
    described = yaml.safe_dump(draft.document["yaml"], sort_keys=False, allow_unicode=True)
    texts = {_label_path(place, draft.shots[i].stem): lines for i, lines in draft.document["labels"].items()}
    texts = {path: "".join(f"{line}\n" for line in lines) for path, lines in texts.items()}
    written = [(path, draft.encode(text)) for path, text in texts.items() if text or draft.rng.random() < 0.5]
    return [("data.yaml", described.encode()), *written]


def _label_path(place: str, stem: str) -> str:
    """Where ultralytics finds the labels: the last folder called images is labels."""
    before, last, after = f"/{stem}".rpartition("/images/")
    return f"{PICTURES['yolo'].rstrip('/')}{before}/labels/{after}.txt" if last else f"{place}{stem}.txt"


def _moved(draft: Draft, path: str) -> str:
    move = next(((old, new) for old, new in draft.moves if path.startswith(old)), ("", ""))
    return move[1] + path.removeprefix(move[0])


def put(draft: Draft, folder: Path) -> None:
    """Write the files into a folder, then do to the folder what mutations want done there."""
    for name, content in draft.files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    for change in draft.after:
        change(folder)
