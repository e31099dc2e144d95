"""A whole run as a script of the usual tools does it, step after step: what `speed.py whole` measures beside.

`python tests/bench/plain_run.py LIMIT OUT` restores the embedded streets, blurred and sharp, with DeblurGAN and pix2pix
of plain modules, detects with ultralytics and scores with pycocotools and scikit-image. Prints mAP by arm and PSNR.
"""

import contextlib
import io
import json
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image as PillowImage
from plain_nets import plain_generator, through, with_skip
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval
from skimage.metrics import peak_signal_noise_ratio, structural_similarity
from torch import Tensor

from detbench.detectors.ultralytics_yolo import from_safetensors
from detbench.nets.deblurgan import Generator
from detbench.nets.pix2pix import UNet
from detbench.nets.weights import load_weights

STREETS = Path("datasets/streets")
WANG = {"channel_axis": 2, "gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False, "data_range": 255}

Restore = Callable[[np.ndarray], np.ndarray]
Column = np.ndarray | Tensor


def main(limit: int, out: Path) -> dict[str, float]:
    """mAP of every arm, and PSNR and SSIM of every arm but the sharp one."""
    truth = first_pictures(json.loads((STREETS / "annotations.json").read_text()), limit)
    names = [image["file_name"] for image in truth["images"]]
    nets = {"deblurgan": deblurgan(), "pix2pix": pix2pix()}
    folders = {"sharp": STREETS / "images", "blurred": STREETS / "blurred"}
    for arm, restore in nets.items():
        for source in ("blurred", "sharp"):
            folder = out / f"{arm}-{source}"
            folder.mkdir(parents=True)
            for name in names:
                PillowImage.fromarray(restore(read(picture(folders[source], name)))).save(folder / f"{name}.png")
            folders[arm if source == "blurred" else f"{arm} on sharp"] = folder
    model = from_safetensors(Path("models/yolov8n-streets/weights.safetensors"))
    numbers = {arm: mean_average_precision(truth, found(model, folder, truth)) for arm, folder in folders.items()}
    for arm in ("blurred", *nets):
        pairs = [(read(picture(folders[arm], name)), read(picture(folders["sharp"], name))) for name in names]
        numbers[f"{arm} psnr_db"] = float(np.mean([peak_signal_noise_ratio(a, b, data_range=255) for a, b in pairs]))
        numbers[f"{arm} ssim"] = float(np.mean([structural_similarity(a, b, **WANG) for a, b in pairs]))
    return numbers


def first_pictures(truth: dict[str, Any], limit: int) -> dict[str, Any]:
    """The annotations of the first pictures by id."""
    images = sorted(truth["images"], key=lambda image: image["id"])[:limit]
    kept = {image["id"] for image in images}
    return {**truth, "images": images, "annotations": [a for a in truth["annotations"] if a["image_id"] in kept]}


def picture(folder: Path, name: str) -> Path:
    """The file of a picture: a dataset's own, or one that was restored."""
    return next(folder / file for file in (f"{name}.png", name) if (folder / file).exists())


def read(path: Path) -> np.ndarray:
    """RGB, shape (H, W, 3)."""
    return np.array(PillowImage.open(path).convert("RGB"))


def deblurgan() -> Restore:
    """DeblurGAN as public code has it; its global skip and limits as well."""
    ours = Generator()
    load_weights(ours, Path("models/deblurgan"), "deblurgan")
    whole = with_skip(plain_generator(ours).eval())
    return lambda pixels: levels(through(whole, pixels))


def pix2pix() -> Restore:
    """The U-Net as it stands, in the memory format NCHW; sides reflected up to multiples of 256."""
    net = UNet()
    load_weights(net, Path("models/pix2pix"), "pix2pix")

    def restore(pixels: np.ndarray) -> np.ndarray:
        height, width = pixels.shape[:2]
        padded = np.pad(pixels, ((0, -height % 256), (0, -width % 256), (0, 0)), mode="reflect")
        return levels(through(net.eval(), padded))[:height, :width]

    return restore


def levels(values: np.ndarray) -> np.ndarray:
    """Values 0..1 as 8 bits."""
    return np.rint(values.clip(0, 1) * 255).astype(np.uint8)


def found(model: Any, folder: Path, truth: dict[str, Any]) -> list[dict[str, Any]]:
    """The 100 best boxes of every picture, as COCO results."""
    numbers, results = category_ids(model.names, truth), []
    for image in truth["images"]:
        file = str(picture(folder, image["file_name"]))
        boxes = model.predict(file, conf=0.001, iou=0.7, max_det=100, imgsz=640, device="cpu", verbose=False)[0].boxes
        results += coco_results(image["id"], boxes.xyxy, boxes.conf, boxes.cls.int(), numbers)
    return results


def category_ids(names: Mapping[int, str], truth: dict[str, Any]) -> dict[int, int]:
    """The dataset's category of each of a detector's labels that it knows."""
    known = {category["name"]: category["id"] for category in truth["categories"]}
    return {label: known[name] for label, name in names.items() if name in known}


def coco_results(
    image_id: int, boxes: Column, scores: Column, labels: Column, category_ids: Mapping[int, int]
) -> Iterator[dict[str, Any]]:
    """Boxes, two corners each, of classes that the dataset knows."""
    for (left, top, right, bottom), score, label in zip(boxes.tolist(), scores.tolist(), labels.tolist(), strict=True):
        if label in category_ids:
            box = [left, top, right - left, bottom - top]
            yield {"image_id": image_id, "category_id": category_ids[label], "bbox": box, "score": score}


def mean_average_precision(truth: dict[str, Any], results: list[dict[str, Any]]) -> float:
    """COCO's, over IoU .5 to .95."""
    return float(evaluated(COCO, COCOeval, truth, results).stats[0])


def evaluated(coco: Any, scorer: Any, truth: Mapping[str, Any], results: list[dict[str, Any]]) -> Any:
    """From documents in memory to the twelve numbers, by pycocotools' classes or others that are used alike.

    They write into the annotations that they are given.
    """
    with contextlib.redirect_stdout(io.StringIO()):
        index = coco()
        index.dataset = dict(truth)
        index.createIndex()
    return scored(index, scorer, results)


def scored(truth: Any, scorer: Any, results: Any) -> Any:
    """From an indexed truth and what its `loadRes` takes to the twelve numbers, in silence."""
    with contextlib.redirect_stdout(io.StringIO()):
        evaluator = scorer(truth, truth.loadRes(results), "bbox")
        evaluator.evaluate()
        evaluator.accumulate()
        evaluator.summarize()
    return evaluator


if __name__ == "__main__":
    sys.stdout.write(json.dumps(main(int(sys.argv[1]), Path(sys.argv[2]))) + "\n")
