"""Every metric that detbench has, described once; see `MetricSpec`. One of single pictures is an entry here and the
function that the entry names, and nothing else.
"""

import math
from typing import Any, Literal

from detbench.types import MetricSpec

CONFIDENCE = 0.25
"""The stated confidence of precision, recall and F1: the operating point that a deployed YOLO usually runs at."""

MATCH_IOU = 0.5
"""The overlap from which a found box counts as a true one, for precision, recall and F1."""

PSEUDO_CONFIDENCE = 0.5
"""Detections on the sharp picture count as true boxes from here on, where truth is `pseudo`."""

SHARE = (0.0, 1.0)
"""The limits of a share of a whole."""

NO_TRUE_BOX = "no true box"
NOT_RESTORED = "the pictures were restored elsewhere"
NOT_DETECTED = "the boxes were recorded, or found for the first picture alone"
NO_NETWORK = "no network that detbench can count"
"""Where several metrics have no value."""

_OPERATING_POINT = f"at confidence ≥ {CONFIDENCE} and IoU ≥ {MATCH_IOU}, over all classes"


def _coco(key: str, title: str, what: str, undefined: str = NO_TRUE_BOX, **shown: Any) -> MetricSpec:
    definition = f"COCO's {what}, at most 100 detections a picture and class"
    return MetricSpec(key, title, "", "higher", definition, limits=SHARE, undefined=undefined, **shown)


def _average_recall(key: str, most: str) -> MetricSpec:
    definition = f"COCO's average recall with {most} a picture and class"
    return MetricSpec(key, key.upper(), "", "higher", definition, limits=SHARE, undefined=NO_TRUE_BOX)


def _operating(key: str, title: str, what: str, undefined: str, **shown: Any) -> MetricSpec:
    where = f"{what}, {_OPERATING_POINT}"
    return MetricSpec(key, title, "", "higher", where, limits=SHARE, in_main_table=True, undefined=undefined, **shown)


def _in_terminal(letter: str) -> str:
    """A short title with the confidence that it is at: P @.25."""
    return f"{letter} @{CONFIDENCE:g}".replace("@0.", "@.")


def _cost(
    key: str, title: str, unit: str, definition: str, better: Literal["higher", "lower"] = "lower", **shown: Any
) -> MetricSpec:
    return MetricSpec(key, title, unit, better, definition, style="amount", is_paired=False, **shown)


def _artefact(
    key: str, title: str, unit: str, definition: str, alarm: str, alarm_from: float, **shown: Any
) -> MetricSpec:
    return MetricSpec(
        key,
        title,
        unit,
        "lower",
        definition,
        in_gate=False,
        limits=(0.0, math.inf),
        function=f"detbench.metrics.artefacts:{key}",
        needs_sharp=False,
        needs_blurred=True,
        undefined="never",
        alarm=alarm,
        alarm_from=alarm_from,
        **shown,
    )


def _of_benchmark(key: str, title: str, in_terminal: str, definition: str, function: str) -> MetricSpec:
    return MetricSpec(
        key,
        title,
        "dB",
        "higher",
        definition,
        style="number",
        in_main_table=True,
        terminal_title=in_terminal,
        on_card=True,
        limits=(0.0, math.inf),
        function=function,
        undefined="the picture equals a reference, or has none",
        of_benchmark=True,
    )


