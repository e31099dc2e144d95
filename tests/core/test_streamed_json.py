"""Text in pieces is the text that the document has as a whole."""

import json
from typing import Any

import pytest

from detbench.core.streamed_json import canonical_pieces, indented_pieces

RECORDS = [{"b": 1, "a": [0.1, 2.0]}, {"a": "line\nbreak, é", "b": None}]
DOCUMENTS: list[dict[str, Any]] = [
    {"b": RECORDS, "a": {"x": {}, "c": []}},
    {"only": []},
    {"whole": RECORDS, "é": "text"},
    {},
]


def streamed(document: dict[str, Any]) -> dict[str, Any]:
    """The document with iterators in place of its lists."""
    return {key: iter(value) if isinstance(value, list) else value for key, value in document.items()}


@pytest.mark.parametrize("document", DOCUMENTS)
def test_pieces_join_to_the_whole_text(document: dict[str, Any]) -> None:
    """Both texts are those that json.dumps makes of lists, empty ones, nested ones and line breaks included."""
    canonical = json.dumps(document, sort_keys=True, separators=(",", ":"), allow_nan=False)
    assert "".join(canonical_pieces(streamed(document))) == canonical
    assert "".join(indented_pieces(streamed(document))) == json.dumps(document, indent=1, allow_nan=False)


def test_a_record_is_read_when_its_text_is() -> None:
    """No more than one record of an iterator is at hand."""
    read = []
    records = ({"number": read.append(number)} for number in range(3))
    pieces = indented_pieces({"records": records})
    assert (next(pieces), next(pieces)) == ("{", '\n "records": ')
    assert not read
    next(pieces)
    assert read == [0]


@pytest.mark.parametrize("pieces", [canonical_pieces, indented_pieces])
def test_what_is_no_number_is_refused(pieces: Any) -> None:
    """NaN raises ValueError, within a record too."""
    with pytest.raises(ValueError, match="JSON compliant"):
        list(pieces({"records": iter([{"area": float("nan")}])}))
