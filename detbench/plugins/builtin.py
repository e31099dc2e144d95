"""The built-ins, one line each, as strings: reading this table imports none of them."""

from detbench.core.licences import AGPL
from detbench.plugins.registry import Entry, Registry

TORCH = ("torch",)
ULTRALYTICS = ("ultralytics", "torch", "torchvision")
ONNX = ("onnxruntime", "numpy")
YOURS = "its author's"
DETECTORS_WITHOUT_ULTRALYTICS = (
    "It brings ultralytics, which is AGPL-3.0. These detectors do without: torchvision:MODEL, onnx:FILE, "
    "recorded:FOLDER, python:package.module:thing, blobs"
)

DEBLURRERS = Registry(
    kind="deblurrer",
    group="detbench.deblurrers",
    built_in=(
        Entry("identity", "detbench.deblurrers.identity:identity", "the picture as it is: every deblurrer's floor"),
        Entry("wiener", "detbench.deblurrers.non_blind:Wiener", "oracle: Wiener filter told the kernel", None, TORCH),
        Entry(
            "richardson_lucy",
            "detbench.deblurrers.non_blind:RichardsonLucy",
            "oracle: Richardson-Lucy told the kernel",
            None,
            TORCH,
        ),
        Entry(
            "tv",
            "detbench.deblurrers.non_blind:TotalVariation",
            "oracle: total variation told the kernel",
            None,
            TORCH,
        ),
        Entry(
            "blind",
            "detbench.deblurrers.blind:Blind",
            "finds the kernel itself, then total variation",
            "blind",
            TORCH,
            estimates_kernels=True,
            settings={"light": ("auto", "gamma", "linear"), "blur": ("uniform", "varying")},
        ),
        Entry(
            "deblurgan",
            "detbench.deblurrers.network:DeblurGAN",
            "Kupyn et al., CVPR 2018",
            "deblurgan",
            TORCH,
            source="arXiv 1711.07064",
        ),
        Entry(
            "nah",
            "detbench.deblurrers.network:Nah",
            "Nah et al., CVPR 2017, multi-scale",
            "nah",
            TORCH,
            source="arXiv 1612.02177",
        ),
        Entry(
            "deep_generative_filter",
            "detbench.deblurrers.network:DeepGenerativeFilter",
            "Ramakrishnan et al., 2017, densely connected",
            "deep_generative_filter",
            TORCH,
            source="arXiv 1709.03481",
        ),
        Entry(
            "pix2pix",
            "detbench.deblurrers.network:Pix2pix",
            "Isola et al., CVPR 2017, U-Net",
            "pix2pix",
            TORCH,
            source="arXiv 1611.07004",
        ),
        Entry(
            "nafnet",
            "detbench.deblurrers.network:HalfResolutionNAFNet",
            "Chen et al., ECCV 2022, at half resolution",
            "nafnet",
            TORCH,
            source="arXiv 2204.04676",
        ),
        Entry(
            "guided",
            "detbench.deblurrers.network:Guided",
            "nafnet that is shown what blind makes of the picture",
            "guided",
            more_weights=("blind",),
            distributions=TORCH,
            estimates_kernels=True,
        ),
    ),
)

DETECTORS = Registry(
    kind="detector",
    group="detbench.detectors",
    built_in=(
        Entry(
            "yolov8",
            "detbench.detectors.ultralytics_yolo:Yolo",
            "YOLOv8n trained on the embedded streets",
            "yolov8n-streets",
            ULTRALYTICS,
            source="ultralytics",
            licence=AGPL,
            extra="yolo",
            instead=DETECTORS_WITHOUT_ULTRALYTICS,
        ),
        Entry(
            "yolov8-blur",
            "detbench.detectors.ultralytics_yolo:Yolo",
            "the same, trained on blurred streets too",
            "yolov8n-streets-blur",
            ULTRALYTICS,
            source="ultralytics",
            licence=AGPL,
            extra="yolo",
            instead=DETECTORS_WITHOUT_ULTRALYTICS,
        ),
        Entry("blobs", "detbench.detectors.blobs:Blobs", "plain discs and squares; needs no weights"),
    ),
)

DATASETS = Registry(kind="dataset", group="detbench.datasets", built_in=())

DEBLURRER_KINDS = (
    Entry(
        "recorded",
        "detbench.deblurrers.recorded_pictures:RecordedPictures",
        "pictures that another program restored",
        argument="FOLDER",
        licence=YOURS,
        by_name=True,
    ),
    Entry(
        "onnx",
        "detbench.deblurrers.onnx_graph:OnnxDeblurrer",
        "an ONNX graph; ,range=-1..1 and ,multiple=4 describe its input",
        None,
        ONNX,
        argument="FILE",
        licence=YOURS,
        extra="onnx",
    ),
    Entry(
        "torchscript",
        "detbench.deblurrers.torch_graph:TorchScriptDeblurrer",
        "a TorchScript file; settings as onnx",
        None,
        TORCH,
        argument="FILE",
        licence=YOURS,
    ),
    Entry(
        "exported",
        "detbench.deblurrers.torch_graph:ExportedDeblurrer",
        "a program of torch.export (.pt2); settings as onnx",
        None,
        TORCH,
        argument="FILE",
        licence=YOURS,
    ),
    Entry(
        "python",
        "package.module:factory",
        "a function or class by its import path",
        argument="package.module:factory",
        licence=YOURS,
    ),
    Entry(
        "command",
        "detbench.deblurrers.command:CommandDeblurrer",
        "a program, once per picture; timeout=60 in front",
        argument="'tool {input} {output}'",
        licence=YOURS,
    ),
)
"""Deblurrers that are named by what they are made of: `KIND:WHAT`."""

DETECTOR_KINDS = (
    Entry(
        "recorded",
        "detbench.detectors.recorded_detections:RecordedDetections",
        "COCO results, a file for each arm",
        argument="FOLDER|FILE.json",
        licence=YOURS,
        by_name=True,
    ),
    Entry(
        "torchvision",
        "detbench.detectors.torchvision_models:TorchvisionDetector",
        "Faster R-CNN, RetinaNet, FCOS, SSD; ,weights=FILE,classes=FILE for your own",
        None,
        ("torchvision", "torch"),
        argument="MODEL",
        source="torchvision",
        licence="BSD-3-Clause",
    ),
    Entry(
        "onnx",
        "detbench.detectors.yolo_onnx:YoloOnnx",
        "a YOLO that ultralytics exported",
        None,
        (*ONNX, "opencv-python"),
        argument="FILE",
        licence=YOURS,
        extra="onnx",
    ),
    Entry(
        "python",
        "package.module:factory",
        "a detector or its factory by its import path",
        argument="package.module:factory",
        licence=YOURS,
    ),
)
"""Detectors that are named by what they are made of."""