_ALL = (
    _coco(
        "map", "mAP", "mean average precision over IoU .50:.95", in_main_table=True, terminal_title="mAP", on_card=True
    ),
    _coco("map50", "mAP50", "mean average precision at IoU .50", in_main_table=True, on_card=True),
    _coco("map75", "mAP75", "mean average precision at IoU .75", in_main_table=True),
    _coco("map_small", "mAP small", "mAP over boxes below 32² square pixels", "no true box of this size"),
    _coco("map_medium", "mAP medium", "mAP over boxes from 32² to 96² square pixels", "no true box of this size"),
    _coco("map_large", "mAP large", "mAP over boxes above 96² square pixels", "no true box of this size"),
    _average_recall("ar1", "1 detection"),
    _average_recall("ar10", "10 detections"),
    _coco("ar100", "AR100", "average recall over IoU .50:.95"),
    _coco("ar_small", "AR small", "average recall over boxes below 32² square pixels", "no true box of this size"),
    _coco(
        "ar_medium", "AR medium", "average recall over boxes from 32² to 96² square pixels", "no true box of this size"
    ),
    _coco("ar_large", "AR large", "average recall over boxes above 96² square pixels", "no true box of this size"),
    _operating(
        "precision",
        "Precision",
        "found boxes that are true",
        "no box found",
        terminal_title=_in_terminal("P"),
        on_card=True,
    ),
    _operating(
        "recall", "Recall", "true boxes that are found", NO_TRUE_BOX, terminal_title=_in_terminal("R"), on_card=True
    ),
    _operating("f1", "F1", "harmonic mean of precision and recall", "no box, true or found"),
    MetricSpec(
        "psnr_db",
        "PSNR",
        "dB",
        "higher",
        "peak signal-to-noise ratio against the sharp picture, 8-bit RGB, range 255, mean over pictures",
        style="number",
        in_main_table=True,
        terminal_title="PSNR dB",
        on_card=True,
        limits=(0.0, math.inf),
        function="detbench.metrics.quality:psnr_db",
        undefined="the picture equals the sharp one, or there is none",
    ),
    _of_benchmark(
        "best_frame_psnr_db",
        "PSNR, best frame",
        "best dB",
        "PSNR against the best frame of the camera's path, after a fit of brightness and shift (Köhler et al. 2012)",
        "detbench.metrics.best_frame_quality:best_frame_psnr_db",
    ),
    _of_benchmark(
        "shifted_psnr_db",
        "PSNR, shifted",
        "shifted dB",
        "PSNR in grey at the best shift of at most 5 px, 15 px of border left out (Levin et al. 2009)",
        "detbench.metrics.shifted_quality:grey_shifted_psnr_db",
    ),
    MetricSpec(
        "ssim",
        "SSIM",
        "",
        "higher",
        "structural similarity to the sharp picture (Wang 2004: Gaussian 11×11, σ 1.5), mean over RGB and pictures",
        in_main_table=True,
        terminal_title="SSIM",
        on_card=True,
        limits=(-1.0, 1.0),
        function="detbench.metrics.quality:ssim",
        undefined="no sharp picture, or a side below 11 pixels",
    ),
    MetricSpec(
        "psnr_aligned_db",
        "PSNR, aligned",
        "dB",
        "higher",
        "PSNR after alignment: the picture fitted to the sharp one in brightness and by a homography, as for RealBlur",
        style="number",
        in_main_table=True,
        limits=(0.0, math.inf),
        function="detbench.metrics.aligned_quality:aligned_psnr_db",
        on_request=True,
        undefined="no sharp picture, or the two cannot be aligned",
    ),
    MetricSpec(
        "ssim_aligned",
        "SSIM, aligned",
        "",
        "higher",
        "SSIM after alignment: the picture fitted to the sharp one in brightness and by a homography, as for RealBlur",
        in_main_table=True,
        limits=(-1.0, 1.0),
        function="detbench.metrics.aligned_quality:aligned_ssim",
        on_request=True,
        undefined="no sharp picture, or the two cannot be aligned",
    ),
    MetricSpec(
        "gmsd",
        "GMSD",
        "",
        "lower",
        "gradient magnitude similarity deviation from the sharp picture (Xue 2014, luminance), mean over pictures",
        limits=(0.0, math.inf),
        function="detbench.metrics.gmsd:gmsd",
        undefined="no sharp picture",
    ),
    MetricSpec(
        "blur_effect",
        "Blur effect",
        "",
        "lower",
        "share of its edges that a picture keeps when blurred again (Crete 2007), no reference; noise lowers it",
        in_gate=False,
        limits=SHARE,
        function="detbench.metrics.blur_effect:blur_effect",
        needs_sharp=False,
        undefined="the picture is flat",
    ),
    MetricSpec(
        "laplacian_variance",
        "Laplacian variance",
        "levels²",
        "higher",
        "variance of the Laplacian in luminance, no reference; noise and contrast raise it",
        style="number",
        decimals=0,
        in_gate=False,
        limits=(0.0, math.inf),
        function="detbench.metrics.laplacian_variance:laplacian_variance",
        needs_sharp=False,
        undefined="never",
    ),
    _artefact(
        "ringing",
        "Ringing",
        "levels",
        "mean overshoot around edges beyond the input's own range (after Marziliano 2004, luminance)",
        "rings",
        3.0,
        style="number",
    ),
    _artefact(
        "colour_shift",
        "Colour shift",
        "",
        "mean distance from the input's colours in a and b of CIELAB, over 12 parts of the picture",
        "shifts colours",
        2.3,
        style="number",
    ),
    _artefact(
        "seams",
        "Seams",
        "levels",
        "jump of what was changed, at columns or rows in equal distances from 8 px on",
        "has seams",
        1.0,
        style="number",
    ),
    _artefact(
        "clipped",
        "Clipped",
        "",
        "share of the pixels that have a channel at 0 or 255 and had none there in the input",
        "clips values",
        0.15,
        style="percent",
    ),
    _artefact(
        "grid_db",
        "Grid",
        "dB",
        "how far the spectrum of what was changed rises at periods of 2 and 4 px above its surroundings (luminance)",
        "leaves a grid",
        12.0,
        style="number",
    ),
    MetricSpec(
        "gap_recovered",
        "Gap recovered",
        "",
        "higher",
        "(mAP − mAP blurred) / (mAP sharp − mAP blurred)",
        style="percent",
        undefined="no sharp pictures, or the run does not show that blur costs mAP",
        in_main_table=True,
        terminal_title="gap rec.",
        on_card=True,
    ),
    MetricSpec(
        "harm",
        "Harm",
        "mAP",
        "lower",
        "mAP sharp − mAP of this deblurrer run on the sharp pictures, both over those that it was run on (--harm)",
        undefined="no sharp pictures, or --harm none",
        in_main_table=True,
        terminal_title="harm",
        on_card=True,
    ),
    _cost(
        "restore_ms_p50",
        "Restoration p50",
        "ms",
        "median time to restore one picture, restoration alone",
        undefined=NOT_RESTORED,
    ),
    _cost(
        "restore_ms_p95",
        "Restoration p95",
        "ms",
        "95th percentile of the time to restore one picture",
        undefined=NOT_RESTORED,
    ),
    _cost(
        "restore_s_per_mpix",
        "Restoration",
        "s/MP",
        "time to restore a million pixels, restoration alone",
        undefined=NOT_RESTORED,
        in_main_table=True,
        terminal_title="s/MP",
    ),
    _cost(
        "detect_ms_p50",
        "Detection p50",
        "ms",
        "median time of the detector for one restored picture",
        undefined=NOT_DETECTED,
    ),
    _cost(
        "detect_ms_p95",
        "Detection p95",
        "ms",
        "95th percentile of the detector's time for one restored picture",
        undefined=NOT_DETECTED,
    ),
    _cost(
        "fps_p50",
        "With detector p50",
        "pictures/s",
        "pictures a second of deblurrer and detector in turn: 1000 / (restoration p50 + detection p50, in ms)",
        better="higher",
        undefined=f"{NOT_RESTORED}, or {NOT_DETECTED}",
    ),
    _cost(
        "fps_p95",
        "With detector p95",
        "pictures/s",
        "pictures a second of deblurrer and detector in turn where both are slow: of their times' 95th percentiles",
        better="higher",
        undefined=f"{NOT_RESTORED}, or {NOT_DETECTED}",
    ),
    _cost(
        "restore_peak_mib",
        "Memory",
        "MiB",
        "most memory at once to restore the first picture, beyond libraries and weights: the GPU's where torch uses "
        "one, else the process's",
        undefined="the system does not tell, or the pictures were restored elsewhere",
    ),
    _cost(
        "parameters_m",
        "Parameters",
        "M",
        "numbers that the network has learned, in millions",
        undefined=NO_NETWORK,
    ),
    _cost(
        "gflop_per_mpix",
        "Arithmetic",
        "GFLOP/MP",
        "operations for a million pixels, two a multiplication, in convolutions and matrix products",
        undefined=NO_NETWORK,
    ),
)

AT_CONFIDENCE = frozenset(("precision", "recall", "f1"))
"""The metrics that are at CONFIDENCE, which the heads of their columns say."""

METRICS = {spec.key: spec for spec in _ALL}
"""Metric key to its description, in the order in which tables show them; `metric_specs` has the installed ones too."""
