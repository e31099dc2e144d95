"""COCO's JSON read straight into columns: no dictionary is made of what only numbers are wanted of.

Records may hold more keys than these, which are passed over. Raises ValueError for any other text.
"""

from operator import attrgetter

import msgspec

from detbench.metrics.columns import FoundColumns, TrueColumns, found_columns, true_columns

_Box = tuple[float, float, float, float]


class _Numbered(msgspec.Struct, gc=False):
    id: int


class _TrueBox(msgspec.Struct, gc=False):
    id: int
    image_id: int
    category_id: int
    bbox: _Box
    area: float
    iscrowd: int


class _FoundBox(msgspec.Struct, gc=False):
    image_id: int
    category_id: int
    bbox: _Box
    score: float


class _Instances(msgspec.Struct):
    images: list[_Numbered]
    annotations: list[_TrueBox]
    categories: list[_Numbered]


_TRUTH, _RESULTS = msgspec.json.Decoder(_Instances), msgspec.json.Decoder(list[_FoundBox])


def true_columns_of(content: bytes) -> TrueColumns:
    """The columns of a text in COCO's instances format, equal to `true_columns` of its document."""
    return true_columns(msgspec.structs.asdict(_TRUTH.decode(content)), attrgetter)


def found_columns_of(content: bytes, truth: TrueColumns) -> FoundColumns:
    """The columns of a text in COCO's results format, equal to `found_columns` of its records."""
    return found_columns(_RESULTS.decode(content), truth, attrgetter)
