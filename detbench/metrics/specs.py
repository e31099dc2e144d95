"""Every metric, described once: tables, plots and the gate read direction, unit and definition from here."""

from detbench.types import MetricSpec

CONFIDENCE = 0.25
"""The stated confidence of precision, recall and F1: the operating point that a deployed YOLO usually runs at."""

MATCH_IOU = 0.5
"""The overlap from which a found box counts as a true one, for precision, recall and F1."""

PSEUDO_CONFIDENCE = 0.5
"""Detections on the sharp picture count as true boxes from here on, where truth is `pseudo`."""

_OPERATING_POINT = f"at confidence ≥ {CONFIDENCE} and IoU ≥ {MATCH_IOU}, over all classes"


def _coco(key: str, title: str, what: str) -> MetricSpec:
    return MetricSpec(key, title, "", "higher", f"COCO's {what}, at most 100 detections a picture and class")


_ALL = (
    _coco("map", "mAP", "mean average precision over IoU .50:.95"),
    _coco("map50", "mAP50", "mean average precision at IoU .50"),
    _coco("map75", "mAP75", "mean average precision at IoU .75"),
    _coco("map_small", "mAP small", "mAP over boxes below 32² square pixels"),
    _coco("map_medium", "mAP medium", "mAP over boxes from 32² to 96² square pixels"),
    _coco("map_large", "mAP large", "mAP over boxes above 96² square pixels"),
    MetricSpec("ar1", "AR1", "", "higher", "COCO's average recall with 1 detection a picture and class"),
    MetricSpec("ar10", "AR10", "", "higher", "COCO's average recall with 10 detections a picture and class"),
    _coco("ar100", "AR100", "average recall over IoU .50:.95"),
    _coco("ar_small", "AR small", "average recall over boxes below 32² square pixels"),
    _coco("ar_medium", "AR medium", "average recall over boxes from 32² to 96² square pixels"),
    _coco("ar_large", "AR large", "average recall over boxes above 96² square pixels"),
    MetricSpec("precision", "Precision", "", "higher", f"found boxes that are true, {_OPERATING_POINT}"),
    MetricSpec("recall", "Recall", "", "higher", f"true boxes that are found, {_OPERATING_POINT}"),
    MetricSpec("f1", "F1", "", "higher", f"harmonic mean of precision and recall, {_OPERATING_POINT}"),
    MetricSpec(
        "psnr_db",
        "PSNR",
        "dB",
        "higher",
        "peak signal-to-noise ratio against the sharp picture, 8-bit RGB, range 255, mean over pictures",
    ),
    MetricSpec(
        "ssim",
        "SSIM",
        "",
        "higher",
        "structural similarity to the sharp picture (Wang 2004: Gaussian 11×11, σ 1.5), mean over RGB and pictures",
    ),
    MetricSpec("gap_recovered", "Gap recovered", "", "higher", "(mAP − mAP blurred) / (mAP sharp − mAP blurred)"),
    MetricSpec("harm", "Harm", "mAP", "lower", "mAP sharp − mAP of this deblurrer run on the sharp pictures"),
    MetricSpec(
        "restore_ms_p50", "Restoration p50", "ms", "lower", "median time to restore one picture, restoration alone"
    ),
    MetricSpec(
        "restore_ms_p95", "Restoration p95", "ms", "lower", "95th percentile of the time to restore one picture"
    ),
    MetricSpec(
        "restore_s_per_mpix", "Restoration", "s/MP", "lower", "time to restore a million pixels, restoration alone"
    ),
    MetricSpec("parameters_m", "Parameters", "M", "lower", "numbers that the network has learned, in millions"),
    MetricSpec(
        "gflop_per_mpix",
        "Arithmetic",
        "GFLOP/MP",
        "lower",
        "operations for a million pixels, two a multiplication, in convolutions and matrix products",
    ),
)

METRICS = {spec.key: spec for spec in _ALL}
"""Metric key to its description, in the order in which tables show them."""
