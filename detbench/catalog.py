"""The built-ins, one line each, as strings: reading this table imports none of them."""

from detbench.registry import Entry, Registry

TORCH = ("torch",)
ULTRALYTICS = ("ultralytics", "torch", "torchvision")
SCIPY = ("scipy", "numpy")

DEBLURRERS = Registry(
    kind="deblurrer",
    group="detbench.deblurrers",
    built_in=(
        Entry("identity", "detbench.deblurrers.identity:identity", "the picture as it is: every deblurrer's floor"),
        Entry("wiener", "detbench.deblurrers.wiener:Wiener", "oracle: Wiener filter told the kernel", None, SCIPY),
        Entry(
            "richardson_lucy",
            "detbench.deblurrers.richardson_lucy:RichardsonLucy",
            "oracle: Richardson-Lucy iterations told the kernel",
            None,
            SCIPY,
        ),
        Entry("deblurgan", "detbench.deblurrers.network:DeblurGAN", "Kupyn et al., CVPR 2018", "deblurgan", TORCH),
        Entry("nah", "detbench.deblurrers.network:Nah", "Nah et al., CVPR 2017, multi-scale", "nah", TORCH),
        Entry(
            "deep_generative_filter",
            "detbench.deblurrers.network:DeepGenerativeFilter",
            "Ramakrishnan et al., 2017, densely connected",
            "deep_generative_filter",
            TORCH,
        ),
        Entry("pix2pix", "detbench.deblurrers.network:Pix2pix", "Isola et al., CVPR 2017, U-Net", "pix2pix", TORCH),
    ),
)

DETECTORS = Registry(
    kind="detector",
    group="detbench.detectors",
    built_in=(
        Entry(
            "yolov8",
            "detbench.detectors.yolo:Yolo",
            "YOLOv8n trained on the embedded streets",
            "yolov8n-streets",
            ULTRALYTICS,
        ),
        Entry("blobs", "detbench.detectors.blobs:Blobs", "plain discs and squares by colour; needs no weights"),
    ),
)

DATASETS = Registry(kind="dataset", group="detbench.datasets", built_in=())
